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
from ipaddress import ip_address

from stratuslab_libcloud.sandbox.guests.ssh_servers import GATEWAY, SshServers
from stratuslab_libcloud.sandbox.state.vm import Machine

_log = logging.getLogger(__name__)

_SSH = 22


class SshAccess:
    """Opens an SSH server for each running machine that was given a public key; a `Listener` of the state.

    :param has_sftp: whether a machine's image serves SFTP
    """

    def __init__(self, has_sftp: Callable[[Machine], bool]) -> None:
        self._has_sftp = has_sftp
        self._servers: SshServers | None = None
        self._ports: dict[int, int] = {}
        self._lock = threading.Lock()
        self._stopped = False

    def stop(self) -> None:
        """End the servers of all machines; later machines get none."""
        self._stopped = True
        if self._servers is not None:
            self._servers.stop()

    def machine_running(self, machine: Machine) -> None:
        """Open its server, on a port of the gateway if necessary."""
        keys = authorized_keys(machine)
        if self._stopped or not machine.nics or not keys:
            return
        if self._servers is None:
            # Only when it is needed: it takes some time to make the host keys.
            self._servers = SshServers()
        try:
            host, port = self._servers.open(
                machine.id, keys, address=_own_address(machine), port=_SSH, sftp=self._has_sftp(machine)
            )
        except OSError as problem:
            _log.warning("Nobody can log in to machine %s: %s", machine.id, problem)
            return
        if host == GATEWAY:
            with self._lock:
                self._ports[machine.id] = port

    def machine_gone(self, machine: Machine) -> None:
        """Close its server and port."""
        with self._lock:
            self._ports.pop(machine.id, None)
        if self._servers is not None and not self._stopped:
            self._servers.close(machine.id)

    def translations(self) -> Mapping[int, Sequence[tuple[int, int]]]:
        """For each machine that is reached over the gateway, its ports and the gateway's."""
        with self._lock:
            return {machine_id: [(_SSH, port)] for machine_id, port in self._ports.items()}


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
