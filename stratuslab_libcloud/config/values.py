"""Conversion of texts in the file to values. The ``ValueError`` of each function says what would be correct."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

_PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")


def is_quoted(text: str) -> bool:
    """Whether a text has a pair of quotes around it; the file's format does not use quotes."""
    return len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"


def truth(text: str) -> bool:
    """``true``, ``yes``, ``on``, ``1`` or their opposites, in upper or lower case."""
    word = text.lower()
    if word not in (*_TRUE, *_FALSE):
        raise ValueError("true or false")
    return word in _TRUE


def positive_number(text: str) -> float:
    """A number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise ValueError("a number above 0")
    return number


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """A function that reads a whole number from `low` to `high`."""

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
    """-1 or a port number."""
    if text == "-1":
        return -1
    try:
        return whole_number(1, 65535)(text)
    except ValueError:
        raise ValueError("-1 for any port, or a whole number from 1 to 65535") from None


def one_of(*choices: str) -> Callable[[str], str]:
    """A function that reads one of several words, in upper or lower case."""

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


def image_identifier_or_url(text: str) -> str:
    """A Marketplace identifier, or a URL at which an image is."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{27}|[A-Za-z][A-Za-z0-9+.-]*:\S+", text):
        raise ValueError("a Marketplace identifier (27 letters, digits, '-' and '_') or a URL")
    return text


def path(text: str) -> Path:
    """A file or folder; ``~`` and ``$VARIABLE`` are replaced; a relative path starts at the working directory."""
    return Path(os.path.expanduser(os.path.expandvars(text)))  # noqa: PTH111 - Path's fails where there is no home


def has_home(path: Path) -> bool:
    """Whether no ``~`` was left at the start of a path, as it is for a user who has no home directory."""
    return not os.fspath(path).startswith("~")


def readable_path(text: str) -> Path:
    """A file or folder that exists and may be read."""
    found = path(text)
    if not os.access(found, os.R_OK):
        raise ValueError("the name of an existing file or folder that may be read")
    return found


def proxy_url(text: str) -> str:
    """The URL of an HTTP proxy, which may contain a user name and a password."""
    try:
        parts = urlsplit(text)
        is_possible = parts.scheme in _PROXY_SCHEMES and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_possible = False
    if not is_possible or any(character.isspace() for character in text) or parts.path.strip("/") or parts.fragment:
        raise ValueError(
            "the URL of a proxy, such as http://proxy.example.org:3128; in its user name and password, special "
            "characters are written with a percent sign: '/' as %2F, '#' as %23, '@' as %40"
        )
    return text


def with_plain_quotes(text: str) -> str:
    """The text without the backslashes that release 14.06 needed before quotes, if each quote has one.

    If one has none, the text is none of 14.06's, and its backslashes mean themselves, such as those in JSON.
    """
    return text if re.search(r'(?<!\\)"', text) else text.replace('\\"', '"')


def verbatim(text: str) -> str:
    """The unchanged text."""
    return text
