"""Paths as a machine's processes follow them: its links lead to its own files, never out of its folder."""

from __future__ import annotations

import errno
import os
from collections import deque

_MOST_LINKS = 40


def resolved(top: bytes, path: bytes) -> bytes:
    """Where a path leads to, all links followed; what does not exist is taken as it stands.

    :param top: the folder that is ``/`` for the path and for all links
    :param path: absolute
    :raises OSError: if links lead in a circle
    """
    found: list[bytes] = []
    pieces = deque(path.split(b"/"))
    links = 0
    while pieces:
        piece = pieces.popleft()
        if piece == b"..":
            del found[-1:]
        elif piece not in (b"", b"."):
            try:
                link = b"/".join([top.rstrip(b"/"), *found, piece])
                target = os.readlink(link)  # noqa: PTH115 -- pathlib has no paths of bytes
            except OSError:
                found.append(piece)
                continue
            links += 1
            if links > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fsdecode(path))
            if target.startswith(b"/"):
                found.clear()
            pieces.extendleft(reversed(target.split(b"/")))
    return b"/".join([top.rstrip(b"/"), *found]) or b"/"
