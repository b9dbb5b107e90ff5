"""Elements of an XML document when they are complete, so that a long document is never in memory as a whole.

A document type definition is refused: no service of a cloud sends one, and its entities can be an attack.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from stratuslab_libcloud.client.documents import ListLimit, UnreadableDocumentError

__all__ = ["UnreadableDocumentError", "stream_elements"]

_log = logging.getLogger(__name__)

_PROLOG = re.compile(r"\ufeff?(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_START_OF_ROOT = re.compile(r"<[^\W\d]|<[:_]")
_MAX_PROLOG = 65536
_PIECE = 16384
"""How much is parsed at once. So few elements are gone before the garbage collector looks at them, which would cost as
much as the parsing where there are ten thousand objects."""


def stream_elements(chunks: Iterable[str] | Iterable[bytes], tag: str, root: str) -> Iterator[Element]:
    """Yield each element with a tag soon after its end has arrived.

    Other elements are left out, with a warning.

    :param chunks: the document, piece by piece
    :param tag: of elements that are children of the root, or of a root that is the only one
    :param root: the tag of a root that has several
    :raises UnreadableDocumentError: where the document is not well formed; elements from earlier pieces have been
        yielded before
    """
    # The root gets an element around it, in which it can be seen while it grows. The usual way to see it, the events
    # of a pull parser, costs more than the parsing itself: two for each element, of which one in a hundred is wanted.
    builder = TreeBuilder()
    document: Element = builder.start("document", {})
    parser = XMLParser(target=builder)
    prolog = _PrologCheck()
    limit = ListLimit()
    left_out: set[str] = set()
    try:
        for chunk in _pieces(chunks):
            limit.add_text(len(chunk))
            prolog.check(chunk)
            parser.feed(chunk)
            complete = _take_complete(document, tag, root, is_complete=False)
            limit.add_objects(len(complete))
            yield from _wanted(complete, tag, left_out)
        parser.close()
    except (ParseError, ValueError, LookupError) as error:
        raise UnreadableDocumentError(str(error)) from None
    yield from _wanted(_take_complete(document, tag, root, is_complete=True), tag, left_out)


def _pieces(chunks: Iterable[str] | Iterable[bytes]) -> Iterator[str | bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), _PIECE):
            yield chunk[start : start + _PIECE]


def _take_complete(document: Element, tag: str, root: str, *, is_complete: bool) -> list[Element]:
    """Take out the elements that are complete. Until the document is, its last element and the root are not."""
    for top in document:
        if top.tag == root:
            complete = top[:] if is_complete else top[:-1]
            del top[: len(complete)]
            return complete
        if top.tag != tag:
            raise UnreadableDocumentError(f"it begins with {top.tag!r:.60}")
        if is_complete:
            return [top]
    return []


def _wanted(elements: Iterable[Element], tag: str, left_out: set[str]) -> Iterator[Element]:
    """The elements with a tag. That others are left out is told once for each document.

    :param left_out: what was told already
    """
    for element in elements:
        if element.tag == tag:
            yield element
        elif not left_out:
            left_out.add(element.tag)
            _log.warning("elements such as %.60r, which should be %s, were left out", element.tag, tag)


class _PrologCheck:
    """Looks at what comes before the root: this is where a document type definition would be."""

    def __init__(self) -> None:
        self._prolog = ""
        self._is_over = False

    def check(self, chunk: str | bytes) -> None:
        if self._is_over:
            return
        self._prolog += chunk if isinstance(chunk, str) else chunk.decode("latin-1")
        match = _PROLOG.match(self._prolog)
        rest = self._prolog[match.end() if match else 0 :]
        if _START_OF_ROOT.match(rest):
            self._is_over = True
        elif rest.startswith("<!D") or len(self._prolog) > _MAX_PROLOG:
            raise UnreadableDocumentError("it does not begin with an element")
