"""Work that no signal can break off in the middle.

Python runs signal handlers in the main thread, at any point of what it is doing there: Ctrl-C, SIGTERM made
`SystemExit`, or an exception of a handler's own would hit the creation of a machine between its request and its answer.
So such work has a thread of its own, and the caller's thread only waits.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

T = TypeVar("T")

logger = logging.getLogger("stratuslab_libcloud.deployment")

TICK_SECONDS = 0.5


class Work(Generic[T]):
    """Something that is done once, in a thread of its own.

    :param function: does it
    :param name: of the thread
    :ivar outcome: what becomes of it, `BaseException` included
    """

    def __init__(self, function: Callable[[], T], name: str) -> None:
        self.outcome: Future[T] = Future()
        self._function = function
        self._name = name
        self._context = contextvars.copy_context()
        self._begun = threading.Lock()

    @property
    def has_begun(self) -> bool:
        """Whether it has begun."""
        return self._begun.locked()

    def begin(self) -> None:
        """Begin, if it has not begun; an interruption may come before anybody knows."""
        if not self.has_begun:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def _work(self) -> None:
        if not self._begun.acquire(blocking=False):
            return
        try:
            self.outcome.set_result(self._context.run(self._function))
        except BaseException as error:  # noqa: BLE001 - it is raised where the outcome is asked for
            self.outcome.set_exception(error)


def to_the_end(function: Callable[[], T], what: str) -> T:
    """Do something to its end although somebody interrupts; a second interruption leaves it.

    :param what: for the log, such as ``destroying machine 7``
    :raises BaseException: the interruption, afterwards
    """
    work = Work(function, what)
    interruption: BaseException | None = None
    while not work.outcome.done():
        try:
            work.begin()
            wait([work.outcome], TICK_SECONDS)  # a limit, since on Windows Ctrl-C does not end the waiting
        except BaseException as error:
            if interruption:
                logger.error("left before the end of %s: look whether it is still there", what)
                raise
            interruption = error
            logger.warning("interrupted while %s, which goes on; another interruption leaves it", what)
    if interruption:
        raise interruption
    return work.outcome.result()
