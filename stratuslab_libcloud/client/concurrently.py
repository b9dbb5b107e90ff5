"""The same question to several at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from libcloud.common.types import LibcloudError

S = TypeVar("S")
T = TypeVar("T")

MOST_THREADS = 16


def outcomes(ask: Callable[[S], T], things: Sequence[S]) -> list[T | LibcloudError]:
    """Ask about each thing at the same time.

    :return: in the things' order, what was answered or why not
    """
    if len(things) < 2:
        return [_outcome(ask, thing) for thing in things]

    from concurrent.futures import ThreadPoolExecutor

    threads = ThreadPoolExecutor(min(len(things), MOST_THREADS), thread_name_prefix="stratuslab")
    try:
        return list(threads.map(lambda thing: _outcome(ask, thing), things))
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def answers(ask: Callable[[S], T], things: Sequence[S]) -> list[T]:
    """Ask about each thing at the same time; the first exception is raised."""
    found = outcomes(ask, things)
    for outcome in found:
        if isinstance(outcome, LibcloudError):
            raise outcome
    return found  # type: ignore[return-value]  # no exception is left in it


def _outcome(ask: Callable[[S], T], thing: S) -> T | LibcloudError:
    try:
        return ask(thing)
    except LibcloudError as error:
        return error
