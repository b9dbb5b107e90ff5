"""Entries in the canonical form in which they are signed: C14N 1.0, by lxml, which nothing else here needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml import etree

from stratuslab_libcloud.sandbox.state.errors import InvalidEntryError

SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}"
_XML = "{http://www.w3.org/XML/1998/namespace}"


def parse(content: bytes) -> Any:
    """The root of a document; entities that it defines itself are put in.

    :raises InvalidEntryError: if it is not XML
    """
    parser = etree.XMLParser(resolve_entities="internal", load_dtd=False, no_network=True)
    try:
        return etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as problem:
        raise InvalidEntryError(f"unable to parse metadata: {problem}") from None


def canonical(content: bytes) -> bytes:
    """A whole document, without its comments."""
    return canonical_tree(parse(content), with_comments=False)


def canonical_tree(root: Any, *, with_comments: bool, exclusive: bool = False) -> bytes:
    """The document of a root.

    :raises InvalidEntryError: if it has no canonical form
    """
    try:
        return bytes(
            etree.tostring(root.getroottree(), method="c14n", exclusive=exclusive, with_comments=with_comments)
        )
    except etree.C14NError as problem:
        raise InvalidEntryError(str(problem)) from None


def part(element: Any) -> Any:
    """A part of a document as the root of its own one, with what it has from those around it."""
    root = parse(etree.tostring(element, with_tail=False))
    for outer in element.iterancestors():
        for name, value in outer.items():
            if name.startswith(_XML) and root.get(name) is None:
                root.set(name, value)
    return root


def without(element: Any) -> Any:
    """The root of a copy of a document that lacks an element, but not the text after it."""
    position = [*element.getroottree().iter(element.tag)].index(element)
    root = parse(etree.tostring(element.getroottree()))
    copy = [*root.iter(element.tag)][position]
    parent, index, tail = copy.getparent(), copy.getparent().index(copy), copy.tail or ""
    parent.remove(copy)
    if index:
        parent[index - 1].tail = (parent[index - 1].tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    return root


def with_signature(document: str, signature: str, sign: Callable[[bytes], str]) -> str:
    """An entry with a signature, which has an empty value.

    :param sign: the value of it, for the ``SignedInfo`` in canonical form
    """
    root = parse(document.encode())
    element = etree.fromstring(signature)
    root.append(element)
    info = canonical_tree(part(element.find(f"{SIGNATURE}SignedInfo")), with_comments=True)
    element.find(f"{SIGNATURE}SignatureValue").text = sign(info)
    return str(etree.tostring(root, encoding="unicode"))


def text_of_entry(element: Any) -> str:
    """An entry that stands in a larger document, by itself: with the prefixes that it had."""
    return str(etree.tostring(element, encoding="unicode", with_tail=False)).strip()
