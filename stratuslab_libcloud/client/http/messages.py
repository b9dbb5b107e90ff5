"""What goes to a service and what comes back: a request, and an answer whose body is read while it arrives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from stratuslab_libcloud.client.documents import OversizedDocumentError, UnreadableDocumentError
from stratuslab_libcloud.client.http.body import pieces
from stratuslab_libcloud.client.http.file_upload import FileUpload
from stratuslab_libcloud.client.http.redaction import MAX_MESSAGE, Redaction
from stratuslab_libcloud.client.http.wire_log import WireLog
from stratuslab_libcloud.client.json_stream import DECODER, stream_items
from stratuslab_libcloud.errors import Call, MalformedReplyError

_REMEMBERED = 4096
_MAX_JSON = 1 << 20
"""Bytes of a JSON document that is read as a whole: its objects need some thirty times as much memory."""


@dataclass(frozen=True)
class Request:
    """A request to a service.

    :param operation: the service's own name for it, for messages
    :param method: the HTTP method
    :param path: what follows the service's base URL
    :param form: the fields of a form, which become the body
    :param body: the body, where it is not a form
    :param upload: a file as the body
    :param headers: additional headers
    :param repeatable: whether it does no harm to send it twice
    :param ends_elsewhere: whether the answer of success is that the result is elsewhere (303, See Other)
    :param follows_redirects: whether this service is known to redirect; its request must carry no credentials
    :param answer_is_secret: whether the answer contains secrets, and is left out of the wire log
    """

    operation: str
    method: str
    path: str
    form: Mapping[str, str] | None = None
    body: bytes | None = None
    upload: FileUpload | None = None
    headers: Mapping[str, str] | None = None
    repeatable: bool = False
    ends_elsewhere: bool = False
    follows_redirects: bool = False
    answer_is_secret: bool = False


class Answer:
    """An answer with a successful status. Its body has not been read yet.

    :param response: of `requests`
    :param call: the request, for messages
    :param limit: bytes that the body may have, decompressed
    :param redaction: what all that is shown of it goes through
    :param wire_log: where the body is logged, if it is
    :param lasting_url: the address that leads here for good: after permanent redirects, before temporary ones
    :ivar is_too_long: whether it was found to be longer than is allowed
    """

    def __init__(
        self,
        response: requests.Response,
        call: Call,
        limit: int,
        redaction: Redaction,
        wire_log: WireLog | None = None,
        lasting_url: str = "",
    ) -> None:
        self._response = response
        self._limit = limit
        self._redaction = redaction
        self._wire_log = wire_log
        self.is_too_long = False
        self.call = call
        self.lasting_url = lasting_url

    @property
    def http_code(self) -> int:
        """The HTTP status."""
        return self._response.status_code

    @property
    def location(self) -> str:
        """The URL that it names as the result's; empty where it names none."""
        return self._response.headers.get("Location", "")

    def chunks(self) -> Iterator[bytes]:
        """The body, piece by piece.

        :raises MalformedReplyError: when it is longer than is allowed
        """
        size = 0
        for chunk in pieces(self._response):
            size += len(chunk)
            if size > self._limit:
                self.is_too_long = True
                raise MalformedReplyError(
                    f"the answer is longer than {self._limit} bytes; if this is correct, "
                    "raise endpoint_max_answer in the configuration",
                    self.call,
                )
            if self._wire_log:
                self._wire_log.add_body(chunk)
            yield chunk

    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks())

    def json(self) -> Any:
        """The body, read as a JSON document of limited length.

        :raises MalformedReplyError: when it is not JSON, or too long
        """
        body = bytearray()
        for chunk in self.chunks():
            body += chunk
            if len(body) > _MAX_JSON:
                self.is_too_long = True
                raise MalformedReplyError(f"the JSON document is longer than {_MAX_JSON} bytes", self.call)
        try:
            return DECODER.decode(body.decode("utf-8"))
        except (ValueError, RecursionError):
            raise MalformedReplyError("the answer is not JSON", self.call, body=self._start_of(body)) from None

    def items(self) -> Iterator[Any]:
        """The items of the body, a JSON array, while it arrives.

        :raises MalformedReplyError: when it is not one
        """
        start = bytearray()

        def remembered() -> Iterator[bytes]:
            for chunk in self.chunks():
                start.extend(chunk[: max(0, _REMEMBERED - len(start))])
                yield chunk

        try:
            yield from stream_items(remembered())
        except UnreadableDocumentError as error:
            raise self.unreadable(error, "is not a JSON list", start) from None

    def unreadable(
        self, error: UnreadableDocumentError, problem: str = "cannot be read", start: bytearray | None = None
    ) -> MalformedReplyError:
        """What to raise when the body is not the document that it should be.

        :param problem: what is wrong with it
        :param start: of the body
        """
        self.is_too_long = self.is_too_long or isinstance(error, OversizedDocumentError)
        body = None if start is None else self._start_of(start)
        return MalformedReplyError(f"the answer {problem}: {self.printable(str(error))}", self.call, body=body)

    def printable(self, text: str) -> str:
        """A text from the service as it may stand in a message: on one line, without secrets."""
        return self._redaction.line(text)

    def _start_of(self, body: bytearray) -> str:
        return self._redaction.lines(body[:_REMEMBERED].decode("utf-8", "replace"))[:MAX_MESSAGE]
