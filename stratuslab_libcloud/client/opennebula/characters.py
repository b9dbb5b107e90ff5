"""The characters that arrive in OpenNebula's templates, whatever the version and the syntax."""

from __future__ import annotations

import re

from stratuslab_libcloud.errors import InvalidArgumentError

_NOT_ACCEPTED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd]")
_END_OF_CDATA = "]]>"


def check_characters(what: str, value: str) -> None:
    """Check that a daemon can read and store a value.

    :param what: says which value, for messages
    :raises InvalidArgumentError: when it cannot
    """
    invalid = _NOT_ACCEPTED.search(value)
    if invalid:
        raise InvalidArgumentError(
            f"{what} contains {invalid.group()!r}, which OpenNebula does not accept: neither control characters nor "
            "those beyond U+FFFF, such as emoji"
        )
    if _END_OF_CDATA in value:
        raise InvalidArgumentError(f"{what} contains ']]>', which OpenNebula cannot read: leave it out")
