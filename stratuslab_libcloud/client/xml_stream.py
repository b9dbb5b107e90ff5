"""Elements of an XML document as they become complete, so that a long one is never in memory as a whole.

A document type definition is refused: no service of a StratusLab cloud sends one, and entities can be an attack.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

_log = logging.getLogger(__name__)

_PROLOG = re.compile(r"\ufeff?(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_START_OF_ROOT = re.compile(r"<[^\W\d]|<[:_]")
_LONGEST_PROLOG = 65536


class NotReadable(Exception):  # noqa: N818 - becomes a MalformedReplyError where the call is known
    """The document is not well formed, or not one that is read here."""


def elements(chunks: Iterable[str] | Iterable[bytes], tag: str, root: str) -> Iterator[Element]:
    """Yield each element with a tag some time after its end has been read.

    What else stands there is left out, with a warning.

    :param chunks: the document, piece by piece
    :param tag: of elements right below the root, or of a root that is the only one
    :param root: the tag of a root that has several
    :raises NotReadable: where the document stops making sense; what came in earlier pieces has been yielded by then
    """
    # The root gets an element around it, in which it can be seen while it grows. The usual way to see it, the events
    # of a pull parser, costs more than the parsing itself: two for each element, of which one in a hundred is wanted.
    builder = TreeBuilder()
    document: Element = builder.start("document", {})
    parser = XMLParser(target=builder)
    guard = _PrologGuard()
    try:
        for chunk in chunks:
            parser.feed(guard.passed(chunk))
            yield from _taken_from(document, tag, root, is_complete=False)
        parser.close()
    except (ParseError, ValueError, LookupError) as error:
        raise NotReadable(str(error)) from error
    yield from _taken_from(document, tag, root, is_complete=True)


def _taken_from(document: Element, tag: str, root: str, *, is_complete: bool) -> Iterator[Element]:
    """Take out what can not grow any more: while the document does, its last part may, and the root itself."""
    for top in document:
        if top.tag == root:
            complete = top[:] if is_complete else top[:-1]
            del top[: len(complete)]
            for element in complete:
                if element.tag == tag:
                    yield element
                else:
                    _log.warning("an element %.60r, which should be %s, was left out", element.tag, tag)
        elif top.tag != tag:
            raise NotReadable(f"it begins with {top.tag!r:.60}")
        elif is_complete:
            yield top


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
