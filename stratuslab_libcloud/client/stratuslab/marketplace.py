"""The Marketplace: signed descriptions of images, from a service that asks for no credentials."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from stratuslab_libcloud.client.http.transport import Answer, Request, Transport
from stratuslab_libcloud.client.stratuslab.entries import Image, read_images
from stratuslab_libcloud.client.xml_stream import NotReadable
from stratuslab_libcloud.config import CloudConfig
from stratuslab_libcloud.errors import MalformedReplyError, NotFoundError, RequestRejectedError

T = TypeVar("T")

_NOTHING_FOUND = "no metadata"
_ERROR = re.compile(rb"<error>(.*?)</error>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_METHOD_NOT_OFFERED = frozenset({405, 501})


class Marketplace:
    """Images that one cloud can start.

    :param config: the cloud
    :param proxy_url: an HTTP proxy to use instead of the environment's
    :param image_lifetime: seconds for which what was fetched is used again; by default no list is, and a single image
        for as long as this object lives
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
        self._listed: _Kept[list[Image]] | None = None
        self._known: dict[str, _Kept[Image]] = {}
        self._lock = threading.Lock()

    def images(self, lifetime: float | None = None) -> list[Image]:
        """The latest valid entry of each image and endorser; an entry that can't be read is left out, with a warning.

        :param lifetime: seconds for which a list that is fetched is kept, and how old one may be that was; if None,
            what holds for this object
        """
        seconds = (self._lifetime or 0) if lifetime is None else lifetime
        with self._lock:
            kept = self._listed
        if kept and kept.is_younger_than(seconds):
            return list(kept.value)
        images = self._fetch_all()
        if seconds > 0:
            with self._lock:
                self._listed = _Kept(images)
        return list(images)

    def image(self, identifier: str, *, is_asked_anew: bool = False) -> Image:
        """One image, by the valid entry that was endorsed last. Kept once it was asked for.

        :param is_asked_anew: whether to ask for it although it is kept, if nobody said for how long that holds
        :raises NotFoundError: when no valid entry has that identifier
        """
        with self._lock:
            known, listed = self._known.get(identifier), self._listed
        is_usable = self._lifetime is not None or not is_asked_anew
        if known and is_usable and known.is_younger_than(self._lifetime):
            return known.value
        if listed and self._lifetime and listed.is_younger_than(self._lifetime):
            entries = [entry for entry in listed.value if entry.identifier == identifier]
            if entries:
                return _endorsed_last(entries)
        image = self._look_up(identifier)
        with self._lock:
            self._known[identifier] = _Kept(image)
        return image

    def source(self, identifier: str) -> str:
        """The address by which a machine's template names an image."""
        return f"{self._config.marketplace.url}/metadata/{identifier}"

    def final_address(self, url: str) -> str:
        """Where a URL leads in the end, for an image that is given as one.

        The section's TLS settings are the site's own, so they are for the Marketplace only.

        :raises NotFoundError: when there is nothing
        """
        transport = Transport(
            self._config.marketplace._replace(url=url, verify=None),
            location=self._config.section,
            service="image",
            explain=_message_in,
            proxy_url=self._proxy_url,
        )
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
            ) from error
        entries = [entry for entry in entries if entry.identifier == identifier]
        if not entries:
            raise MalformedReplyError("the answer does not describe the image", self._transport.call(request))
        return _endorsed_last(entries)


class _Kept(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value
        self._since = time.monotonic()

    def is_younger_than(self, seconds: float | None) -> bool:
        return seconds is None or time.monotonic() - self._since < seconds


def _endorsed_last(entries: Iterable[Image]) -> Image:
    return max(entries, key=lambda entry: entry.endorsed)


def _get(path: str, operation: str) -> Request:
    return Request(operation, "GET", path, headers={"Accept": "application/xml"}, repeatable=True)


def _read_images(answer: Answer) -> Iterator[Image]:
    try:
        yield from read_images(answer.chunks())
    except NotReadable as error:
        raise MalformedReplyError(f"the answer can not be read: {answer.words(str(error))}", answer.call) from error


def _message_in(body: bytes) -> str | None:
    """The text of an ``error`` element, of a plain text, or of a page."""
    error = _ERROR.search(body)
    text = (error.group(1) if error else body).decode("utf-8", "replace")
    return _TAG.sub(" ", text).strip() or None
