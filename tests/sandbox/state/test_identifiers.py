"""Identifiers of images."""

from __future__ import annotations

import pytest

from stratuslab_libcloud.sandbox.state.identifiers import image_identifier, sha1_of_identifier


@pytest.mark.parametrize(
    ("sha1", "identifier"),
    [
        ("c319bbd5afc0a22ba3eaed0507c39383ec28eeff", "MMZu9WvwKIro-rtBQfDk4PsKO7_"),
        ("1104f3e30c030f8b93f220b04131032dddf51f21", "BEE8-MMAw-Lk_IgsEExAy3d9R8h"),
        ("da39a3ee5e6b4b0d3255bfef95601890afd80709", "No5o-5ea0sNMlW_75VgGJCv2AcJ"),
        ("0" * 40, "A" * 27),
        ("f" * 40, "P" + "_" * 26),
    ],
)
def test_identifiers_are_the_real_ones(sha1: str, identifier: str) -> None:
    assert image_identifier(bytes.fromhex(sha1)) == identifier
    assert sha1_of_identifier(identifier).hex() == sha1
