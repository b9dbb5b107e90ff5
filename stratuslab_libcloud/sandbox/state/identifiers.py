"""The Marketplace's identifiers of images."""

from __future__ import annotations

import base64


def image_identifier(sha1: bytes) -> str:
    """The identifier of an image with this SHA-1: its 160 bits as 27 digits to the base 64, the first ones first."""
    # A byte of zeros in front makes 168 bits, 28 digits of which the first is always "A".
    return base64.urlsafe_b64encode(b"\0" + sha1)[1:].decode("ascii")


def sha1_of_identifier(identifier: str) -> bytes:
    """The SHA-1 of the image with this identifier.

    :raises ValueError: if it is no identifier
    """
    if len(identifier) != 27:
        raise ValueError(f"An identifier has 27 characters: {identifier!r}")
    decoded = base64.b64decode(f"A{identifier}", altchars=b"-_", validate=True)
    if decoded[0]:
        raise ValueError(f"An identifier stands for 160 bits: {identifier!r}")
    return decoded[1:]
