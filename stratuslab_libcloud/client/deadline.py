"""The time in which something is to be so, tries and looks at it included."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from stratuslab_libcloud.client.http import cancellation as leash
from stratuslab_libcloud.errors import PermissionDeniedError, RefusedCredentialsError, ServiceError

T = TypeVar("T")

PAUSE_SECONDS = 0.2

_SHARE_OF_A_TRY = 2 / 3
_WILL_NOT_CHANGE = (RefusedCredentialsError, PermissionDeniedError)


class Deadline:
    """A moment until which a service is asked again.

    :param seconds: from now on
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then."""
        return max(0.0, self._end - time.monotonic())

    def time_for_a_try(self) -> float:
        """Seconds that leave some of the time to look at what became of the try."""
        return self.left() * _SHARE_OF_A_TRY

    def pause(self) -> bool:
        """Wait a little before the next try, if there is time for one."""
        return self.left() > PAUSE_SECONDS and leash.pause(PAUSE_SECONDS)

    def ask(self, look: Callable[[], T]) -> T:
        """What a service says, asked again until it says something.

        :raises ServiceError: when it does not until the deadline, or never will
        """
        while True:
            try:
                return look()
            except ServiceError as problem:
                if isinstance(problem, _WILL_NOT_CHANGE) or not self.pause():
                    raise
