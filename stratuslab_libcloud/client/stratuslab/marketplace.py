"""The Marketplace: signed descriptions of images, from a service that needs no credentials."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from stratuslab_libcloud.client.http.messages import Answer, Request
from stratuslab_libcloud.client.http.transport import Transport
from stratuslab_libcloud.client.stratuslab.entries import Image, read_images
from stratuslab_libcloud.client.stratuslab.identifiers import is_email, is_image_id, is_time
from stratuslab_libcloud.client.xml_stream import UnreadableDocumentError
from stratuslab_libcloud.config import CloudConfig
from stratuslab_libcloud.errors import (
    InvalidArgumentError,
    InvalidMetadataError,
    MalformedReplyError,
    NotFoundError,
    ServiceError,
)

T = TypeVar("T")

_XML = {"Accept": "application/xml"}
_ACCEPTED = 202
_NOTHING_FOUND = "no metadata"
_TAG = re.compile(r"<[^<>]*>")
_NO_VERDICT = frozenset({403, 405, 501})
"""What HEAD is answered with where only GET is possible."""


class Marketplace:
    """The images that one cloud can start.

    :param config: the cloud
    :param proxy_url: an HTTP proxy to use instead of the environment's
    :param image_lifetime: seconds for which fetched images are cached; by default lists are not cached, and a single
        image is cached for as long as this object exists
    """

    def __init__(self, config: CloudConfig, proxy_url: str | None = None, image_lifetime: float | None = None) -> None:
        self._config = config
        self._proxy_url = proxy_url
        self._lifetime = image_lifetime
        self._transport = Transport(
            config.marketplace,
            location=config.section,
            service="Marketplace",
            explain=_message_in,
            proxy_url=proxy_url,
        )
        self._listed: _Cached[list[Image]] | None = None
        self._known: dict[str, _Cached[Image]] = {}
        self._names: dict[str, str] = {}

    def images(self, lifetime: float | None = None) -> list[Image]:
        """The latest valid entry of each image and endorser; an entry that cannot be read is left out, with a warning.

        :param lifetime: seconds for which a fetched list is cached, and how old a cached list may be; by default the
            lifetime of this object
        """
        seconds = (self._lifetime or 0) if lifetime is None else lifetime
        cached = self._listed
        if cached and cached.is_younger_than(seconds):
            return list(cached.value)
        images = self._fetch_all()
        self._names.update({image.identifier: image.name for image in images})
        if seconds > 0:
            self._listed = _Cached(images)
        return list(images)

    def image(self, identifier: str, *, refresh: bool = False) -> Image:
        """One image, from the valid entry that was endorsed last; it is cached.

        :param refresh: whether to ask for it although it is cached, when no lifetime was set
        :raises NotFoundError: when no valid entry has that identifier
        """
        known, listed = self._known.get(identifier), self._listed
        is_usable = self._lifetime is not None or not refresh
        if known and is_usable and known.is_younger_than(self._lifetime):
            return known.value
        if listed and self._lifetime and listed.is_younger_than(self._lifetime):
            entries = [entry for entry in listed.value if entry.identifier == identifier]
            if entries:
                return _endorsed_last(entries)
        image = self._look_up(identifier)
        self._known[identifier] = _Cached(image)
        self._names[identifier] = image.name
        return image

    def entry_document(self, identifier: str, endorser: str = "", endorsed: str = "") -> bytes:
        """The document of an entry, with its signature; or a list of the valid entries that fit, if there are several.

        :param identifier: of the image
        :param endorser: an e-mail address; everybody's entries if it is empty
        :param endorsed: when, such as ``2014-06-01T10:00:00Z``; that entry then, valid or not
        :raises NotFoundError: when there is no such entry
        :raises InvalidArgumentError: when one of the arguments cannot be a part of an entry's address
        """
        pieces = [identifier, *filter(None, (endorser, endorsed))]
        for is_possible, piece in zip((is_image_id, is_email, is_time), pieces, strict=False):
            if not is_possible(piece):
                raise InvalidArgumentError(f"{piece!r} cannot be a part of the address of an entry of a Marketplace")
        request = _get(f"/metadata/{'/'.join(pieces)}", "GET /metadata/{id}/{email}/{created}")
        return self._transport.request(request, Answer.body)

    def upload(self, document: bytes) -> Upload:
        """Publish a signed entry. It does no harm to do it again.

        :raises RequestRejectedError: when the Marketplace does not accept it, with its reason
        :raises InvalidMetadataError: when it is not an entry; nothing is sent
        """
        image = _image_in(document)
        request = Request(
            "POST /metadata", "POST", "/metadata", body=document, headers={**_XML, "Content-Type": "application/xml"}
        )
        http_code = self._transport.request(request, lambda answer: answer.http_code)
        url = f"{self.source(image.identifier)}/{image.endorser}/{image.endorsed}"
        return Upload(url, awaits_confirmation=http_code == _ACCEPTED)

    def known_name(self, identifier: str) -> str | None:
        """An image's name, if it was in any answer so far; nothing is asked."""
        return self._names.get(identifier)

    def source(self, identifier: str) -> str:
        """The URL by which a machine's template names an image."""
        return f"{self._config.marketplace.url}/metadata/{identifier}"

    def lasting_url(self, url: str) -> str:
        """Check that there is an image at a URL.

        The TLS settings of the section are not used: they are for the site's own services. Where HEAD is refused, as
        it is at presigned URLs, which permit GET only, nothing is known and the URL is used as it is.

        :return: the URL, or where it has moved permanently; the target of a temporary redirect may soon be invalid
        :raises NotFoundError: when there is nothing at the URL
        """
        head = Request("HEAD", "HEAD", "", repeatable=True, follows_redirects=True)
        transport = Transport(
            self._config.marketplace._replace(url=url, verify=None),
            location=self._config.section,
            service="image",
            explain=_message_in,
            proxy_url=self._proxy_url,
        )
        try:
            return transport.request(head, lambda answer: answer.lasting_url)
        except ServiceError as error:
            if error.http_code not in _NO_VERDICT:
                raise
            return url
        finally:
            transport.close()

    def close(self) -> None:
        """Close the idle connections."""
        self._transport.close()

    def _fetch_all(self) -> list[Image]:
        request = _get("/metadata", "GET /metadata")
        try:
            return self._transport.request(request, lambda answer: list(_read_images(answer)))
        except NotFoundError as error:
            if error.service_message and _NOTHING_FOUND not in error.service_message:
                raise
            return []

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
            ) from None
        entries = [entry for entry in entries if entry.identifier == identifier]
        if not entries:
            raise MalformedReplyError("the answer does not describe the image", self._transport.call(request))
        return _endorsed_last(entries)


class Upload(NamedTuple):
    """What became of an entry that was sent to a Marketplace.

    :param url: where it is
    :param awaits_confirmation: whether it is there only after its endorser has confirmed it, by a link that the
        Marketplace sends by e-mail
    """

    url: str
    awaits_confirmation: bool


class _Cached(Generic[T]):
    """Something that was fetched, and when."""

    def __init__(self, value: T) -> None:
        self.value = value
        self._since = time.monotonic()

    def is_younger_than(self, seconds: float | None) -> bool:
        return seconds is None or time.monotonic() - self._since < seconds


def _endorsed_last(entries: Iterable[Image]) -> Image:
    return max(entries, key=lambda entry: entry.endorsed)


def _get(path: str, operation: str) -> Request:
    return Request(operation, "GET", path, headers=_XML, repeatable=True, follows_redirects=True)


def _read_images(answer: Answer) -> Iterator[Image]:
    try:
        yield from read_images(answer.chunks())
    except UnreadableDocumentError as error:
        raise answer.unreadable(error) from None


def _image_in(document: bytes) -> Image:
    """What an entry says.

    :raises InvalidMetadataError: when it is none
    """
    try:
        image = next(read_images([document]), None)
    except UnreadableDocumentError as error:
        raise InvalidMetadataError(f"the image metadata cannot be read: {error}") from None
    if image is None:
        raise InvalidMetadataError("the image metadata has no usable identifier")
    return image


def _message_in(body: bytes) -> str | None:
    """The text in an ``error`` element, a plain text, or an HTML page."""
    _, _, after = body.partition(b"<error>")
    error, is_closed, _ = after.partition(b"</error>")
    text = (error if is_closed else body).decode("utf-8", "replace")
    return _TAG.sub(" ", text).strip() or None
