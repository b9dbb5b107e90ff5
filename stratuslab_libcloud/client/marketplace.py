"""The Marketplace: signed descriptions of images, as RDF/XML, from a service that asks for no credentials.

The vocabulary is that of StratusLab's metadata library (namespaces ``dcterms``, ``slreq``, ``slterms``).
"""

from __future__ import annotations

import dataclasses
import logging
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from stratuslab_libcloud.client.elements import NotReadable, elements
from stratuslab_libcloud.client.transport import Answer, Request, Transport, one_line
from stratuslab_libcloud.config import CloudConfig
from stratuslab_libcloud.errors import MalformedReplyError, NotFoundError, RequestRejectedError

_log = logging.getLogger(__name__)

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{27}\Z")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s]+\Z")
_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DCTERMS = "{http://purl.org/dc/terms/}"
_SLREQ = "{http://mp.stratuslab.eu/slreq#}"
_SLTERMS = "{http://mp.stratuslab.eu/slterms#}"

_NOTHING_FOUND = "no metadata"
_ERROR = re.compile(rb"<error>(.*?)</error>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_METHOD_NOT_OFFERED = frozenset({405, 501})


def is_image_id(text: str) -> bool:
    """Whether it has the form of a Marketplace identifier."""
    return bool(_IDENTIFIER.match(text))


def is_image_url(text: str) -> bool:
    """Whether it has the form of an address from which an image can be fetched."""
    return bool(_URL.match(text)) and text.isprintable()


def image_id(sha1: str) -> str:
    """The Marketplace identifier of an image with that SHA-1 checksum.

    The checksum is a number of 160 bits, written in base 64 with 27 digits (MetadataUtils.java).

    :param sha1: 40 hexadecimal digits
    """
    number = int(sha1, 16)
    digits = []
    for _ in range(27):
        number, digit = divmod(number, 64)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


@dataclass(frozen=True)
class Image:
    """What one endorser says of an image: a Marketplace entry.

    :param identifier: made from the SHA-1 checksum; an image that two people endorsed has two entries with it
    :param tag: a name that its endorser gave it
    :param format: ``raw`` or ``qcow2``
    :param kind: ``machine`` or ``disk``
    :param created: when the image was made, as the entry says it
    :param valid: until when the entry holds
    :param size: bytes, uncompressed
    :param checksums: hexadecimal, by the algorithm's name, such as ``SHA-1``
    :param endorser: an e-mail address
    :param endorsed: when it was endorsed
    :param disks_bus: ``ide``, ``scsi`` or ``virtio``
    :param inbound_ports: what the image wants to be reached at
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


class Marketplace:
    """Images that one cloud can start.

    :param config: the cloud
    :param proxy_url: an HTTP proxy to use instead of the environment's
    """

    def __init__(self, config: CloudConfig, proxy_url: str | None = None) -> None:
        self._config = config
        self._proxy_url = proxy_url
        self._transport = self._transport_to(config.marketplace.url)
        self._known: dict[str, Image] = {}
        self._lock = threading.Lock()

    def images(self) -> list[Image]:
        """The latest valid entry of each image and endorser; an entry that can't be read is left out, with a
        warning."""
        request = _get("/metadata", "GET /metadata")
        try:
            return self._transport.request(request, lambda answer: list(_read_images(answer)))
        except NotFoundError as error:
            if error.service_message and _NOTHING_FOUND not in error.service_message:
                raise
            return []

    def image(self, identifier: str) -> Image:
        """One image, by the valid entry that was endorsed last. Kept once it was asked for.

        :raises NotFoundError: when no valid entry has that identifier
        """
        with self._lock:
            known = self._known.get(identifier)
        return known or self._look_up(identifier)

    def source(self, identifier: str) -> str:
        """The address by which a machine's template names an image."""
        return f"{self._config.marketplace.url}/metadata/{identifier}"

    def final_address(self, url: str) -> str:
        """Where a URL leads in the end, for an image that is given as one.

        :raises NotFoundError: when there is nothing
        """
        transport = self._transport_to(url)
        try:
            return transport.request(Request("HEAD", "HEAD", "", repeatable=True), lambda answer: answer.url)
        except RequestRejectedError as error:
            if error.http_code not in _METHOD_NOT_OFFERED:
                raise
            return url
        finally:
            transport.close()

    def close(self) -> None:
        """Close the idle connections."""
        self._transport.close()

    def _look_up(self, identifier: str) -> Image:
        request = _get(f"/metadata/{identifier}", "GET /metadata/{id}")
        try:
            entries = self._transport.request(request, lambda answer: list(_read_images(answer)))
        except NotFoundError as error:
            raise NotFoundError(
                f"there is no valid image {identifier}; it may have expired or been deprecated, "
                "or marketplace_endpoint names another Marketplace",
                error.call,
                error.http_code,
            ) from error
        entries = [entry for entry in entries if entry.identifier == identifier]
        if not entries:
            raise MalformedReplyError("the answer does not describe the image", self._transport.call(request))
        image = max(entries, key=lambda entry: entry.endorsed)
        with self._lock:
            self._known[identifier] = image
        return image

    def _transport_to(self, url: str) -> Transport:
        return Transport(
            dataclasses.replace(self._config.marketplace, url=url),
            location=self._config.section,
            service="Marketplace",
            explain=_message_in,
            proxy_url=self._proxy_url,
        )


def _get(path: str, operation: str) -> Request:
    return Request(operation, "GET", path, headers={"Accept": "application/xml"}, repeatable=True)


def _read_images(answer: Answer) -> Iterator[Image]:
    try:
        yield from read_images(answer.chunks())
    except NotReadable as error:
        raise MalformedReplyError(f"the answer can not be read: {one_line(str(error))}", answer.call) from error


def read_images(chunks: Iterable[str] | Iterable[bytes]) -> Iterator[Image]:
    """Read ``rdf:RDF`` documents, alone or in a ``metadata`` element, while they arrive.

    :raises NotReadable: when the document is not well formed
    """
    for element in elements(chunks, (_RDF + "RDF",)):
        image = image_of(element)
        if image is None:
            _log.warning("a Marketplace entry without a usable identifier was left out")
        else:
            yield image


def image_of(rdf: Element) -> Image | None:
    """Make an image out of its entry; None when it has no usable identifier."""
    description = rdf.find(_RDF + "Description")
    entry = _Entry(description if description is not None else rdf)
    identifier = entry.first(_DCTERMS + "identifier")
    if not is_image_id(identifier):
        return None
    endorsement = _Entry(entry.element(_SLREQ + "endorsement"))
    endorser = _Entry(endorsement.element(_SLREQ + "endorser"))
    size = entry.first(_SLREQ + "bytes")
    return Image(
        identifier=identifier,
        title=entry.first(_DCTERMS + "title"),
        tag=entry.first(_DCTERMS + "alternative"),
        description=entry.first(_DCTERMS + "description"),
        os=entry.first(_SLTERMS + "os"),
        os_version=entry.first(_SLTERMS + "os-version"),
        arch=entry.first(_SLTERMS + "os-arch"),
        version=entry.first(_SLTERMS + "version"),
        format=entry.first(_DCTERMS + "format"),
        kind=entry.first(_SLTERMS + "kind"),
        type=entry.first(_DCTERMS + "type"),
        created=entry.first(_DCTERMS + "created"),
        valid=entry.first(_DCTERMS + "valid"),
        size=int(size) if _is_number(size) else None,
        checksums=dict(_checksum(element) for element in entry.all(_SLREQ + "checksum")),
        locations=tuple(entry.texts(_SLTERMS + "location")),
        compression=entry.first(_DCTERMS + "compression"),
        creator=entry.first(_DCTERMS + "creator"),
        publisher=entry.first(_DCTERMS + "publisher"),
        hypervisor=entry.first(_SLTERMS + "hypervisor"),
        endorser=endorser.first(_SLREQ + "email"),
        endorsed=endorsement.first(_DCTERMS + "created"),
        disks_bus=entry.first(_SLTERMS + "disks-bus"),
        inbound_ports=tuple(int(p) for p in entry.texts(_SLTERMS + "inbound-port") if _is_number(p)),
        deprecated=entry.first(_SLTERMS + "deprecated"),
    )


class _Entry:
    """The children of an element by their tags; each may stand there several times."""

    def __init__(self, element: Element | None) -> None:
        self._children: dict[str, list[Element]] = {}
        for child in element if element is not None else ():
            self._children.setdefault(child.tag, []).append(child)

    def all(self, tag: str) -> list[Element]:
        return self._children.get(tag, [])

    def element(self, tag: str) -> Element | None:
        children = self.all(tag)
        return children[0] if children else None

    def texts(self, tag: str) -> Iterator[str]:
        return (child.text.strip() for child in self.all(tag) if child.text and child.text.strip())

    def first(self, tag: str) -> str:
        return next(self.texts(tag), "")


def _checksum(element: Element) -> tuple[str, str]:
    entry = _Entry(element)
    return entry.first(_SLREQ + "algorithm"), entry.first(_SLREQ + "value")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _message_in(body: bytes) -> str | None:
    """The text of an ``error`` element, of a plain text, or of a page."""
    error = _ERROR.search(body)
    text = (error.group(1) if error else body).decode("utf-8", "replace")
    return _TAG.sub(" ", text).strip() or None
