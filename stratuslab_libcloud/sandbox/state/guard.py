"""One lock for a whole cloud, which keeps the cloud up to date for whoever holds it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType


class Guard:
    """Held while the cloud's state is read or changed; may be taken again by the thread that has it.

    :param settle: carries out what is due; called with the lock held, first and last, but not when it is taken again
    :param afterwards: called when the lock has been given back
    """

    def __init__(self, settle: Callable[[], None], afterwards: Callable[[], None]) -> None:
        self._settle = settle
        self._afterwards = afterwards
        self._lock = threading.RLock()
        self._depth = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth += 1
        if self._depth == 1:
            try:
                self._settle()
            except BaseException:
                self._give_back()
                raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        is_last = self._depth == 1
        try:
            if is_last:
                self._settle()
        finally:
            self._give_back()
        if is_last:
            self._afterwards()

    def _give_back(self) -> None:
        self._depth -= 1
        self._lock.release()
