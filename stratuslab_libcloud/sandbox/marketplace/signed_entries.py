"""Entries that the sandbox itself writes: what they say is known at once; they are signed when they are first read."""

from __future__ import annotations

import functools
from dataclasses import replace

from stratuslab_libcloud.sandbox.marketplace.rdf import read_documents, read_entry
from stratuslab_libcloud.sandbox.marketplace.signing import Endorser
from stratuslab_libcloud.sandbox.state.entries import Entry


def signed_later(document: str, endorser: Endorser) -> Entry:
    """The entry in a document.

    :param endorser: signs it, and is the one that it names
    """
    entry = read_entry(*read_documents(document.encode())[0])
    return replace(entry, make_document=functools.cache(lambda: endorser.sign(document)))
