"""What goes to a service and what comes back: a request, and an answer whose body is read while it arrives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from stratuslab_libcloud.client.http.redaction import MAX_MESSAGE, one_line, redacted
from stratuslab_libcloud.client.http.wire_log import WireLog
from stratuslab_libcloud.errors import Call, MalformedReplyError

_CHUNK = 65536


@dataclass(frozen=True)
class Request:
    """A request to a service.

    :param operation: the service's own name for it, for messages
    :param method: the HTTP method
    :param path: what follows the service's base URL
    :param form: the fields of a form, which become the body
    :param body: the body, where it is not a form
    :param headers: additional headers
    :param repeatable: whether it does no harm to send it twice
    :param answer_is_secret: whether the answer contains secrets, and is left out of the wire log
    """

    operation: str
    method: str
    path: str
    form: Mapping[str, str] | None = None
    body: bytes | None = None
    headers: Mapping[str, str] | None = None
    repeatable: bool = False
    answer_is_secret: bool = False


class Answer:
    """An answer with a successful status. Its body has not been read yet.

    :param response: of `requests`
    :param call: the request, for messages
    :param limit: bytes that the body may have
    :param wire_log: where the body is logged, if it is
    :param secrets: what no message may contain
    :ivar is_too_long: whether it was found to be longer than that
    """

    def __init__(
        self,
        response: requests.Response,
        call: Call,
        limit: int,
        wire_log: WireLog | None = None,
        secrets: Sequence[str] = (),
    ) -> None:
        self._response = response
        self._limit = limit
        self._wire_log = wire_log
        self._secrets = secrets
        self.is_too_long = False
        self.call = call
        self.url = response.url

    def chunks(self) -> Iterator[bytes]:
        """The body, piece by piece.

        :raises MalformedReplyError: when it is longer than is allowed, or the length of a chunk is no number
        """
        size = 0
        while chunk := read_part(self._response, _CHUNK, self.call):
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
        """The body, read as a JSON document.

        :raises MalformedReplyError: when it is not JSON
        """
        body = self.body()
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            start = redacted(body[:MAX_MESSAGE].decode("utf-8", "replace"), self._secrets)
            raise MalformedReplyError("the answer is not JSON", self.call, body=start) from error

    def printable(self, text: str) -> str:
        """A text from the service as it may stand in a message: on one line, without secrets."""
        return one_line(redacted(text, self._secrets))


def read_part(response: requests.Response, size: int, call: Call) -> bytes:
    """Read so many bytes of a body, or those that are left.

    :raises MalformedReplyError: when the length of a chunk is no length; the libraries raise a plain ValueError then
    """
    try:
        part: bytes = response.raw.read(size)
    except ValueError as error:
        raise MalformedReplyError(f"the answer is not HTTP: {one_line(str(error))}", call) from error
    return part
