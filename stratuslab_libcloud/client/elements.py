"""Elements of an XML document as they become complete, so that a long one is never in memory as a whole.

A document type definition is refused: no service of a StratusLab cloud sends one, and entities can be an attack.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from typing import cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

_PROLOG = re.compile(r"\ufeff?(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_START_OF_ROOT = re.compile(r"<[^\W\d]|<[:_]")
_LONGEST_PROLOG = 65536


class NotReadable(Exception):  # noqa: N818 - becomes a MalformedReplyError where the call is known
    """The document is not well formed, or not one that is read here."""


def elements(chunks: Iterable[str] | Iterable[bytes], tags: Container[str]) -> Iterator[Element]:
    """Yield each element with one of the tags when its end has been read.

    What has been yielded is emptied and taken out of the document when the next one is asked for.

    :param chunks: the document, piece by piece
    :param tags: tags of elements right below the root, or of the root itself
    :raises NotReadable: where the document stops making sense; what came before has been yielded by then
    """
    parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
    guard = _PrologGuard()
    root: Element | None = None
    try:
        for chunk in chunks:
            parser.feed(guard.passed(chunk))
            for event, element in cast("Iterable[tuple[str, Element]]", parser.read_events()):
                if root is None:
                    root = element
                elif event == "end" and element.tag in tags:
                    yield element
                    element.clear()
                    root.clear()
        parser.close()
    except (ParseError, ValueError, LookupError) as error:
        raise NotReadable(str(error)) from error


class _PrologGuard:
    """Looks at what stands before the root, which is where a DTD would."""

    def __init__(self) -> None:
        self._seen = ""
        self._done = False

    def passed(self, chunk: str | bytes) -> str | bytes:
        if not self._done:
            self._look_at(chunk if isinstance(chunk, str) else chunk.decode("latin-1"))
        return chunk

    def _look_at(self, text: str) -> None:
        self._seen += text
        prolog = _PROLOG.match(self._seen)
        rest = self._seen[prolog.end() if prolog else 0 :]
        if _START_OF_ROOT.match(rest):
            self._done = True
        elif rest.startswith("<!D") or len(self._seen) > _LONGEST_PROLOG:
            raise NotReadable("it begins with something else than an element")
