"""One lock for a whole cloud; while it is held, the cloud's state is up to date."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType


class StateLock:
    """Held while the cloud's state is read or changed; a thread that has it may take it again.

    :param run_due_steps: is called when the lock was taken, and before it is released
    :param after_release: is called when the lock was released
    """

    def __init__(self, run_due_steps: Callable[[], None], after_release: Callable[[], None]) -> None:
        self._run_due_steps = run_due_steps
        self._after_release = after_release
        self._lock = threading.RLock()
        self._depth = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth += 1
        if self._depth == 1:
            try:
                self._run_due_steps()
            except BaseException:
                self._release()
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
                self._run_due_steps()
        finally:
            self._release()
        if is_last:
            self._after_release()

    def _release(self) -> None:
        self._depth -= 1
        self._lock.release()
