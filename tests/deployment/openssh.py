"""An OpenSSH server on a free port of 127.0.0.1, run by the test's own user, with its own configuration and keys."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from stratuslab_libcloud.deployment import DeployOptions, DeployTarget, deploy_node

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
USER = getpass.getuser()


class OpenSshServer:
    """A server, and the machine that it plays; a context manager.

    :param folder: for its files; what it runs has it in ``$FOLDER``
    :param authorized_keys: lines of that file
    :param settings: lines of its configuration, which go before the others
    """

    def __init__(self, folder: Path, authorized_keys: str, settings: Sequence[str] = ()) -> None:
        self.folder = folder
        self.authorized_keys = folder / "authorized_keys"
        self.authorized_keys.write_text(authorized_keys)
        self.host_key = folder / "host_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.host_key], check=True)
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> OpenSshServer:
        for _ in range(5):  # somebody else may take the port that was free
            self.port = _free_port()
            if self._start():
                return self
        raise RuntimeError((self.folder / "sshd.log").read_text())

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it and all of its sessions."""
        if self._process:
            for process in self._sessions():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, 9)
            self._process.kill()
            self._process.wait()

    def signal_sessions(self, number: int) -> None:
        """Send a signal to the processes that serve the connections."""
        for process in self._sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def _sessions(self) -> list[int]:
        assert self._process
        found, parents = [], [self._process.pid]
        while parents:
            listed = subprocess.run(
                ["ps", "-o", "pid=", "--ppid", str(parents.pop())], capture_output=True, check=False
            )
            children = [int(word) for word in listed.stdout.split()]
            found += children
            parents += children
        return found

    def _start(self) -> bool:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        settings = [
            *self._settings,
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.host_key}",
            f"AuthorizedKeysFile {self.authorized_keys}",
            f"PidFile {self.folder}/sshd.pid",
            f"SetEnv FOLDER={self.folder} PATH={self.folder}/bin:/usr/bin:/bin",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "PermitRootLogin yes",
            "Subsystem sftp internal-sftp",
        ]
        (self.folder / "sshd_config").write_text("".join(f"{line}\n" for line in settings))
        with (self.folder / "sshd.log").open("wb") as log:
            self._process = subprocess.Popen([SSHD or "", "-D", "-e", "-f", self.folder / "sshd_config"], stderr=log)
        deadline = time.monotonic() + 10
        while self._process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return True
            time.sleep(0.02)
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class OneMachine:
    """A driver whose only machine is an SSH server that is there already."""

    type = name = "one machine"

    def __init__(self, port: int) -> None:
        self.node = Node("1", "one", NodeState.RUNNING, ["127.0.0.1"], [], self)
        self.port = port
        self.created: list[dict[str, Any]] = []
        self.destroyed: list[str] = []

    def create_node(self, **keywords: Any) -> Node:
        self.created.append(keywords)
        return self.node

    def wait_until_running(
        self, nodes: list[Node], wait_period: float, timeout: float, ssh_interface: str, *, ex_progress: Any
    ) -> list[tuple[Node, list[str]]]:
        return [(self.node, self.node.public_ips)]

    def destroy_node(self, node: Node) -> bool:
        self.destroyed.append(str(node.id))
        return True

    def deploy(self, deployment: Any, public_keys: str, private_key: Path, **options: Any) -> Node:
        chosen = {"ssh_port": self.port, "ssh_username": USER, "wait_period": 0.02, "timeout": 10, **options}
        target = DeployTarget("here", public_keys, "auth", private_key)
        return deploy_node(self, target, deployment, DeployOptions(**chosen), {})
