"""The time that a sandbox lives by: the computer's own, or one that only moves when it is told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Clock:
    """The computer's time, in seconds since 1970."""

    def now(self) -> float:
        """The time."""
        return time.time()

    def seconds_until(self, moment: float) -> float | None:
        """How long to wait until `moment`; None where waiting does not help."""
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
        """The time."""
        with self._lock:
            return self._now

    def seconds_until(self, moment: float) -> float | None:
        """0 or None, since waiting does not help."""
        return 0.0 if moment <= self.now() else None

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`; what was due in between has happened when this returns."""
        if seconds < 0:
            raise ValueError("A clock does not run backwards.")
        with self._lock:
            self._now += seconds
        for follow in self._followers:
            follow()

    def follow(self, callback: Callable[[], object]) -> None:
        """Have `callback` called after each advance."""
        self._followers.append(callback)
