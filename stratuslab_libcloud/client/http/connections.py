"""HTTP connections with a time limit for the whole answer.

The usual read timeout is one for each piece that arrives, so a server that sends a byte now and then keeps a call
waiting for ever. Here the timeout is a limit for the time from the first byte of an answer to its last.
"""

from __future__ import annotations

import io
import math
import socket
import time
from contextlib import nullcontext
from http.client import HTTPResponse, IncompleteRead
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

from stratuslab_libcloud.client.http import cancellation

_SWITCHING_PROTOCOLS = 101
_MAX_INTERIM_ANSWERS = 16


class _TimeLimitedReader(io.RawIOBase):
    """Reads from a socket until a moment; after it, it raises ``TimeoutError``.

    :ivar at_end: whether the other side has closed the connection
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, seconds: float) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = time.monotonic() + seconds
        self.at_end = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the time limit for the whole answer is over")
        self._sock.settimeout(None if remaining == math.inf else remaining)
        current = cancellation.current()
        with current.covering(self._sock) if current else nullcontext():
            size = self._raw.readinto(buffer)
        self.at_end = size == 0
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimeLimitedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **keywords: Any) -> None:
        super().__init__(sock, *args, **keywords)
        self._reader = _TimeLimitedReader(self.fp.detach(), sock, sock.gettimeout() or math.inf)
        self.fp = io.BufferedReader(self._reader, 65536)

    def begin(self) -> None:
        """Read the status and the headers of the answer.

        The standard library accepts headers that were cut off, and takes what comes before the answer (102 Processing,
        103 Early Hints) for the answer; this does not.
        """
        super().begin()
        for _ in range(_MAX_INTERIM_ANSWERS):
            if not _is_interim(self.status):
                break
            self.headers = self.msg = None  # type: ignore[assignment]  # as before the first attempt
            super().begin()
        if self._reader.at_end:
            raise IncompleteRead(b"")


def _is_interim(status: int) -> bool:
    return 100 < status < 200 and status != _SWITCHING_PROTOCOLS


class _TimeLimitedHTTPConnection(HTTPConnection):
    response_class = _TimeLimitedResponse


class _TimeLimitedHTTPSConnection(HTTPSConnection):
    response_class = _TimeLimitedResponse


class _TimeLimitedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _TimeLimitedHTTPConnection


class _TimeLimitedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _TimeLimitedHTTPSConnection


class TimeLimitedAdapter(HTTPAdapter):
    """A `requests` adapter whose timeout limits the time for a whole answer, and which never retries.

    :param connections: how many idle connections are kept
    """

    def __init__(self, connections: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
        """Use time-limited connections to services."""
        super().init_poolmanager(*args, **keywords)
        _use_time_limited_connections(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **keywords: Any) -> Any:
        """Use time-limited connections through an HTTP proxy."""
        manager = super().proxy_manager_for(proxy, **keywords)
        if not proxy.lower().startswith("socks"):
            _use_time_limited_connections(manager)
        return manager


def _use_time_limited_connections(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _TimeLimitedHTTPPool, "https": _TimeLimitedHTTPSPool}
