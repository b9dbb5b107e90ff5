"""What all long documents of services have in common, XML and JSON: they can be unreadable, and they have limits.

An object in memory needs far more room than its text: an empty element of four characters needs eighty bytes, a machine
of forty characters needs three kilobytes as a node. So a short text could fill the memory.
"""

from __future__ import annotations

MAX_OBJECT = 1 << 21
"""Characters that one object of a list may have; a machine has about five thousand."""

_FREE_OBJECTS = 10_000
_AVERAGE_LENGTH = 150
"""How long the objects of a long list must be on average; the shortest real ones have about five hundred characters."""


class UnreadableDocumentError(Exception):
    """The document is not well formed, or is another kind of document. It becomes a MalformedReplyError."""


class OversizedDocumentError(UnreadableDocumentError):
    """It needs too much memory; to ask for it again would not help."""


class ListLimit:
    """Counts what arrives of a list, so that its objects need at most about twenty times as much memory as its text."""

    def __init__(self) -> None:
        self._length = 0
        self._objects = 0
        self._end_of_last = 0

    def add_text(self, length: int) -> None:
        """Count characters, or bytes, that have arrived.

        :raises OversizedDocumentError: when an object is too long
        """
        if self._length - self._end_of_last > MAX_OBJECT:
            raise OversizedDocumentError(f"it has an object of more than {MAX_OBJECT} characters")
        self._length += length

    def add_objects(self, number: int) -> None:
        """Count objects that are complete.

        :raises OversizedDocumentError: when there are too many for so short a text
        """
        if number:
            self._objects += number
            self._end_of_last = self._length
        if self._objects > _FREE_OBJECTS + self._length / _AVERAGE_LENGTH:
            raise OversizedDocumentError(f"it has {self._objects} objects in {self._length} characters")
