"""The template of a new machine in the syntax of OpenNebula 3.2. This is the only place that quotes values.

A quoted value ends at the first quote that has no backslash before it. ``\\"`` means a quote, and every other backslash
means itself. So two things cannot be written in quotes: a backslash before a quote (the daemon removes all of them) and
a backslash at the end.

CONTEXT and REQUIREMENTS are a language of their own inside of this one. In them ``$NAME`` is replaced by the attribute
NAME, and nothing escapes a ``$``; but what was put in is not read again. So a value that has a ``$``, or that cannot be
written in quotes, is cut into pieces. Each piece is an attribute, and CONTEXT refers to them:
``CONTEXT = [ PRICE = "$LIBCLOUD_VALUE_0" ]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stratuslab_libcloud.client.opennebula.characters import check_characters
from stratuslab_libcloud.errors import InvalidArgumentError

MAX_NAME = 128
"""Bytes that the name of a machine may have."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NEEDS_NO_QUOTES = re.compile(r'[^=#\s,\[\]"]+\Z')

_LANGUAGES_WITH_VARIABLES = frozenset({"CONTEXT", "REQUIREMENTS"})
_PIECE = "LIBCLOUD_VALUE_"
_NOT_IN_QUOTES = re.compile(r'(?<!\\)(\\+)(?="|\Z)')
_SEPARATOR = re.compile(r" @\^_\^@( |\Z)")
_DOLLAR_WITHOUT_VARIABLE = re.compile(
    r"""\$ (?! \w+ (?: \[ [ \t]*\w+ ( [ \t]*,[ \t]*\w+[ \t]*=[ \t]*("[^"]*"|[A-Za-z0-9]+) )? [ \t]*\]
                     | (?! \w | \[ | \n | [ \t]*[],=] ) ) )""",
    re.VERBOSE | re.ASCII,
)


class WithVariables(str):
    """A value of CONTEXT or REQUIREMENTS in which OpenNebula is to replace variables, such as ``$NIC[IP]``."""

    __slots__ = ()


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

    :raises InvalidArgumentError: when a name or a value would not arrive as it is
    """
    writer = TemplateWriter()
    lines = [writer.text(attribute) for attribute in attributes]
    return "\n".join([*filter(None, lines), *writer.pieces]) + "\n"


class TemplateWriter:
    """Writes the attributes of one template.

    :ivar pieces: further attributes, to which those that were written refer; they belong to the template, too
    """

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def text(self, attribute: Attribute | Vector) -> str:
        """The text of an attribute; empty when it has no value.

        :raises InvalidArgumentError: when a name or a value would not arrive as it is
        """
        if isinstance(attribute, Vector):
            inner = ",\n".join(f"  {pair}" for pair in self.pairs(attribute))
            return f"{_checked_name(attribute.name)} = [\n{inner} ]" if inner else ""
        if attribute.name == "NAME":
            _check_machine_name(attribute.value)
        return self._pair(attribute.name, attribute.name, attribute.value)

    def pairs(self, vector: Vector) -> list[str]:
        """What stands between the brackets of a vector, where commas separate it; without the empty values.

        :raises InvalidArgumentError: when a key or a value would not arrive as it is
        """
        _check_keys(vector)
        pairs = (self._pair(vector.name, name, value) for name, value in vector.values.items())
        return [pair for pair in pairs if pair]

    def inner_text(self, vector: str, name: str, value: str) -> str:
        """What stands between the quotes of a value.

        :param vector: the name of the vector that the value is in
        :raises InvalidArgumentError: when the value would not arrive as it is
        """
        text = self._value(vector, name, value)
        if not text.startswith('"'):
            raise _backslash(name, "at the end")
        return text[1:-1]

    def _pair(self, attribute: str, name: str, value: str) -> str:
        return f"{_checked_name(name)} = {self._value(attribute, name, value)}" if value else ""

    def _value(self, attribute: str, name: str, value: str) -> str:
        _check_value(name, value)
        if attribute not in _LANGUAGES_WITH_VARIABLES:
            return _literal(name, value)
        if _SEPARATOR.search(value):
            raise InvalidArgumentError(f"the value of {name} contains ' @^_^@', at which OpenNebula would cut it")
        if isinstance(value, WithVariables):
            _check_variables(name, value)
        elif "$" in value or _NOT_IN_QUOTES.search(value):
            return self._in_pieces(name, value)
        return _literal(name, value)

    def _in_pieces(self, name: str, value: str) -> str:
        references = []
        for piece in filter(None, _NOT_IN_QUOTES.split(value)):
            reference = f"{_PIECE}{len(self.pieces)}"
            self.pieces.append(f"{reference} = {_literal(name, piece)}")
            references.append(f"${reference}")
        return _quoted("".join(references))


def _literal(name: str, value: str) -> str:
    awkward = _NOT_IN_QUOTES.search(value)
    if not awkward:
        return _quoted(value)
    if _NEEDS_NO_QUOTES.match(value):
        return value
    raise _backslash(name, "at the end" if awkward.end() == len(value) else "before a quotation mark")


def _backslash(name: str, where: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"the value of {name} has a backslash {where}, which would not arrive: leave it out")


def _quoted(value: str) -> str:
    escaped = value.replace('"', '\\"')
    return f'"{escaped}"'


def _checked_name(name: str) -> str:
    if not _NAME.match(name):
        raise InvalidArgumentError(
            f"{name!r} cannot be the name of a template attribute: use letters, digits and underscores, and no digit "
            "at the beginning"
        )
    return name


def _check_keys(vector: Vector) -> None:
    spellings: dict[str, str] = {}
    for name in vector.values:
        other = spellings.setdefault(name.upper(), name)
        if other != name:
            raise InvalidArgumentError(f"{vector.name} has {other} and {name}, which OpenNebula takes for the same")


def _check_value(name: str, value: str) -> None:
    check_characters(f"the value of {name}", value)
    if "\r" in value:
        raise InvalidArgumentError(f"the value of {name} contains '\\r', which would arrive as '\\n': leave it out")


def _check_variables(name: str, value: str) -> None:
    if _DOLLAR_WITHOUT_VARIABLE.search(value):
        raise InvalidArgumentError(
            f"the value of {name} has a '$' that begins no variable such as $NAME, $NIC[IP] or "
            f'$NETWORK[GATEWAY, NETWORK="public"]: leave it out, or do without variables'
        )


def _check_machine_name(name: str) -> None:
    """OpenNebula puts the name of a machine into its XML as it is, where these two would be markup."""
    markup = re.search("[&<]", name)
    if markup:
        raise InvalidArgumentError(
            f"the name {name!r} contains {markup.group()!r}, which damages a machine: leave it out"
        )
    length = len(name.encode("utf-8", "surrogatepass"))
    if length > MAX_NAME:
        raise InvalidArgumentError(f"the name {name!r} has {length} bytes in UTF-8; OpenNebula accepts {MAX_NAME}")
