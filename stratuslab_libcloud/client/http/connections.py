"""HTTP connections with a time limit for the whole call, from the look-up of the host's name to the answer's last byte.

The usual timeouts are for each address and for each piece that arrives, so a server that sends a byte now and then
keeps a call waiting for ever.
"""

from __future__ import annotations

import contextlib
import io
import socket
import sys
import time
from http.client import HTTPResponse, IncompleteRead
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.poolmanager import PoolManager
from urllib3.util.wait import wait_for_read

from stratuslab_libcloud.client.http import time_limit
from stratuslab_libcloud.client.http.connecting import connect

_MAX_SECONDS_TO_CONNECT = 60.0
_SECONDS_TO_DISCARD = 0.5
_SECONDS_WITHOUT_DATA = 0.1
_COOKIES = ("Set-Cookie", "Set-Cookie2")

_SWITCHING_PROTOCOLS = 101
_MAX_INTERIM_ANSWERS = 16


class _TimeLimitedReader(io.RawIOBase):
    """Reads from a socket until the time limit; after it, it raises ``TimeoutError``.

    :ivar has_begun: whether something has arrived
    :ivar at_end: whether the other side has closed the connection
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._limit = time_limit.current()
        self.has_begun = False
        self.at_end = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if isinstance(self._sock, socket.socket) and not _has_decrypted(self._sock):
            self._limit.wait_until_readable(self._sock)
        self._limit.let_wait(self._sock)
        size = self._raw.readinto(buffer)
        self.has_begun = True
        self.at_end = size == 0
        return size

    def discard_rest(self) -> None:
        """Read what is still arriving, for a short time, and forget it.

        A connection that is closed before what has arrived was read is reset, and a reset can end an ``oned`` 6.10.
        """
        if not self.has_begun or self.at_end or not isinstance(self._sock, socket.socket):
            return
        end = time.monotonic() + _SECONDS_TO_DISCARD
        with contextlib.suppress(OSError, ValueError):
            socket.socket.shutdown(self._sock, socket.SHUT_WR)
            while time.monotonic() < end and wait_for_read(self._sock, _SECONDS_WITHOUT_DATA):
                if not socket.socket.recv(self._sock, 65536):
                    return

    def close(self) -> None:
        self._raw.close()
        super().close()


def _has_decrypted(sock: socket.socket) -> bool:
    """Whether TLS has read more than it has given out."""
    pending = getattr(sock, "pending", None)
    return bool(pending and pending())


class _TimeLimitedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **keywords: Any) -> None:
        super().__init__(sock, *args, **keywords)
        self._reader = _TimeLimitedReader(self.fp.detach(), sock)
        self.fp = io.BufferedReader(self._reader, 65536)

    def begin(self) -> None:
        """Read the status and the headers of the answer.

        The standard library accepts headers that were cut off, and takes what comes before the answer (102 Processing,
        103 Early Hints) for the answer; this does not. No service of a cloud needs cookies; they are forgotten here,
        before somebody parses them.
        """
        super().begin()
        for _ in range(_MAX_INTERIM_ANSWERS):
            if not _is_interim(self.status):
                break
            self.headers = self.msg = None  # type: ignore[assignment]  # as before the first attempt
            super().begin()
        if self._reader.at_end:
            raise IncompleteRead(b"")
        for name in _COOKIES:
            del self.headers[name]

    def close(self) -> None:
        """Close the connection; if the answer was not read to its end, without a reset."""
        if not self.isclosed():
            self._reader.discard_rest()
        super().close()


def _is_interim(status: int) -> bool:
    return 100 < status < 200 and status != _SWITCHING_PROTOCOLS


class _TimeLimitedConnection(HTTPConnection):
    """What connections with and without TLS have in common."""

    response_class = _TimeLimitedResponse

    def _new_conn(self) -> socket.socket:
        """Make the connection, as urllib3 does it, but within the time limit."""
        try:
            seconds = min(self.timeout or _MAX_SECONDS_TO_CONNECT, time_limit.current().seconds_left())
            sock = connect(self._dns_host, self.port or self.default_port, seconds, self.socket_options or ())
        except TimeoutError as error:
            raise ConnectTimeoutError(self, str(error)) from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error
        sys.audit("http.client.connect", self, self.host, self.port)
        return sock

    def send(self, data: Any) -> None:
        """Send a part of the request."""
        if self.sock is None:
            self.connect()
        limit = time_limit.current()
        limit.let_wait(self.sock)
        limit.request_was_sent = True
        super().send(data)

    def _tunnel(self) -> None:
        """Ask an HTTP proxy for a connection; the request itself has not been sent yet."""
        super()._tunnel()
        time_limit.current().request_was_sent = False


class _TimeLimitedHTTPSConnection(_TimeLimitedConnection, HTTPSConnection):
    pass


class _TimeLimitedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _TimeLimitedConnection


class _TimeLimitedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _TimeLimitedHTTPSConnection


class TimeLimitedAdapter(HTTPAdapter):
    """A `requests` adapter whose requests end at the `time_limit`, and which never retries.

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
