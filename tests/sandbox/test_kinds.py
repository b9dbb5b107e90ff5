"""A sandbox is a StratusLab cloud or an OpenNebula cloud, and has only what such a cloud has."""

from __future__ import annotations

import ssl
import xmlrpc.client
from pathlib import Path
from typing import Any

import pytest

from stratuslab_libcloud.sandbox import DEFAULT_USERS, KeepAlive, Sandbox

from .conftest import sections
from .opennebula.conftest import PASSWORDS, raw


@pytest.mark.parametrize(("version", "number"), [(None, "7.4.0"), ("7.4", "7.4.0"), ("6.10", "6.10.0")])
def test_the_version_of_opennebula(version: str | None, number: str) -> None:
    with Sandbox(kind="opennebula", version=version, users=PASSWORDS) as sandbox:
        assert raw(sandbox, "alice:secret", "one.system.version")[1] == number


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"kind": "openstack"}, "there is no kind of cloud 'openstack'; choose one of: stratuslab, opennebula"),
        ({"kind": "opennebula", "version": "5.4"}, "there is no OpenNebula '5.4' here; choose one of: 6.10, 7.4"),
        ({"version": "6.10"}, "a sandbox of the kind 'stratuslab' has no 'version'"),
        ({"kind": "opennebula", "machine_limit": 0}, "kind 'opennebula' has no 'machine_limit'"),
        ({"kind": "opennebula", "entries": "."}, "kind 'opennebula' has no 'entries'"),
        ({"kind": "opennebula", "empty_marketplace": True}, "kind 'opennebula' has no 'empty_marketplace'"),
        ({"kind": "opennebula", "state_file": "state"}, "kind 'opennebula' has no 'state_file'"),
        ({"kind": "opennebula", "keep_alive": KeepAlive()}, "kind 'opennebula' has no 'keep_alive'"),
        ({"kind": "opennebula", "start_seconds": 1}, "kind 'opennebula' has no 'start_seconds'"),
    ],
)
def test_what_a_kind_does_not_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=complaint):
        Sandbox(**options)


def test_an_opennebula_cloud_has_no_parts_of_stratuslab() -> None:
    with Sandbox(kind="opennebula") as sandbox:
        for part in ("state", "machines", "disks", "networks", "entries"):
            with pytest.raises(RuntimeError, match="look at its part 'opennebula'"):
                getattr(sandbox, part)
        for url in ("disks_url", "marketplace_url", "port_translation_url"):
            with pytest.raises(RuntimeError, match="no such service"):
                getattr(sandbox, url)


def test_a_stratuslab_cloud_has_no_parts_of_opennebula(sandbox: Sandbox) -> None:
    with pytest.raises(RuntimeError, match="look at its machines"):
        _ = sandbox.opennebula
    with pytest.raises(RuntimeError, match="no port for guests"):
        _ = sandbox.guest_port


def test_without_guests_there_is_no_port_for_them() -> None:
    with (
        Sandbox(kind="opennebula", guests=False) as sandbox,
        pytest.raises(RuntimeError, match="no port for guests"),
    ):
        _ = sandbox.guest_port


def test_its_users_have_random_passwords_unless_they_are_given() -> None:
    first, second = (Sandbox(kind="opennebula") for _ in range(2))
    assert tuple(first.users) == DEFAULT_USERS
    assert set(first.users.values()).isdisjoint(second.users.values())
    assert Sandbox(kind="opennebula", users=PASSWORDS).users == PASSWORDS


def test_its_section_of_a_configuration_file(tmp_path: Path) -> None:
    with Sandbox(kind="opennebula", users=PASSWORDS) as sandbox:
        written = sections(sandbox.write_config(tmp_path / "clouds.cfg", section="one", user="bob"))
        assert written["one"] == {
            "kind": "opennebula",
            "endpoint": f"{sandbox.url}/RPC2",
            "username": "bob",
            "password": "s3cret%x",
            "user_public_key_file": str(tmp_path / "clouds-key.pub"),
        }


def test_addresses_of_its_public_network() -> None:
    sandbox = Sandbox(kind="opennebula", public_network="127.44.0.0/16")
    assert str(sandbox.opennebula.public_network) == "127.44.0.0/16"
    assert sandbox.opennebula.networks[0].ranges[0].size == 2**16 - 3


def test_it_speaks_tls(tmp_path: Path) -> None:
    with Sandbox(kind="opennebula", users=PASSWORDS, tls=True) as sandbox:
        context = ssl.create_default_context(cafile=sandbox.ca_file)
        assert sandbox.compute_url.startswith("https://")
        with xmlrpc.client.ServerProxy(sandbox.compute_url, context=context) as proxy:
            assert proxy.one.system.version("alice:secret")[0]  # type: ignore[index]
        written = sections(sandbox.write_config(tmp_path / "clouds.cfg"))
        assert written["default"]["tls_ca_bundle"] == str(sandbox.ca_file)


def test_it_can_be_out_of_reach() -> None:
    with Sandbox(kind="opennebula", users=PASSWORDS) as sandbox:
        with sandbox.out_of_reach(), pytest.raises(ConnectionRefusedError):
            raw(sandbox, "alice:secret", "one.system.version")
        assert raw(sandbox, "alice:secret", "one.system.version")[0]


def test_the_images_that_it_is_to_have() -> None:
    """Those of the usual ones with these names, and plain new ones, on both kinds."""
    titles = ["Broken boot", "our analysis", "CentOS 6.5 base"]
    stratuslab = Sandbox(images=[*titles, "our analysis"])
    assert {entry.title for entry in stratuslab.entries.select()} == {*titles}
    [broken] = [entry for entry in stratuslab.entries.select() if entry.title == "Broken boot"]
    assert stratuslab.entries.behaviour(broken.identifier).boot_error
    opennebula = Sandbox(kind="opennebula", images=["rescue", "our analysis", "rescue"])
    assert [(each.name, each.type.name) for each in opennebula.opennebula.images.pool] == [
        ("rescue", "CDROM"),
        ("our analysis", "OS"),
    ]
    assert list(Sandbox(images=[]).entries.select()) == []
    for more in ({"entries": "folder"}, {"empty_marketplace": True}):
        with pytest.raises(ValueError, match="either 'images', or 'entries'"):
            Sandbox(images=["a"], **more)  # type: ignore[arg-type]
