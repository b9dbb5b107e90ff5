"""Marketplace entries in RDF/XML: the vocabulary, and reading."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from stratuslab_libcloud.sandbox.state.entries import Entry
from stratuslab_libcloud.sandbox.state.errors import InvalidEntryError

BASE = "http://mp.stratuslab.eu/"
NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dcterms": "http://purl.org/dc/terms/",
    "slreq": f"{BASE}slreq#",
    "slterms": f"{BASE}slterms#",
}
_ENDORSER = "slreq:endorsement/slreq:endorser"
_KEY = {
    "identifier": "dcterms:identifier",
    "email": f"{_ENDORSER}/slreq:email",
    "created": "slreq:endorsement/dcterms:created",
}
_DECLARATION = re.compile(r"\A\ufeff?\s*<\?xml[^>]*\?>\s*")

# Several entries in one file are written again one by one, and should keep their prefixes.
for _prefix, _uri in NAMESPACES.items():
    ET.register_namespace(_prefix, _uri)


def read_documents(content: bytes) -> Sequence[tuple[ET.Element, str]]:
    """The ``rdf:RDF`` elements of a file, each with its text; the file may be such an element or contain several.

    :raises InvalidEntryError: if it is not XML
    """
    try:
        root = ET.fromstring(content)
    except (ET.ParseError, LookupError, ValueError) as problem:
        raise InvalidEntryError(f"unable to parse metadata: {problem}") from None
    if root.tag == name("rdf:RDF") and b"<!DOCTYPE" not in content:
        return [(root, _without_declaration(content))]
    # Text before or around an entry cannot be part of a listing.
    from stratuslab_libcloud.sandbox.marketplace.canonical_form import parse, text_of_entry

    texts = [text_of_entry(element) for element in parse(content).iter(name("rdf:RDF"))]
    return list(zip(root.iter(name("rdf:RDF")), texts, strict=True))


def read_entry(root: ET.Element, document: str) -> Entry:
    """The entry in an ``rdf:RDF`` element.

    :param document: the element's text
    :raises InvalidEntryError: if it does not say which image is endorsed, by whom and when
    """
    description = find(root, "rdf:Description")
    if description is None:
        raise InvalidEntryError("document must have exactly 1 rdf:Description element")

    def text(path: str) -> str | None:
        return text_of(description, path)

    return Entry(
        **_key(description),
        subject=text(f"{_ENDORSER}/slreq:subject") or "",
        issuer=text(f"{_ENDORSER}/slreq:issuer") or "",
        valid=text("dcterms:valid"),
        deprecated=text("slterms:deprecated"),
        tag=text("dcterms:alternative"),
        title=text("dcterms:title"),
        description=text("dcterms:description"),
        os=text("slterms:os"),
        os_version=text("slterms:os-version"),
        os_arch=text("slterms:os-arch"),
        kind=text("slterms:kind"),
        size=_integer(text("slreq:bytes")),
        locations=tuple(
            (element.text or "").strip() for element in description.findall("slterms:location", NAMESPACES)
        ),
        make_document=lambda: document,
    )


def _key(description: ET.Element) -> dict[str, str]:
    """Image, endorser and time, which every entry must have."""
    key = {name: text_of(description, path) or "" for name, path in _KEY.items()}
    missing = [name for name, value in key.items() if not value]
    if missing:
        raise InvalidEntryError(f"missing {' and '.join(missing)}")
    return key


def _integer(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        return 0


def find(element: ET.Element, path: str) -> ET.Element | None:
    """The first element at a path of prefixed names."""
    return element.find(path, NAMESPACES)


def text_of(element: ET.Element, path: str) -> str | None:
    """The text of the first element at a path of prefixed names; None if there is none."""
    found = find(element, path)
    return None if found is None else (found.text or "").strip()


def name(prefixed: str) -> str:
    """A prefixed name in the form that the parser uses."""
    prefix, _, name = prefixed.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{name}"


def _without_declaration(document: bytes) -> str:
    declared = re.match(rb"""\s*<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)""", document)
    encoding = declared[1].decode("ascii") if declared else "utf-8"
    return _DECLARATION.sub("", document.decode(encoding)).strip()
