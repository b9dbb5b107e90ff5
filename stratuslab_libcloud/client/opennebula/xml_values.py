"""Values in the elements of OpenNebula's documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from typing import Any, TypeVar
from xml.etree.ElementTree import Element

from stratuslab_libcloud.client.xml_stream import UnreadableDocumentError, stream_elements

T = TypeVar("T")

LARGEST_ID = 2**31 - 1
"""The largest integer of the daemon."""

_LONGEST_INTEGER = 20
_SAFE_DIGITS = 10

EMPTY = Element("TEMPLATE")
"""Stands for an element that is missing."""


def child(element: Element, tag: str) -> Element:
    """The first child with a tag; `EMPTY` if there is none."""
    found = element.find(tag)
    return EMPTY if found is None else found


def texts(element: Element) -> dict[str, str | None]:
    """The texts of an element's children by their tags; where several have the same tag, the last one's."""
    return {each.tag: each.text for each in element}


def text_below(element: Element | None, tag: str) -> str | None:
    """The text of the first child with a tag; None where it is missing or empty."""
    return None if element is None else element.findtext(tag) or None


def attributes(element: Element) -> dict[str, Any]:
    """A template: texts, mappings for vectors, and lists where a name occurs more than once."""
    found: dict[str, Any] = {}
    for each in element:
        value = {inner.tag: inner.text or "" for inner in each} if len(each) else each.text or ""
        if each.tag not in found:
            found[each.tag] = value
        elif isinstance(found[each.tag], list):
            found[each.tag].append(value)
        else:
            found[each.tag] = [found[each.tag], value]
    return found


def integer(text: str | None) -> int | None:
    """A whole number; None where there is none."""
    if not text or len(text) > _LONGEST_INTEGER:
        return None
    if text.isdigit() and text.isascii():  # as almost all are, of a dozen in each machine
        return int(text)
    digits = text.strip().removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() else None


def number(text: str | None) -> float | None:
    """A number such as ``0.5``, OpenNebula's share of a physical CPU; None where there is none."""
    try:
        return float(text) if text else None
    except ValueError:
        return None


def object_id(text: str | None) -> int | None:
    """An ID of an object, from 0 on; None where there is none, which the daemon also writes as -1."""
    if text and len(text) < _SAFE_DIGITS and text.isdigit() and text.isascii():
        return int(text)
    value = integer(text)
    return value if value is not None and 0 <= value <= LARGEST_ID else None


def moment(text: str | None) -> datetime | None:
    """A time in seconds since 1970, in UTC; 0 means no time."""
    if not text or text == "0":
        return None
    seconds = integer(text)
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return None


def is_yes(text: str | None) -> bool:
    """``YES`` or ``1``, which the daemon uses for the same thing in different places."""
    return text is not None and text.upper() in ("YES", "1")


def read_pool(chunks: Iterable[str], tag: str, root: str, make: Callable[[Element], T | None]) -> list[T]:
    """Read the objects of a pool, or one that is alone; those that `make` returns None for are left out.

    :raises UnreadableDocumentError: when the document is not well formed
    """
    made = (make(element) for element in stream_elements(chunks, tag, root))
    return [thing for thing in made if thing is not None]


def only_one(things: list[T]) -> T:
    """The single object of a document.

    :raises UnreadableDocumentError: when there is none, or several
    """
    if len(things) != 1:
        raise UnreadableDocumentError("it should contain one object")
    return things[0]
