"""The wire log: requests and answers in the file of ``LIBCLOUD_DEBUG``, as Libcloud writes them, without secrets."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Mapping
from typing import TextIO
from urllib.parse import urlencode

import requests

from stratuslab_libcloud.client.http.redaction import Redaction

_MAX_LOGGED_BODY = 1 << 20


class WireLog:
    """Writes one request and its answer to a file.

    :param file: where to write
    :param redaction: what all that is written goes through
    """

    def __init__(self, file: TextIO, redaction: Redaction) -> None:
        self._file = file
        self._redaction = redaction
        self._head = ""
        self._body = bytearray()

    def log_request(self, method: str, url: str, body: bytes) -> None:
        """Write the request, as a command for curl."""
        words = ["curl", "-i", "-X", method, url]
        if body:
            words += ["--data-binary", body.decode("utf-8", "replace")]
        self._write("request", shlex.join(map(self._redaction.hide, words)))

    def add_head(self, response: requests.Response) -> None:
        """Keep the status and the headers of the answer."""
        headers = "".join(
            f"{self._redaction.line(name)}: {self._redaction.header(name, value)}\n"
            for name, value in response.headers.items()
        )
        self._head = f"HTTP {response.status_code} {self._redaction.line(response.reason or '')}\n{headers}\n"

    def add_body(self, chunk: bytes) -> None:
        """Keep a piece of the answer's body, until there are 1 MiB."""
        self._body += chunk[: max(0, _MAX_LOGGED_BODY - len(self._body))]

    def log_answer(self) -> None:
        """Write the answer, if there was one."""
        if self._head:
            body = self._redaction.hide(self._body.decode("utf-8", "replace"))
            if len(self._body) >= _MAX_LOGGED_BODY:  # where it was cut, there can be a part of a secret
                body = body[: max(0, len(body) - self._redaction.longest)]
            self._write("response", self._head + body)

    def _write(self, what: str, text: str) -> None:
        text = self._redaction.lines(text)
        # A full disk or a closed file must not change the result of a request.
        with contextlib.suppress(OSError, ValueError):
            self._file.write(
                f"# -------- begin {id(self)} {what} ----------\n{text}\n# -------- end {id(self)} {what} ----------\n"
            )
            self._file.flush()


def start_wire_log(
    method: str, url: str, body: bytes | None, form: Mapping[str, str] | None, redaction: Redaction
) -> WireLog | None:
    """Write a request to Libcloud's debug file.

    :return: what logs the answer; None while Libcloud's debugging is off
    """
    from libcloud.utils.loggingconnection import LoggingConnection

    if LoggingConnection.log is None:
        return None
    wire_log = WireLog(LoggingConnection.log, redaction)
    wire_log.log_request(method, url, urlencode(form).encode() if form is not None else body or b"")
    return wire_log
