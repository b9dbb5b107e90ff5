"""The characters that arrive in templates."""

from __future__ import annotations

import pytest

from stratuslab_libcloud.client.opennebula.characters import check_characters
from stratuslab_libcloud.errors import InvalidArgumentError


@pytest.mark.parametrize("value", ["", "é漢\t\n\r", "\ud7ff\ue000\ufffd", "]] >"])
def test_what_arrives(value: str) -> None:
    check_characters("NAME", value)


@pytest.mark.parametrize("value", ["\x00", "\x1f", "\ud800", "\ufffe", "\U00010000", "\U0010ffff"])
def test_characters_that_no_daemon_reads(value: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"^NAME contains '.*', which OpenNebula does not accept"):
        check_characters("NAME", f"a{value}b")


def test_what_no_daemon_can_store() -> None:
    with pytest.raises(InvalidArgumentError, match=r"^NAME contains '\]\]>', which OpenNebula cannot read"):
        check_characters("NAME", "a]]>b")
