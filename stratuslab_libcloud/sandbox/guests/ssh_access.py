"""How running machines are reached over SSH: at their own addresses, or over ports of a gateway.

As with StratusLab's port translation, machines whose first network is ``local`` get a port of the gateway for their
port 22. In a sandbox this is also so for machines of other networks whose own address cannot be used: a public address
needs the right to listen on port 22, and a computer on which all of 127.0.0.0/8 is loopback.
"""

from __future__ import annotations

import base64
import binascii
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Generic, TypeVar

from stratuslab_libcloud.sandbox.guests.ssh_servers import GATEWAY, SshServers
from stratuslab_libcloud.sandbox.state.vm import Machine

_log = logging.getLogger(__name__)

SSH = 22
M = TypeVar("M")


@dataclass(frozen=True)
class Guest:
    """What there is to know of a machine that one can log in to.

    :param keys: public keys that may log in
    :param address: the machine's own loopback address; None if it has none
    :param sftp: whether it serves SFTP
    """

    id: int
    keys: Sequence[str]
    address: str | None
    sftp: bool = True


class SshAccess(Generic[M]):
    """Opens an SSH server for each running machine that was given a public key; a `Listener` of the state.

    :param guest_of: what there is to know of a machine
    :param port: on the machines' own addresses
    """

    def __init__(self, guest_of: Callable[[M], Guest], port: int = SSH) -> None:
        self._guest_of = guest_of
        self._port = port
        self._servers: SshServers | None = None
        self._ports: dict[int, int] = {}
        self._lock = threading.Lock()
        self._stopped = False

    def stop(self) -> None:
        """End the servers of all machines; later machines get none."""
        self._stopped = True
        if self._servers is not None:
            self._servers.stop()

    def machine_running(self, machine: M) -> None:
        """Open its server, on a port of the gateway if necessary."""
        guest = self._guest_of(machine)
        if self._stopped or not guest.keys:
            return
        if self._servers is None:
            # Only when it is needed: it takes some time to make the host keys.
            self._servers = SshServers()
        try:
            host, port = self._servers.open(
                guest.id, guest.keys, address=guest.address, port=self._port, sftp=guest.sftp
            )
        except OSError as problem:
            _log.warning("Nobody can log in to machine %s: %s", guest.id, problem)
            return
        if host == GATEWAY:
            with self._lock:
                self._ports[guest.id] = port

    def machine_gone(self, machine: M) -> None:
        """Close its server and port."""
        number = self._guest_of(machine).id
        with self._lock:
            self._ports.pop(number, None)
        if self._servers is not None and not self._stopped:
            self._servers.close(number)

    def translations(self) -> Mapping[int, Sequence[tuple[int, int]]]:
        """For each machine that is reached over the gateway, its ports and the gateway's."""
        with self._lock:
            return {machine_id: [(self._port, port)] for machine_id, port in self._ports.items()}


def stratuslab_guest(machine: Machine, *, sftp: bool) -> Guest:
    """A machine of a StratusLab cloud.

    :param sftp: whether its image serves SFTP
    """
    keys = authorized_keys(machine) if machine.nics else ()
    return Guest(machine.id, keys, _own_address(machine) if machine.nics else None, sftp)


def authorized_keys(machine: Machine) -> Sequence[str]:
    """The public keys that a machine's contextualization carried, in whichever variable."""
    context = machine.context
    lines = [*context.get("PUBLIC_KEY", "").splitlines(), *_cloud_init_keys(context)]
    return [line for line in lines if line.strip()]


def _cloud_init_keys(context: Mapping[str, str]) -> Sequence[str]:
    try:
        keys = base64.b64decode(context.get("CLOUD_INIT_AUTHORIZED_KEYS", ""))
    except binascii.Error:
        return []
    return keys.decode("utf-8", "replace").splitlines()


def _own_address(machine: Machine) -> str | None:
    nic = machine.nics[0]
    is_own = nic["NETWORK"] == "public" and ip_address(nic["IP"]).is_loopback
    return nic["IP"] if is_own else None
