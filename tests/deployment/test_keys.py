"""Every kind of key that people have, in every format, with a passphrase and without: each opens a machine."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448
from cryptography.hazmat.primitives.serialization import PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from libcloud.compute.deployment import ScriptDeployment

from stratuslab_libcloud.deployment.keys import MachineKeys, load_private_key, public_half
from stratuslab_libcloud.errors import KeyFileError

from .conftest import (
    KEY,
    KEYS,
    OTHER_KEY,
    Deploy,
    ServerDriver,
    Write,
    find,
    private_text,
    public_text,
    refused,
)

PASSPHRASE = "correct horse, ünd so"

EMPTY_OPENSSH_KEY = b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
ED448_KEY = private_text(ed448.Ed448PrivateKey.generate(), PrivateFormat.PKCS8)
SECP256K1_KEY = private_text(ec.generate_private_key(ec.SECP256K1()), PrivateFormat.PKCS8)
FORMATS = {
    "OpenSSH": PrivateFormat.OpenSSH,
    "PEM": PrivateFormat.TraditionalOpenSSL,
    "PKCS#8": PrivateFormat.PKCS8,
}
FILES = [
    pytest.param(key, form, passphrase, id=f"{key}-{form}-{'locked' if passphrase else 'open'}")
    for key in KEYS
    for form in FORMATS
    for passphrase in (None, PASSPHRASE)
    if (key, form) != ("Ed25519", "PEM")  # there is no such format
]


# What opens a machine


@pytest.mark.parametrize(("kind", "form", "passphrase"), FILES)
def test_key_file_opens_a_machine(
    kind: str, form: str, passphrase: str | None, write: Write, driver: ServerDriver, deploy: Deploy
) -> None:
    key = KEYS[kind]
    file = write(private_text(key, FORMATS[form], passphrase))
    driver.keys = [public_text(key)]
    script = ScriptDeployment("#!/bin/sh\necho done")
    deploy(script, ssh_key=str(file), ssh_key_password=passphrase, public_keys=public_text(key))
    assert script.stdout == "done\n"


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
@pytest.mark.parametrize("form", ["RFC4716", "PEM", "PKCS8"])
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE], ids=["open", "locked"])
@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")
def test_files_of_ssh_keygen_are_read(kind: str, form: str, passphrase: str, tmp_path: Path) -> None:
    file = tmp_path / "id"
    size = {"rsa": ["-b", "2048"]}.get(kind, [])
    options = ["-q", "-t", kind, *size, "-a", "1", "-m", form, "-N", passphrase, "-f", str(file)]
    subprocess.run(["ssh-keygen", *options], check=True)
    key = load_private_key(file, passphrase or None)
    assert key is not None
    assert public_half(key) in MachineKeys(file.with_suffix(".pub").read_text(), "auth").parse()


def test_passphrase_of_an_open_file_is_not_used(write: Write) -> None:
    assert load_private_key(write(private_text(KEY)), "whatever") is not None


def test_the_key_that_fits_is_taken_from_several_files(write: Write) -> None:
    locked = write(private_text(KEYS["RSA 2048"], passphrase=PASSPHRASE), "one")
    fitting = write(private_text(OTHER_KEY), "two")
    for order in ([locked, fitting], [fitting, locked]):
        assert find(OTHER_KEY, *order) == str(fitting)


def test_any_of_the_machines_keys_will_do(write: Write) -> None:
    file = write(private_text(KEY))
    text = "\n".join(["# keys", public_text(OTHER_KEY), 'no-pty,from="10.*" ' + public_text(KEY)])
    assert find(None, file, text=text) == str(file)


@pytest.mark.parametrize("named", [str, Path, lambda path: [str(path)], lambda path: (path,)])
def test_ssh_key_is_a_path_or_several(named: Any, key_file: Path, deploy: Deploy) -> None:
    deploy(ScriptDeployment("true"), ssh_key=named(key_file))


def test_ssh_key_in_the_users_home(key_file: Path, deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(key_file.parent))
    deploy(ScriptDeployment("true"), ssh_key=f"~/{key_file.name}")


def test_without_ssh_key_the_configured_file_is_used(deploy: Deploy) -> None:
    deploy(ScriptDeployment("true"))


# What does not, which is known before a machine is started


@pytest.mark.parametrize(("kind", "form", "passphrase"), [file for file in FILES if file.values[2]])
def test_wrong_passphrase_is_known_at_once(
    kind: str, form: str, passphrase: str | None, write: Write, driver: ServerDriver, deploy: Deploy
) -> None:
    key = KEYS[kind]
    file = write(private_text(key, FORMATS[form], passphrase))
    message = refused(deploy, driver, ssh_key=file, ssh_key_password="wrong one", public_keys=public_text(key))
    assert message.startswith(f"ssh_key_password does not open the SSH key file {file}")
    assert "wrong one" not in message


def test_locked_file_without_passphrase(write: Write, driver: ServerDriver, deploy: Deploy) -> None:
    file = write(private_text(KEY, passphrase=PASSPHRASE))
    message = refused(deploy, driver, ssh_key=file)
    assert f"{file} is locked with a passphrase; give it with ssh_key_password" in message
    assert "ssh-add" in message


def test_missing_file(tmp_path: Path, driver: ServerDriver, deploy: Deploy) -> None:
    message = refused(deploy, driver, ssh_key=tmp_path / "nothing")
    assert f"{tmp_path / 'nothing'} cannot be read: No such file or directory" in message


def test_folder_for_a_file(tmp_path: Path, driver: ServerDriver, deploy: Deploy) -> None:
    assert f"{tmp_path} cannot be read: Is a directory" in refused(deploy, driver, ssh_key=tmp_path)


_NOBODY = 65534


@pytest.fixture
def without_privileges() -> Iterator[None]:
    """Root may read everything, so a test of what may not be read is somebody else for a while."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(_NOBODY)
    yield
    os.seteuid(own)


def test_unreadable_file(write: Write, driver: ServerDriver, deploy: Deploy, request: pytest.FixtureRequest) -> None:
    file = write(private_text(KEY))
    file.chmod(0)
    # First as who we are: what is imported, or measured, on the way may be in a folder that nobody else can read.
    refused(deploy, driver, ssh_key=file.with_name("nothing"))
    request.getfixturevalue("without_privileges")
    assert "Permission denied" in refused(deploy, driver, ssh_key=file)


def test_missing_configured_file(key_file: Path, driver: ServerDriver, deploy: Deploy) -> None:
    key_file.unlink()
    message = refused(deploy, driver)
    assert f"there is no SSH key file {key_file} (user_private_key_file of location 'here')" in message
    assert "ssh_key" in message


def test_private_key_of_another(write: Write, driver: ServerDriver, deploy: Deploy) -> None:
    file = write(private_text(OTHER_KEY))
    message = refused(deploy, driver, ssh_key=file)
    assert f"the private key in {file} (ssh_key) does not belong to the machine" in message
    assert MachineKeys(public_text(KEY), "auth").parse()[0].fingerprint in message
    assert "(auth)" in message


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(b"", "holds no private key", id="empty"),
        pytest.param(b"\x00\xff" * 100, "holds no private key", id="bytes"),
        pytest.param(b"just text", "holds no private key", id="text"),
        pytest.param(EMPTY_OPENSSH_KEY, "is damaged", id="nothing between the lines"),
        pytest.param(private_text(KEY)[:150], "is damaged", id="cut off"),
        pytest.param(public_text(KEY).encode(), "holds a public key; name the private one", id="public"),
        pytest.param(b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "PuTTYgen", id="PuTTY"),
        pytest.param(ED448_KEY, "cannot be used here", id="Ed448"),
        pytest.param(SECP256K1_KEY, "cannot be used here", id="secp256k1"),
    ],
)
def test_file_that_is_no_usable_private_key(content: bytes, complaint: str, write: Write) -> None:
    file = write(content)
    with pytest.raises(KeyFileError, match=complaint) as caught:
        load_private_key(file, None)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8], ids=["PEM", "PKCS#8"])
@pytest.mark.parametrize("passphrase", [None, PASSPHRASE], ids=["open", "locked"])
def test_dsa_key_in_pem(form: PrivateFormat, passphrase: str | None, write: Write) -> None:
    file = write(private_text(dsa.generate_private_key(1024), form, passphrase))
    with pytest.raises(KeyFileError, match="holds a DSA key, which SSH does not take any more") as caught:
        load_private_key(file, passphrase)
    assert "ssh-keygen -t ed25519" in str(caught.value)


def test_dsa_key_of_openssh(write: Write) -> None:
    blob = b"openssh-key-v1\0" + b"\0\0\0\4none" * 2 + b"\0\0\0\0\0\0\0\1\0\0\1\xb1\0\0\0\7ssh-dss" + bytes(400)
    body = base64.encodebytes(blob).decode()
    file = write(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}-----END OPENSSH PRIVATE KEY-----\n")
    with pytest.raises(KeyFileError, match="holds a DSA key"):
        load_private_key(file, None)


def test_no_message_has_the_key(write: Write) -> None:
    lines = private_text(KEY).decode().splitlines()
    lines[2] = "x" + lines[2][1:]
    file = write("\n".join(lines))
    with pytest.raises(KeyFileError) as caught:
        load_private_key(file, None)
    assert not any(line[5:20] in repr(caught.value) for line in lines[1:-1])


# The machine's own keys


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not one in OpenSSH's one-line form"),
        ("my key", "not one in OpenSSH's one-line form"),
        ("ssh-rsa AAAA", "not one in OpenSSH's one-line form"),
        ("ssh-ed448 AAAACXNzaC1lZDQ0OAAAAAF4", "is a key of the kind ssh-ed448"),
        ("ssh-dss AAAAB3NzaC1kc3MAAAAA me", "is a DSA key, which SSH does not take any more"),
        (f"# {public_text(KEY)}", "it is commented out; take the '#' away"),
        (f"  #{public_text(KEY)}#{public_text(OTHER_KEY)}", "it is commented out"),
        ("1024 65537 1234567890123456789012345678901234567890 me@host", "it is an RSA1 key"),
        (public_text(KEYS["RSA 2048"])[:70] + "\n" + public_text(KEYS["RSA 2048"])[70:], "wrapped over several lines"),
        (public_text(KEYS["RSA 2048"])[:70], "not one in OpenSSH's one-line form"),
    ],
    ids=[f"{number}" for number in range(10)],
)
def test_machine_key_that_opens_nothing(text: str, complaint: str, driver: ServerDriver, deploy: Deploy) -> None:
    assert complaint in refused(deploy, driver, public_keys=text)


def test_a_usable_key_beside_a_dsa_key_will_do(write: Write) -> None:
    text = f"ssh-dss AAAAB3NzaC1kc3MAAAAA me\n{public_text(KEY)}"
    assert find(None, write(private_text(KEY)), text=text)


@pytest.mark.parametrize(("form", "name"), [("RFC4716", "the format of RFC 4716"), ("PEM", "PEM"), ("PKCS8", "PKCS#8")])
@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")
def test_machine_key_in_a_format_of_others(
    form: str, name: str, write: Write, driver: ServerDriver, deploy: Deploy
) -> None:
    key = public_text(KEYS["RSA 2048"])
    file = write(key)
    foreign = subprocess.run(["ssh-keygen", "-e", "-m", form, "-f", file], check=True, capture_output=True, text=True)
    message = refused(deploy, driver, public_keys=foreign.stdout)
    assert f"in {name}" in message
    command = message.split("'")[1].replace("FILE", str(write(foreign.stdout, "foreign"))).split()
    converted = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert converted.split()[:2] == key.split()[:2]


@given(st.text())
def test_any_text_is_keys_or_a_clear_error(text: str) -> None:
    keys = []
    with contextlib.suppress(KeyFileError):
        keys = MachineKeys(text, "auth").parse()
    assert all(key.kind in text and key.blob in text for key in keys)


@given(st.binary(max_size=300))
def test_any_file_is_a_key_or_a_clear_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("any") / "key"
    file.write_bytes(content)
    with pytest.raises(KeyFileError, match=re.escape(str(file))):
        load_private_key(file, "passphrase")


@pytest.mark.parametrize("text", ["\ufeff{key}", "{key}\r\n", "\ufeff# keys\r\n\ufeff{key}\r\n"])
def test_public_keys_as_windows_writes_them(text: str, write: Write) -> None:
    text = text.format(key=public_text(KEY).strip())
    assert find(None, write(private_text(KEY)), text=text)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("passphrase", [None, PASSPHRASE], ids=["open", "locked"])
def test_private_key_as_windows_writes_it(form: str, passphrase: str | None, write: Write) -> None:
    key = KEYS["ECDSA P-256"]
    text = private_text(key, FORMATS[form], passphrase).replace(b"\n", b"\r\n")
    assert find(key, write(b"\xef\xbb\xbf" + text), passphrase=passphrase)


def test_fingerprint_is_the_one_of_ssh_keygen(tmp_path: Path) -> None:
    if not shutil.which("ssh-keygen"):
        pytest.skip("ssh-keygen is not installed")
    file = tmp_path / "key.pub"
    file.write_text(public_text(KEY))
    said = subprocess.run(["ssh-keygen", "-lf", str(file)], check=True, capture_output=True, text=True).stdout
    assert MachineKeys(public_text(KEY), "auth").parse()[0].fingerprint == said.split()[1]
