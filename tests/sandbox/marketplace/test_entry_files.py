"""Entries from a folder of files."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from stratuslab_libcloud.sandbox import Sandbox

from .conftest import Client, document


def test_a_folder_of_entries_is_loaded(tmp_path: Any, http: requests.Session) -> None:
    (tmp_path / "one.xml").write_text(document())
    both = [document(image=image).partition("?>")[2] for image in (b"two", b"three")]
    (tmp_path / "more.xml").write_text(f"<metadata>{''.join(both)}</metadata>")
    with Sandbox(entries=tmp_path) as sandbox:
        assert Client(sandbox.marketplace_url, http).titles() == ["My image"] * 3


def test_a_file_that_is_no_entry_is_named(tmp_path: Any) -> None:
    (tmp_path / "bad.xml").write_text("<no>entry")
    with pytest.raises(ValueError, match=r"bad\.xml: unable to parse"):
        Sandbox(entries=tmp_path)
