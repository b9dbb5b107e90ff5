"""JSON as its standard has it, and items of a long array as soon as they are complete.

A long array is never in memory as a whole, and what comes before an error is not lost.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from stratuslab_libcloud.client.documents import ListLimit, UnreadableDocumentError

_BLANKS = re.compile(r"[ \t\n\r]*")
_MAX_DIGITS = 20


def _integer(digits: str) -> int:
    """An integer; one with very many digits would take very long."""
    if len(digits) > _MAX_DIGITS:
        raise ValueError("a number with too many digits")
    return int(digits)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


DECODER = json.JSONDecoder(parse_int=_integer, parse_constant=_refuse_constant)
"""Without Infinity and NaN, which Python accepts unless it is told otherwise."""


def stream_items(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Yield each item of an array soon after its end has arrived.

    :param chunks: the document, piece by piece
    :raises UnreadableDocumentError: where it is not a JSON array
    """
    array = _Array()
    limit = ListLimit()
    for text in _decoded(chunks):
        limit.add_text(len(text))
        items = array.feed(text)
        limit.add_objects(len(items))
        yield from items
    if not array.is_over:
        raise UnreadableDocumentError("it is not a complete JSON array")


def _decoded(chunks: Iterable[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in chunks:
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise UnreadableDocumentError("it is not UTF-8") from None


class _Array:
    """What has arrived of an array.

    :ivar is_over: whether its end was there
    """

    def __init__(self) -> None:
        self.is_over = False
        self._text = ""
        self._allowed = "["
        """Characters of which one has to come next; with none, an item has to."""

    def feed(self, text: str) -> list[Any]:
        """Add a text, and return the items that it completes.

        :raises UnreadableDocumentError: where it cannot be an array
        """
        self._text += text
        items: list[Any] = []
        position = 0
        while (position := self._after_blanks(position)) < len(self._text):
            character = self._text[position]
            if character == "]" and "]" in self._allowed:
                self.is_over, self._allowed, position = True, "", position + 1
            elif self.is_over or (self._allowed.strip("]") and character not in self._allowed):
                raise UnreadableDocumentError("it is not a JSON array")
            elif character == self._allowed[:1]:
                self._allowed, position = "]" if character == "[" else "", position + 1
            else:
                end = self._take_item(position, items)
                if end == position:
                    break
                self._allowed, position = ",]", end
        self._text = self._text[position:]
        return items

    def _after_blanks(self, position: int) -> int:
        found = _BLANKS.match(self._text, position)
        return found.end() if found else position

    def _take_item(self, position: int, items: list[Any]) -> int:
        """Add the item that begins here if it is complete, which is certain when something follows it."""
        try:
            item, end = DECODER.raw_decode(self._text, position)
        except (ValueError, RecursionError):
            return position
        if end == len(self._text):
            return position
        items.append(item)
        return end
