"""The XML of an entry, safely read, and its canonical form.

Only this module uses lxml. Its C14N 1.0 is right for whole documents only: of a part, it loses the default namespace;
and a copy of a part loses ``xml:base``, without which no signature of the Marketplace can be verified. (This is why
signxml, which copies, cannot be used.) So a part is made a document of its own first, with what it inherits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from lxml import etree

from stratuslab_libcloud.client.documents import MAX_OBJECT
from stratuslab_libcloud.client.stratuslab.vocabulary import DCTERMS, RDF, SIGNATURE, SLREQ, XML
from stratuslab_libcloud.errors import InvalidMetadataError

_DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>'


@dataclass(frozen=True)
class SignedParts:
    """An entry and its signature, in canonical form. All that is checked or used is read from these bytes.

    :param entry: the document without its signature, and without comments, which are not signed
    :param signature: the ``Signature`` element
    :param signed_info: the ``SignedInfo`` in it, as it is signed: with what it inherits from the document
    """

    entry: bytes
    signature: bytes
    signed_info: bytes


class EntryDocument:
    """The ``rdf:RDF`` document of one entry.

    :param content: as it was in a file or an answer; also in a ``metadata`` element, when there is no other entry in it
    :raises InvalidMetadataError: when it is not XML, too long, has a document type, or is not one entry
    """

    def __init__(self, content: bytes) -> None:
        root = _parse(content)
        if root.tag == "metadata":
            entries = [child for child in root if child.tag == f"{RDF}RDF"]
            if len(entries) != 1:
                raise InvalidMetadataError(f"there are {len(entries)} entries in the document; one is needed")
            root = _alone(entries[0])
        if root.tag != f"{RDF}RDF":
            raise InvalidMetadataError(f"it begins with {root.tag!r:.60}, and an entry begins with rdf:RDF")
        self._root = root

    def canonical(self) -> bytes:
        """The whole document without comments."""
        return _canonical(self._root.getroottree(), with_comments=False)

    def remove(self, name: str) -> None:
        """Take out all elements with a name, wherever they are."""
        for element in list(self._root.iter(name)):
            _remove(element)

    def remove_signatures(self) -> None:
        """Take out all signatures."""
        self.remove(f"{SIGNATURE}Signature")

    def endorse(self, created: str, email: str, subject: str, issuer: str) -> None:
        """Write who endorses it, instead of what was there.

        :param created: when, such as ``2014-06-01T10:00:00Z``
        :raises InvalidMetadataError: when there is no place for it; of several, the last one is used, and stays alone
        """
        places = list(self._root.iter(f"{SLREQ}endorsement"))
        if not places:
            raise InvalidMetadataError("document must contain exactly 1 slreq:endorsement element")
        *others, place = places
        for other in others:
            _remove(other)
        place.text = None
        for child in list(place):
            place.remove(child)
        place.set(f"{RDF}parseType", "Resource")
        etree.SubElement(place, f"{DCTERMS}created").text = created
        endorser = etree.SubElement(place, f"{SLREQ}endorser", {f"{RDF}parseType": "Resource"})
        for name, text in (("email", email), ("subject", subject), ("issuer", issuer)):
            etree.SubElement(endorser, f"{SLREQ}{name}").text = text

    def texts(self, name: str) -> list[str]:
        """The texts of all elements with a name, wherever they are."""
        return ["".join(element.itertext()) for element in self._root.iter(name)]

    def add(self, name: str, text: str) -> None:
        """Add an element to what is said of the image.

        :raises InvalidMetadataError: when there is no place for it, or the text cannot be in XML
        """
        description = self._root.find(f"{RDF}Description")
        if description is None:
            raise InvalidMetadataError("document must have exactly 1 rdf:Description element")
        try:
            etree.SubElement(description, name).text = text
        except ValueError:
            raise InvalidMetadataError(f"{text!r:.100} has characters that cannot be in XML") from None

    def append_signature(self, signature: str, sign: Callable[[bytes], str]) -> None:
        """Add a signature.

        :param signature: the element, with an empty ``SignatureValue``
        :param sign: makes the value, of the canonical ``SignedInfo``
        """
        element = etree.fromstring(signature)
        self._root.append(element)
        signed_info = _canonical(_alone(element.find(f"{SIGNATURE}SignedInfo")), with_comments=True)
        element.find(f"{SIGNATURE}SignatureValue").text = sign(signed_info)

    def signed_parts(self) -> SignedParts:
        """What is signed, and the signature.

        :raises InvalidMetadataError: when there is not exactly one signature, in its usual place
        """
        signatures = list(self._root.iter(f"{SIGNATURE}Signature"))
        if not signatures:
            raise InvalidMetadataError("no signature")
        (signature, *others) = signatures
        if others:
            raise InvalidMetadataError(f"there are {len(signatures)} signatures, and there may be only one")
        if signature.getparent() is not self._root:
            raise InvalidMetadataError("the signature is not in its place, directly below rdf:RDF")
        signed_info = signature.find(f"{SIGNATURE}SignedInfo")
        if signed_info is None:
            raise InvalidMetadataError("the signature has no SignedInfo")
        canonical_signature = _canonical(_alone(signature), with_comments=True)
        canonical_info = _canonical(_alone(signed_info), with_comments=True)
        without = EntryDocument(etree.tostring(self._root.getroottree()))
        without.remove_signatures()
        return SignedParts(without.canonical(), canonical_signature, canonical_info)


def entries_in(content: bytes) -> list[bytes]:
    """The documents of the entries in a ``metadata`` element, or the only one.

    :raises InvalidMetadataError: when it cannot be read
    """
    root = _parse(content)
    if root.tag != "metadata":
        return [content]
    return [etree.tostring(child, with_tail=False) for child in root if child.tag == f"{RDF}RDF"]


def newest_entry(content: bytes) -> bytes:
    """The document of the entry that was endorsed last, of one or several.

    :raises InvalidMetadataError: when it cannot be read, or there is none
    """
    endorsed = f"{SLREQ}endorsement/{DCTERMS}created"

    def time_of(document: bytes) -> str:
        return tree_of(EntryDocument(document).canonical()).findtext(f"{RDF}Description/{endorsed}", "")

    documents = entries_in(content)
    if not documents:
        raise InvalidMetadataError("there is no entry in the document")
    return max(documents, key=time_of)


def tree_of(canonical: bytes) -> ElementTree.Element:
    """The elements of a document in canonical form.

    :raises InvalidMetadataError: when only one of the two parsers that are used here can read it
    """
    try:
        return ElementTree.fromstring(canonical)
    except ElementTree.ParseError as error:
        raise InvalidMetadataError(f"it is not XML: {error}") from None


def written(canonical: bytes) -> bytes:
    """A document as the Marketplace's own tools write it to a file."""
    return _DECLARATION + bytes(
        etree.tostring(_parse(canonical).getroottree(), encoding="utf-8", xml_declaration=False)
    )


def _parse(content: bytes) -> Any:
    if len(content) > MAX_OBJECT:
        raise InvalidMetadataError(f"it is longer than {MAX_OBJECT} bytes")
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise InvalidMetadataError(f"it is not XML: {error}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise InvalidMetadataError("it has a document type, whose entities could change what is read")
    return root


def _alone(element: Any) -> Any:
    """A copy that is a document of its own: with the namespaces and the ``xml:`` attributes that it inherits."""
    copy = _parse(etree.tostring(element, with_tail=False))
    for ancestor in element.iterancestors():
        for name, value in ancestor.attrib.items():
            if name.startswith(XML) and name not in copy.attrib:
                copy.set(name, value)
    return copy


def _canonical(document: Any, *, with_comments: bool) -> bytes:
    try:
        return bytes(etree.tostring(document, method="c14n", with_comments=with_comments))
    except etree.C14NError:
        raise InvalidMetadataError("it has no canonical form: a namespace in it is not an absolute URI") from None


def _remove(element: Any) -> None:
    """Take an element out; the text after it stays, which lxml would remove as well."""
    parent, before = element.getparent(), element.getprevious()
    tail = element.tail or ""
    parent.remove(element)
    if before is None:
        parent.text = (parent.text or "") + tail
    else:
        before.tail = (before.tail or "") + tail
