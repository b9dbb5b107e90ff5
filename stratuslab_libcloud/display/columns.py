"""What a table shows of each kind of Libcloud's objects, whichever driver they are of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from libcloud.compute.base import KeyPair, Node, NodeImage, NodeLocation, NodeSize, StorageVolume, VolumeSnapshot

Columns = Mapping[str, Callable[[Any], object]]
"""By the name of a column: what stands in it of an object; None for nothing."""


def columns_of(thing: object) -> Columns | None:
    """The columns for an object and others of its kind, in order.

    :return: None for what is no object of a cloud
    """
    for kind, columns in _COLUMNS.items():
        if isinstance(thing, kind):
            return columns
    is_named = all(hasattr(thing, name) for name in ("id", "name", "driver"))
    return _NAMED if is_named else None


def _extra(*names: str) -> Callable[[Any], object]:
    """The first that is there of some entries of `extra`; each driver has its own."""

    def find(thing: Any) -> object:
        extra = thing.extra or {}
        return next((extra[name] for name in names if extra.get(name) not in (None, "")), None)

    return find


def _location(thing: Any) -> object:
    location = getattr(thing, "location", None)
    return location.id if isinstance(location, NodeLocation) else _extra("location")(thing)


def _addresses(node: Node) -> str:
    return " ".join([*(node.public_ips or ()), *(node.private_ips or ())])


def _of_size(name: str) -> Callable[[Any], object]:
    return lambda node: getattr(node.size, name, None)


def _users(volume: StorageVolume) -> str:
    attachments = _extra("attachments")(volume)
    found = attachments if isinstance(attachments, list) else []
    ids = [str(a.get("node_id") or a.get("server_id") or "") for a in found if isinstance(a, Mapping)]
    return " ".join(filter(None, ids))


def _price(size: NodeSize) -> object:
    return size.price or None


_NAMED: Columns = {"ID": lambda thing: thing.id, "NAME": lambda thing: thing.name}
"""Of what each driver has its own class for, such as networks."""

_COLUMNS: Mapping[type, Columns] = {
    Node: {
        "ID": lambda node: node.id,
        "NAME": lambda node: node.name,
        "STATE": lambda node: node.state,
        "ADDRESSES": _addresses,
        "SIZE": _of_size("id"),
        "IMAGE": lambda node: getattr(node.image, "name", None),
        "LOCATION": _location,
    },
    NodeSize: {
        "ID": lambda size: size.id,
        "NAME": lambda size: size.name,
        "CPUS": _extra("vcpu", "vcpus", "cpu", "guestCpus"),
        "RAM, MiB": lambda size: size.ram,
        "DISK, GB": lambda size: size.disk or None,
        "PRICE": _price,
    },
    NodeImage: {
        "ID": lambda image: image.id,
        "NAME": lambda image: image.name,
        "OS": _extra("os", "os_type", "os_distro"),
        "ARCHITECTURE": _extra("architecture", "arch"),
        "STATE": _extra("state", "status"),
        "CREATED": _extra("created", "created_at"),
        "LOCATION": _location,
    },
    StorageVolume: {
        "ID": lambda volume: volume.id,
        "NAME": lambda volume: volume.name,
        "SIZE, GB": lambda volume: volume.size,
        "STATE": lambda volume: volume.state,
        "NODES": _users,
        "LOCATION": _location,
    },
    VolumeSnapshot: {
        "ID": lambda snapshot: snapshot.id,
        "NAME": lambda snapshot: snapshot.name,
        "SIZE, GB": lambda snapshot: snapshot.size,
        "STATE": lambda snapshot: snapshot.state,
        "CREATED": lambda snapshot: snapshot.created,
    },
    NodeLocation: {
        "ID": lambda location: location.id,
        "NAME": lambda location: location.name,
        "COUNTRY": lambda location: location.country,
    },
    KeyPair: {
        "NAME": lambda key_pair: key_pair.name,
        "FINGERPRINT": lambda key_pair: key_pair.fingerprint,
    },
}
