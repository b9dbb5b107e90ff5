"""Reading the files that a user names: small ones, which end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

MAX_FILE = 1 << 20
"""Bytes that a file may have; configurations, keys and certificates have thousands."""


def read_file(path: Path) -> bytes:
    """The content of a file.

    :raises OSError: also when it is a device or a named pipe, which might never end, or too long
    """
    # Without O_NONBLOCK, opening a named pipe waits for somebody who writes into it.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        content = file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise OSError(errno.EFBIG, f"it has more than {MAX_FILE} bytes")
    return content
