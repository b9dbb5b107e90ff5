"""Networks: their address ranges, and which machine has which address."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from stratuslab_libcloud.sandbox.state.opennebula.objects import PoolObject
from stratuslab_libcloud.sandbox.state.template import Template

_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")


@dataclass(eq=False)
class AddressRange:
    """Addresses that follow each other.

    :param type: ``IP4``, ``IP4_6``, ``IP6_STATIC`` or ``ETHER``
    :param mac: the first MAC address, as a number
    :param ip: the first IPv4 address
    :param ip6: the first IPv6 address of a static range
    :param global_prefix: of the IPv6 addresses that are made of the MAC addresses
    :param ula_prefix: the same, for unique local addresses
    :param goes_on: addresses are given out after the last one, not from the lowest that is free
    :param leases: by position in the range, the machine that has the address
    :param next_index: where the next lease is looked for
    """

    id: int
    type: str
    size: int
    mac: int
    ip: IPv4Address | None = None
    ip6: IPv6Address | None = None
    global_prefix: str = ""
    ula_prefix: str = ""
    prefix_length: str = ""
    goes_on: bool = False
    leases: dict[int, int] = field(default_factory=dict)
    next_index: int = 0

    def lease(self, machine_id: int, wanted: str = "") -> dict[str, str] | None:
        """Give an address to a machine: the attributes of its NIC, or None if it cannot be had.

        :param wanted: this IPv4, IPv6 or MAC address; empty for any
        """
        index = self._index_of(wanted) if wanted else self._free_index()
        if index is None or not 0 <= index < self.size or index in self.leases:
            return None
        self.leases[index] = machine_id
        if not wanted:
            self.next_index = index + 1
        return self.addresses(index)

    def release(self, mac: str, machine_id: int) -> None:
        """Take the address back that a NIC of a machine has."""
        index = int(mac.replace(":", ""), 16) - self.mac
        if self.leases.get(index) == machine_id:
            del self.leases[index]
            if not self.goes_on:
                self.next_index = min(self.next_index, index)

    def addresses(self, index: int) -> dict[str, str]:
        """The attributes of the NIC that has the address at this position."""
        mac = (self.mac + index).to_bytes(6, "big")
        found = {"MAC": mac.hex(":")}
        if self.ip is not None:
            found["IP"] = str(self.ip + index)
        if self.ip6 is not None:
            found["IP6"] = str(self.ip6 + index)
        if self.type in ("IP6", "IP4_6"):
            found["IP6_LINK"] = _from_mac("fe80::", mac)
            if self.global_prefix:
                found["IP6_GLOBAL"] = _from_mac(self.global_prefix, mac)
            if self.ula_prefix:
                found["IP6_ULA"] = _from_mac(self.ula_prefix, mac)
        return found

    def _free_index(self) -> int | None:
        for index in range(self.next_index, self.size):
            if index not in self.leases:
                return index
        return next((index for index in range(self.next_index) if index not in self.leases), None)

    def _index_of(self, address: str) -> int | None:
        if _MAC.fullmatch(address):
            return int(address.replace(":", ""), 16) - self.mac
        for first in (self.ip, self.ip6):
            try:
                if first is not None:
                    return int(type(first)(address)) - int(first)
            except ValueError:
                continue
        return None


@dataclass(eq=False, kw_only=True)
class Network(PoolObject):
    """A virtual network.

    :param template: GATEWAY, DNS, NETWORK_ADDRESS and the like
    """

    bridge: str
    template: Template
    ranges: Sequence[AddressRange]

    def connect(self, machine_id: int, wanted: str = "") -> dict[str, str] | None:
        """The attributes of a NIC of a machine that is connected; None if no address can be had.

        :param wanted: this address; empty for any
        """
        for address_range in self.ranges:
            addresses = address_range.lease(machine_id, wanted)
            if addresses is not None:
                return {**self._attributes(), "AR_ID": str(address_range.id), **addresses}
        return None

    def disconnect(self, nic: Mapping[str, str], machine_id: int) -> None:
        """Take the address of a NIC back."""
        for address_range in self.ranges:
            if str(address_range.id) == nic.get("AR_ID"):
                address_range.release(nic["MAC"], machine_id)

    def _attributes(self) -> dict[str, str]:
        inherited = {name: self.template.text(name) for name in ("DNS", "GATEWAY", "GATEWAY6")}
        return {
            "BRIDGE": self.bridge,
            "BRIDGE_TYPE": "linux",
            "CLUSTER_ID": "0",
            "NETWORK": self.name,
            "NETWORK_ID": str(self.id),
            "SECURITY_GROUPS": self.template.text("SECURITY_GROUPS") or "0",
            "VN_MAD": "dummy",
            **{name: value for name, value in inherited.items() if value},
        }


def mac_of(address: IPv4Address) -> int:
    """The MAC address that OpenNebula gives to a NIC with this address."""
    return int.from_bytes(b"\x02\x00" + address.packed, "big")


def _from_mac(prefix: str, mac: bytes) -> str:
    """The IPv6 address that OpenNebula makes of a MAC address."""
    interface = bytes([mac[0] ^ 2, mac[1], mac[2], 0xFF, 0xFE, mac[3], mac[4], mac[5]])
    return str(IPv6Address(IPv6Address(prefix).packed[:8] + interface))
