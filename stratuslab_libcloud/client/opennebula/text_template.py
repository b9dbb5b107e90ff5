"""Templates in OpenNebula's own syntax, ``NAME="value"``, as today's versions read it.

It is for the calls that real daemons have been seen to accept it in, and not XML: ``one.vm.update``, ``one.vm.resize``,
``one.vm.attachnic`` and ``one.image.update``. A quoted value ends at the first quotation mark that has no backslash
before it, and a carriage return becomes a newline. What cannot be written so is sent in XML, by analogy with the calls
that have been seen to accept that: the daemon tells the two apart by the first character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from stratuslab_libcloud.client.opennebula import xml_template
from stratuslab_libcloud.client.opennebula.xml_template import Attributes, Scalar, Value

_NEEDS_XML = re.compile(r'\\(?="|\Z)|\r')


def render(attributes: Attributes) -> str:
    """Write a template.

    :param attributes: texts, numbers, mappings for vectors such as NIC, and several of these for several of a name
    :raises InvalidArgumentError: when a name or a value cannot be written in either syntax
    """
    in_xml = xml_template.render(attributes)  # which checks names and values
    if any(_NEEDS_XML.search(text) for text in _texts(attributes.values())):
        return in_xml
    return "\n".join(_line(name, value) for name, values in attributes.items() for value in _several(values))


def _several(value: Value | Sequence[Value]) -> Sequence[Value]:
    return [value] if isinstance(value, (str, int, float, Mapping)) else value


def _texts(values: object) -> Iterator[str]:
    """All texts in some values, and in the vectors among them."""
    if isinstance(values, str):
        yield values
    elif isinstance(values, Mapping):
        yield from _texts(values.values())
    elif not isinstance(values, (int, float)):
        for value in values:  # type: ignore[attr-defined]  # a sequence is all that is left
            yield from _texts(value)


def _line(name: str, value: Value) -> str:
    if isinstance(value, Mapping):
        return f"{name}=[{','.join(_line(key, each) for key, each in value.items())}]"
    return f"{name}={_scalar(value)}"


def _scalar(value: Scalar) -> str:
    if not isinstance(value, str):
        return str(value)
    escaped = value.replace('"', '\\"')
    return f'"{escaped}"'
