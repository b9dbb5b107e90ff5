"""Whether the statements of an entry are RDF/XML: a Marketplace parses them, and refuses what is not.

Only the grammar of elements is looked at (https://www.w3.org/TR/rdf-syntax-grammar/, section 7.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from stratuslab_libcloud.client.stratuslab.vocabulary import RDF, XML

_PARSE_TYPE = f"{RDF}parseType"
_REFERENCES = {f"{RDF}resource", f"{RDF}nodeID"}
_BESIDE_TEXT = {f"{RDF}datatype", f"{RDF}ID"}
_ALSO_WITHOUT_PREFIX = {"ID", "about", "resource", "parseType", "type"}
_RAW = ("Literal", "Collection")


def is_resource(statement: Element) -> bool:
    """Whether a statement is about a thing that its elements describe, by its ``rdf:parseType``."""
    return _attributes(statement).get(_PARSE_TYPE) == "Resource"


def rdf_problems_of(description: Element) -> Iterator[str]:
    """What is wrong with the statements about a thing, one sentence each.

    :param description: the element whose children are the statements
    """
    for statement in description:
        yield from _problems_of(statement)


def _problems_of(statement: Element) -> Iterator[str]:
    name = statement.tag.rpartition("}")[2]
    attributes = _attributes(statement)
    kind = attributes.get(_PARSE_TYPE)
    has_text = any((text or "").strip() for text in (statement.text, *(child.tail for child in statement)))
    others = attributes.keys() - {_PARSE_TYPE}
    if kind in _RAW:
        return
    if has_text and len(statement):
        yield f"{name} has both text and elements"
    elif kind is not None:
        if others or has_text:
            yield f"{name} has rdf:parseType, and {'text' if has_text else 'other attributes'} as well"
        yield from rdf_problems_of(statement)
    elif others & _REFERENCES and (has_text or len(statement)):
        yield f"{name} refers to something, and has content of its own"
    elif len(statement) > 1:
        yield f"{name} has several elements, and no rdf:parseType"
    elif len(statement) == 1:
        yield from rdf_problems_of(statement[0])
    elif has_text and others - _BESIDE_TEXT:
        yield f"{name} has text, and attributes that are statements as well"


def _attributes(statement: Element) -> dict[str, str]:
    """The attributes that are RDF's. Some count without a prefix, too: a tool of 14.06 wrote so."""
    return {
        f"{RDF}{name}" if name in _ALSO_WITHOUT_PREFIX else name: value
        for name, value in statement.attrib.items()
        if not name.startswith(XML)
    }
