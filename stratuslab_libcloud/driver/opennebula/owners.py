"""Whose machines a list has, in the numbers of OpenNebula's pools."""

from __future__ import annotations

from typing import Any

from stratuslab_libcloud.errors import InvalidArgumentError

_FILTERS = {"mine": -3, "group": -1, "all": -2}


def pool_filter(whose: Any) -> int:
    """The number for ``mine``, ``group``, ``all`` or a user's id. -4, the primary group, is never asked for: 6.10 shows
    machines there that it would refuse to show.

    :raises InvalidArgumentError: when it is none of these
    """
    word = str(whose).strip().lower()
    if word in _FILTERS:
        return _FILTERS[word]
    if isinstance(whose, bool) or not (word.isascii() and word.isdigit() and len(word) < 10):
        raise InvalidArgumentError(f"ex_filter must be 'mine', 'group', 'all' or a user's id, not {whose!r}")
    return int(word)
