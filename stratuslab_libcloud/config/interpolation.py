"""``%(key)s`` in values, replaced as Python 2's ``SafeConfigParser`` did, within limits."""

from __future__ import annotations

import re
from collections.abc import Callable

_TOKEN = re.compile(r"%(?:(?P<percent>%)|\((?P<key>[^)%]+)\)s)?")
_MAX_DEPTH = 10
_MAX_LENGTH = 1 << 20
_COST_OF_A_REFERENCE = 100
"""Each counts as so many characters: references to references to nothing would go on for ever."""


class InterpolationError(Exception):
    """A ``%`` in a value cannot be replaced. The text says why; it is the end of a sentence about the value."""


def interpolate(text: str, find: Callable[[str], str | None]) -> str:
    """A value in which each ``%(key)s`` is replaced by the value of that key, and each ``%%`` by ``%``.

    :param find: the value of a key, which is in lower case; None where there is no such key
    :raises InterpolationError: when it cannot be done
    """
    interpolation = _Interpolation(find)
    interpolation.add(text, depth=1)
    return "".join(interpolation.pieces)


class _Interpolation:
    def __init__(self, find: Callable[[str], str | None]) -> None:
        self.pieces: list[str] = []
        self._find = find
        self._left = _MAX_LENGTH

    def add(self, text: str, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise InterpolationError("it refers to itself")
        position = 0
        for token in _TOKEN.finditer(text):
            self._add_piece(text[position : token.start()])
            position = token.end()
            if token["percent"]:
                self._add_piece("%")
            elif token["key"] is None:
                raise InterpolationError("'%' must be followed by '%' or '(key)s'")
            else:
                self._add_value(token["key"], depth)
        self._add_piece(text[position:])

    def _add_value(self, key: str, depth: int) -> None:
        value = self._find(key.lower())
        if value is None:
            raise InterpolationError(f"neither this section nor [DEFAULT] has the key '{key}'")
        self._spend(_COST_OF_A_REFERENCE)
        self.add(value, depth + 1)

    def _add_piece(self, piece: str) -> None:
        self._spend(len(piece))
        self.pieces.append(piece)

    def _spend(self, length: int) -> None:
        self._left -= length
        if self._left < 0:
            raise InterpolationError("it becomes longer than a value may be")
