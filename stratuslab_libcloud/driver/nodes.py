"""What the nodes of each kind of cloud have in common."""

from __future__ import annotations

import hashlib
from ipaddress import ip_address
from typing import Any

from libcloud.compute.base import Node, NodeLocation


class LocatedNode(Node):
    """A machine as it was when the cloud was asked about it; ask again with `ex_get_node`.

    :ivar id: digits
    :ivar location: the `NodeLocation` where it is
    """

    id: str

    def __init__(self, location: NodeLocation, **values: Any) -> None:
        super().__init__(**values)
        self.location = location

    def addresses_for(self, interface: str, *, ipv4_only: bool) -> list[str]:
        """The addresses at which somebody can reach it who asks for one kind of them.

        :param interface: ``public_ips`` or ``private_ips``
        :param ipv4_only: whether those of IPv6 do not count
        """
        return addresses_in(self, interface, ipv4_only=ipv4_only)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.name!r} {self.state} at '{self.location.id}'>"

    def get_uuid(self) -> str:
        """An identifier of this machine among all locations: unlike Libcloud's own, it depends on the location."""
        identity = f"{self.id}:{self.driver.type}:{self.location.id}"
        return hashlib.sha1(identity.encode(), usedforsecurity=False).hexdigest()


def addresses_in(node: Node, interface: str, *, ipv4_only: bool) -> list[str]:
    """Addresses of a node.

    :param interface: ``public_ips`` or ``private_ips``
    """
    addresses: list[str] = getattr(node, interface)
    return [address for address in addresses if not ipv4_only or _is_ipv4(address)]


def _is_ipv4(address: str) -> bool:
    try:
        return ip_address(address).version == 4
    except ValueError:
        return False
