"""The body of an answer, decompressed where a service compresses although it was asked not to."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from http.client import HTTPException

import requests
import urllib3

_PIECE = 65536
_COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_DEFLATE_ALONE = -zlib.MAX_WBITS


class UnknownEncodingError(HTTPException):
    """The body is in an encoding that was not asked for and cannot be read."""


def pieces(response: requests.Response) -> Iterator[bytes]:
    """The body, in pieces of limited size, while it arrives.

    :raises HTTPException: when it is not HTTP, or its encoding cannot be read
    :raises OSError: when the connection or the time limit ends; also urllib3's exceptions
    """
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return _raw_pieces(response)
    if encoding in _COMPRESSED:
        return _decompressed(_raw_pieces(response))
    raise UnknownEncodingError(f"its Content-Encoding is {encoding}, which was not asked for")


def _raw_pieces(response: requests.Response) -> Iterator[bytes]:
    try:
        while piece := response.raw.read(_PIECE):
            yield piece
    except ValueError as error:  # of the standard library, for impossible sizes of chunks
        raise HTTPException(str(error)) from None


def _decompressed(compressed: Iterator[bytes]) -> Iterator[bytes]:
    first = next(compressed, b"")
    decompressor = zlib.decompressobj(_GZIP_OR_ZLIB if _has_header(first) else _DEFLATE_ALONE)
    rest = first
    try:
        while rest or (rest := next(compressed, b"")):
            if decompressor.eof:  # gzip allows several streams, one after another
                decompressor = zlib.decompressobj(_GZIP_OR_ZLIB)
            if piece := decompressor.decompress(rest, _PIECE):
                yield piece
            rest = decompressor.unconsumed_tail or decompressor.unused_data
    except zlib.error as error:
        raise UnknownEncodingError(f"it cannot be decompressed: {error}") from None
    if first and not decompressor.eof:
        raise urllib3.exceptions.ProtocolError("the compressed answer was cut off")


def _has_header(first: bytes) -> bool:
    """Whether it begins as gzip or zlib does; some servers send deflate without its header."""
    try:
        zlib.decompressobj(_GZIP_OR_ZLIB).decompress(first[:16])
    except zlib.error:
        return False
    return True
