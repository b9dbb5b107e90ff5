"""Identifiers of machines."""

from __future__ import annotations

from stratuslab_libcloud.errors import InvalidArgumentError

_MAX_DIGITS = 100


def parse_machine_id(text: str) -> int:
    """The ID of a machine, from a text.

    :raises InvalidArgumentError: when it is not a number
    """
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise InvalidArgumentError(f"{text!r} is not the ID of a machine: IDs are numbers")
    return int(text)
