"""The time in a sandbox: the computer's own, or one that only moves when a test moves it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Clock:
    """The computer's time, in seconds since 1970."""

    def now(self) -> float:
        """The time.

        :return: seconds since 1970
        """
        return time.time()

    def seconds_until(self, moment: float) -> float | None:
        """How long to wait.

        :param moment: until when, in seconds since 1970
        :return: seconds, 0 or more; None where waiting does not help
        """
        return max(0.0, moment - self.now())


class ManualClock(Clock):
    """Stands still until `advance` is called: for tests that look at each step of a machine's life.

    :param start: seconds since 1970; now, unless said otherwise
    """

    def __init__(self, start: float | None = None) -> None:
        self._now = time.time() if start is None else start
        self._lock = threading.Lock()
        self._followers: list[Callable[[], object]] = []

    def now(self) -> float:
        """The time.

        :return: seconds since 1970
        """
        with self._lock:
            return self._now

    def seconds_until(self, moment: float) -> float | None:
        """How long to wait, which does not help here.

        :param moment: until when, in seconds since 1970
        :return: 0 if the moment has come already, None otherwise
        """
        return 0.0 if moment <= self.now() else None

    def advance(self, seconds: float) -> None:
        """Move the time on; what was due in between has happened when this returns.

        :param seconds: by how much
        :raises ValueError: if that is less than 0
        """
        if seconds < 0:
            raise ValueError("A clock does not run backwards.")
        with self._lock:
            self._now += seconds
        for follow in self._followers:
            follow()

    def sleep(self, seconds: float) -> None:
        """As `advance`, for a driver that was told to wait by this clock (`ex_use_clock`)."""
        self.advance(seconds)

    def follow(self, callback: Callable[[], object]) -> None:
        """Add a callback.

        :param callback: is called after each advance, without arguments
        """
        self._followers.append(callback)
