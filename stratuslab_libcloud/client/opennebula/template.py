"""The text that describes a new machine to OpenNebula, and the one place that quotes.

The grammar is that of OpenNebula 3.2 (``template_parser.l``): a quoted value ends at the first quote without a
backslash before it, ``\\"`` stands for a quote, and every other backslash stands for itself. So a backslash can not be
the last character of a quoted value while another quote follows anywhere: such a value is written without quotes
where its characters permit that, and otherwise goes to the very end of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stratuslab_libcloud.errors import InvalidArgumentError

_NAME = re.compile(r"[A-Za-z0-9_]+\Z")
_NEEDS_NO_QUOTES = re.compile(r'[^=#\s,\[\]"]+\Z')
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Attribute:
    """``NAME = "value"``."""

    name: str
    value: str


@dataclass(frozen=True)
class Vector:
    """``NAME = [ KEY = "value", ... ]``."""

    name: str
    values: Mapping[str, str] = field(default_factory=dict)


def render(attributes: Iterable[Attribute | Vector]) -> str:
    """Write the template.

    Values that are empty are left out: the grammar has no empty value in quotes.

    :raises InvalidArgumentError: when a name or a value can not be written
    """
    entries = [_Entry.of(attribute) for attribute in attributes]
    return "\n".join(entry.text for entry in _with_awkward_last(entries) if entry.text) + "\n"


@dataclass(frozen=True)
class _Entry:
    """A piece of text; awkward when no quote may follow it."""

    name: str
    text: str
    awkward: bool = False

    @classmethod
    def of(cls, attribute: Attribute | Vector) -> _Entry:
        if isinstance(attribute, Attribute):
            return cls._of_value(attribute.name, attribute.value)
        entries = [cls._of_value(name, value) for name, value in attribute.values.items() if value]
        inner = ",\n".join("  " + entry.text for entry in _with_awkward_last(entries))
        text = f"{_checked_name(attribute.name)} = [\n{inner} ]" if inner else ""
        return cls(attribute.name, text, any(entry.awkward for entry in entries))

    @classmethod
    def _of_value(cls, name: str, value: str) -> _Entry:
        name = _checked_name(name)
        _check_value(name, value)
        if not value:
            return cls(name, "")
        if not value.endswith("\\"):
            return cls(name, f"{name} = {_quoted(value)}")
        if _NEEDS_NO_QUOTES.match(value):
            return cls(name, f"{name} = {value}")
        return cls(name, f"{name} = {_quoted(value)}", awkward=True)


def _with_awkward_last(entries: list[_Entry]) -> list[_Entry]:
    awkward = [entry for entry in entries if entry.awkward]
    if len(awkward) > 1:
        names = " and ".join(entry.name for entry in awkward)
        raise InvalidArgumentError(
            f"{names} end with a backslash; a template can say that of one value only: add a character"
        )
    return sorted(entries, key=lambda entry: entry.awkward)


def _quoted(value: str) -> str:
    escaped = value.replace('"', '\\"')
    return f'"{escaped}"'


def _checked_name(name: str) -> str:
    if not _NAME.match(name):
        raise InvalidArgumentError(
            f"{name!r} can not be the name of a template attribute: use letters, digits and underscores"
        )
    return name


def _check_value(name: str, value: str) -> None:
    impossible = _NOT_IN_XML.search(value)
    if impossible:
        raise InvalidArgumentError(
            f"the value of {name} contains {impossible.group()!r}, which can not be sent: leave it out"
        )
