"""Ending threads that wait.

Python cannot interrupt a thread from outside. So a thread that waits for the network looks several times a second
whether it was cancelled (`time_limit`).
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator

_thread_local = threading.local()


class Cancellation:
    """Ends the threads of one caller. After a fork it covers none of the child's."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._process = os.getpid()

    @property
    def is_cancelled(self) -> bool:
        """Whether the threads have to end."""
        return self._cancelled.is_set()

    @property
    def is_inherited(self) -> bool:
        """Whether it belongs to the process that this one was forked from: its threads do not exist here."""
        return self._process != os.getpid()

    def cancel(self) -> None:
        """Let the threads end. They will begin nothing new."""
        if not self.is_inherited:
            self._cancelled.set()

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


def current() -> Cancellation | None:
    """The cancellation that covers this thread."""
    cancellation: Cancellation | None = getattr(_thread_local, "cancellation", None)
    return None if cancellation is None or cancellation.is_inherited else cancellation


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
