"""Ways into a machine that only OpenSSH can show: jump hosts, sudo, terminals, certificates and hardware keys."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from libcloud.compute.base import Node
from libcloud.compute.deployment import Deployment, FileDeployment, MultiStepDeployment, ScriptDeployment

from stratuslab_libcloud.errors import (
    DeploymentFailedError,
    InvalidArgumentError,
    KeyFileError,
    MissingDependencyError,
)

from .conftest import KEY, KEYS, OTHER_KEY, StartOpenSsh, private_text, public_text
from .openssh import USER, OneMachine, OpenSshServer

pytestmark = pytest.mark.skipif(not shutil.which("ssh"), reason="ssh is not installed")


def deploy(
    server: OpenSshServer,
    deployment: Deployment,
    private_key: Path = Path("/none"),
    public_keys: str = public_text(KEY),
    **options: Any,
) -> Node:
    return OneMachine(server.port).deploy(deployment, public_keys, private_key, **options)


def script(server: OpenSshServer, text: str) -> ScriptDeployment:
    return ScriptDeployment(f"#!/bin/sh\n{text}\n", name=f"{server.folder}/script.sh")


# Jump hosts


class JumpHost:
    """A host that a user has set up in OpenSSH's configuration, with another key than the machine's."""

    def __init__(self, start_openssh: StartOpenSsh, folder: Path) -> None:
        self.server = start_openssh("AllowTcpForwarding yes", authorized_keys=public_text(OTHER_KEY))
        self.key = folder / "jump_key"
        self.key.write_bytes(private_text(OTHER_KEY))
        self.key.chmod(0o600)
        known_host = f"[127.0.0.1]:{self.server.port} {self.server.host_key.with_suffix('.pub').read_text()}"
        self.known_hosts = folder / "known_hosts"
        self.known_hosts.write_text(known_host)
        self.config = folder / "ssh_config"
        self.configure("")

    @property
    def name(self) -> str:
        return f"{USER}@127.0.0.1:{self.server.port}"

    @property
    def used(self) -> bool:
        return "Accepted publickey" in (self.server.folder / "sshd.log").read_text()

    def configure(self, more: str) -> None:
        self.config.write_text(
            f"{more}\nHost *\nIdentityFile {self.key}\nIdentitiesOnly yes\nUserKnownHostsFile {self.known_hosts}\n"
        )


@pytest.fixture
def jump_host(start_openssh: StartOpenSsh, tmp_path: Path) -> JumpHost:
    return JumpHost(start_openssh, tmp_path)


def test_through_a_jump_host(jump_host: JumpHost, start_openssh: StartOpenSsh, key_file: Path) -> None:
    server = start_openssh()
    step = script(server, "echo in")
    deploy(server, step, key_file, ex_ssh_proxy_jump=jump_host.name, ex_ssh_config=jump_host.config)
    assert step.stdout == "in\n"
    assert jump_host.used


def test_through_two_jump_hosts(jump_host: JumpHost, start_openssh: StartOpenSsh, key_file: Path) -> None:
    server = start_openssh()
    step = script(server, "echo in")
    there = f"HostName 127.0.0.1\nPort {jump_host.server.port}\nUser {USER}"
    jump_host.configure(f"Host first\n{there}\nHost second\n{there}\n")
    deploy(server, step, key_file, ex_ssh_proxy_jump="first, second", ex_ssh_config=jump_host.config)
    assert step.stdout == "in\n"
    assert (jump_host.server.folder / "sshd.log").read_text().count("Accepted publickey") == 2


def test_connection_through_a_jump_host_is_made_again(
    jump_host: JumpHost, start_openssh: StartOpenSsh, key_file: Path
) -> None:
    class Breaks(Deployment):
        def run(self, node: Node, client: Any) -> Node:
            client.close()
            return node

    server = start_openssh()
    step = script(server, "echo in")
    options = {"ex_ssh_proxy_jump": jump_host.name, "ex_ssh_config": jump_host.config}
    deploy(server, MultiStepDeployment([Breaks(), step]), key_file, **options)
    assert step.stdout == "in\n"


@pytest.mark.parametrize(
    "setting",
    [
        'Match host 127.0.0.1 exec "test %p = PORT"\nProxyJump JUMP',
        'Match host 127.0.0.1 exec "test %p = PORT"\nProxyCommand ssh -F CONFIG -W %h:%p ssh://JUMP',
    ],
    ids=["ProxyJump", "ProxyCommand"],
)
def test_as_configured(setting: str, jump_host: JumpHost, start_openssh: StartOpenSsh, key_file: Path) -> None:
    server = start_openssh()
    setting = setting.replace("PORT", str(server.port)).replace("CONFIG", str(jump_host.config))
    jump_host.configure(setting.replace("JUMP", jump_host.name))
    step = script(server, "echo in")
    deploy(server, step, key_file, ex_ssh_config=jump_host.config)
    assert step.stdout == "in\n"
    assert jump_host.used


def test_configuration_without_a_proxy(jump_host: JumpHost, start_openssh: StartOpenSsh, key_file: Path) -> None:
    server = start_openssh()
    step = script(server, "echo in")
    deploy(server, step, key_file, ex_ssh_config=jump_host.config)
    assert step.stdout == "in\n"
    assert not jump_host.used


def test_without_ex_ssh_config_nothing_is_read(
    jump_host: JumpHost, start_openssh: StartOpenSsh, key_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trap = tmp_path / "bin" / "ssh"
    trap.parent.mkdir()
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/called\n")
    trap.chmod(0o755)
    monkeypatch.setenv("PATH", f"{trap.parent}:{os.environ['PATH']}")
    server = start_openssh()
    deploy(server, script(server, "true"), key_file)
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda host: host.known_hosts.write_text(""), "Host key verification failed"),
        (lambda host: host.server.authorized_keys.write_text(""), "Permission denied"),
        (lambda host: host.config.write_text("Nonsense yes\n"), "Bad configuration option|terminating"),
    ],
    ids=["unknown host", "wrong key", "configuration"],
)
def test_jump_host_that_does_not_let_through(
    spoil: Any, words: str, jump_host: JumpHost, start_openssh: StartOpenSsh, key_file: Path
) -> None:
    server = start_openssh()
    spoil(jump_host)
    options = {"ex_ssh_proxy_jump": jump_host.name, "ex_ssh_config": jump_host.config, "timeout": 6}
    with pytest.raises(DeploymentFailedError, match=words):
        deploy(server, script(server, "true"), key_file, **options)
    if "onfiguration" in words:
        del options["ex_ssh_proxy_jump"]
        with pytest.raises(DeploymentFailedError, match="OpenSSH cannot read its configuration"):
            deploy(server, script(server, "true"), key_file, **options)


@pytest.mark.parametrize("hosts", ["", "-oProxyCommand=x", "a b", "a,", "a@-b", 7, ["a"]])
def test_what_is_no_jump_host(hosts: Any, start_openssh: StartOpenSsh, key_file: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="ex_ssh_proxy_jump must be a jump host"):
        OneMachine(1).deploy(ScriptDeployment("true"), public_text(KEY), key_file, ex_ssh_proxy_jump=hosts)


def test_jump_host_without_ssh(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/none")
    with pytest.raises(MissingDependencyError, match="reached with OpenSSH's client, ssh, which is not on the PATH"):
        OneMachine(1).deploy(ScriptDeployment("true"), public_text(KEY), key_file, ex_ssh_proxy_jump="gate")


# Sudo and terminals


@pytest.fixture
def sudo_server(start_openssh: StartOpenSsh) -> OpenSshServer:
    """A machine with a sudo that notes what it is asked for, and lets it be done."""
    server = start_openssh()
    sudo = server.folder / "bin" / "sudo"
    sudo.parent.mkdir()
    sudo.write_text(
        "#!/bin/sh\n"
        '[ -e $FOLDER/no-sudo ] && { echo "sudo: a password is required" >&2; exit 1; }\n'
        '[ "$1 $2 $3 $4" = "-n -H sh -c" ] || exit 9\n'
        'shift 2; echo "$*" >> $FOLDER/sudo.log; AS_ROOT=yes exec "$@"\n'
    )
    sudo.chmod(0o755)
    return server


def test_sudo(sudo_server: OpenSshServer, key_file: Path, tmp_path: Path) -> None:
    source, folder = tmp_path / "source", sudo_server.folder
    source.write_bytes(bytes(range(256)) * 1000)
    step = script(sudo_server, "echo as root: $AS_ROOT")
    deploy(
        sudo_server, MultiStepDeployment([FileDeployment(str(source), f"{folder}/file"), step]), key_file, ex_sudo=True
    )
    assert step.stdout == "as root: yes\n"
    assert (folder / "file").read_bytes() == source.read_bytes()
    log = (folder / "sudo.log").read_text()
    assert f"cat > {folder}/file" in log
    assert f"cat > {folder}/script.sh" in log


def test_sudo_that_wants_a_password(sudo_server: OpenSshServer, key_file: Path) -> None:
    (sudo_server.folder / "no-sudo").touch()
    with pytest.raises(DeploymentFailedError, match="it says: sudo: a password is required"):
        deploy(sudo_server, script(sudo_server, "true"), key_file, ex_sudo=True)


@pytest.mark.parametrize("terminal", [True, False])
def test_terminal(terminal: bool, start_openssh: StartOpenSsh, key_file: Path) -> None:
    server = start_openssh()
    step = script(server, "[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo terminal; cat; echo end >&2")
    deploy(server, step, key_file, ex_terminal=terminal)
    if terminal:
        assert step.stdout.replace("^D\b\b", "").split() == ["terminal", "end"]
    else:
        assert (step.stdout, step.stderr) == ("", "end\n")


# Keys


@pytest.mark.parametrize("kind", ["RSA 2048", "ECDSA P-256", "Ed25519"])
def test_certificate_beside_the_key(kind: str, start_openssh: StartOpenSsh, tmp_path: Path) -> None:
    authority, key = tmp_path / "authority", tmp_path / "id"
    key.write_bytes(private_text(KEYS[kind]))
    key.with_suffix(".pub").write_text(public_text(KEYS[kind]))
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", authority], check=True)
    subprocess.run(["ssh-keygen", "-q", "-s", authority, "-I", "me", "-n", USER, key.with_suffix(".pub")], check=True)
    server = start_openssh(f"TrustedUserCAKeys {authority}.pub", authorized_keys="")
    step = script(server, "echo in")
    deploy(server, step, key, public_text(KEYS[kind]))
    assert step.stdout == "in\n"


@pytest.mark.parametrize("certificate", ["nonsense", "ssh-ed25519-cert-v01@openssh.com AAAA"])
def test_certificate_that_is_none_is_no_reason_to_fail(
    certificate: str, start_openssh: StartOpenSsh, key_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key_file.with_name(f"{key_file.name}-cert.pub").write_text(certificate)
    server = start_openssh()
    step = script(server, "echo in")
    deploy(server, step, key_file)
    assert step.stdout == "in\n"


def string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


class HardwareKey:
    """An agent with a key of the kind sk-ssh-ed25519, which signs as a security key does that was touched."""

    kind = b"sk-ssh-ed25519@openssh.com"

    def __init__(self, path: Path) -> None:
        raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        self.blob = string(self.kind) + string(KEY.public_key().public_bytes(*raw)) + string(b"ssh:")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def public_text(self) -> str:
        import base64

        return f"{self.kind.decode()} {base64.b64encode(self.blob).decode()} me\n"

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError, struct.error):
                while True:
                    [size] = struct.unpack(">I", connection.recv(4, socket.MSG_WAITALL))
                    connection.sendall(string(self._answer(connection.recv(size, socket.MSG_WAITALL))))

    def _answer(self, request: bytes) -> bytes:
        if request[0] == 11:
            return b"\x0c" + struct.pack(">I", 1) + string(self.blob) + string(b"me")
        start = 1 + 4 + len(self.blob)
        [size] = struct.unpack(">I", request[start : start + 4])
        message = request[start + 4 : start + 4 + size]
        presence = struct.pack(">BI", 1, 7)
        signed = hashlib.sha256(b"ssh:").digest() + presence + hashlib.sha256(message).digest()
        return b"\x0e" + string(string(self.kind) + string(KEY.sign(signed)) + presence)


@pytest.fixture
def hardware_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HardwareKey]:
    key = HardwareKey(tmp_path / "agent")
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    yield key
    key.close()


def test_hardware_key_through_an_agent(hardware_key: HardwareKey, start_openssh: StartOpenSsh, tmp_path: Path) -> None:
    server = start_openssh(authorized_keys=hardware_key.public_text)
    step = script(server, "echo in")
    stub = tmp_path / "id_ed25519_sk"
    stub.write_text("what ssh-keygen keeps of a hardware key")
    deploy(server, step, stub, hardware_key.public_text)
    assert step.stdout == "in\n"


def test_hardware_key_without_an_agent(hardware_key: HardwareKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK")
    with pytest.raises(KeyFileError, match=r"a hardware key can only be used through an SSH agent.*ssh-add"):
        OneMachine(1).deploy(ScriptDeployment("true"), hardware_key.public_text, Path("/none"))


def test_text_of_a_key(start_openssh: StartOpenSsh) -> None:
    server = start_openssh()
    step = script(server, "echo in")
    deploy(server, step, ex_ssh_key_text=private_text(KEY).decode())
    assert step.stdout == "in\n"
    deploy(server, step, ex_ssh_key_text=private_text(KEY, passphrase="secret").decode(), ssh_key_password="secret")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            private_text(OTHER_KEY).decode(),
            "given with ex_ssh_key_text does not belong to the machine",
        ),
        (private_text(KEY, passphrase="x").decode(), "ex_ssh_key_text is locked with a passphrase"),
        (private_text(KEY).decode()[:90], "the key that was given with ex_ssh_key_text holds no private key"),
        (public_text(KEY), "the key that was given with ex_ssh_key_text holds a public key"),
        ("secret", "the key that was given with ex_ssh_key_text holds no private key"),
    ],
    ids=["another", "locked", "damaged", "public", "nonsense"],
)
def test_text_that_is_not_the_key(text: str, words: str) -> None:
    with pytest.raises(KeyFileError, match=words) as caught:
        OneMachine(1).deploy(ScriptDeployment("true"), public_text(KEY), Path("/none"), ex_ssh_key_text=text)
    assert not any(line in str(caught.value) for line in text.splitlines() if line)


def test_key_twice(key_file: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="ssh_key and ex_ssh_key_text cannot both be given"):
        OneMachine(1).deploy(ScriptDeployment("true"), "", key_file, ssh_key=key_file, ex_ssh_key_text="secret")
