"""Who endorsed what."""

from __future__ import annotations

from .conftest import JANE, JOHN, Client


def test_endorsers(marketplace: Client) -> None:
    assert JOHN in marketplace("/endorsers").text
    assert marketplace(f"/endorsers/{JOHN}").text.count("<result>") == 1
    assert "centos-base" in marketplace(f"/endorsers/{JANE}/tags").text
