"""A deadline for several attempts and for the questions between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from stratuslab_libcloud.client.http import cancellation, time_limit
from stratuslab_libcloud.errors import MalformedReplyError, ServiceTimeoutError, ServiceUnavailableError

T = TypeVar("T")

PAUSE_SECONDS = 0.2

_SHARE_OF_AN_ATTEMPT = 2 / 3
_PASSING = (ServiceUnavailableError, ServiceTimeoutError, MalformedReplyError)


class Deadline:
    """A moment until which a service is asked again.

    :param seconds: from now; the `time_limit` of a call around it holds as well
    """

    def __init__(self, seconds: float) -> None:
        self._end = min(time.monotonic() + seconds, time_limit.current().deadline)

    def left(self) -> float:
        """Seconds until then."""
        return max(0.0, self._end - time.monotonic())

    def time_for_an_attempt(self) -> float:
        """Seconds for one attempt; they leave some time to find out its result."""
        return self.left() * _SHARE_OF_AN_ATTEMPT

    def pause(self, seconds: float = PAUSE_SECONDS) -> bool:
        """Wait a little before the next attempt.

        :param seconds: how long
        :return: False when there is no time for one, or this thread was cancelled
        """
        return self.left() > seconds and cancellation.pause(seconds)

    def ask(self, look: Callable[[], T]) -> T:
        """Ask a service, again and again until it answers.

        :raises ServiceError: when it does not until the deadline, or refuses to answer
        """
        while True:
            try:
                return look()
            except _PASSING:
                if not self.pause():
                    raise
