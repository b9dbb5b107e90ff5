"""What comes from outside, as it may stand in a message or a log: without secrets, and printable.

Services, proxies and whoever pretends to be one can send back what they were sent: the password in an error page, the
whole header in a status line. All that they send goes through `Redaction` before it is shown, kept or logged.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

MAX_MESSAGE = 300
"""Characters of a service's text that a message repeats."""

_HIDDEN = "********"
_URL_CREDENTIALS = re.compile(r"//[^/?#]*@")
_SECRET_HEADER = re.compile("cookie|authorization|token|session|api-?key", re.IGNORECASE)
_PERCENT_ENCODED = re.compile("%[0-9A-F]{2}")


class Redaction:
    """Replaces secrets by asterisks, in each encoding in which a service may send them back.

    :param secrets: such as passwords
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        encodings = {encoded for secret in secrets if secret for encoded in _encodings(secret)}
        # The longest first: a shorter one may be a part of it.
        self._encodings = sorted(filter(None, encodings), key=len, reverse=True)

    @property
    def longest(self) -> int:
        """Characters of the longest secret that it looks for."""
        return len(self._encodings[0]) if self._encodings else 0

    def hide(self, text: str) -> str:
        """The text without secrets; it may not be printable yet."""
        for encoded in self._encodings:
            text = text.replace(encoded, _HIDDEN)
        return text

    def line(self, text: str) -> str:
        """A text for a message: on one line, and not too long."""
        return one_line(self.hide(text))

    def lines(self, text: str) -> str:
        """A text for a log: as it is, but without characters that control a terminal."""
        return "".join(c if c.isprintable() or c in "\n\t" else " " for c in self.hide(text))

    def header(self, name: str, value: str) -> str:
        """The value of a header for a log."""
        if _SECRET_HEADER.search(name):
            return _HIDDEN
        return self.url(value) if name.lower() == "location" else self.line(value)

    def url(self, url: str) -> str:
        """A URL for a message: without credentials, and without its query, which may contain a token."""
        return url_without_query(self.hide(url))


def one_line(text: str) -> str:
    """Make a text short and printable, and put it on one line."""
    printable = text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(printable.split())
    return line if len(line) <= MAX_MESSAGE else line[:MAX_MESSAGE] + "..."


def url_without_credentials(url: str) -> str:
    """A URL without the user name and password before its host."""
    return one_line(_URL_CREDENTIALS.sub("//", url))


def url_without_query(url: str) -> str:
    """A URL without its query, which may contain a token, and without credentials."""
    return url_without_credentials(url.partition("?")[0])


def _encodings(secret: str) -> set[str]:
    raw = secret.encode("utf-8", "surrogateescape")
    percent_encoded = {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    texts = {
        secret,
        escape(secret),
        html.escape(secret),
        html.escape(secret).replace("&#x27;", "&#39;"),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        repr(raw)[2:-1],
        base64.b64encode(raw).decode(),
        *percent_encoded,
        *(_PERCENT_ENCODED.sub(lambda found: found.group().lower(), text) for text in percent_encoded),
    }
    # Headers are read as Latin-1, whatever they are.
    return texts | {text.encode("utf-8", "surrogateescape").decode("latin-1") for text in texts}
