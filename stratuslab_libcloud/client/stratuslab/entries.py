"""Marketplace entries: signed descriptions of images, as RDF/XML.

The vocabulary is that of StratusLab's metadata library (namespaces ``dcterms``, ``slreq``, ``slterms``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from xml.etree.ElementTree import Element

from stratuslab_libcloud.client.stratuslab.identifiers import is_image_id
from stratuslab_libcloud.client.stratuslab.vocabulary import DCTERMS, RDF, SLREQ, SLTERMS
from stratuslab_libcloud.client.xml_stream import stream_elements

_log = logging.getLogger(__name__)

_ENTRY = f"{RDF}RDF"
_DESCRIPTION = f"{RDF}Description"
_IDENTIFIER_TAG = f"{DCTERMS}identifier"
_SIZE = f"{SLREQ}bytes"
_CHECKSUM = f"{SLREQ}checksum"
_CHECKSUM_ALGORITHM = f"{SLREQ}algorithm"
_CHECKSUM_VALUE = f"{SLREQ}value"
_ENDORSEMENT = f"{SLREQ}endorsement"
_ENDORSED = f"{DCTERMS}created"
_ENDORSER = f"{SLREQ}endorser"
_EMAIL = f"{SLREQ}email"
_LOCATION = f"{SLTERMS}location"
_INBOUND_PORT = f"{SLTERMS}inbound-port"

_TAGS_OF_TEXTS = (
    f"{DCTERMS}title",
    f"{DCTERMS}alternative",
    f"{DCTERMS}description",
    f"{SLTERMS}os",
    f"{SLTERMS}os-version",
    f"{SLTERMS}os-arch",
    f"{SLTERMS}version",
    f"{DCTERMS}format",
    f"{SLTERMS}kind",
    f"{DCTERMS}type",
    f"{DCTERMS}created",
    f"{DCTERMS}valid",
    f"{DCTERMS}compression",
    f"{DCTERMS}creator",
    f"{DCTERMS}publisher",
    f"{SLTERMS}hypervisor",
    f"{SLTERMS}disks-bus",
    f"{SLTERMS}deprecated",
)
"""The elements of an entry for the last fields of an `Image`, in their order."""


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
    size: int | None
    checksums: Mapping[str, str]
    locations: tuple[str, ...]
    inbound_ports: tuple[int, ...]
    endorser: str
    endorsed: str
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
    compression: str
    creator: str
    publisher: str
    hypervisor: str
    disks_bus: str
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
    texts = {child.tag: child.text for child in entry[::-1]}  # the first one's where several have the same tag
    identifier = _stripped(texts.get(_IDENTIFIER_TAG))
    if not is_image_id(identifier):
        return None
    endorsement = entry.find(_ENDORSEMENT)
    endorser = None if endorsement is None else endorsement.find(_ENDORSER)
    size = _stripped(texts.get(_SIZE))
    return Image(
        identifier,
        int(size) if _is_number(size) else None,
        {
            checksum.findtext(_CHECKSUM_ALGORITHM, "").strip(): checksum.findtext(_CHECKSUM_VALUE, "").strip()
            for checksum in entry.findall(_CHECKSUM)
        },
        tuple(_all_texts(entry, _LOCATION)),
        tuple([int(port) for port in _all_texts(entry, _INBOUND_PORT) if _is_number(port)]),
        _text_below(endorser, _EMAIL),
        _text_below(endorsement, _ENDORSED),
        *map(_stripped, map(texts.get, _TAGS_OF_TEXTS)),
    )


def _stripped(text: str | None) -> str:
    return text.strip() if text else ""


def _all_texts(element: Element, tag: str) -> list[str]:
    return [text for child in element.findall(tag) if (text := _stripped(child.text))]


def _text_below(element: Element | None, tag: str) -> str:
    return "" if element is None else element.findtext(tag, "").strip()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
