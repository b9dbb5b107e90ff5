"""Identifiers of machines."""

from __future__ import annotations

import pytest

from stratuslab_libcloud.client.opennebula.identifiers import parse_machine_id
from stratuslab_libcloud.errors import InvalidArgumentError


def test_an_id_is_a_number() -> None:
    assert [parse_machine_id(text) for text in ("0", "23", "2147483648")] == [0, 23, 2147483648]


@pytest.mark.parametrize("text", ["", "-1", "1.5", " 7", "x", "²", "٣", "9" * 101])
def test_what_is_not_an_id(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="is not the ID of a machine"):
        parse_machine_id(text)
