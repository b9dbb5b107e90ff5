"""A hold on threads that wait for answers, so that who started them can end them at once.

A thread can not be interrupted from outside, but its connection can be: it then fails as if the service had hung up.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

_of_thread = threading.local()


class Leash:
    """What holds the threads that one caller has started."""

    def __init__(self) -> None:
        self._pulled = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()

    @property
    def is_pulled(self) -> bool:
        """Whether the threads are to end."""
        return self._pulled.is_set()

    def pull(self) -> None:
        """Break off what the threads wait for; they will not begin anything new."""
        with self._lock:
            self._pulled.set()
            for sock in self._sockets:
                _shut(sock)

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than until the leash is pulled."""
        self._pulled.wait(seconds)

    @contextlib.contextmanager
    def on_this_thread(self) -> Iterator[None]:
        """While in it, the connections that this thread uses are on the leash."""
        before = current()
        _of_thread.leash = self
        try:
            yield
        finally:
            _of_thread.leash = before

    @contextlib.contextmanager
    def holding(self, sock: socket.socket) -> Iterator[None]:
        """While in it, pulling shuts this socket."""
        with self._lock:
            self._sockets.add(sock)
            if self.is_pulled:
                _shut(sock)
        try:
            yield
        finally:
            with self._lock:
                self._sockets.discard(sock)


def current() -> Leash | None:
    """The leash that this thread is on."""
    return getattr(_of_thread, "leash", None)


def pause(seconds: float) -> bool:
    """Wait before another attempt.

    :return: False when there should be none, since whoever started this thread wants it to end
    """
    leash = current()
    if leash is None:
        time.sleep(seconds)
        return True
    leash.wait(seconds)
    return not leash.is_pulled


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
