"""Answers: read in pieces, up to a limit, without secrets."""

from __future__ import annotations

import pytest
import requests
import requests_mock

from stratuslab_libcloud.client.http.messages import Answer
from stratuslab_libcloud.client.http.redaction import Redaction
from stratuslab_libcloud.errors import Call, MalformedReplyError

CALL = Call("here", "disk", "look", "http://example.org/")


def answer(body: bytes, limit: int = 1 << 20) -> Answer:
    with requests_mock.Mocker() as web:
        web.get("http://example.org/", content=body)
        return Answer(requests.get("http://example.org/", stream=True), CALL, limit, redaction=Redaction(["s3cret"]))


def test_a_body_of_the_allowed_length_is_read() -> None:
    assert answer(b"x" * 10, limit=10).body() == b"x" * 10
    assert answer(b'{"a": [1]}').json() == {"a": [1]}


def test_a_body_that_is_too_long_is_refused() -> None:
    with pytest.raises(MalformedReplyError, match="raise endpoint_max_answer"):
        answer(b"x" * 11, limit=10).body()


def test_what_is_not_json_is_shown_without_secrets() -> None:
    with pytest.raises(MalformedReplyError, match="not JSON") as caught:
        answer(b"<p>s3cret</p>").json()
    assert caught.value.body == "<p>********</p>"


def test_a_text_is_printable_and_without_secrets() -> None:
    assert answer(b"").printable("a\ns3cret\x00") == "a ********"
