"""The networks that machines are on, and who has which address."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network

from stratuslab_libcloud.sandbox.state.errors import AllocationError
from stratuslab_libcloud.sandbox.state.users import SUPERUSER, User, Users

_NO_NETWORK = "Could not get virtual network for VM."


class Network:
    """A range of addresses, given out from the lowest; owned by ``oneadmin``.

    :param number: OpenNebula's identifier of the network
    :param bridge: where a host connects its machines to the network
    """

    def __init__(self, number: int, name: str, bridge: str, addresses: IPv4Network) -> None:
        self.number = number
        self.name = name
        self.bridge = bridge
        self.addresses = addresses
        self._first = int(addresses.network_address) + 1
        self._end = int(addresses.broadcast_address)
        self._next = self._first
        self._returned: list[int] = []
        self._leased: set[int] = set()

    @property
    def attributes(self) -> dict[str, str]:
        """What its administrator has noted in its template."""
        last = self.addresses.broadcast_address - 1
        return {"GATEWAY": str(last), "NETWORK_MASK": str(self.addresses.netmask)}

    @property
    def leased(self) -> list[IPv4Address]:
        """The addresses that are in use, the lowest first."""
        return [IPv4Address(number) for number in sorted(self._leased)]

    def lease(self) -> IPv4Address:
        """Give out the lowest free address.

        :raises AllocationError: if no address is left
        """
        number = self._lowest_free()
        self._leased.add(number)
        return IPv4Address(number)

    def lease_address(self, text: str) -> IPv4Address:
        """Give out this address.

        :raises AllocationError: if the address is outside of the network, or in use
        """
        try:
            address = IPv4Address(text)
        except ValueError:
            raise AllocationError(_NO_NETWORK) from None
        if not self._first <= int(address) < self._end or int(address) in self._leased:
            raise AllocationError(_NO_NETWORK)
        self._leased.add(int(address))
        return address

    def release(self, address: IPv4Address) -> None:
        """Take an address back."""
        self._leased.discard(int(address))
        heapq.heappush(self._returned, int(address))

    def _lowest_free(self) -> int:
        while self._returned:
            number = heapq.heappop(self._returned)
            if number not in self._leased and number < self._next:
                return number
        while self._next in self._leased:
            self._next += 1
        if self._next >= self._end:
            raise AllocationError(_NO_NETWORK)
        self._next += 1
        return self._next - 1


class Networks:
    """``public``, ``local`` and ``private``.

    :param public: addresses of the public network; unless given, a /24 of the loopback network, chosen at random so
        that sandboxes on one computer do not disturb each other
    """

    def __init__(self, users: Users, public: IPv4Network | None = None) -> None:
        self._users = users
        self._networks = {
            network.name: network
            for network in (
                Network(0, "public", "br0", public or random_loopback_network()),
                Network(1, "local", "br1", IPv4Network("172.16.0.0/16")),
                Network(2, "private", "br2", IPv4Network("10.0.0.0/8")),
            )
        }

    def __iter__(self) -> Iterator[Network]:
        """All networks, by number."""
        return iter(self._networks.values())

    def __getitem__(self, name: str) -> Network:
        return self._networks[name]

    def connect(self, nic: Mapping[str, str], user: User) -> dict[str, str]:
        """Lease an address for one NIC of a template; return the NIC with all its values.

        :raises AllocationError: if there is no such network or address
        """
        network = self._find(nic, user)
        requested = nic.get("IP")
        address = network.lease_address(requested) if requested else network.lease()
        return {
            **nic,
            "BRIDGE": network.bridge,
            "IP": str(address),
            "MAC": nic.get("MAC") or mac_address(address),
            "NETWORK": network.name,
            "NETWORK_ID": str(network.number),
            "VLAN": "NO",
        }

    def attributes(self, number: str) -> Mapping[str, str]:
        """The attributes of the network of this number."""
        return next(network.attributes for network in self._networks.values() if str(network.number) == number)

    def claim(self, nic: Mapping[str, str]) -> None:
        """Lease the address that a NIC has already."""
        self._networks[nic["NETWORK"]].lease_address(nic["IP"])

    def reconnect(self, nic: Mapping[str, str]) -> dict[str, str]:
        """Lease again for a NIC whose address was given back: the same address if it is still free."""
        network = self._networks[nic["NETWORK"]]
        try:
            address = network.lease_address(nic["IP"])
        except AllocationError:
            address = network.lease()
        return {**nic, "IP": str(address), "MAC": mac_address(address)}

    def disconnect(self, nic: Mapping[str, str]) -> None:
        """Take a NIC's address back."""
        self._networks[nic["NETWORK"]].release(IPv4Address(nic["IP"]))

    def _find(self, nic: Mapping[str, str], user: User) -> Network:
        # Networks are looked for among those of the user who asks, unless NETWORK_UNAME says otherwise.
        owner = nic.get("NETWORK_UNAME", user.name)
        for network in self._networks.values():
            if nic.get("NETWORK_ID") == str(network.number):
                return network
            if nic.get("NETWORK") == network.name and owner == SUPERUSER:
                return network
        raise AllocationError(_NO_NETWORK)


def mac_address(address: IPv4Address) -> str:
    """The MAC address that OpenNebula gives to the NIC with this IP address."""
    return ":".join(f"{byte:02x}" for byte in b"\x02\x00" + address.packed)


def random_loopback_network() -> IPv4Network:
    """A /24 of the loopback network that no other sandbox is likely to have."""
    generator = random.SystemRandom()
    return IPv4Network((bytes([127, generator.randrange(1, 255), generator.randrange(256), 0]), 24))
