"""Text as it may stand in a message or a log."""

from __future__ import annotations

import pytest

from stratuslab_libcloud.client.http.redaction import Redaction, one_line, url_without_credentials, url_without_query

SECRET = "a&b'c\"d<e\\f/g\xe9 h"
ENCODED = {
    "as it is": SECRET,
    "XML": "a&amp;b'c\"d&lt;e\\f/g\xe9 h",
    "HTML": "a&amp;b&#x27;c&quot;d&lt;e\\f/g\xe9 h",
    "HTML of others": "a&amp;b&#39;c&quot;d&lt;e\\f/g\xe9 h",
    "JSON": "a&b'c\\\"d<e\\\\f/g\\u00e9 h",
    "JSON in UTF-8": "a&b'c\\\"d<e\\\\f/g\xe9 h",
    "a text of Python": "a&b\\'c\"d<e\\\\f/g\xe9 h",
    "bytes of Python": "a&b\\'c\"d<e\\\\f/g\\xc3\\xa9 h",
    "Base64": "YSZiJ2MiZDxlXGYvZ8OpIGg=",
    "a part of a path": "a%26b%27c%22d%3Ce%5Cf%2Fg%C3%A9%20h",
    "a path": "a%26b%27c%22d%3Ce%5Cf/g%C3%A9%20h",
    "a query": "a%26b%27c%22d%3Ce%5Cf%2Fg%C3%A9+h",
    "a query in small letters": "a%26b%27c%22d%3ce%5cf%2fg%c3%a9+h",
    "a path in small letters": "a%26b%27c%22d%3ce%5cf/g%c3%a9%20h",
    "UTF-8 taken for Latin-1": "a&b'c\"d<e\\f/g\xc3\xa9 h",
    "HTML taken for Latin-1": "a&amp;b&#x27;c&quot;d&lt;e\\f/g\xc3\xa9 h",
}


@pytest.mark.parametrize("how", ENCODED)
def test_a_secret_is_hidden_in_each_encoding(how: str) -> None:
    assert Redaction([SECRET]).hide(f"before {ENCODED[how]} after") == "before ******** after"


@pytest.mark.parametrize("encoded", ["\udce9x", "%E9x", "%e9x", "6Xg=", "\xe9x"])
def test_a_secret_that_is_no_utf_8(encoded: str) -> None:
    """As it comes from a variable of the environment."""
    assert Redaction(["\udce9x"]).hide(f"<{encoded}>") == "<********>"


def test_the_longest_is_hidden_first() -> None:
    redaction = Redaction(["zz", "azz!"])
    assert redaction.hide("azz! zz") == "******** ********"
    assert redaction.longest == len("YXp6IQ==")
    assert Redaction().longest == 0


def test_a_text_for_a_message_or_a_log() -> None:
    """On one line in a message; in a log as it is, but for what controls a terminal."""
    redaction = Redaction(["pw"])
    assert redaction.line("a pw\n b") == "a ******** b"
    assert redaction.lines("a pw\n\tb\x1b[0m X") == "a ********\n\tb [0m X"


def test_headers_for_a_log() -> None:
    redaction = Redaction(["pw"])
    for name in ("Cookie", "Set-Cookie", "AUTHORIZATION", "X-Auth-Token", "Session", "Api-Key", "apikey"):
        assert redaction.header(name, "anything") == "********"
    assert redaction.header("Location", "https://a:b@example.org/pw?x=1") == "https://example.org/********"
    assert redaction.header("Server", "a pw?\nb") == "a ********? b"


def test_an_empty_secret_hides_nothing() -> None:
    assert Redaction(["", "other"]).hide("text") == "text"


def test_a_message_is_one_printable_line_of_limited_length() -> None:
    assert one_line("a\r\n b\x1b[0m\tc") == "a b [0m c"
    assert one_line("x" * 300) == "x" * 300
    assert one_line("x" * 301) == "x" * 300 + "..."


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
    for query in ("", "?token=x", "?token=x?y"):
        assert url_without_query(f"https://a:b@example.org/a{query}") == "https://example.org/a"
