"""How a driver is made: by arguments, by OpenNebula's own files, by sections of the user's file."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
from libcloud.compute.providers import get_driver
from libcloud.compute.types import Provider

import stratuslab_libcloud
from stratuslab_libcloud import OpenNebulaNodeDriver
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError, RefusedCredentialsError
from stratuslab_libcloud.sandbox import Sandbox

from .conftest import PASSWORDS  # type: ignore[import-not-found]  # pytest finds it


def test_it_is_registered() -> None:
    assert get_driver("opennebula-xmlrpc") is OpenNebulaNodeDriver
    assert get_driver(Provider.OPENNEBULA_XMLRPC) is OpenNebulaNodeDriver  # type: ignore[attr-defined]
    assert stratuslab_libcloud.driver.OpenNebulaNodeDriver is OpenNebulaNodeDriver


def test_everything_as_texts(sandbox: Sandbox, version: str) -> None:
    port = sandbox.url.rpartition(":")[2]
    driver = OpenNebulaNodeDriver("alice", PASSWORDS["alice"], "false", "127.0.0.1", port, timeout="5")
    assert driver.ex_get_version().startswith(version)
    assert [location.id for location in driver.list_locations()] == ["default"]


def test_a_session_string_as_the_key(sandbox: Sandbox) -> None:
    driver = OpenNebulaNodeDriver(f"alice:{PASSWORDS['alice']}", host=sandbox.url)
    assert driver.list_nodes() == []


def test_opennebulas_own_variables(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "auth").write_text(f"alice:{PASSWORDS['alice']}\n")
    monkeypatch.setenv("ONE_AUTH", str(tmp_path / "auth"))
    monkeypatch.setenv("ONE_XMLRPC", f"{sandbox.url}/RPC2")
    assert OpenNebulaNodeDriver().list_nodes() == []


def test_sections_of_the_users_file(sandbox: Sandbox, tmp_path: Path, key_file: Path, version: str) -> None:
    file = tmp_path / "clouds.cfg"
    sandbox.write_config(file, section="first", public_key_file=key_file)
    with Sandbox(kind="opennebula", version=version, boot_seconds=0, guests=False) as other:
        other.write_config(file, section="second", public_key_file=key_file, name="Another")
        driver = OpenNebulaNodeDriver(stratuslab_user_config=file)
        assert [(place.id, place.name) for place in driver.list_locations()] == [
            ("first", "first"),
            ("second", "Another"),
        ]
        node = driver.create_node("n", image=driver.get_image("0", "second"), location="second")
        assert (node.location.id, driver.list_nodes()[0].extra["location"]) == ("second", "second")
        assert driver.list_nodes_in_location("first") == []


def test_a_wrong_password_and_a_token(sandbox: Sandbox, driver: OpenNebulaNodeDriver) -> None:
    """A token stands for the password; seconds 0 ends all of them."""
    token = driver.ex_login("60")
    with_token = OpenNebulaNodeDriver("alice", token, ex_endpoint=f"{sandbox.url}/RPC2")
    assert with_token.list_nodes() == []
    driver.ex_login(0)
    with pytest.raises(RefusedCredentialsError, match=r"^the user name with this password was refused: User couldn't"):
        with_token.list_nodes()


def test_certificates_are_not_how_opennebula_knows_its_users() -> None:
    with pytest.raises(TypeError, match="no argument 'ex_pem_certificate'"):
        OpenNebulaNodeDriver("a", "b", host="x", ex_pem_certificate="c.pem")


def test_no_user_anywhere() -> None:
    with pytest.raises(ConfigurationError, match="ONE_AUTH"):
        OpenNebulaNodeDriver()
    with pytest.raises(InvalidArgumentError):
        OpenNebulaNodeDriver("alice", "secret", host="x", port="none")


def test_a_forgotten_password() -> None:
    with pytest.raises(
        InvalidArgumentError, match=r"the password is missing: give secret= .*'user:password'.* ONE_AUTH"
    ):
        OpenNebulaNodeDriver("alice", ex_endpoint="https://one.example.org/RPC2")


def test_tls_with_a_sites_own_authority(version: str) -> None:
    with Sandbox(kind="opennebula", version=version, users=PASSWORDS, tls=True, guests=False) as sandbox:
        port = sandbox.url.rpartition(":")[2]
        driver = OpenNebulaNodeDriver(
            "alice", PASSWORDS["alice"], True, "127.0.0.1", port, ex_ca_cert=str(sandbox.ca_file)
        )
        assert driver.ex_get_version().startswith(version)


def test_no_password_in_a_representation_or_a_pickle(driver: OpenNebulaNodeDriver) -> None:
    assert "secret:with" not in repr(driver)
    assert b"secret:with" not in pickle.dumps(driver)
    assert copy.deepcopy(driver) is driver
    with pytest.raises(ConfigurationError, match="pickle"):
        pickle.loads(pickle.dumps(driver)).list_nodes()


def test_a_pickled_driver_that_reads_its_password_anew(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "auth").write_text(f"alice:{PASSWORDS['alice']}\n")
    monkeypatch.setenv("ONE_AUTH", str(tmp_path / "auth"))
    assert pickle.loads(pickle.dumps(OpenNebulaNodeDriver(host=sandbox.url))).list_nodes() == []
