"""Marks: what a new machine or disk carries so that it can be found when the reply to its creation is lost."""

from __future__ import annotations

import uuid

_PREFIX = "libcloud-mark-"


def new_mark() -> str:
    """A mark that nothing else has."""
    return _PREFIX + uuid.uuid4().hex


def is_mark(text: str) -> bool:
    """Whether a text is a mark of this package; a disk's identifier may be something else."""
    return text.startswith(_PREFIX)
