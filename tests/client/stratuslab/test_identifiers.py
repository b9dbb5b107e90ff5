"""Identifiers of images and disks."""

from __future__ import annotations

import hashlib

import pytest

from stratuslab_libcloud.client.stratuslab.identifiers import image_id, is_disk_id, is_image_id, is_image_url


@pytest.mark.parametrize(
    ("sha1", "identifier"),
    [
        ("0" * 40, "A" * 27),
        ("f" * 40, "P" + "_" * 26),
        (hashlib.sha1(b"").hexdigest(), "No5o-5ea0sNMlW_75VgGJCv2AcJ"),
        ("c319bbd5afc0a22ba3eaed0507c39383ec28eeff", "MMZu9WvwKIro-rtBQfDk4PsKO7_"),
        ("1104f3e30c030f8b93f220b04131032dddf51f21", "BEE8-MMAw-Lk_IgsEExAy3d9R8h"),
    ],
)
def test_identifiers_are_made_from_checksums(sha1: str, identifier: str) -> None:
    assert image_id(sha1) == identifier
    assert is_image_id(identifier)


@pytest.mark.parametrize("text", ["", "A" * 26, "A" * 28, "A" * 26 + "/", "A" * 27 + "\n", "é" * 27])
def test_what_is_no_identifier(text: str) -> None:
    assert not is_image_id(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://example.org/image.gz", True),
        ("https://example.org:8443/a?b=c", True),
        ("example.org/image.gz", False),
        ("http://", False),
        ("pdisk:pdisk.example.org:8445:0a1b2c3d-0000-4000-8000-0123456789ab", True),
        ("pdisk:", False),
        ("http://example.org/a b", False),
        ("http://example.org/\x00", False),
    ],
)
def test_urls_of_images(text: str, expected: bool) -> None:
    assert is_image_url(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0a1b2c3d-0000-4000-8000-0123456789ab", True),
        ("0A1B2C3D-0000-4000-8000-0123456789AB", False),
        ("0a1b2c3d00004000800000123456789ab", False),
        ("0a1b2c3d-0000-4000-8000-0123456789ab\n", False),
    ],
)
def test_uuids_of_disks(text: str, expected: bool) -> None:
    assert is_disk_id(text) is expected
