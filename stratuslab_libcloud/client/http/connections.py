"""HTTP connections on which the time limit of an answer is a limit for all of it.

The usual read timeout is one for each piece that arrives, so that a server which drips holds a call for ever.
Here the timeout that is set when an answer is awaited bounds all of it, from its first byte to its last.
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

from stratuslab_libcloud.client.http import cancellation as leash


class _ReaderWithDeadline(io.RawIOBase):
    """The bytes of a socket until a moment; after it, ``TimeoutError``.

    :ivar has_ended: whether the other side has closed the connection
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, seconds: float) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = time.monotonic() + seconds
        self.has_ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the time limit for the whole answer is over")
        self._sock.settimeout(None if remaining == math.inf else remaining)
        held = leash.current()
        with held.holding(self._sock) if held else nullcontext():
            size = self._raw.readinto(buffer)
        self.has_ended = size == 0
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **keywords: Any) -> None:
        super().__init__(sock, *args, **keywords)
        self._reader = _ReaderWithDeadline(self.fp.detach(), sock, sock.gettimeout() or math.inf)
        self.fp = io.BufferedReader(self._reader, 65536)

    def begin(self) -> None:
        """Read the head; one that was cut off is no head, although the standard library takes it for one."""
        super().begin()
        if self._reader.has_ended:
            raise IncompleteRead(b"")


class _BoundedHTTPConnection(HTTPConnection):
    response_class = _BoundedResponse


class _BoundedHTTPSConnection(HTTPSConnection):
    response_class = _BoundedResponse


class _BoundedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _BoundedHTTPConnection


class _BoundedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _BoundedHTTPSConnection


class BoundedAdapter(HTTPAdapter):
    """A `requests` adapter whose connections keep to the deadline of a whole answer and never retry.

    :param connections: how many idle connections are kept
    """

    def __init__(self, connections: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
        """Make the connections to services bounded ones."""
        super().init_poolmanager(*args, **keywords)
        _use_bounded_connections(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **keywords: Any) -> Any:
        """Make the connections through an HTTP proxy bounded ones."""
        manager = super().proxy_manager_for(proxy, **keywords)
        if not proxy.lower().startswith("socks"):
            _use_bounded_connections(manager)
        return manager


def _use_bounded_connections(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _BoundedHTTPPool, "https": _BoundedHTTPSPool}
