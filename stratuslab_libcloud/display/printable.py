"""What can be shown, and where."""

from __future__ import annotations

from typing import TextIO


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody reads there.

    :param stream: `sys.stdout` or `sys.stderr`, which are None where a program has none
    """
    return stream is not None and stream.isatty()


def printable(value: object) -> str:
    """A value on one line, where nothing steers a terminal or changes the direction of writing.

    :param value: what cannot be printed of its text is written as Python writes it, such as ``\\x1b``
    """
    text = str(value)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
