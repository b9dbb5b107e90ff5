"""Marketplace entries from a folder of files."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from stratuslab_libcloud.sandbox.marketplace.rdf import read_documents, read_entry
from stratuslab_libcloud.sandbox.state.entries import Entries, Entry
from stratuslab_libcloud.sandbox.state.errors import InvalidEntryError

_log = logging.getLogger(__name__)


def load_entries(entries: Entries, folder: Path) -> None:
    """Add what is in the ``*.xml`` files of a folder to a Marketplace, oldest first.

    Entries without image, endorser or time are left out, with a warning in the log.

    :raises ValueError: if a file cannot be read or is not XML, or no entry is found
    """
    found = [entry for file in sorted(folder.glob("*.xml")) for entry in _read(file)]
    if not found:
        raise ValueError(f"there is no Marketplace entry in the *.xml files of the folder {folder}")
    for entry in sorted(found, key=lambda entry: entry.created):
        entries.add(entry)


def _read(file: Path) -> Iterator[Entry]:
    try:
        documents = read_documents(file.read_bytes())
    except InvalidEntryError as problem:
        raise ValueError(f"{file}: {problem}") from None
    except OSError as problem:
        raise ValueError(f"{file} cannot be read: {problem.strerror}") from None
    for root, document in documents:
        try:
            yield read_entry(root, document)
        except InvalidEntryError as problem:
            _log.warning("%s: an entry is left out: %s", file, problem)
