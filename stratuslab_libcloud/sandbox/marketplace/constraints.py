"""What the Marketplace demands of an entry that is uploaded.

In its order and its words (ValidateMetadataConstraints.java).
"""

from __future__ import annotations

import re
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
from stratuslab_libcloud.sandbox.marketplace.statements import check_statements
from stratuslab_libcloud.sandbox.state.entries import Entry
from stratuslab_libcloud.sandbox.state.errors import InvalidEntryError, UnhandledInputError
from stratuslab_libcloud.sandbox.state.identifiers import sha1_of_identifier

_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_SINGLE_TERMS = ("serial-number", "version", "deprecated", "os", "os-arch", "os-version")
_DATE_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_DATE = "%Y-%m-%dT%H:%M:%SZ"


def read_upload(content: bytes) -> Entry:
    """One entry that meets the Marketplace's constraints.

    :raises InvalidEntryError: if it does not; in the Marketplace's words
    :raises UnhandledInputError: if its identifier is none
    """
    from stratuslab_libcloud.sandbox.marketplace.signature_check import check_signature

    documents = read_documents(content)
    try:
        check_signature(content)
        if not documents:
            raise InvalidEntryError("document must have exactly 1 rdf:Description element")
        root, document = documents[0]
        _check_constraints(root)
        for description in root.findall("rdf:Description", NAMESPACES):
            check_statements(description)
        return read_entry(root, document)
    except InvalidEntryError as problem:
        raise InvalidEntryError(f"invalid metadata: {problem}") from None


def _check_constraints(root: ET.Element) -> None:
    if root.get(_XML_BASE) != BASE:
        raise InvalidEntryError(f"root element must have xml:base attribute with value {BASE}")
    description = find(root, "rdf:Description")
    if description is None:
        raise InvalidEntryError("document must have exactly 1 rdf:Description element")
    types = description.findall("dcterms:type", NAMESPACES)
    if len(types) != 1:
        raise InvalidEntryError("description must have exactly 1 dcterms:type element")
    if len(types[0]):
        raise InvalidEntryError("dcterms:type cannot have child elements")
    sha1s = [value for algorithm, value in _checksums(description) if algorithm == "SHA-1"]
    if len(sha1s) != 1:
        raise InvalidEntryError("description must have exactly 1 slterms:checksum element using SHA-1 algorithm")
    for term in _SINGLE_TERMS:
        if len(description.findall(f"slterms:{term}", NAMESPACES)) > 1:
            raise InvalidEntryError(f"description must have at most 1 slterms:{term} element")
    _check_identifier(description, sha1s[0])
    _check_dates(description)


def _check_identifier(description: ET.Element, sha1: str) -> None:
    about = description.get(name("rdf:about"), "")
    identifier = text_of(description, "dcterms:identifier") or ""
    if about != f"#{identifier}":
        raise InvalidEntryError(
            f"rdf:about attribute ({about}) and dcterms:identifier ({identifier}) are not consistent"
        )
    try:
        from_identifier = int.from_bytes(sha1_of_identifier(identifier), "big")
    except ValueError as problem:
        raise UnhandledInputError(str(problem)) from None
    try:
        checksum = int(sha1, 16)
    except ValueError:
        raise InvalidEntryError(f"{sha1} is not a valid SHA-1 checksum") from None
    if from_identifier != checksum:
        # Both as decimal numbers, as the Marketplace writes them.
        raise InvalidEntryError(
            f"checksum from identifier ({from_identifier}) and SHA-1 checksum ({checksum}) are not consistent"
        )


def _check_dates(description: ET.Element) -> None:
    valid = text_of(description, "dcterms:valid") or ""
    if not _is_date(valid):
        raise InvalidEntryError(f"dcterms:valid value ({valid}) is not a valid date")
    if not _is_date(text_of(description, "slreq:endorsement/dcterms:created") or ""):
        # It does mean the other date, and names this one.
        raise InvalidEntryError(f"dcterms:created value ({valid}) is not a valid date")


def _is_date(text: str) -> bool:
    try:
        return not text or bool(_DATE_FORM.fullmatch(text) and datetime.strptime(text, _DATE))
    except ValueError:
        return False


def _checksums(description: ET.Element) -> Iterator[tuple[str, str]]:
    for checksum in description.findall("slreq:checksum", NAMESPACES):
        yield text_of(checksum, "slreq:algorithm") or "", text_of(checksum, "slreq:value") or ""
