"""Asking the same of several things at the same time, in threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from queue import SimpleQueue
from typing import Generic, TypeVar

from libcloud.common.types import LibcloudError

from stratuslab_libcloud.client.http import cancellation
from stratuslab_libcloud.client.http.cancellation import Cancellation
from stratuslab_libcloud.errors import StratusLabError

S = TypeVar("S")
T = TypeVar("T")

MAX_THREADS = 16

_SECONDS_TO_END = 2.0


def outcomes(
    ask: Callable[[S], T],
    things: Sequence[S],
    max_threads: int = MAX_THREADS,
    tell: Callable[[S, T | LibcloudError], object] | None = None,
) -> list[T | LibcloudError]:
    """Ask about each thing at the same time.

    An interruption (Ctrl-C) ends all requests that are under way.

    :param max_threads: how many are asked about at the same time, at the most
    :param tell: is called with a thing and its answer or error when that is there, by the caller's thread
    :return: in the order of the things, each answer or the error in its place
    """
    if len(things) < 2:
        found = [_outcome(ask, thing) for thing in things]
        for thing, outcome in zip(things, found, strict=True):
            if tell:
                tell(thing, outcome)
        return found
    workers = _Workers(ask, things, cancellation.current() or Cancellation(), max_threads)
    workers.run(tell)
    return [workers.results[index] for index in range(len(things))]


def answers(ask: Callable[[S], T], things: Sequence[S]) -> list[T]:
    """Ask about each thing at the same time; the first error is raised."""
    found = outcomes(ask, things)
    for outcome in found:
        if isinstance(outcome, LibcloudError):
            raise outcome
    return found  # type: ignore[return-value]  # no error is left in it


def parts(
    ask: Callable[[S, Callable[[T], None]], None], things: Sequence[S]
) -> Generator[tuple[S, T | LibcloudError], None, None]:
    """Ask about each thing at the same time, and yield each part of the answers when it arrives.

    Threads read the answers. Parts wait in memory until they are asked for, so a slow reader does not slow down the
    services. Closing the iterator ends the requests that are under way.

    :param ask: is called with a thing, and with a function that takes the parts of the answer
    :return: pairs of a thing and a part of its answer, or the error because of which there are no more parts
    :raises StratusLabError: in a forked process: the threads that read did not come with it
    """
    arrived: SimpleQueue[tuple[S, T | BaseException] | None] = SimpleQueue()

    def read(thing: S) -> None:
        try:
            ask(thing, lambda part: arrived.put((thing, part)))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            arrived.put((thing, error))
        finally:
            arrived.put(None)

    workers = _Workers(read, things, Cancellation())
    process = os.getpid()
    try:
        workers.start()
        for _ in things:
            while (next_part := arrived.get()) is not None:
                thing, part = next_part
                if isinstance(part, BaseException) and not isinstance(part, LibcloudError):
                    raise part
                yield thing, part
                _check_process(process)
    finally:
        workers.end()


class _Workers(Generic[S, T]):
    """Threads that take one thing after another, until none is left."""

    def __init__(
        self,
        ask: Callable[[S], T],
        things: Sequence[S],
        threads_cancellation: Cancellation,
        max_threads: int = MAX_THREADS,
    ) -> None:
        self.results: dict[int, T | LibcloudError] = {}
        self._ask = ask
        self._things = things
        self._arrived: SimpleQueue[int | None] = SimpleQueue()
        self._remaining: Iterator[tuple[int, S]] = iter(enumerate(things))
        self._lock = threading.Lock()
        self._unexpected: BaseException | None = None
        self._cancellation = threads_cancellation
        self._threads = [
            threading.Thread(target=self._work, name=f"stratuslab-{number}", daemon=True)
            for number in range(min(len(things), max_threads))
        ]

    def run(self, tell: Callable[[S, T | LibcloudError], object] | None = None) -> None:
        try:
            self.start()
            if tell:
                self._pass_on(tell)
            for thread in self._threads:
                thread.join()
        except BaseException:
            self.end()
            raise
        if self._unexpected:
            raise self._unexpected

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def _pass_on(self, tell: Callable[[S, T | LibcloudError], object]) -> None:
        """Tell each result when it is there, until all threads have ended."""
        for _ in self._threads:
            while (index := self._arrived.get()) is not None:
                tell(self._things[index], self.results[index])

    def end(self) -> None:
        self._cancellation.cancel()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(_SECONDS_TO_END)

    def _work(self) -> None:
        with self._cancellation.on_this_thread():
            try:
                while (next_one := self._next()) and not self._cancellation.is_cancelled:
                    index, thing = next_one
                    self.results[index] = _outcome(self._ask, thing)
                    self._arrived.put(index)
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                self._unexpected = error
            finally:
                self._arrived.put(None)

    def _next(self) -> tuple[int, S] | None:
        with self._lock:
            return next(self._remaining, None)


def _check_process(process: int) -> None:
    if process != os.getpid():
        raise StratusLabError("this iteration was begun in another process: begin it again in this one")


def _outcome(ask: Callable[[S], T], thing: S) -> T | LibcloudError:
    try:
        return ask(thing)
    except LibcloudError as error:
        return error
