"""Virtual networks and security groups of a cloud of today's OpenNebula."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from stratuslab_libcloud.client.opennebula.daemon import Daemon
from stratuslab_libcloud.client.opennebula.machine import VISIBLE
from stratuslab_libcloud.client.opennebula.xml_values import attributes, child, integer, object_id, read_pool, texts


class Network(NamedTuple):
    """A virtual network.

    :param id: its ID
    :param owner: the user's name
    :param address: such as ``10.1.0.0``; '' if it does not say
    :param mask: such as ``255.255.0.0``
    :param gateway: '' if it has none
    :param dns: name servers, separated by blanks
    :param used_leases: how many of its addresses are in use
    :param ranges: its address ranges, with OpenNebula's names: TYPE, IP, IP6, GLOBAL_PREFIX, SIZE
    :param template: its attributes
    """

    id: int
    name: str
    owner: str
    address: str
    mask: str
    gateway: str
    dns: str
    used_leases: int
    ranges: tuple[dict[str, Any], ...]
    template: dict[str, Any]


class SecurityGroup(NamedTuple):
    """A security group.

    :param id: its ID; 0 is the default one, which allows everything
    :param owner: the user's name
    :param description: what it is for
    :param rules: with OpenNebula's names: PROTOCOL, RULE_TYPE, RANGE
    """

    id: int
    name: str
    owner: str
    description: str
    rules: tuple[dict[str, Any], ...]


class Networks:
    """The networks of one cloud.

    :param daemon: the cloud's daemon
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def networks(self) -> list[Network]:
        """Ask for the networks that the user may use."""
        return self._daemon.call("one.vnpool.info", VISIBLE, -1, -1, read=_read_networks, repeatable=True)

    def security_groups(self) -> list[SecurityGroup]:
        """Ask for the security groups that the user may use."""
        return self._daemon.call("one.secgrouppool.info", VISIBLE, -1, -1, read=_read_security_groups, repeatable=True)


def _read_networks(chunks: Iterable[str]) -> list[Network]:
    return read_pool(chunks, "VNET", "VNET_POOL", _network_of)


def _read_security_groups(chunks: Iterable[str]) -> list[SecurityGroup]:
    return read_pool(chunks, "SECURITY_GROUP", "SECURITY_GROUP_POOL", _security_group_of)


def _network_of(element: Element) -> Network | None:
    values, template = texts(element), attributes(child(element, "TEMPLATE"))
    network_id = object_id(values.get("ID"))
    if network_id is None:
        return None
    ranges = child(element, "AR_POOL").findall("AR")
    return Network(
        id=network_id,
        name=values.get("NAME") or "",
        owner=values.get("UNAME") or "",
        address=str(template.get("NETWORK_ADDRESS", "")),
        mask=str(template.get("NETWORK_MASK", "")),
        gateway=str(template.get("GATEWAY", "")),
        dns=str(template.get("DNS", "")),
        used_leases=integer(values.get("USED_LEASES")) or 0,
        ranges=tuple(
            {name: value for name, value in attributes(each).items() if name != "ALLOCATED"} for each in ranges
        ),
        template=template,
    )


def _security_group_of(element: Element) -> SecurityGroup | None:
    values, template = texts(element), child(element, "TEMPLATE")
    group_id = object_id(values.get("ID"))
    if group_id is None:
        return None
    return SecurityGroup(
        id=group_id,
        name=values.get("NAME") or "",
        owner=values.get("UNAME") or "",
        description=template.findtext("DESCRIPTION", ""),
        rules=tuple(map(attributes, template.findall("RULE"))),
    )
