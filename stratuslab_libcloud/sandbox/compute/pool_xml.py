"""Hosts, networks, users and groups in the XML of OpenNebula 3.2.1, element for element."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address
from xml.sax.saxutils import escape

from stratuslab_libcloud.sandbox.compute.machine_xml import PERMISSIONS
from stratuslab_libcloud.sandbox.compute.template_xml import template_xml
from stratuslab_libcloud.sandbox.state.networks import Network, mac_address
from stratuslab_libcloud.sandbox.state.template import Template
from stratuslab_libcloud.sandbox.state.users import User
from stratuslab_libcloud.sandbox.state.vm import Host, Machine

_CPUS = 800
_MEMORY = 16777216
_IN_USE = 2
_PASSWORD = "a" * 40
"""What the proxy sends for all users, and what OpenNebula keeps: it is nobody's password."""


def host_xml(host: Host, machines: Sequence[Machine], now: float) -> str:
    """A host.

    :param machines: that are on it
    :param now: when it was last looked at
    """
    cpus = sum(_number(machine, "CPU", 100) for machine in machines)
    memory = sum(_number(machine, "MEMORY", 1024) for machine in machines)
    usage = {
        "DISK_USAGE": 0,
        "MEM_USAGE": memory,
        "CPU_USAGE": cpus,
        "MAX_DISK": 0,
        "MAX_MEM": _MEMORY,
        "MAX_CPU": _CPUS,
        "FREE_DISK": 0,
        "FREE_MEM": _MEMORY,
        "FREE_CPU": _CPUS,
        "USED_DISK": 0,
        "USED_MEM": 0,
        "USED_CPU": 0,
        "RUNNING_VMS": len(machines),
    }
    template = {
        "CPUSPEED": "2.2GHz",
        "FREECPU": str(_CPUS),
        "FREEMEMORY": str(_MEMORY),
        "HOSTNAME": host.name,
        "HYPERVISOR": "kvm",
        "TOTALCPU": str(_CPUS),
        "TOTALMEMORY": str(_MEMORY),
        "USEDCPU": "0",
        "USEDMEMORY": "0",
    }
    return (
        f"<HOST><ID>{host.id}</ID><NAME>{host.name}</NAME><STATE>{_IN_USE}</STATE><IM_MAD>im_kvm</IM_MAD>"
        "<VM_MAD>vmm_kvm</VM_MAD><VN_MAD>dummy</VN_MAD><TM_MAD>tm_stratuslab</TM_MAD>"
        f"<LAST_MON_TIME>{int(now)}</LAST_MON_TIME><HOST_SHARE>{_elements(usage)}</HOST_SHARE>"
        f"{template_xml(Template(template.items()))}</HOST>"
    )


def network_xml(network: Network, leases: Mapping[IPv4Address, int] | None = None) -> str:
    """A network.

    :param leases: the numbers of the machines that have addresses; None in a listing, which does not show them
    """
    first, last = network.addresses.network_address + 1, network.addresses.broadcast_address - 1
    shown = "" if leases is None else f"<LEASES>{''.join(_lease_xml(network, leases))}</LEASES>"
    return (
        f"<VNET><ID>{network.number}</ID><UID>0</UID><GID>0</GID><UNAME>oneadmin</UNAME><GNAME>oneadmin</GNAME>"
        f"<NAME>{network.name}</NAME>{PERMISSIONS}<TYPE>0</TYPE><BRIDGE>{network.bridge}</BRIDGE><VLAN>0</VLAN>"
        f"<PHYDEV/><VLAN_ID/><RANGE><IP_START>{first}</IP_START><IP_END>{last}</IP_END></RANGE>"
        f"<TOTAL_LEASES>{len(network.leased)}</TOTAL_LEASES>{template_xml(Template(network.attributes.items()))}"
        f"{shown}</VNET>"
    )


def user_xml(user: User) -> str:
    """A user."""
    driver = "server_cipher" if user.account == "serveradmin" else "core" if user.is_admin else "dummy"
    return (
        f"<USER><ID>{user.id}</ID><GID>{user.group_id}</GID><GNAME>{user.group}</GNAME>"
        f"<NAME>{escape(user.name)}</NAME><PASSWORD>{_PASSWORD}</PASSWORD><AUTH_DRIVER>{driver}</AUTH_DRIVER>"
        "<ENABLED>1</ENABLED><TEMPLATE></TEMPLATE></USER>"
    )


def group_xml(number: int, name: str, users: Iterable[User]) -> str:
    """A group with its users."""
    ids = "".join(f"<ID>{user.id}</ID>" for user in users)
    return f"<GROUP><ID>{number}</ID><NAME>{name}</NAME><USERS>{ids}</USERS></GROUP>"


def _lease_xml(network: Network, leases: Mapping[IPv4Address, int]) -> Iterable[str]:
    for address in network.leased:
        yield (
            f"<LEASE><IP>{address}</IP><MAC>{mac_address(address)}</MAC><USED>1</USED>"
            f"<VID>{leases.get(address, -1)}</VID></LEASE>"
        )


def _elements(values: Mapping[str, int]) -> str:
    return "".join(f"<{name}>{value}</{name}>" for name, value in values.items())


def _number(machine: Machine, name: str, factor: int) -> int:
    try:
        return int(float(machine.template.text(name) or 0) * factor)
    except (ValueError, OverflowError):
        return 0
