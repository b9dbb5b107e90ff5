"""The text of a script: what Windows does to it, and what is none."""

from __future__ import annotations

import codecs

from stratuslab_libcloud.errors import InvalidArgumentError

_PROGRAM = b"\x7fELF"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_OTHERS = {
    b"MZ": "a program for Windows",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a file that is compressed with gzip",
    b"%PDF": "a PDF document",
}


def check_is_script(name: str, text: str | bytes) -> None:
    """See that a machine can run something: a text, or a program for Linux.

    :param name: the script's, for messages
    :raises InvalidArgumentError: it cannot
    """
    data = _encoded(text)
    if data.startswith(_PROGRAM):
        return
    if data.startswith(_UTF16):
        raise InvalidArgumentError(f"the script {name} is a text in UTF-16, which no shell reads: save it as UTF-8")
    for beginning, description in _OTHERS.items():
        if data.startswith(beginning):
            raise InvalidArgumentError(f"the script {name} is not a script, but {description}")
    if b"\0" in data:
        raise InvalidArgumentError(f"the script {name} is not a text: it contains zero bytes")


def mended(text: str | bytes) -> str | bytes:
    """A script without what keeps it from running: a byte order mark before the first line, and the line ends of
    Windows, where the first line has one. It is the same where there is nothing of that."""
    data = _encoded(text)
    without_mark = data.removeprefix(codecs.BOM_UTF8)
    first_line, _, _ = without_mark.partition(b"\n")
    if first_line.endswith(b"\r") and not data.startswith(_PROGRAM):
        without_mark = without_mark.replace(b"\r\n", b"\n")
    return text if without_mark == data else without_mark


def _encoded(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
