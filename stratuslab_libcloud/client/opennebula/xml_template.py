"""Templates in XML, the syntax of today's OpenNebula in which each value arrives as it was given.

In the older syntax ``NAME="value"`` (`template`, for 3.2) a backslash at the end of a value breaks the parser. What no
syntax can carry is refused here, since the daemon would refuse the template as a whole, or change the value silently.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from stratuslab_libcloud.client.opennebula.characters import check_characters
from stratuslab_libcloud.errors import InvalidArgumentError

Scalar = str | int | float
Vector = Mapping[str, Scalar]
Value = Scalar | Vector
Attributes = Mapping[str, "Value | Sequence[Value]"]


class Given(str):
    """A value that is OpenNebula's own, such as one of a template: it is sent as it is, whatever it is."""

    __slots__ = ()


MAX_NAME = 128
"""Characters that a name may have."""

_NAME = re.compile(r"[A-Za-z0-9_]+\Z")
_FORBIDDEN_IN_NAMES = re.compile(r"""[&|:\\";/'#{}$<>]""")
_EMPTY = "<![CDATA[]]>"


def render(attributes: Attributes) -> str:
    """Write a template.

    :param attributes: texts, numbers, mappings for vectors such as DISK, and several of these for several of a name
    :raises InvalidArgumentError: when a name or a value cannot be written
    """
    inner = "".join(_element(name, value) for name, value in attributes.items())
    return f"<TEMPLATE>{inner}</TEMPLATE>"


def checked_name(name: str, what: str) -> str:
    """The name of a machine, an image or a snapshot.

    :param what: says which, for messages
    :raises InvalidArgumentError: when OpenNebula would refuse it, or cut blanks off
    """
    forbidden = _FORBIDDEN_IN_NAMES.search(name)
    if forbidden:
        raise InvalidArgumentError(
            f"{what} cannot have {forbidden.group()!r} in its name {name!r}: OpenNebula forbids it, as it does "
            "& | : \\ \" ; / ' # { } $ < >"
        )
    if not 0 < len(name) <= MAX_NAME:
        raise InvalidArgumentError(f"the name of {what} must have 1 to {MAX_NAME} characters, not {len(name)}")
    return checked_value(what, name)


def checked_value(name: str, value: str) -> str:
    """A value that arrives as it is.

    :raises InvalidArgumentError: when it does not
    """
    check_characters(name, value)
    if value != value.strip(" \t\r\n"):
        raise InvalidArgumentError(
            f"{name} begins or ends with a blank or a newline, which OpenNebula cuts off: leave it out of {value!r}"
        )
    return value


def _element(name: str, value: Value | Sequence[Value]) -> str:
    if not _NAME.match(name):
        raise InvalidArgumentError(
            f"{name!r} cannot be the name of a template attribute: use letters, digits and underscores"
        )
    if isinstance(value, Mapping):
        inner = "".join(_element(key, each) for key, each in value.items())
    elif isinstance(value, (str, int, float)):
        inner = _escaped(name, value if isinstance(value, str) else str(value))
    else:
        return "".join(_element(name, each) for each in value)
    return f"<{name}>{inner}</{name}>"


def _escaped(name: str, value: str) -> str:
    """A value between tags; an element without anything in it would be dropped."""
    checked = value if isinstance(value, Given) else checked_value(name, value)
    return escape(checked, {"\r": "&#13;"}) or _EMPTY
