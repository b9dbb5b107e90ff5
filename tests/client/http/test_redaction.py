"""Text as it may stand in a message or a log."""

from __future__ import annotations

import base64
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest

from stratuslab_libcloud.client.http.redaction import Redaction, one_line, url_without_credentials, url_without_query

SECRET = "p&ss w/rd"


@pytest.mark.parametrize(
    "encoded",
    [SECRET, escape(SECRET), quote(SECRET, safe=""), quote_plus(SECRET), base64.b64encode(SECRET.encode()).decode()],
)
def test_a_secret_is_hidden_in_each_encoding(encoded: str) -> None:
    assert Redaction([SECRET]).hide(f"before {encoded} after") == "before ******** after"


def test_an_empty_secret_hides_nothing() -> None:
    assert Redaction(["", "other"]).hide("text") == "text"


def test_a_message_is_one_printable_line_of_limited_length() -> None:
    assert one_line("a\r\n b\x1b[0m\tc") == "a b [0m c"
    assert one_line("x" * 1000) == "x" * 300 + "..."


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://jane:pw@example.org/a", "https://example.org/a"),
        ("https://jane:p@w@example.org/a", "https://example.org/a"),
        ("https://example.org/a@b", "https://example.org/a@b"),
    ],
)
def test_urls_are_shown_without_credentials(url: str, shown: str) -> None:
    assert url_without_credentials(url) == shown


def test_urls_are_shown_without_a_query() -> None:
    assert url_without_query("https://example.org/a?token=x") == "https://example.org/a"
