"""The configuration file that a sandbox writes."""

from __future__ import annotations

import configparser
import stat
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stratuslab_libcloud.sandbox import Sandbox

from .conftest import sections


def test_the_configuration_file_is_private_and_quoted(tmp_path: Path) -> None:
    with Sandbox(users={"alice": "100%;x"}) as sandbox:
        path = sandbox.write_config(tmp_path / "cfg", public_key_file=tmp_path / "key.pub")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        parser = configparser.ConfigParser()
        parser.read(path)
        assert dict(parser["default"]) == {
            "endpoint": sandbox.compute_url,
            "pdisk_endpoint": sandbox.disks_url,
            "marketplace_endpoint": sandbox.marketplace_url,
            "username": "alice",
            "password": "100%;x",
            "user_public_key_file": str(tmp_path / "key.pub"),
            "port_translation": "true",
            "pat_service_host": urlsplit(sandbox.url).netloc,
            "pat_gateway_host": "127.0.0.1",
        }


def test_several_clouds_share_a_configuration_file(tmp_path: Path) -> None:
    path = tmp_path / "cfg"
    with Sandbox() as first, Sandbox() as second:
        first.write_config(path)
        second.write_config(path, section="second", user="bob", country="FR")
        parser = configparser.ConfigParser()
        parser.read(path)
        assert parser["default"]["endpoint"] == first.compute_url
        assert dict(parser["second"], endpoint="") | {"endpoint": second.compute_url} == {**dict(parser["second"])}
        assert parser["second"]["password"] == second.users["bob"]
        assert parser["second"]["country"] == "FR"


def test_a_key_that_the_file_names_stays(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "cfg"
    path.write_text("[default]\nuser_public_key_file = mine.pub\n")
    sandbox.write_config(path)
    assert sections(path)["default"]["user_public_key_file"] == "mine.pub"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_selects_its_section(sandbox: Sandbox, tmp_path: Path) -> None:
    path = sandbox.write_config(tmp_path / "cfg", section="home 100%")
    assert list(sections(path)) == ["default", "home 100%"]
    assert sections(path)["default"] == {"selected_section": "home 100%"}
    sandbox.write_config(path, section="other")
    assert sections(path)["default"]["selected_section"] == "home 100%"


@pytest.mark.parametrize("name", ["instance_types", "DEFAULT", "", " ", "a]", "a\nb = c", "a\rb", "\udc80"])
def test_names_that_no_section_can_have(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"section"):
        sandbox.write_config(tmp_path / "cfg", section=name)
    assert list(tmp_path.iterdir()) == []


def test_the_user_is_the_first_unless_said_otherwise(tmp_path: Path) -> None:
    with Sandbox(users={"jane": "a", "joe": "b"}) as sandbox:
        assert sections(sandbox.write_config(tmp_path / "cfg"))["default"]["username"] == "jane"
        assert sections(sandbox.write_config(tmp_path / "cfg", user="joe"))["default"]["password"] == "b"
        with pytest.raises(ValueError, match="there is no user 'alice'; choose one of: oneadmin, pdisk, jane, joe"):
            sandbox.write_config(tmp_path / "cfg", user="alice")


@pytest.mark.parametrize("content", [b"password = secret\n", b"[default]\nsecret\n", b"[default]\nname = \xff\n"])
def test_another_file_is_not_touched(sandbox: Sandbox, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cfg"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="cfg exists, but is not a configuration file") as refusal:
        sandbox.write_config(path)
    assert "secret" not in str(refusal.value)
    assert path.read_bytes() == content


def test_comments_and_what_else_is_there_stay(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "cfg"
    path.write_text(
        "# mine\n[default]\n# who I am\nUsername: jane\n  and more\nname = Home\nEndpoint = localhost\n\n"
        "# elsewhere\n[other]\nendpoint = x\n"
        "[DEFAULT]\nuser_public_key_file = mine.pub\n"
    )
    sandbox.write_config(path)
    before, _, rest = path.read_text().partition("Endpoint = ")
    assert before == "# mine\n[default]\n# who I am\nUsername : alice\nname = Home\n"
    assert rest.endswith("\n\n# elsewhere\n[other]\nendpoint = x\n[DEFAULT]\nuser_public_key_file = mine.pub\n")
    assert sections(path)["default"]["password"] == "secret"
    again = path.read_text()
    sandbox.write_config(path)
    assert path.read_text() == again


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[default]\na = secret\n[default]\nb = secret\n", r"cfg has the section \[default\] twice: make it one"),
        ("[default]\na = secret\na = secret\n", r"cfg has 'a' twice in \[default\]: remove one"),
    ],
)
def test_what_is_there_twice_is_not_guessed_about(sandbox: Sandbox, tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "cfg"
    path.write_text(content)
    with pytest.raises(ValueError, match=message) as refusal:
        sandbox.write_config(path)
    assert "secret" not in str(refusal.value)
    assert path.read_text() == content


def test_the_next_sandbox_leaves_nothing_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "cfg"
    path.write_text("[default]\nname = Mine\n# how long\nrequest_timeout = 9\n")
    with Sandbox(tls=True) as before:
        before.write_config(path, certificate=before.issue_certificate("Jane"))
        assert {"pem_key", "tls_ca_bundle", "pat_gateway_host"} < set(sections(path)["default"])
    keys = {"user_public_key_file", "name", "request_timeout"}
    with Sandbox(kind="opennebula") as opennebula:
        opennebula.write_config(path)
        assert set(sections(path)["default"]) == keys | {"kind", "endpoint", "username", "password"}
    with Sandbox(guests=False) as after:
        after.write_config(path)
        services = {"endpoint", "pdisk_endpoint", "marketplace_endpoint"}
        assert set(sections(path)["default"]) == keys | services | {"username", "password"}
    assert "name = Mine\n# how long\nrequest_timeout = 9\n" in path.read_text()


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("endpoint = https://cloud.example.org:2634/xmlrpc\nusername = jane", "endpoint"),
        ("endpoint = cloud.example.org", "endpoint"),
        ("endpoint = 10.0.0.1:2634", "endpoint"),
        ("endpoint = http://127.0.0.1@cloud.example.org/", "endpoint"),
        ("endpoint = http://[half/", "endpoint"),
        ("endpoint = %(host)s", "endpoint"),
        ("password = hidden", "password"),
        ("pem_key = mine.pem", "pem_key"),
    ],
)
def test_the_section_of_a_real_cloud_is_not_touched(sandbox: Sandbox, tmp_path: Path, content: str, key: str) -> None:
    path = tmp_path / "cfg"
    path.write_text(f"[default]\n{content}\n")
    with pytest.raises(ValueError, match="choose another file or section") as refusal:
        sandbox.write_config(path)
    assert f"the section [default] of {path} is not a sandbox's and has {key!r} already" in str(refusal.value)
    assert "hidden" not in str(refusal.value)
    assert path.read_text() == f"[default]\n{content}\n"
    assert list(tmp_path.iterdir()) == [path]
    sandbox.write_config(path, section="sandbox")
    assert path.read_text().startswith(f"[default]\n{content}\n")


@pytest.mark.parametrize("endpoint", ["localhost", "127.0.0.2:80", "http://[::1]:2633/RPC2", "https://LocalHost/x"])
def test_the_section_of_a_sandbox_is_written_again(sandbox: Sandbox, tmp_path: Path, endpoint: str) -> None:
    path = tmp_path / "cfg"
    path.write_text(f"[default]\nendpoint = {endpoint}\nusername = jane\n")
    assert sections(sandbox.write_config(path))["default"]["endpoint"] == sandbox.compute_url
