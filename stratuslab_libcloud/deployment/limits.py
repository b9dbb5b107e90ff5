"""How long a deployment may take, on a clock that nobody sets."""

from __future__ import annotations

import math
import threading
import time


class DeploymentStoppedError(Exception):
    """The deployment was told to end: its time is over, or somebody cancelled it."""


class Deadline:
    """The end of a deployment: after some time, or as soon as somebody cancels it. Threads may share one.

    :param seconds: None for no limit
    :param group: what is cancelled together
    """

    def __init__(self, seconds: float | None = None, group: Deadline | None = None) -> None:
        self._seconds = seconds
        self._end = math.inf if seconds is None else time.monotonic() + seconds
        self._cancelled: threading.Event = group._cancelled if group else threading.Event()

    def cancel(self) -> None:
        """End the deployment now."""
        self._cancelled.set()

    def left(self) -> float:
        """Seconds until the end; 0 afterwards."""
        return 0.0 if self._cancelled.is_set() else max(0.0, self._end - time.monotonic())

    def check(self) -> None:
        """See that there is time left.

        :raises DeploymentStoppedError: there is none
        """
        if self._cancelled.is_set():
            raise DeploymentStoppedError("it was cancelled")
        if not self.left():
            raise DeploymentStoppedError(f"it was not done within {self._seconds:g} seconds (ex_deploy_timeout)")

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end.

        :raises DeploymentStoppedError: that came first
        """
        self._cancelled.wait(min(seconds, self.left()))
        self.check()
