"""What callers of the driver give, checked before anything is done with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from libcloud.compute.base import Node, NodeImage, NodeLocation, NodeSize, StorageVolume

from stratuslab_libcloud.errors import InvalidArgumentError

T = TypeVar("T")

_ONES_OWN = {
    Node: "a node: list_nodes() and ex_get_node_details() give one",
    StorageVolume: "a volume: list_volumes() and ex_get_volume() give one",
    NodeImage: "an image: list_images() and get_image() give one",
    NodeSize: "a size: list_sizes() gives one",
    NodeLocation: "a location: list_locations() gives one",
}


def checked(kind: type[T], thing: Any) -> T:
    """One of Libcloud's objects, if it is of this kind.

    :raises InvalidArgumentError: when it is something else
    """
    if not isinstance(thing, kind):
        raise InvalidArgumentError(f"{thing!r} is not {_ONES_OWN[kind]}")
    return thing


def parsed(name: str, value: Any, parse: Callable[[str], T]) -> T | None:
    """An argument made into what it means; None where it was not given.

    :param parse: makes it of a text, or says in its ValueError what would be right
    :raises InvalidArgumentError: when it can not be meant
    """
    if value is None:
        return None
    try:
        return parse(str(value))
    except ValueError as error:
        raise InvalidArgumentError(f"{name} has to be {error}, not {value!r}") from None


def text(name: str, value: Any) -> str:
    """An argument that has to be a text which can be sent.

    :raises InvalidArgumentError: when it is none
    """
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidArgumentError(f"{name} has a character that is none: {value!r}") from None
        return value
    raise InvalidArgumentError(f"{name} has to be a text, not {value!r}")


def seconds(name: str, value: Any) -> float:
    """An argument that has to be a span of time.

    :raises InvalidArgumentError: when it is none, or less than nothing
    """
    try:
        span = float(value)
    except (TypeError, ValueError):
        span = math.nan
    if not span >= 0:
        raise InvalidArgumentError(f"{name} has to be 0 seconds or more, not {value!r}")
    return span


def seconds_or_none(name: str, value: Any) -> float | None:
    """The same for one that may be left out.

    :raises InvalidArgumentError: when it is less than nothing
    """
    return None if value is None else seconds(name, value)
