"""A file as the body of a request, which is read while it is sent: however large it is, it is never in memory."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

_PIECE = 1 << 18


class FileUpload:
    """One file in a form (``multipart/form-data``, RFC 7578).

    :param file: an ordinary file, which must not change meanwhile
    :param progress: is told how many bytes have been sent, of how many
    :raises OSError: when it cannot be read
    """

    def __init__(self, file: Path, progress: Callable[[int, int], object] | None = None) -> None:
        self._file = file
        self._progress = progress
        boundary = secrets.token_hex(16)
        name = re.sub(r'["\\\r\n]', "_", file.name)
        self._head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        self._end = f"\r\n--{boundary}--\r\n".encode()
        self.content_type = f"multipart/form-data; boundary={boundary}"
        with file.open("rb") as stream:
            self._size = stream.seek(0, 2)

    def __len__(self) -> int:
        return len(self._head) + self._size + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        """The body, from its beginning, as often as it is sent."""
        yield self._head
        sent = 0
        with self._file.open("rb") as stream:
            while sent < self._size and (piece := stream.read(min(_PIECE, self._size - sent))):
                yield piece
                sent += len(piece)
                if self._progress:
                    self._progress(sent, self._size)
        yield self._end
