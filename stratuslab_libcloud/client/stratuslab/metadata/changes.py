"""Changes of an entry, after which it must be endorsed and signed again."""

from __future__ import annotations

from stratuslab_libcloud.client.stratuslab.metadata.document import EntryDocument
from stratuslab_libcloud.client.stratuslab.vocabulary import SLTERMS


def deprecated(content: bytes, reason: str) -> bytes:
    """An entry that says why its image should no longer be used.

    :param reason: for people; it replaces an earlier one
    :raises InvalidMetadataError: when the entry cannot be read, or the reason cannot be in XML
    """
    document = _unsigned(content)
    document.remove(f"{SLTERMS}deprecated")
    document.add(f"{SLTERMS}deprecated", reason)
    return document.canonical()


def located(content: bytes, location: str, compression: str) -> bytes:
    """An entry that says where its image is, besides the places that it names already.

    :param location: the URL
    :param compression: ``gz``, ``bz2``, or empty to say nothing
    :raises InvalidMetadataError: when the entry cannot be read
    """
    document = _unsigned(content)
    for name, text in (("location", location), ("compression", compression)):
        if text and text not in document.texts(f"{SLTERMS}{name}"):
            document.add(f"{SLTERMS}{name}", text)
    return document.canonical()


def _unsigned(content: bytes) -> EntryDocument:
    document = EntryDocument(content)
    document.remove_signatures()
    return document
