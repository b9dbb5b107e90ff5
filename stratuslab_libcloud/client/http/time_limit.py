"""The time limit of the call that a thread makes: whatever the thread waits for meanwhile, it waits no longer."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from collections.abc import Iterator

from urllib3.util.wait import wait_for_read

from stratuslab_libcloud.client.http import cancellation

_LOOK_SECONDS = 0.1
"""How long a thread waits for the network before it looks whether it was cancelled."""

_thread_local = threading.local()


class TimeLimit:
    """The moment at which a call ends, and what has become of its request.

    :param deadline: by the monotonic clock
    :ivar deadline: the same
    :ivar request_was_sent: whether a part of the request may have left; before that, the service cannot have executed
        anything
    """

    def __init__(self, deadline: float = math.inf) -> None:
        self.deadline = deadline
        self.request_was_sent = False

    def seconds_left(self) -> float:
        """Seconds until then.

        :raises TimeoutError: when there are none
        :raises ConnectionAbortedError: when this thread was cancelled
        """
        covering = cancellation.current()
        if covering and covering.is_cancelled:
            raise ConnectionAbortedError("the call was cancelled")
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the time limit for the whole call is over")
        return remaining

    def let_wait(self, sock: socket.socket) -> None:
        """Set the timeout of a socket to the time that is left."""
        remaining = self.seconds_left()
        sock.settimeout(None if remaining == math.inf else remaining)

    def wait_until_readable(self, sock: socket.socket) -> None:
        """Wait until something can be read from a socket.

        :raises OSError: as `seconds_left`
        """
        while not wait_for_read(sock, min(_LOOK_SECONDS, self.seconds_left())):
            pass


@contextlib.contextmanager
def until(deadline: float) -> Iterator[TimeLimit]:
    """Within it, this thread waits for the network until that moment at most.

    A limit can be inside of another one, which then holds as well: that of a request in that of several requests.
    """
    before = current()
    _thread_local.limit = TimeLimit(min(deadline, before.deadline))
    try:
        yield _thread_local.limit
    finally:
        _thread_local.limit = before


def current() -> TimeLimit:
    """The limit of this thread's call; outside of a call there is none."""
    return getattr(_thread_local, "limit", None) or TimeLimit()
