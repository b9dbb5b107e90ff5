"""SSH and SFTP for the sandbox's running machines, on loopback.

**A script that runs on a sandbox machine runs as the sandbox's own user, on that user's own computer.** A
machine has its own files, processes and a clean environment, and its processes end with it; see `confinement` for what
keeps them from changing the computer. But it is not a virtual machine. Deploy only what you would run yourself.

The servers listen on loopback addresses only, and accept the machine's own public keys only.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import logging
import shutil
import tempfile
import threading
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import asyncssh

from stratuslab_libcloud.sandbox.guests.confinement import Confinement, best_confinement
from stratuslab_libcloud.sandbox.guests.key_pair import read_authorized_keys
from stratuslab_libcloud.sandbox.guests.machine_root import MachineRoot
from stratuslab_libcloud.sandbox.guests.shell import GuestShell

_T = TypeVar("_T")

GATEWAY = "127.0.0.1"
_SFTP_VERSION = 3
_REMOVAL_SECONDS = 2.0
_AUTHORIZED_KEYS = ".ssh/authorized_keys"


class SshServers:
    """The SSH servers of all running machines, in one background thread.

    All methods may be called from any thread. Also a context manager that stops at its end.

    :param root: the folder for the machines' files; by default a temporary one, removed by `stop`
    :param command_seconds: how long a command on a machine may take before it is killed
    """

    def __init__(self, root: Path | None = None, command_seconds: float = 300.0) -> None:
        self._temporary = None if root else tempfile.TemporaryDirectory(prefix="stratuslab-sandbox-")
        self._root = Path(self._temporary.name if self._temporary else root or "").resolve()
        self._root.mkdir(parents=True, exist_ok=True)
        _quieten_asyncssh()
        self._command_seconds = command_seconds
        self._machines: dict[int, _Machine] = {}
        self._stopped = False
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_report)
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox guests", daemon=True)
        self._thread.start()

    def __enter__(self) -> SshServers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def open(
        self,
        machine_id: int,
        authorized_keys: Iterable[str],
        *,
        address: str | None,
        port: int = 22,
        sftp: bool = True,
        max_sessions: int | None = None,
    ) -> tuple[str, int]:
        """Make a machine reachable over SSH.

        The keys go into ``.ssh/authorized_keys`` of the machine's home, as contextualization puts them there,
        and are read there at each login: a key that a deployment adds can log in, too.

        :param machine_id: the virtual machine's number
        :param authorized_keys: public keys, one or more lines each; other lines are ignored
        :param address: the machine's own loopback address; None if it has none
        :param port: the TCP port on that address
        :param sftp: whether there is an SFTP subsystem (ttylinux has none)
        :param max_sessions: how many channels a connection may have at the same time, as sshd's ``MaxSessions``
        :return: host and port to connect to: the address and port given, or a free port of 127.0.0.1, the
            gateway, if there is no address, or it is not possible to listen on it
        :raises ValueError: if the address is not a loopback address, or the machine is open already
        :raises OSError: if it cannot listen on any port
        :raises RuntimeError: after `stop`
        """
        if address is not None and not ipaddress.ip_address(address).is_loopback:
            raise ValueError(f"sandbox machines listen on loopback addresses only, not on {address}")
        addresses = [(GATEWAY, 0)] if address is None else [(address, port), (GATEWAY, 0)]
        return self._call(self._open(machine_id, list(authorized_keys), addresses, sftp, max_sessions))

    def close(self, machine_id: int) -> None:
        """End a machine, its connections, processes and files; nothing happens if it is not open.

        :param machine_id: the virtual machine's number
        :raises RuntimeError: after `stop`
        """
        self._call(self._close(machine_id))

    def stop(self) -> None:
        """End all machines and the thread; a second time does nothing."""
        if self._stopped:
            return
        closing = self._close_all()
        self._stopped = True
        asyncio.run_coroutine_threadsafe(closing, self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._temporary:
            self._temporary.cleanup()

    def _call(self, work: Coroutine[Any, Any, _T]) -> _T:
        if self._stopped:
            work.close()
            raise RuntimeError("the sandbox's machines have been stopped")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(
        self,
        machine_id: int,
        keys: Sequence[str],
        addresses: Sequence[tuple[str, int]],
        sftp: bool,
        max_sessions: int | None,
    ) -> tuple[str, int]:
        if machine_id in self._machines:
            raise ValueError(f"machine {machine_id} is open already")
        confine = await best_confinement()
        folder = self._root / f"machine-{machine_id}"
        machine = _Machine(confine(MachineRoot(folder)), self._command_seconds, max_sessions)
        self._machines[machine_id] = machine
        try:
            machine.authorize(keys)
            return await machine.listen(addresses, sftp)
        except BaseException:
            await self._close(machine_id)
            raise

    async def _close(self, machine_id: int) -> None:
        machine = self._machines.pop(machine_id, None)
        if machine:
            await machine.close()

    async def _close_all(self) -> None:
        await asyncio.gather(*(self._close(machine_id) for machine_id in list(self._machines)))


class _Machine:
    """One machine: its files, its SSH server, and who is connected to it."""

    def __init__(self, confinement: Confinement, command_seconds: float, max_sessions: int | None) -> None:
        self.confinement = confinement
        self.max_sessions = max_sessions
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.shell = GuestShell(confinement, command_seconds)
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._closed = False

    def authorized_keys(self, user: str) -> Path:
        """The file with the keys that open the machine for a user."""
        root = self.confinement.root
        return root.path(f"{root.home_of(user)}/{_AUTHORIZED_KEYS}")

    def authorize(self, keys: Sequence[str]) -> None:
        file = self.confinement.root.home / _AUTHORIZED_KEYS
        file.parent.mkdir(mode=0o700)
        file.write_text("".join(f"{key.strip()}\n" for key in keys), encoding="utf-8")
        file.chmod(0o600)

    async def listen(self, addresses: Sequence[tuple[str, int]], sftp: bool) -> tuple[str, int]:
        """Listen on the first of the addresses where this is possible."""
        for host, port in addresses:
            with contextlib.suppress(OSError):
                acceptor = await self._listen(host, port, sftp)
                break
        else:
            raise OSError(f"it is not possible to listen on a port of {' or '.join(host for host, _ in addresses)}")
        if self._closed:
            acceptor.close()
            raise RuntimeError("the machine ended while it was being opened")
        self._acceptor = acceptor
        return host, acceptor.get_port()

    async def _listen(self, host: str, port: int, sftp: bool) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            host,
            port,
            server_host_keys=_host_keys(),
            server_factory=lambda: _Login(self, sftp),
            encoding=None,
            line_editor=False,
            agent_forwarding=False,
        )

    async def close(self) -> None:
        self._closed = True
        if self._acceptor:
            self._acceptor.close()
        connections = list(self.connections)
        for connection in connections:
            connection.abort()
        await self.shell.end()
        for connection in connections:
            await connection.wait_closed()
        await self._remove_files()

    async def _remove_files(self) -> None:
        # Processes that were just killed may still write files during the removal.
        folder = self.confinement.root.folder
        deadline = asyncio.get_running_loop().time() + _REMOVAL_SECONDS
        while folder.exists():
            in_time = asyncio.get_running_loop().time() < deadline
            try:
                shutil.rmtree(folder, ignore_errors=not in_time)
            except OSError:
                await asyncio.sleep(0.02)
            if not in_time:
                break


def _quieten_asyncssh() -> None:
    # It logs each step of each connection. A level that the program has set itself stays.
    if logging.getLogger("asyncssh").level == logging.NOTSET:
        asyncssh.set_log_level(logging.WARNING)


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an exception that nobody handles, as asyncio does; but a process in the background may write to a client that
    has gone."""
    if isinstance(context.get("exception"), BrokenPipeError):
        logging.getLogger(__name__).debug("output that nobody reads any more: %s", context.get("message"))
    else:
        loop.default_exception_handler(context)


@functools.cache
def _host_keys() -> list[asyncssh.SSHKey]:
    """The host keys, which all machines share: it takes long to make an RSA key."""
    return [asyncssh.generate_private_key(kind) for kind in ("ssh-ed25519", "ssh-rsa")]


class _Login(asyncssh.SSHServer):
    """Accepts any user name with one of the machine's keys, and nothing else."""

    def __init__(self, machine: _Machine, sftp: bool) -> None:
        self.machine = machine
        self.sftp = sftp
        self.sessions = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self.machine.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self.machine.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        # Without the file, or a key in it, nobody can log in. sshd does the same.
        with contextlib.suppress(OSError, ValueError):
            self._connection.set_authorized_keys(read_authorized_keys(self.machine.authorized_keys(username)))
        return True

    def session_requested(self) -> asyncssh.SSHServerProcess[bytes] | bool:
        if self.machine.max_sessions is not None and self.sessions >= self.machine.max_sessions:
            return False
        self.sessions += 1
        return _Session(self)


class _Session(asyncssh.SSHServerProcess[bytes]):
    """A command or a subsystem; it counts as long as its channel is open."""

    def __init__(self, login: _Login) -> None:
        machine = login.machine
        new_files = machine.confinement.files if login.sftp else None
        super().__init__(machine.shell.serve, new_files, _SFTP_VERSION, False)
        self._login = login

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._login.sessions -= 1
