"""Interruptions: Ctrl-C, SIGTERM made `SystemExit`, a signal handler's own exception, the cancellation of a task."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from libcloud.common.types import LibcloudError

_log = logging.getLogger(__name__)


@contextmanager
def told(words: Callable[[], str]) -> Iterator[None]:
    """If what is within a ``with`` is interrupted, say in the log, and with the exception itself where Python can, what
    was under way.

    :param words: what is known then; errors of this package say it themselves
    """
    try:
        yield
    except LibcloudError:
        raise
    except BaseException as interruption:
        note(interruption, words())
        raise


def note(interruption: BaseException, words: str) -> None:
    """Say something in the log, and with the exception itself where Python can."""
    _log.error("%s", words)
    if hasattr(interruption, "add_note"):  # from Python 3.11 on
        interruption.add_note(words)
