"""Machines with real SSH servers, and a driver that knows how to start nothing else."""

from __future__ import annotations

import contextlib
import itertools
import random
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from libcloud.compute.base import Node
from libcloud.compute.deployment import ScriptDeployment
from libcloud.compute.types import NodeState

from stratuslab_libcloud.deployment import DeployOptions, DeployTarget, Gateway, deploy_node
from stratuslab_libcloud.deployment.keys import KeyFiles, MachineKeys, find_login_key
from stratuslab_libcloud.errors import KeyFileError, WaitTimeoutError
from stratuslab_libcloud.sandbox.guests.ssh_servers import SshServers

from .openssh import SSHD, OpenSshServer

KEY = ed25519.Ed25519PrivateKey.generate()
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
KEYS = {
    "RSA 2048": rsa.generate_private_key(65537, 2048),
    "RSA 3072": rsa.generate_private_key(65537, 3072),
    "ECDSA P-256": OTHER_KEY,
    "ECDSA P-384": ec.generate_private_key(ec.SECP384R1()),
    "ECDSA P-521": ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": KEY,
}


def public_text(key: Any) -> str:
    encoded = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return f"{encoded.decode()} jane@laptop\n"


def private_text(
    key: Any,
    form: serialization.PrivateFormat = serialization.PrivateFormat.OpenSSH,
    passphrase: str | None = None,
) -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
        if form is serialization.PrivateFormat.OpenSSH:  # whose default is meant to take long
            encryption = form.encryption_builder().kdf_rounds(1).build(passphrase.encode())
    return bytes(key.private_bytes(serialization.Encoding.PEM, form, encryption))


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the machines' home directories."""
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(scope="module")
def ssh_servers(homes: Path) -> Iterator[SshServers]:
    with SshServers(homes) as ssh_servers:
        yield ssh_servers


class ServerDriver:
    """Starts machines that are nothing but SSH servers. What a test wants different, it sets."""

    type = name = "server"

    def __init__(self, ssh_servers: SshServers, keys: list[str]) -> None:
        self.ssh_servers = ssh_servers
        self.keys = keys
        self.sftp = True
        self.private = False
        self.at_gateway = False
        self.before_running: Callable[[Node], None] = lambda node: None
        self.on_destroy: Callable[[Node], None] = lambda node: None
        self.created_with: dict[str, Any] = {}
        self.nodes: list[Node] = []
        self.destroyed: list[str] = []
        self.gateway_ports: dict[str, int] = {}
        self._lock = threading.Lock()
        self._network = f"127.{random.randint(1, 250)}.{random.randint(1, 250)}"
        self.port = free_port(f"{self._network}.250")

    def create_node(self, **keywords: Any) -> Node:
        with self._lock:
            self.created_with = keywords
            number = next(NUMBERS)
            addresses = [f"{self._network}.{len(self.nodes) + 1}"]
            public, private = ([], addresses) if self.private else (addresses, [])
            node = Node(str(number), f"n{number}", NodeState.PENDING, public, private, self)
            self.nodes.append(node)
        return node

    def wait_until_running(
        self, nodes: list[Node], wait_period: float, timeout: float, ssh_interface: str, *, ex_progress: Any
    ) -> list[tuple[Node, list[str]]]:
        [node] = nodes
        if timeout == 0:  # asked again
            raise WaitTimeoutError("nothing new", nodes=nodes, ready=[])
        self.before_running(node)
        running = Node(str(node.id), node.name, NodeState.RUNNING, node.public_ips, node.private_ips, self)
        addresses = getattr(running, ssh_interface)
        assert addresses
        self.open(node)
        return [(running, addresses)]

    def open(self, node: Node) -> None:
        address = None if self.at_gateway else (node.public_ips + node.private_ips)[0]
        _, port = self.ssh_servers.open(int(str(node.id)), self.keys, address=address, port=self.port, sftp=self.sftp)
        self.gateway_ports[str(node.id)] = port

    def destroy_node(self, node: Node) -> bool:
        self.on_destroy(node)
        self.ssh_servers.close(int(str(node.id)))
        self.destroyed.append(str(node.id))
        return True


NUMBERS = itertools.count(1)


def free_port(address: str) -> int:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            pytest.skip("only 127.0.0.1 can be listened on here")
        return int(probe.getsockname()[1])


@pytest.fixture
def driver(ssh_servers: SshServers) -> Iterator[ServerDriver]:
    driver = ServerDriver(ssh_servers, [public_text(KEY)])
    yield driver
    for node in driver.nodes:
        ssh_servers.close(int(str(node.id)))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The private key of the machines."""
    file = tmp_path / "id_ed25519"
    file.write_bytes(private_text(KEY))
    return file


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file."""

    def write(content: bytes | str, name: str = "key") -> Path:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


Write = Callable[..., Path]
Deploy = Callable[..., Node]


@pytest.fixture
def deploy(driver: ServerDriver, key_file: Path) -> Deploy:
    """Deploys on a machine of `driver`, with the time limits of a test."""

    def deploy(
        deployment: Any,
        *,
        public_keys: str = public_text(KEY),
        gateway: Gateway | None = None,
        create_keywords: dict[str, Any] | None = None,
        **options: Any,
    ) -> Node:
        chosen = {"ssh_port": driver.port, "wait_period": 0.02, "timeout": 10, **options}
        target = DeployTarget("here", public_keys, "auth", key_file, gateway)
        return deploy_node(driver, target, deployment, DeployOptions(**chosen), create_keywords or {})

    return deploy


def find(key: Any, *paths: Path, passphrase: str | None = None, required: bool = True, text: str | None = None) -> str:
    """Where the private half of a key was found."""
    machine_keys = MachineKeys(public_text(key) if text is None else text, "auth")
    with find_login_key(machine_keys, KeyFiles(paths, "ssh_key", required), passphrase) as opener:
        return opener.origin


def refused(deploy: Deploy, driver: ServerDriver, **options: Any) -> str:
    """What the user reads when deploy_node is called so."""
    with pytest.raises(KeyFileError) as caught:
        deploy(ScriptDeployment("true"), **options)
    assert not driver.nodes
    return str(caught.value)


StartOpenSsh = Callable[..., OpenSshServer]


@pytest.fixture
def start_openssh(tmp_path: Path) -> Iterator[StartOpenSsh]:
    """Starts an OpenSSH server, where there is one; with the machines' key unless others are given."""
    if not SSHD:
        pytest.skip("sshd is not installed")
    numbers = itertools.count(1)
    with contextlib.ExitStack() as servers:

        def start(*settings: str, authorized_keys: str = public_text(KEY)) -> OpenSshServer:
            folder = tmp_path / f"openssh-{next(numbers)}"
            folder.mkdir()
            return servers.enter_context(OpenSshServer(folder, authorized_keys, settings))

        yield start
