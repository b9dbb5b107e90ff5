"""Text of the file made into values. Each function that makes one says in its ``ValueError`` what would be right."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from pathlib import Path

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")
_IMAGE_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{27}")


def is_quoted(text: str) -> bool:
    """Whether a text has a pair of quotes around it; the file's format knows no quotes."""
    return len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"


def truth(text: str) -> bool:
    """``true``, ``yes``, ``on``, ``1`` or their opposites, in any case."""
    word = text.lower()
    if word not in (*_TRUE, *_FALSE):
        raise ValueError("true or false")
    return word in _TRUE


def positive_number(text: str) -> float:
    """A number above zero."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise ValueError("a number above 0")
    return number


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """What reads a whole number within bounds, both included."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return number

    return read


def vnc_port(text: str) -> int:
    """-1 or a port."""
    if text == "-1":
        return -1
    try:
        return whole_number(1, 65535)(text)
    except ValueError:
        raise ValueError("-1 for any port, or a whole number from 1 to 65535") from None


def one_of(*choices: str) -> Callable[[str], str]:
    """What reads one of a few words, in any case."""

    def read(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(" or ".join(f"'{choice}'" for choice in choices))
        return text.lower()

    return read


disks_bus = one_of("ide", "scsi", "virtio")
context_method = one_of("one", "cloud-init")


def ip_address(text: str) -> str:
    """An IPv4 or IPv6 address."""
    import ipaddress

    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("an IP address") from None


def disk_uuid(text: str) -> str:
    """The uuid of a persistent disk, as the disk service writes it."""
    import uuid

    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ValueError("the uuid of a persistent disk") from None


def image_identifier(text: str) -> str:
    """A Marketplace identifier."""
    if not _IMAGE_IDENTIFIER.fullmatch(text):
        raise ValueError("a Marketplace identifier: 27 letters, digits, '-' and '_'")
    return text


def path(text: str) -> Path:
    """A file or folder; ``~`` and ``$VARIABLE`` are replaced, others start at the working directory."""
    return Path(os.path.expanduser(os.path.expandvars(text)))  # noqa: PTH111 - Path's fails where there is no home


def readable_path(text: str) -> Path:
    """A file or folder that is there."""
    found = path(text)
    if not os.access(found, os.R_OK):
        raise ValueError("the name of an existing file or folder that may be read")
    return found


def verbatim(text: str) -> str:
    """The text as it is."""
    return text
