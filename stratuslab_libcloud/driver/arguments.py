"""What callers of the driver give, checked before anything is done with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from libcloud.compute.base import KeyPair, Node, NodeImage, NodeLocation, NodeSize, StorageVolume, VolumeSnapshot

from stratuslab_libcloud.client.opennebula.identifiers import parse_machine_id
from stratuslab_libcloud.errors import InvalidArgumentError

T = TypeVar("T")

_HOW_TO_GET_ONE = {
    Node: "a node: list_nodes() and ex_get_node() give one",
    StorageVolume: "a volume: list_volumes() and ex_get_volume() give one",
    VolumeSnapshot: "a snapshot: list_volume_snapshots() gives one",
    NodeImage: "an image: list_images() and get_image() give one",
    NodeSize: "a size: list_sizes() gives one",
    KeyPair: "a key pair: list_key_pairs() and get_key_pair() give one",
    NodeLocation: "a location: list_locations() gives one",
}


def checked(kind: type[T], thing: Any) -> T:
    """One of Libcloud's objects, if it is of this kind.

    :raises InvalidArgumentError: when it is something else
    """
    if not isinstance(thing, kind):
        raise InvalidArgumentError(f"{thing!r} is not {_HOW_TO_GET_ONE[kind]}")
    return thing


def machine_number(node: Node | str | int) -> int:
    """The number of a machine, which is a node's id.

    :raises InvalidArgumentError: when it is not a number
    """
    return parse_machine_id(str(node.id if isinstance(node, Node) else node))


def parsed(name: str, value: Any, parse: Callable[[str], T]) -> T | None:
    """An argument's value; None where it was not given.

    :param parse: makes the value from a text, or says in its ValueError what would be right
    :raises InvalidArgumentError: when it is not valid
    """
    if value is None:
        return None
    try:
        return parse(str(value))
    except ValueError as error:
        raise InvalidArgumentError(f"{name} must be {error}, not {value!r}") from None


def text(name: str, value: Any) -> str:
    """An argument that must be a text that UTF-8 can write.

    :raises InvalidArgumentError: when it is not
    """
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidArgumentError(f"{name} has a character that UTF-8 cannot write: {value!r}") from None
        return value
    raise InvalidArgumentError(f"{name} must be a text, not {value!r}")


def proxy_url(value: Any) -> str | None:
    """The argument `proxy_url`; the message of an error does not repeat it, since it may contain a password.

    :raises InvalidArgumentError: when it is not the URL of a proxy
    """
    if value is None:
        return None
    from stratuslab_libcloud.config import values

    try:
        return values.proxy_url(value if isinstance(value, str) else "")
    except ValueError as error:
        raise InvalidArgumentError(f"proxy_url must be {error}") from None


def seconds(name: str, value: Any) -> float:
    """An argument that is a number of seconds.

    :raises InvalidArgumentError: when it is not a number, or below 0
    """
    try:
        duration = float(value)
    except (TypeError, ValueError):
        duration = math.nan
    if not duration >= 0:
        raise InvalidArgumentError(f"{name} must be 0 seconds or more, not {value!r}")
    return duration


def seconds_or_none(name: str, value: Any) -> float | None:
    """The same for an argument that may be left out.

    :raises InvalidArgumentError: when it is not a number, or below 0
    """
    return None if value is None else seconds(name, value)
