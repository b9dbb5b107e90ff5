"""Identifiers of images and disks."""

from __future__ import annotations

import re

_IMAGE_ID = re.compile(r"[A-Za-z0-9_-]{27}\Z")
_IMAGE_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!//\Z)[^\s]+\Z")
_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\Z")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")
_DISK_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


def is_image_id(text: str) -> bool:
    """Whether it has the form of a Marketplace identifier."""
    return bool(_IMAGE_ID.match(text))


def is_image_url(text: str) -> bool:
    """Whether it has the form of a URL from which an image can be fetched, such as ``pdisk:host:port:uuid``, too."""
    return bool(_IMAGE_URL.match(text)) and text.isprintable()


def is_email(text: str) -> bool:
    """Whether the Marketplace takes it for an e-mail address (PatternUtils.java)."""
    return bool(_EMAIL.match(text))


def is_time(text: str) -> bool:
    """Whether it has the form of a moment, as the Marketplace writes it."""
    return bool(_TIME.match(text))


def image_id(sha1: str) -> str:
    """The Marketplace identifier of an image with that SHA-1 checksum.

    The checksum is a number of 160 bits, written in base 64 with 27 digits (MetadataUtils.java).

    :param sha1: 40 hexadecimal digits
    """
    number = int(sha1, 16)
    digits = []
    for _ in range(27):
        number, digit = divmod(number, 64)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def sha1_of_image_id(identifier: str) -> int:
    """The SHA-1 checksum that an image's Marketplace identifier stands for, as a number.

    :param identifier: see `is_image_id`
    :return: of at most 162 bits, which is two more than a checksum has
    """
    number = 0
    for digit in identifier:
        number = number * 64 + _DIGITS.index(digit)
    return number


def is_disk_id(text: str) -> bool:
    """Whether it is a disk's uuid, as the service writes it."""
    return bool(_DISK_ID.match(text))
