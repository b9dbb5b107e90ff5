"""The network interfaces of a machine, from what callers name: objects, ids, names, or OpenNebula's own attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stratuslab_libcloud.driver.arguments import text
from stratuslab_libcloud.driver.opennebula.networks import OpenNebulaNetwork, OpenNebulaSecurityGroup
from stratuslab_libcloud.errors import InvalidArgumentError

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud
    from stratuslab_libcloud.client.opennebula.networks import Network

Nic = dict[str, str | int]


def nics(cloud: OpenNebulaCloud, networks: Sequence[Any], groups: str | None) -> list[Nic]:
    """A NIC for each network; the cloud is asked only where one is named by its name.

    :param groups: security groups, as `security_groups` returns them
    :raises InvalidArgumentError: when there is no such network, or several of the name
    """
    known: list[Network] = []
    made = []
    for network in networks:
        if isinstance(network, str) and not network.isdigit() and not known:
            known = cloud.networks.networks()
        nic = _nic(network, known)
        made.append({**nic, "SECURITY_GROUPS": groups} if groups is not None else nic)
    return made


def security_groups(cloud: OpenNebulaCloud, groups: Sequence[Any] | None) -> str | None:
    """Security groups as OpenNebula has them: ids, separated by commas. They are looked up: the daemon accepts any.

    :raises InvalidArgumentError: when there is no such group
    """
    if groups is None:
        return None
    ids = [str(group.id if isinstance(group, OpenNebulaSecurityGroup) else group) for group in groups]
    if not all(isinstance(group, OpenNebulaSecurityGroup) for group in groups):
        known = {str(group.id): group.name for group in cloud.networks.security_groups()}
        unknown = sorted(set(ids) - set(known))
        if unknown:
            there = _choice(f"{number} ({name})" for number, name in known.items())
            raise InvalidArgumentError(f"there is no security group {', '.join(unknown)}; {there}")
    return ",".join(ids)


def _nic(network: Any, known: Sequence[Network]) -> Nic:
    if isinstance(network, Mapping):
        return {text("a name in networks", name).upper(): _attribute(value) for name, value in network.items()}
    if isinstance(network, OpenNebulaNetwork):
        return {"NETWORK_ID": int(network.id)}
    if isinstance(network, bool) or not isinstance(network, (str, int)):
        raise InvalidArgumentError(f"a network is one of ex_list_networks(), an id or a name, not {network!r}")
    if str(network).isdigit():
        return {"NETWORK_ID": int(network)}
    return {"NETWORK_ID": _id_of(str(network), known)}


def _id_of(name: str, known: Sequence[Network]) -> int:
    found = [network.id for network in known if network.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidArgumentError(f"several networks are called {name!r}: give one of the ids {found}")
    there = _choice(repr(network.name) for network in known)
    raise InvalidArgumentError(f"there is no network {name!r}; {there}")


def _choice(names: Iterable[str]) -> str:
    there = ", ".join(names)
    return f"choose one of: {there}" if there else "you may use none"


def _attribute(value: Any) -> str | int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return text("a value in networks", value)
