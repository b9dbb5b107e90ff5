"""What a thread's call is waiting for, in words, for a caller who wants to know."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

_thread_local = threading.local()


@contextlib.contextmanager
def told_to(listener: Callable[[str], object]) -> Iterator[None]:
    """Within it, what this thread waits for is told.

    :param listener: is called with what is waited for, at each look
    """
    before = getattr(_thread_local, "listener", None)
    _thread_local.listener = listener
    try:
        yield
    finally:
        _thread_local.listener = before


def tell(words: str) -> None:
    """Say what this thread waits for, such as ``machine 7 is hotplug``."""
    listener = getattr(_thread_local, "listener", None)
    if listener is not None:
        listener(words)
