"""Text as it may stand in a message or a log: without secrets, printable, on one line."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

MAX_MESSAGE = 300
"""Characters of a service's text that a message repeats."""

_HIDDEN = "********"
_URL_CREDENTIALS = re.compile(r"//[^/?#]*@")


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Replace secrets by asterisks, in each encoding in which the protocols carry them."""
    for secret in filter(None, secrets):
        for encoded in _encodings(secret):
            text = text.replace(encoded, _HIDDEN)
    return text


def one_line(text: str) -> str:
    """Make a text short and printable, and put it on one line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= MAX_MESSAGE else line[:MAX_MESSAGE] + "..."


def url_without_credentials(url: str) -> str:
    """A URL without the user name and password before its host."""
    return one_line(_URL_CREDENTIALS.sub("//", url))


def url_without_query(url: str) -> str:
    """A URL without its query, which may contain a token."""
    return one_line(url.partition("?")[0])


def _encodings(secret: str) -> list[str]:
    """The longest first: a shorter one may be a part of it."""
    in_base64 = base64.b64encode(secret.encode()).decode()
    encodings = {secret, escape(secret), quote(secret, safe=""), quote_plus(secret), in_base64}
    return sorted(encodings, key=len, reverse=True)
