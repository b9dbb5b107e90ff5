"""Ending threads that wait for answers.

Python cannot interrupt a thread from outside. But its connection can be shut down: the thread then sees a connection
that was closed by the service.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

_thread_local = threading.local()


class Cancellation:
    """Ends the threads of one caller."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()

    @property
    def is_cancelled(self) -> bool:
        """Whether the threads have to end."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Shut down the connections on which the threads wait. The threads will begin nothing new."""
        with self._lock:
            self._cancelled.set()
            for sock in self._sockets:
                _shut_down(sock)

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than until `cancel`."""
        self._cancelled.wait(seconds)

    @contextlib.contextmanager
    def on_this_thread(self) -> Iterator[None]:
        """Within it, `cancel` ends what this thread waits for."""
        before = current()
        _thread_local.cancellation = self
        try:
            yield
        finally:
            _thread_local.cancellation = before

    @contextlib.contextmanager
    def covering(self, sock: socket.socket) -> Iterator[None]:
        """Within it, `cancel` shuts this socket down."""
        with self._lock:
            self._sockets.add(sock)
            if self.is_cancelled:
                _shut_down(sock)
        try:
            yield
        finally:
            with self._lock:
                self._sockets.discard(sock)


def current() -> Cancellation | None:
    """The cancellation that covers this thread."""
    return getattr(_thread_local, "cancellation", None)


def pause(seconds: float) -> bool:
    """Wait before another attempt.

    :return: False when there must be none, because this thread was cancelled
    """
    cancellation = current()
    if cancellation is None:
        time.sleep(seconds)
        return True
    cancellation.wait(seconds)
    return not cancellation.is_cancelled


def _shut_down(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
