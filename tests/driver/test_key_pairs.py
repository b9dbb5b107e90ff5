"""Key pairs as files of the user's."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest
from libcloud.compute.base import KeyPair, NodeImage
from libcloud.compute.deployment import ScriptDeployment
from libcloud.compute.types import KeyPairDoesNotExistError

from stratuslab_libcloud import OpenNebulaNodeDriver, StratusLabNodeDriver
from stratuslab_libcloud.errors import (
    InvalidArgumentError,
    KeyFileError,
    KeyPairNotFoundError,
    MissingDependencyError,
)
from stratuslab_libcloud.sandbox import Sandbox

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJpYUQ5cGqPZCTHGkPK0Y2mKSEW7mGIdLOnBO0XBLvLK jane@laptop"

Driver = StratusLabNodeDriver | OpenNebulaNodeDriver

needs_openssh = pytest.mark.skipif(which("ssh-keygen") is None, reason="ssh-keygen is not installed")


@pytest.fixture
def folder(clean_environment: Path) -> Path:
    """Where the pairs are by default."""
    return clean_environment / ".stratuslab" / "keys"


@pytest.fixture(params=[StratusLabNodeDriver, OpenNebulaNodeDriver])
def driver(request: pytest.FixtureRequest) -> Driver:
    """Of each kind; the calls ask no cloud."""
    return request.param("jane", "secret", host="one.example.org", port=1)  # type: ignore[no-any-return]


def test_a_pair_is_made_and_found_again(driver: Driver, folder: Path) -> None:
    assert driver.list_key_pairs() == []
    made = driver.create_key_pair("mine")
    assert made.private_key.startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert (folder / "mine").read_text() == made.private_key
    assert stat.S_IMODE((folder / "mine").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    found = driver.get_key_pair("mine")
    assert (found.name, found.public_key, found.fingerprint) == ("mine", made.public_key, made.fingerprint)
    assert found.private_key is None
    assert found.extra["private_key_file"] == str(folder / "mine")
    assert [pair.name for pair in driver.list_key_pairs()] == ["mine"]


def test_a_pair_is_deleted(driver: Driver, folder: Path) -> None:
    driver.create_key_pair("other")
    assert driver.delete_key_pair(driver.create_key_pair("mine")) is True
    assert sorted(file.name for file in folder.iterdir()) == ["other", "other.pub"]
    for call in (lambda: driver.get_key_pair("mine"), lambda: driver.delete_key_pair(_pair("mine", driver))):
        with pytest.raises(KeyPairNotFoundError, match="no key pair 'mine' in") as caught:
            call()
        assert isinstance(caught.value, KeyPairDoesNotExistError)
        assert caught.value.key_pair_name == "mine"
    with pytest.raises(InvalidArgumentError, match="a key pair"):
        driver.delete_key_pair("other")  # type: ignore[arg-type]


def _pair(name: str, driver: Driver) -> KeyPair:
    return KeyPair(name, PUBLIC_KEY, "", driver)


def test_a_public_key_is_imported(driver: Driver, key_file: Path) -> None:
    pair = driver.import_key_pair_from_string("a", f"  {PUBLIC_KEY}\n")
    assert (pair.public_key, pair.extra["private_key_file"]) == (PUBLIC_KEY, None)
    assert pair.fingerprint == "76:7d:05:be:c3:6c:8f:6f:0d:f8:d5:75:e2:f1:4a:09"
    assert driver.import_key_pair_from_file("b", str(key_file)).public_key == key_file.read_text().strip()


@needs_openssh
@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_fingerprints_are_those_of_openssh(driver: Driver, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", file], check=True)
    pair = driver.import_key_pair_from_file(kind, tmp_path / "key.pub")

    def shown(hash_name: str) -> str:
        command = ["ssh-keygen", "-l", "-E", hash_name, "-f", str(file)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[1]

    assert shown("md5") == f"MD5:{pair.fingerprint}"
    assert shown("sha256") == pair.extra["sha256"]


@needs_openssh
def test_openssh_reads_the_private_half(driver: Driver, folder: Path) -> None:
    made = driver.create_key_pair("mine")
    command = ["ssh-keygen", "-y", "-f", str(folder / "mine")]
    public = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert public.split()[:2] == made.public_key.split()[:2]


@pytest.mark.parametrize("name", ["", ".hidden", "../up", "a/b", "a b", "x.pub", "-x", "ü", "a\n", 5, None, "x" * 201])
def test_a_name_that_no_file_should_have(driver: Driver, name: str) -> None:
    for call in (
        driver.get_key_pair,
        driver.create_key_pair,
        lambda n: driver.import_key_pair_from_string(n, PUBLIC_KEY),
    ):
        with pytest.raises(InvalidArgumentError, match="cannot be the name of a key pair"):
            call(name)


def test_a_pair_that_is_there_is_not_overwritten(driver: Driver, folder: Path) -> None:
    driver.create_key_pair("mine")
    (folder / "half").write_text("something")
    for name in ("mine", "half"):
        for call in (driver.create_key_pair, lambda n: driver.import_key_pair_from_string(n, PUBLIC_KEY)):
            with pytest.raises(InvalidArgumentError, match=f"a key pair '{name}' already"):
                call(name)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nonsense", "no public key in OpenSSH's format"),
        ("ssh-rsa AAAA", "no public key in OpenSSH's format"),
        ("ssh-rsa " + PUBLIC_KEY.split()[1], "no public key in OpenSSH's format"),
        ("ssh-rsa A", "no public key in OpenSSH's format"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nsecret-text\n", "a private key; give its public half"),
    ],
)
def test_what_is_no_public_key_is_refused(driver: Driver, folder: Path, text: str, problem: str) -> None:
    with pytest.raises(KeyFileError, match=problem) as caught:
        driver.import_key_pair_from_string("x", text)
    assert "secret-text" not in str(caught.value)
    assert not (folder / "x.pub").exists()


def test_files_that_are_none_are_no_pairs(driver: Driver, folder: Path) -> None:
    driver.create_key_pair("mine")
    (folder / "broken.pub").write_bytes(b"\xff")
    (folder / "other file.pub").write_text(PUBLIC_KEY)
    assert [pair.name for pair in driver.list_key_pairs()] == ["mine"]
    with pytest.raises(KeyFileError, match=r"broken\.pub is not a public key"):
        driver.get_key_pair("broken")


def test_files_that_can_not_be_used(driver: Driver, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be read: No such file"):
        driver.import_key_pair_from_file("x", tmp_path / "none")
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where the folder should be")
    with pytest.raises(KeyFileError, match="cannot be written"):
        driver.create_key_pair("x")


def test_the_folder_can_be_chosen(sandbox: Sandbox, config_file: Path, tmp_path: Path) -> None:
    sandbox.write_config(config_file, key_pairs_directory=str(tmp_path / "a"))
    StratusLabNodeDriver(stratuslab_user_config=config_file).create_key_pair("mine")
    assert (tmp_path / "a" / "mine.pub").exists()
    driver = StratusLabNodeDriver(stratuslab_user_config=config_file, ex_key_pairs_directory=tmp_path / "b")
    driver.create_key_pair("mine")
    assert (tmp_path / "b" / "mine.pub").exists()


def test_without_the_package_that_makes_keys(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives", None)
    with pytest.raises(MissingDependencyError, match="cryptography"):
        driver.create_key_pair("mine")
    assert driver.import_key_pair_from_string("other", PUBLIC_KEY).name == "other"


def test_deploy_node_finds_the_private_half(tmp_path: Path) -> None:
    with Sandbox(boot_seconds=0) as sandbox:
        config = sandbox.write_config(tmp_path / "c.cfg", user_public_key_file=str(tmp_path / "none.pub"))
        driver = StratusLabNodeDriver(stratuslab_user_config=config)
        driver.create_key_pair("mine")
        image: NodeImage = next(image for image in driver.list_images() if image.name == "Ubuntu 14.04 server")
        script = ScriptDeployment("echo hello")
        node = driver.deploy_node(script, name="n", image=image, ex_keyname="mine")
        assert script.stdout.strip() == "hello"
        assert node.extra["key_name"] == "mine"
