"""The template of a new machine in OpenNebula's syntax. This is the only place that quotes values.

The grammar is that of OpenNebula 3.2 (``template_parser.l``): a quoted value ends at the first quote without a
backslash before it, ``\\"`` means a quote, and every other backslash means itself. So a backslash cannot be the last
character of a quoted value when another quote follows anywhere. Such a value is written without quotes where its
characters allow that; otherwise it is written at the very end of the text.
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

    Empty values are left out: the grammar has no empty value in quotes.

    :raises InvalidArgumentError: when a name or a value cannot be written
    """
    entries = [_Entry.of(attribute) for attribute in attributes]
    return "\n".join(entry.text for entry in _with_last_entry(entries) if entry.text) + "\n"


def inner_text(value: str) -> str:
    """What stands between the quotes of a value.

    :raises InvalidArgumentError: when it cannot be written
    """
    _check_value("the template", value)
    if value.endswith("\\"):
        raise InvalidArgumentError(f"{value!r} ends with a backslash, which cannot be written between quotes")
    return _quoted(value)[1:-1]


@dataclass(frozen=True)
class _Entry:
    """A name and its value as text.

    :param must_be_last: whether no quote may follow it
    """

    name: str
    text: str
    must_be_last: bool = False

    @classmethod
    def of(cls, attribute: Attribute | Vector) -> _Entry:
        if isinstance(attribute, Attribute):
            return cls._of_value(attribute.name, attribute.value)
        entries = [cls._of_value(name, value) for name, value in attribute.values.items() if value]
        inner = ",\n".join("  " + entry.text for entry in _with_last_entry(entries))
        text = f"{_checked_name(attribute.name)} = [\n{inner} ]" if inner else ""
        return cls(attribute.name, text, any(entry.must_be_last for entry in entries))

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
        return cls(name, f"{name} = {_quoted(value)}", must_be_last=True)


def _with_last_entry(entries: list[_Entry]) -> list[_Entry]:
    last = [entry for entry in entries if entry.must_be_last]
    if len(last) > 1:
        names = " and ".join(entry.name for entry in last)
        raise InvalidArgumentError(
            f"{names} end with a backslash; in a template only one value can: add a character to the others"
        )
    return sorted(entries, key=lambda entry: entry.must_be_last)


def _quoted(value: str) -> str:
    escaped = value.replace('"', '\\"')
    return f'"{escaped}"'


def _checked_name(name: str) -> str:
    if not _NAME.match(name):
        raise InvalidArgumentError(
            f"{name!r} cannot be the name of a template attribute: use letters, digits and underscores"
        )
    return name


def _check_value(name: str, value: str) -> None:
    invalid = _NOT_IN_XML.search(value)
    if invalid:
        raise InvalidArgumentError(
            f"the value of {name} contains {invalid.group()!r}, which cannot be sent: leave it out"
        )
