"""How the machines of an OpenNebula cloud are reached over SSH: at their own addresses, all on the same port."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network, ip_address

from stratuslab_libcloud.sandbox.guests.ssh_access import SSH, Guest
from stratuslab_libcloud.sandbox.state.opennebula.machine import Machine

_KEYS = ("SSH_PUBLIC_KEY", "SSH_KEY", "PUBLIC_KEY")


def opennebula_guest(machine: Machine) -> Guest:
    """A machine of an OpenNebula cloud, with the keys that its contextualization carries."""
    keys = [line for name in _KEYS for line in machine.context.get(name, "").splitlines() if line.strip()]
    addresses = [nic["IP"] for nic in machine.nics if "IP" in nic]
    own = next((address for address in addresses if ip_address(address).is_loopback), None)
    return Guest(machine.id, keys if addresses else (), own)


def guest_port(network: IPv4Network) -> int:
    """The port that machines can listen on at their addresses: 22 where this is possible, otherwise any free one."""
    address = network.network_address + 2
    return _free_port(address, SSH) or _free_port(address, 0) or SSH


def _free_port(address: IPv4Address, port: int) -> int | None:
    with socket.socket() as trial:
        try:
            trial.bind((str(address), port))
        except OSError:
            return None
        return int(trial.getsockname()[1])
