"""Templates as OpenNebula reads them today: XML, or the grammar of 3.2, where now ``""`` and ``[]`` are empty."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.parsers import expat

from stratuslab_libcloud.sandbox.compute.template_parser import TemplateError, TemplateParser, TemplateScanner
from stratuslab_libcloud.sandbox.state.template import Template, Value

_LARGEST = 8 * 1024 * 1024


class _Scanner(TemplateScanner):
    before_value: Mapping[str, re.Pattern[str]] = {
        **TemplateScanner.before_value,
        "quoted": re.compile(r'"(?:\\"|[^"])*"'),
    }

    @staticmethod
    def unescaped(value: str) -> str:
        """What a quoted value stands for: only the backslash before a quotation mark is removed."""
        return value.replace('\\"', '"')


class _Parser(TemplateParser):
    scanner = _Scanner
    begin_of_vector = ("VARIABLE", "CBRACKET")


class _Element:
    """An element while it is read."""

    def __init__(self, name: str) -> None:
        self.name = name.upper()
        self.text = ""
        self.has_text = False
        self.children: list[_Element] = []

    def attributes(self) -> Iterator[tuple[str, Value]]:
        """What its children say. One without any text, not even an empty CDATA section, says nothing."""
        for child in self.children:
            if child.children:
                yield child.name, {pair.name: pair.text for pair in child.children if pair.has_text}
            elif child.has_text:
                yield child.name, child.text


def parse_template(text: str) -> Template:
    """Read a template.

    :raises TemplateError: in OpenNebula's words
    """
    if len(text) > _LARGEST:
        raise TemplateError("Error transforming the VM to XML.")
    template = Template(_xml_attributes(text) if text.lstrip().startswith("<") else _Parser(text).attributes())
    if any("]]>" in part for _, value in template for part in _parts(value)):
        raise TemplateError("Parse error.")
    return template


def _parts(value: Value) -> Iterator[str]:
    return iter([value]) if isinstance(value, str) else iter(value.values())


def _xml_attributes(text: str) -> Iterator[tuple[str, Value]]:
    root = _Element("")
    path = [root]

    def begin(name: str, attributes: dict[str, str]) -> None:
        element = _Element(name)
        path[-1].children.append(element)
        path.append(element)

    def end(name: str) -> None:
        path.pop()

    def add(characters: str) -> None:
        path[-1].text += characters
        path[-1].has_text = True

    def begin_cdata() -> None:
        path[-1].has_text = True

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = add
    parser.StartCdataSectionHandler = begin_cdata
    try:
        parser.Parse(text, True)
    except expat.ExpatError:
        raise TemplateError("Parse error.") from None
    return root.children[0].attributes()
