"""The networks of StratusLab, and its only security group, as objects such as OpenStack's driver has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from libcloud.compute.base import NodeDriver

from stratuslab_libcloud.errors import InvalidArgumentError

NAMES = ("public", "local", "private")

_DESCRIPTIONS = {
    "public": "addresses that everybody can reach",
    "local": "addresses of the site, reached through its gateway where it translates ports",
    "private": "addresses that only machines of the cloud can reach",
}


class StratusLabNetwork:
    """A network that a machine can be in.

    :ivar id: its name, too
    :ivar cidr: None, since the cloud does not tell users
    """

    def __init__(self, name: str, driver: NodeDriver) -> None:
        self.id = name
        self.name = name
        self.cidr: str | None = None
        self.driver = driver
        self.extra = {"description": _DESCRIPTIONS[name]}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


class StratusLabSecurityGroup:
    """What may reach a machine: a StratusLab cloud lets everything through.

    :ivar id: its name, too
    """

    def __init__(self, driver: NodeDriver) -> None:
        self.id = "default"
        self.name = "default"
        self.description = "everything may reach the machine; its own firewall decides"
        self.driver = driver
        self.rules: list[Any] = []
        self.extra: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


def network_name(argument: str, network: Any) -> str:
    """The name of a network that is given by its name or as an object.

    :raises InvalidArgumentError: when there is no such network
    """
    name = getattr(network, "name", network)
    if isinstance(name, str) and name.lower() in NAMES:
        return name.lower()
    raise InvalidArgumentError(f"{argument} must be {', '.join(map(repr, NAMES[:-1]))} or {NAMES[-1]!r}, not {name!r}")


def only_network(argument: str, networks: Any) -> str | None:
    """The name of the network in a list of one; None if nothing is given.

    :raises InvalidArgumentError: when there are several, or no such network
    """
    names = [network_name(argument, network) for network in _several(networks)]
    if len(names) > 1:
        raise InvalidArgumentError(f"{argument} can have one network only: a StratusLab machine has one interface")
    return names[0] if names else None


def check_security_groups(groups: Any) -> None:
    """Refuse groups that would promise what a StratusLab cloud does not do.

    :raises InvalidArgumentError: when there is another one than ``default``
    """
    for group in _several(groups):
        name = getattr(group, "name", group)
        if name != "default":
            raise InvalidArgumentError(
                f"ex_security_groups has {name!r}, but a StratusLab cloud has only 'default', which lets everything "
                "through: use the machine's own firewall"
            )


def _several(values: Any) -> list[Any]:
    if values is None:
        return []
    return list(values) if isinstance(values, Iterable) and not isinstance(values, str) else [values]
