"""Which names objects can have."""

from __future__ import annotations

_FORBIDDEN = "&|:\\\";/'#{}$<>"
_LONGEST = 128


def refused_name(name: str) -> str | None:
    """OpenNebula's reason not to take a name; None if it takes it."""
    if not name:
        return "Invalid NAME, it cannot be empty"
    if len(name) > _LONGEST:
        return f"Invalid NAME, max length is {_LONGEST} chars"
    for character in name:
        if character in _FORBIDDEN:
            return f"Invalid NAME, char '{character}' is not allowed"
    return None
