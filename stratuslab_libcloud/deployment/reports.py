"""What working threads say of their progress, passed on by the thread that waits for them.

So the caller's function is never called by two threads, it does not slow the work down, and an exception of it
interrupts the call as Ctrl-C does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import Any

Tell = Callable[[int, int, str, Any], object]
"""Is called with how much is done, how much there is to do, what happens now, and what that is about."""

_TICK_SECONDS = 0.1


class Reports:
    """Reports on their way to the caller.

    :param tell: the caller's function; None where nobody wants to know
    """

    def __init__(self, tell: Tell | None) -> None:
        self._tell = tell
        self._underway: SimpleQueue[tuple[int, int, str, Any]] = SimpleQueue()

    @property
    def are_heard(self) -> bool:
        """Whether somebody wants to know."""
        return self._tell is not None

    def put(self, done: int, total: int, words: str, subject: Any) -> None:
        """Report; any thread may."""
        if self.are_heard:
            self._underway.put((done, total, words, subject))

    def wait(self, outcomes: Sequence[Future[Any]], seconds: float) -> bool:
        """Wait for all outcomes, and pass on what is reported meanwhile.

        :param seconds: how long, at the most
        :return: whether they are there
        """
        if self._tell is None:
            return not wait(outcomes, seconds).not_done
        end = time.monotonic() + seconds
        while True:
            left = max(0.0, end - time.monotonic())
            are_there = not wait(outcomes, min(left, _TICK_SECONDS)).not_done
            while not self._underway.empty():
                self._tell(*self._underway.get())
            if are_there or not left:
                return are_there


class Steps:
    """The steps of one deployment.

    :param reports: where they are reported
    :param total: how many there are
    """

    def __init__(self, reports: Reports, total: int) -> None:
        self._reports = reports
        self._total = total
        self._done = 0
        self.node: Any = None

    def tell(self, words: str) -> None:
        """Say what happens now.

        :param words: in words
        """
        self._reports.put(self._done, self._total, words, self.node)

    def next(self, words: str) -> None:
        """One step is done; say what happens now.

        :param words: in words
        """
        self._done += 1
        self.tell(words)
