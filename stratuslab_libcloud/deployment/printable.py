"""What a guest says, made fit for a message."""

from __future__ import annotations

MOST_CHARACTERS = 300


def printable(text: str | bytes) -> str:
    """A text on one line, without what could steer a terminal; the beginning of a long one."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    words = " ".join(text.split())
    shown = "".join(letter if letter.isprintable() else "?" for letter in words)
    return shown if len(shown) <= MOST_CHARACTERS else f"{shown[:MOST_CHARACTERS]}..."
