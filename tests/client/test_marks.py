"""Marks of new machines and disks."""

from __future__ import annotations

from stratuslab_libcloud.client.marks import is_mark, new_mark


def test_each_mark_is_different_and_recognized() -> None:
    marks = {new_mark() for _ in range(100)}
    assert len(marks) == 100
    assert all(map(is_mark, marks))


def test_other_identifiers_of_disks_are_not_marks() -> None:
    assert not any(map(is_mark, ["", "MMZu9WvwKIro-rtBQfDk4PsKO7_", "snapshot:0a1b2c3d-0000-4000-8000-0123456789ab"]))
