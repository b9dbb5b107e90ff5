"""Every kind of key that people have, in every format, with a passphrase and without: each opens a machine."""

from __future__ import annotations

import base64
import contextlib
import gc
import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from libcloud.compute.deployment import ScriptDeployment

from stratuslab_libcloud.deployment.keys import (
    KeyFiles,
    MachineKeys,
    PublicKey,
    find_opener,
    load_private_key,
)
from stratuslab_libcloud.errors import KeyFileError

from .conftest import KEY, OTHER_KEY, Deploy, HouseDriver, private_text, public_text

PASSPHRASE = "correct horse, ünd so"

KEYS = {
    "RSA 2048": rsa.generate_private_key(65537, 2048),
    "RSA 4096": rsa.generate_private_key(65537, 4096),
    "ECDSA P-256": OTHER_KEY,
    "ECDSA P-384": ec.generate_private_key(ec.SECP384R1()),
    "ECDSA P-521": ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": KEY,
}
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


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(content: bytes | str, name: str = "key") -> Path:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


Write = Callable[..., Path]


def find(key: Any, *paths: Path, passphrase: str | None = None, required: bool = True, text: str | None = None) -> str:
    """Where the private half of a key was found."""
    machine_keys = MachineKeys(public_text(key) if text is None else text, "auth")
    with find_opener(machine_keys, KeyFiles(paths, "ssh_key", required), passphrase) as opener:
        return opener.origin


# What opens a machine


@pytest.mark.parametrize(("kind", "form", "passphrase"), FILES)
def test_key_file_opens_a_machine(
    kind: str, form: str, passphrase: str | None, write: Write, driver: HouseDriver, deploy: Deploy
) -> None:
    key = KEYS[kind]
    file = write(private_text(key, FORMATS[form], passphrase))
    driver.keys = [public_text(key)]
    script = ScriptDeployment("#!/bin/sh\necho done")
    deploy(script, ssh_key=str(file), ssh_key_password=passphrase, public_keys=public_text(key))
    assert script.stdout == "done\n"


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
@pytest.mark.parametrize("form", ["RFC4716", "PEM", "PKCS8"])
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")
def test_files_of_ssh_keygen_are_read(kind: str, form: str, passphrase: str, tmp_path: Path) -> None:
    file = tmp_path / "id"
    options = ["-q", "-t", kind, "-m", form, "-N", passphrase, "-f", str(file)]
    subprocess.run(["ssh-keygen", *options], check=True)
    key = load_private_key(file, passphrase or None)
    assert key is not None
    assert PublicKey.of(key) in MachineKeys(file.with_suffix(".pub").read_text(), "auth").parse()


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


def refused(deploy: Deploy, driver: HouseDriver, **options: Any) -> str:
    """What the user reads when deploy_node is called so."""
    with pytest.raises(KeyFileError) as caught:
        deploy(ScriptDeployment("true"), **options)
    assert not driver.nodes
    return str(caught.value)


@pytest.mark.parametrize(("kind", "form", "passphrase"), [file for file in FILES if file.values[2]])
def test_wrong_passphrase_is_known_at_once(
    kind: str, form: str, passphrase: str | None, write: Write, driver: HouseDriver, deploy: Deploy
) -> None:
    key = KEYS[kind]
    file = write(private_text(key, FORMATS[form], passphrase))
    message = refused(deploy, driver, ssh_key=file, ssh_key_password="wrong one", public_keys=public_text(key))
    assert message.startswith(f"ssh_key_password does not open the SSH key file {file}")
    assert "wrong one" not in message


def test_locked_file_without_passphrase(write: Write, driver: HouseDriver, deploy: Deploy) -> None:
    file = write(private_text(KEY, passphrase=PASSPHRASE))
    message = refused(deploy, driver, ssh_key=file)
    assert f"{file} is locked with a passphrase; give it with ssh_key_password" in message
    assert "ssh-add" in message


def test_missing_file(tmp_path: Path, driver: HouseDriver, deploy: Deploy) -> None:
    message = refused(deploy, driver, ssh_key=tmp_path / "nothing")
    assert f"{tmp_path / 'nothing'} can not be read: No such file or directory" in message


def test_folder_for_a_file(tmp_path: Path, driver: HouseDriver, deploy: Deploy) -> None:
    assert f"{tmp_path} can not be read: Is a directory" in refused(deploy, driver, ssh_key=tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(write: Write, driver: HouseDriver, deploy: Deploy) -> None:
    file = write(private_text(KEY))
    file.chmod(0)
    assert "Permission denied" in refused(deploy, driver, ssh_key=file)


def test_missing_configured_file(key_file: Path, driver: HouseDriver, deploy: Deploy) -> None:
    key_file.unlink()
    message = refused(deploy, driver)
    assert f"there is no SSH key file {key_file} (user_private_key_file of location 'here')" in message
    assert "ssh_key" in message


def test_private_key_of_another(write: Write, driver: HouseDriver, deploy: Deploy) -> None:
    file = write(private_text(OTHER_KEY))
    message = refused(deploy, driver, ssh_key=file)
    assert f"the private key in {file} (ssh_key) does not belong to the machine" in message
    assert MachineKeys(public_text(KEY), "auth").parse()[0].fingerprint in message
    assert "(auth)" in message


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "holds no private key"),
        (b"\x00\xff" * 100, "holds no private key"),
        (b"just text", "holds no private key"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "is damaged"),
        (private_text(KEY)[:150], "is damaged"),
        (public_text(KEY).encode(), "holds a public key; name the private one"),
        (b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "PuTTYgen"),
        (private_text(ed448.Ed448PrivateKey.generate(), PrivateFormat.PKCS8), "can not be used here"),
        (private_text(ec.generate_private_key(ec.SECP256K1()), PrivateFormat.PKCS8), "can not be used here"),
    ],
)
def test_file_that_is_no_usable_private_key(content: bytes, complaint: str, write: Write) -> None:
    file = write(content)
    with pytest.raises(KeyFileError, match=complaint) as caught:
        load_private_key(file, None)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
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
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2E=\n---- END SSH2 PUBLIC KEY ----", "one-line form"),
        ("sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t", "is a key of the kind sk-ssh-ed25519"),
        ("ssh-dss AAAAB3NzaC1kc3MAAAAA me", "is a DSA key, which SSH does not take any more"),
    ],
)
def test_machine_key_that_opens_nothing(text: str, complaint: str, driver: HouseDriver, deploy: Deploy) -> None:
    assert complaint in refused(deploy, driver, public_keys=text)


def test_a_usable_key_beside_a_dsa_key_will_do(write: Write) -> None:
    text = f"ssh-dss AAAAB3NzaC1kc3MAAAAA me\n{public_text(KEY)}"
    assert find(None, write(private_text(KEY)), text=text)


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


def test_fingerprint_is_the_one_of_ssh_keygen(tmp_path: Path) -> None:
    if not shutil.which("ssh-keygen"):
        pytest.skip("ssh-keygen is not installed")
    file = tmp_path / "key.pub"
    file.write_text(public_text(KEY))
    said = subprocess.run(["ssh-keygen", "-lf", str(file)], check=True, capture_output=True, text=True).stdout
    assert MachineKeys(public_text(KEY), "auth").parse()[0].fingerprint == said.split()[1]


# The agent


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_agent: None) -> Iterator[Callable[[Any], None]]:
    """An SSH agent; call it to add a key."""
    if not shutil.which("ssh-agent"):
        pytest.skip("ssh-agent is not installed")
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))

    def add(key: Any) -> None:
        subprocess.run(["ssh-add", "-q", "-"], input=private_text(key), check=True)

    with process:
        yield add
        process.terminate()


@pytest.mark.parametrize("kind", ["RSA 2048", "ECDSA P-256", "Ed25519"])
def test_key_of_an_agent_opens_a_machine(
    kind: str, agent: Callable[[Any], None], key_file: Path, driver: HouseDriver, deploy: Deploy
) -> None:
    key_file.unlink()
    agent(KEYS["RSA 4096"])
    agent(KEYS[kind])
    driver.keys = [public_text(KEYS[kind])]
    script = ScriptDeployment("echo done")
    deploy(script, public_keys=public_text(KEYS[kind]))
    assert script.stdout == "done\n"


def test_agent_opens_what_a_locked_file_would(agent: Callable[[Any], None], write: Write) -> None:
    agent(KEY)
    assert find(KEY, write(private_text(KEY, passphrase=PASSPHRASE))) == "the SSH agent"


def test_agent_has_another_key_only(
    agent: Callable[[Any], None], key_file: Path, driver: HouseDriver, deploy: Deploy
) -> None:
    key_file.unlink()
    agent(OTHER_KEY)
    assert "no SSH agent has its private half" in refused(deploy, driver)


# paramiko leaves its socket to the garbage collector then.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_something_that_is_no_agent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key_file: Path, driver: HouseDriver, deploy: Deploy
) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "agent"))
        listener.listen()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        answer = threading.Thread(target=lambda: listener.accept()[0].close())
        answer.start()
        key_file.unlink()
        assert "no SSH agent has its private half" in refused(deploy, driver)
        answer.join()
        gc.collect()


def test_file_goes_before_the_agent(agent: Callable[[Any], None], key_file: Path) -> None:
    agent(KEY)
    assert find(KEY, key_file) == str(key_file)


def test_missing_file_that_was_named_is_an_error_all_the_same(
    agent: Callable[[Any], None], tmp_path: Path, driver: HouseDriver, deploy: Deploy
) -> None:
    agent(KEY)
    refused(deploy, driver, ssh_key=tmp_path / "nothing")
