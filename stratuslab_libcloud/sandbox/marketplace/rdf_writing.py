"""Marketplace entries in RDF/XML and RDF/JSON: writing."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from stratuslab_libcloud.sandbox.marketplace.rdf import BASE, NAMESPACES, find, name
from stratuslab_libcloud.sandbox.state.entries import Entry


def metadata_xml(entries: Sequence[Entry]) -> str:
    """A listing."""
    documents = "".join(entry.document for entry in entries)
    return f'<?xml version="1.0" encoding="UTF-8" standalone="no"?><metadata>{documents}</metadata>'


def rdf_json(entry: Entry) -> dict[str, Any]:
    """The statements of an entry, without its signature, as RDF/JSON."""
    description = find(ET.fromstring(entry.document), "rdf:Description")
    assert description is not None
    statements: dict[str, Any] = {}
    _add_statements(statements, f"{BASE}#{entry.identifier}", description)
    return statements


def document(
    *,
    identifier: str,
    checksums: Mapping[str, str],
    size: int,
    created: str,
    email: str,
    subject: str,
    issuer: str,
    terms: Sequence[tuple[str, str]],
) -> str:
    """The document of an entry, without a signature.

    :param checksums: hexadecimal, by algorithm
    :param size: bytes of the image
    :param created: when it was endorsed, by `email`, `subject` and `issuer`
    :param terms: further elements with their texts, such as ``("slterms:os", "CentOS")``
    """
    namespaces = " ".join(f"xmlns:{prefix}={quoteattr(uri)}" for prefix, uri in NAMESPACES.items())
    lines = [
        f"<rdf:RDF {namespaces} xml:base={quoteattr(BASE)}>",
        f"<rdf:Description rdf:about={quoteattr('#' + identifier)}>",
        f"<dcterms:identifier>{identifier}</dcterms:identifier>",
        f"<slreq:bytes>{size}</slreq:bytes>",
    ]
    for algorithm, value in checksums.items():
        lines.append(
            f'<slreq:checksum rdf:parseType="Resource"><slreq:algorithm>{algorithm}</slreq:algorithm>'
            f"<slreq:value>{value}</slreq:value></slreq:checksum>"
        )
    lines.append(
        '<slreq:endorsement rdf:parseType="Resource">'
        f"<dcterms:created>{created}</dcterms:created>"
        '<slreq:endorser rdf:parseType="Resource">'
        f"<slreq:email>{escape(email)}</slreq:email><slreq:subject>{escape(subject)}</slreq:subject>"
        f"<slreq:issuer>{escape(issuer)}</slreq:issuer></slreq:endorser></slreq:endorsement>"
    )
    lines.extend(f"<{term}>{escape(text)}</{term}>" for term, text in terms)
    lines.append("</rdf:Description>\n</rdf:RDF>")
    return "\n".join(lines)


def _add_statements(statements: dict[str, Any], subject: str, element: ET.Element) -> None:
    predicates = statements.setdefault(subject, {})
    for child in element:
        namespace, _, term = child.tag[1:].partition("}")
        value: dict[str, str]
        if child.get(name("rdf:parseType")) == "Resource":
            value = {"type": "bnode", "value": f"_:b{len(statements)}"}
            _add_statements(statements, value["value"], child)
        else:
            value = {"type": "literal", "value": (child.text or "").strip()}
        predicates.setdefault(namespace + term, []).append(value)
