"""Marketplace entries: signed descriptions of images, as RDF/XML.

The vocabulary is that of StratusLab's metadata library (namespaces ``dcterms``, ``slreq``, ``slterms``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from xml.etree.ElementTree import Element

from stratuslab_libcloud.client.stratuslab.identifiers import is_image_id
from stratuslab_libcloud.client.xml_stream import stream_elements

_log = logging.getLogger(__name__)

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DCTERMS = "{http://purl.org/dc/terms/}"
_SLREQ = "{http://mp.stratuslab.eu/slreq#}"
_SLTERMS = "{http://mp.stratuslab.eu/slterms#}"

_ENTRY = f"{_RDF}RDF"
_DESCRIPTION = f"{_RDF}Description"
_IDENTIFIER_TAG = f"{_DCTERMS}identifier"
_SIZE = f"{_SLREQ}bytes"
_CHECKSUM = f"{_SLREQ}checksum"
_CHECKSUM_ALGORITHM = f"{_SLREQ}algorithm"
_CHECKSUM_VALUE = f"{_SLREQ}value"
_ENDORSEMENT = f"{_SLREQ}endorsement"
_ENDORSED = f"{_DCTERMS}created"
_ENDORSER = f"{_SLREQ}endorser"
_EMAIL = f"{_SLREQ}email"
_LOCATION = f"{_SLTERMS}location"
_INBOUND_PORT = f"{_SLTERMS}inbound-port"

_TAGS_OF_TEXTS = {
    "title": f"{_DCTERMS}title",
    "tag": f"{_DCTERMS}alternative",
    "description": f"{_DCTERMS}description",
    "os": f"{_SLTERMS}os",
    "os_version": f"{_SLTERMS}os-version",
    "arch": f"{_SLTERMS}os-arch",
    "version": f"{_SLTERMS}version",
    "format": f"{_DCTERMS}format",
    "kind": f"{_SLTERMS}kind",
    "type": f"{_DCTERMS}type",
    "created": f"{_DCTERMS}created",
    "valid": f"{_DCTERMS}valid",
    "compression": f"{_DCTERMS}compression",
    "creator": f"{_DCTERMS}creator",
    "publisher": f"{_DCTERMS}publisher",
    "hypervisor": f"{_SLTERMS}hypervisor",
    "disks_bus": f"{_SLTERMS}disks-bus",
    "deprecated": f"{_SLTERMS}deprecated",
}
"""The elements of an entry for the fields of an `Image` that are plain texts."""


class Image(NamedTuple):
    """What one endorser says about an image: a Marketplace entry.

    :param identifier: made from the SHA-1 checksum; an image that two people endorsed has two entries with the same one
    :param tag: a name that its endorser gave it
    :param format: ``raw`` or ``qcow2``
    :param kind: ``machine`` or ``disk``
    :param created: when the image was made, as the entry writes it
    :param valid: until when the entry is valid
    :param size: bytes, uncompressed
    :param checksums: hexadecimal, by the algorithm's name, such as ``SHA-1``
    :param endorser: an e-mail address
    :param endorsed: when it was endorsed
    :param disks_bus: ``ide``, ``scsi`` or ``virtio``
    :param inbound_ports: the ports on which the image can be reached
    """

    identifier: str
    title: str
    tag: str
    description: str
    os: str
    os_version: str
    arch: str
    version: str
    format: str
    kind: str
    type: str
    created: str
    valid: str
    size: int | None
    checksums: Mapping[str, str]
    locations: tuple[str, ...]
    compression: str
    creator: str
    publisher: str
    hypervisor: str
    endorser: str
    endorsed: str
    disks_bus: str
    inbound_ports: tuple[int, ...]
    deprecated: str

    @property
    def name(self) -> str:
        """What people call it: the title, else the first line of the description, else the identifier."""
        return self.title or self.description.partition("\n")[0].strip() or self.identifier


def read_images(chunks: Iterable[str] | Iterable[bytes]) -> Iterator[Image]:
    """Read ``rdf:RDF`` documents, alone or in a ``metadata`` element, while they arrive.

    :raises UnreadableDocumentError: when the document is not well formed
    """
    for element in stream_elements(chunks, _ENTRY, "metadata"):
        image = image_of(element)
        if image is None:
            _log.warning("a Marketplace entry without a usable identifier was left out")
        else:
            yield image


def image_of(rdf: Element) -> Image | None:
    """Make an image from its entry; None when it has no usable identifier."""
    entry = rdf.find(_DESCRIPTION)
    if entry is None:
        entry = rdf
    texts = _texts(entry)
    identifier = texts.get(_IDENTIFIER_TAG, "")
    if not is_image_id(identifier):
        return None
    endorsement = entry.find(_ENDORSEMENT)
    endorser = None if endorsement is None else endorsement.find(_ENDORSER)
    size = texts.get(_SIZE, "")
    return Image(
        identifier=identifier,
        size=int(size) if _is_number(size) else None,
        checksums={
            checksum.findtext(_CHECKSUM_ALGORITHM, "").strip(): checksum.findtext(_CHECKSUM_VALUE, "").strip()
            for checksum in entry.findall(_CHECKSUM)
        },
        locations=tuple(_all_texts(entry, _LOCATION)),
        endorser=_text_below(endorser, _EMAIL),
        endorsed=_text_below(endorsement, _ENDORSED),
        inbound_ports=tuple([int(port) for port in _all_texts(entry, _INBOUND_PORT) if _is_number(port)]),
        **{field: texts.get(tag, "") for field, tag in _TAGS_OF_TEXTS.items()},
    )


def _texts(element: Element) -> dict[str, str]:
    """The texts of an element's children by their tags; where several have the same tag, the first one's."""
    return {child.tag: text for child in element[::-1] if child.text and (text := child.text.strip())}


def _all_texts(element: Element, tag: str) -> list[str]:
    return [text for child in element.findall(tag) if (text := (child.text or "").strip())]


def _text_below(element: Element | None, tag: str) -> str:
    return "" if element is None else element.findtext(tag, "").strip()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
