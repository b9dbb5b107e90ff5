"""What the Marketplace demands of an entry that is uploaded."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import datetime

from stratuslab_libcloud.sandbox.marketplace.rdf import (
    BASE,
    NAMESPACES,
    find,
    name,
    read_documents,
    read_entry,
    text_of,
)
from stratuslab_libcloud.sandbox.state.entries import Entry
from stratuslab_libcloud.sandbox.state.errors import InvalidEntryError, UnhandledInputError
from stratuslab_libcloud.sandbox.state.identifiers import sha1_of_identifier

_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_SINGLE_TERMS = ("os", "os-version", "os-arch", "version", "serial-number", "deprecated")
_DATE = "%Y-%m-%dT%H:%M:%SZ"


def read_upload(content: bytes) -> Entry:
    """One entry that meets the Marketplace's constraints.

    Of the signature only the presence is checked.

    :raises InvalidEntryError: if it does not; in the Marketplace's words
    :raises UnhandledInputError: if its identifier is none
    """
    documents = read_documents(content)
    try:
        if not any(root.find(f".//{_SIGNATURE}") is not None for root, _ in documents):
            raise InvalidEntryError("no signature")
        root, document = documents[0]
        _check_constraints(root)
        return read_entry(root, document)
    except InvalidEntryError as problem:
        raise InvalidEntryError(f"invalid metadata: {problem}") from None


def _check_constraints(root: ET.Element) -> None:
    if root.get(_XML_BASE) != BASE:
        raise InvalidEntryError(f"root element must have xml:base attribute with value {BASE}")
    description = find(root, "rdf:Description")
    if description is None:
        raise InvalidEntryError("document must have exactly 1 rdf:Description element")
    if len(description.findall("dcterms:type", NAMESPACES)) != 1:
        raise InvalidEntryError("description must have exactly 1 dcterms:type element")
    sha1s = [value for algorithm, value in _checksums(description) if algorithm == "SHA-1"]
    if len(sha1s) != 1:
        raise InvalidEntryError("description must have exactly 1 slterms:checksum element using SHA-1 algorithm")
    for term in _SINGLE_TERMS:
        if len(description.findall(f"slterms:{term}", NAMESPACES)) > 1:
            raise InvalidEntryError(f"description must have at most 1 slterms:{term} element")
    _check_identifier(description, sha1s[0])
    for date in [*root.iter(name("dcterms:valid")), *root.iter(name("dcterms:created"))]:
        _check_date(date)


def _check_identifier(description: ET.Element, sha1: str) -> None:
    about = description.get(name("rdf:about"), "").removeprefix("#")
    identifier = text_of(description, "dcterms:identifier") or ""
    if about != identifier:
        raise InvalidEntryError(
            f"rdf:about attribute ({about}) and dcterms:identifier ({identifier}) are not consistent"
        )
    try:
        from_identifier = sha1_of_identifier(identifier).hex()
    except ValueError as problem:
        raise UnhandledInputError(str(problem)) from None
    if from_identifier != sha1.lower():
        raise InvalidEntryError(
            f"checksum from identifier ({from_identifier}) and SHA-1 checksum ({sha1}) are not consistent"
        )


def _check_date(element: ET.Element) -> None:
    text = (element.text or "").strip()
    try:
        if text:
            datetime.strptime(text, _DATE)
    except ValueError:
        term = element.tag.rpartition("}")[2]
        raise InvalidEntryError(f"dcterms:{term} value ({text}) is not a valid date") from None


def _checksums(description: ET.Element) -> Iterator[tuple[str, str]]:
    for checksum in description.findall("slreq:checksum", NAMESPACES):
        yield text_of(checksum, "slreq:algorithm") or "", text_of(checksum, "slreq:value") or ""
