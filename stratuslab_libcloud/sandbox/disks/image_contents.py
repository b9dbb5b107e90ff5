"""Contents of new disks: fetched from where the client says, or uploaded by it."""

from __future__ import annotations

import gzip
import hashlib
import ipaddress
import re
import socket
import urllib.error
import urllib.request
import zlib
from typing import IO, Any
from urllib.parse import urlsplit

from stratuslab_libcloud.sandbox.state.errors import InvalidDiskError

_TIMEOUT = 30


class _LoopbackOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirections, but not to other computers."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        _require_loopback(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(url: str, expected_bytes: int | None, expected_sha1: str | None) -> bytes:
    """Get an image over HTTP; whatever the status, the body counts, as in the real service.

    Only from this computer: a sandbox connects to no other one.

    :raises InvalidDiskError: if the download fails, or the size or checksum is not as expected
    """
    try:
        content = _download(url)
        if url.endswith(".gz"):
            content = gzip.decompress(content)
    except (OSError, EOFError, ValueError, zlib.error):
        raise InvalidDiskError(f"error initializing disk contents from {url}") from None
    if expected_bytes is not None and expected_bytes != len(content):
        raise InvalidDiskError(f"size mismatch: {len(content)} (found) != {expected_bytes} (expected)")
    if expected_sha1 is not None:
        _check_sha1(content, expected_sha1)
    return content


def inflate(content: bytes) -> bytes:
    """Uncompress an uploaded image.

    :raises InvalidDiskError: if it is empty or not compressed with gzip
    """
    if not content:
        raise InvalidDiskError("empty file uploaded")
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as problem:
        raise InvalidDiskError(str(problem)) from None


def _download(url: str) -> bytes:
    _require_loopback(url)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _LoopbackOnly)
    try:
        with opener.open(url, timeout=_TIMEOUT) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.read()


def _require_loopback(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not an HTTP URL")
    address = ipaddress.ip_address(socket.gethostbyname(parts.hostname))
    if not address.is_loopback:
        raise ValueError("not on this computer")


def _check_sha1(content: bytes, expected: str) -> None:
    if not re.fullmatch(r"[0-9A-Fa-f]+", expected):
        raise InvalidDiskError(f"invalid SHA-1 checksum: {expected}")
    found = int.from_bytes(hashlib.sha1(content, usedforsecurity=False).digest(), "big")
    if found != int(expected, 16):
        # The service has always printed these as decimal numbers.
        raise InvalidDiskError(f"checksum mismatch: {found} (found) != {int(expected, 16)} (expected)")
