"""What ``LIBCLOUD_DEBUG`` writes down of this package's requests: as Libcloud does, but without the secrets."""

from __future__ import annotations

import base64
import contextlib
import shlex
from collections.abc import Iterable, Mapping
from typing import TextIO
from urllib.parse import quote, quote_plus, urlencode
from xml.sax.saxutils import escape

import requests

_HIDDEN = "********"
_MOST_OF_A_BODY = 1 << 20


class Tap:
    """Writes one exchange into Libcloud's debug file.

    :param log: the file
    :param secrets: what must not stand in it
    """

    def __init__(self, log: TextIO, secrets: Iterable[str]) -> None:
        self._log = log
        self._secrets = tuple(secrets)
        self._head = ""
        self._body = bytearray()

    def sent(self, method: str, url: str, body: bytes) -> None:
        """Write the request, as a command for curl."""
        words = ["curl", "-i", "-X", method, url]
        if body:
            words += ["--data-binary", body.decode("utf-8", "replace")]
        self._write("request", shlex.join(redacted(word, self._secrets) for word in words))

    def answered(self, response: requests.Response) -> None:
        """Keep the head of the answer."""
        fields = "".join(f"{name}: {value}\n" for name, value in response.headers.items())
        self._head = f"HTTP {response.status_code} {response.reason}\n{fields}\n"

    def received(self, chunk: bytes) -> None:
        """Keep a piece of the answer's body, as far as there is room."""
        self._body += chunk[: max(0, _MOST_OF_A_BODY - len(self._body))]

    def end(self) -> None:
        """Write the answer, if one came."""
        if self._head:
            self._write("response", self._head + self._body.decode("utf-8", "replace"))

    def _write(self, what: str, text: str) -> None:
        text = redacted(text, self._secrets)
        # A disk that is full, or a file that is closed, must not change what becomes of a request.
        with contextlib.suppress(OSError, ValueError):
            self._log.write(
                f"# -------- begin {id(self)} {what} ----------\n{text}\n# -------- end {id(self)} {what} ----------\n"
            )
            self._log.flush()


def tap(
    method: str, url: str, body: bytes | None, form: Mapping[str, str] | None, secrets: Iterable[str]
) -> Tap | None:
    """Start to write down an exchange, if Libcloud's debugging is on."""
    from libcloud.utils.loggingconnection import LoggingConnection

    log = LoggingConnection.log
    if log is None:
        return None
    started = Tap(log, secrets)
    started.sent(method, url, urlencode(form).encode() if form is not None else body or b"")
    return started


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Text in which secrets are blotted out, in each form in which the protocols carry them."""
    for secret in secrets:
        if secret:
            for form in _forms(secret):
                text = text.replace(form, _HIDDEN)
    return text


def _forms(secret: str) -> Iterable[str]:
    encoded = base64.b64encode(secret.encode()).decode()
    forms = {secret, escape(secret), quote(secret, safe=""), quote_plus(secret), encoded}
    return sorted(forms, key=len, reverse=True)
