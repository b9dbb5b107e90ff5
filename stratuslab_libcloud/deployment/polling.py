"""When to look again at something that takes its time: a machine that boots, a server that will let somebody in."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """A clock that a test moves, instead of the computer's."""

    def now(self) -> float:
        """The time, in seconds since any moment."""

    def sleep(self, seconds: float) -> object:
        """Let so much time pass."""


class Polling:
    """The looks at one thing: soon at first, then less and less often, the last one when the time is over.

    What is noticed by them is noticed at most 0.4 seconds and a twentieth of the time so far after it has happened,
    with 18 looks in the first ten seconds.

    :param timeout: seconds until the last look
    :param longest_pause: seconds between two looks, at the most
    :param sleep: waits so many seconds
    :param clock: instead of the computer's
    """

    def __init__(
        self,
        timeout: float,
        longest_pause: float,
        sleep: Callable[[float], object] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._now = clock.now if clock else time.monotonic
        self._started = self._now()
        self._end = self._started + timeout
        self._longest_pause = longest_pause
        self._sleep = sleep or (clock.sleep if clock else time.sleep)

    def left(self) -> float:
        """Seconds until the last look."""
        return max(0.0, self._end - self._now())

    def pause(self) -> bool:
        """Wait until the next look; False when the last one has been."""
        now = self._now()
        if now >= self._end:
            return False
        self._sleep(min(_pause_after(now - self._started), self._longest_pause, self._end - now))
        return True


def _pause_after(seconds: float) -> float:
    """The pause that is right when that long has passed already."""
    return min(0.25 + 0.15 * seconds, 0.4 + 0.05 * seconds)
