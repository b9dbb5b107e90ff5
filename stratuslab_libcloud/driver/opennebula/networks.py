"""Networks, security groups and datastores as Libcloud's users meet them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import NodeDriver, NodeLocation

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.datastores import Datastore
    from stratuslab_libcloud.client.opennebula.networks import Network, SecurityGroup


class OpenNebulaNetwork:
    """A virtual network, with the attributes that Libcloud's old driver gave it.

    :ivar address: such as ``10.1.0.0``; '' if the network does not say
    :ivar size: how many addresses it has
    :ivar location: the `NodeLocation` where it is
    """

    def __init__(self, network: Network, location: NodeLocation, driver: NodeDriver) -> None:
        self.id = str(network.id)
        self.name = network.name
        self.address = network.address
        self.size = sum(int(each["SIZE"]) for each in network.ranges if str(each.get("SIZE", "")).isdigit())
        self.driver = driver
        self.location = location
        self.extra: dict[str, Any] = {
            "location": str(location.id),
            "owner": network.owner,
            "mask": network.mask,
            "gateway": network.gateway,
            "dns": network.dns,
            "used_leases": network.used_leases,
            "ranges": [dict(each) for each in network.ranges],
            "description": network.template.get("DESCRIPTION", ""),
        }

    @property
    def uuid(self) -> str:
        """An identifier of this network among all locations."""
        identity = f"{self.id}:{self.driver.type}:{self.location.id}"
        return hashlib.sha1(identity.encode(), usedforsecurity=False).hexdigest()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.name!r} at '{self.location.id}'>"


class OpenNebulaSecurityGroup:
    """A security group.

    :ivar rules: with OpenNebula's names: PROTOCOL, RULE_TYPE, RANGE
    :ivar location: the `NodeLocation` where it is
    """

    def __init__(self, group: SecurityGroup, location: NodeLocation, driver: NodeDriver) -> None:
        self.id = str(group.id)
        self.name = group.name
        self.description = group.description
        self.rules = [dict(rule) for rule in group.rules]
        self.driver = driver
        self.location = location
        self.extra: dict[str, Any] = {"location": str(location.id), "owner": group.owner}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.name!r} at '{self.location.id}'>"


class OpenNebulaDatastore(NodeLocation):
    """A datastore, which can be given as the location of a volume.

    :ivar location: the `NodeLocation` where it is
    """

    def __init__(self, datastore: Datastore, location: NodeLocation, driver: NodeDriver) -> None:
        super().__init__(
            id=str(datastore.id),
            name=datastore.name,
            country=location.country,
            driver=driver,
            extra={
                "location": str(location.id),
                "type": datastore.kind,
                "enabled": datastore.is_enabled,
                "free": datastore.free,
                "total": datastore.total,
                "transfer": datastore.transfer,
            },
        )
        self.location = location

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.name!r} {self.extra['type']} at '{self.location.id}'>"
