"""The grammar of RDF/XML, as far as entries of the Marketplace use it: its parser refuses what is not RDF."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from stratuslab_libcloud.sandbox.marketplace.rdf import NAMESPACES
from stratuslab_libcloud.sandbox.state.errors import InvalidEntryError

_RDF = f"{{{NAMESPACES['rdf']}}}"
_XML = "{http://www.w3.org/XML/1998/namespace}"
_OF_LITERALS = {f"{_RDF}datatype", f"{_RDF}ID"}


def check_statements(thing: ET.Element) -> None:
    """Check what is said of a thing.

    :raises InvalidEntryError: if it is not RDF
    """
    for statement in thing:
        kind = statement.get(f"{_RDF}parseType") or statement.get("parseType")
        texts = (statement.text, *(child.tail for child in statement))
        is_text = any(text and not text.isspace() for text in texts)
        if kind not in (None, "Resource"):
            continue
        if kind == "Resource" and not is_text:
            check_statements(statement)
        elif kind == "Resource" or (is_text and len(statement)):
            raise InvalidEntryError(f"unexpected literal in {_name(statement)}")
        elif len(statement) > 1:
            raise InvalidEntryError(f"unexpected element in {_name(statement)}")
        elif len(statement):
            check_statements(statement[0])
        elif is_text and any(not name.startswith(_XML) for name in statement.attrib.keys() - _OF_LITERALS):
            raise InvalidEntryError(f"unexpected attribute in {_name(statement)}")


def _name(statement: ET.Element) -> str:
    return statement.tag.rpartition("}")[2]
