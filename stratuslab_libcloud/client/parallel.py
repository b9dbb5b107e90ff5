"""The same question to several at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import Generic, TypeVar

from libcloud.common.types import LibcloudError

from stratuslab_libcloud.client.http import cancellation as leash

S = TypeVar("S")
T = TypeVar("T")

MOST_THREADS = 16

_SECONDS_TO_END = 2.0


def outcomes(ask: Callable[[S], T], things: Sequence[S]) -> list[T | LibcloudError]:
    """Ask about each thing at the same time.

    An interruption ends all that is under way.

    :return: in the things' order, what was answered or why not
    """
    if len(things) < 2:
        return [_outcome(ask, thing) for thing in things]
    work = _Work(ask, things, leash.current() or leash.Leash())
    work.run()
    return [work.results[index] for index in range(len(things))]


def answers(ask: Callable[[S], T], things: Sequence[S]) -> list[T]:
    """Ask about each thing at the same time; the first exception is raised."""
    found = outcomes(ask, things)
    for outcome in found:
        if isinstance(outcome, LibcloudError):
            raise outcome
    return found  # type: ignore[return-value]  # no exception is left in it


def parts(ask: Callable[[S, Callable[[T], None]], None], things: Sequence[S]) -> Iterator[tuple[S, T | LibcloudError]]:
    """Ask about each thing at the same time, and yield each part of the answers as it comes.

    Threads listen to the answers; what comes is kept until it is asked for, so a slow reader keeps nobody waiting.
    To close the iterator ends what is under way.

    :param ask: is called with a thing and with what takes the parts of the answer
    :return: things, each time with a part of the answer, or with why there will be no more of it
    """
    arrived: SimpleQueue[tuple[S, T | BaseException] | None] = SimpleQueue()

    def listen(thing: S) -> None:
        try:
            ask(thing, lambda part: arrived.put((thing, part)))
        except BaseException as error:  # noqa: BLE001 - raised again where the caller sees it
            arrived.put((thing, error))
        finally:
            arrived.put(None)

    work = _Work(listen, things, leash.Leash())
    try:
        work.start()
        for _ in things:
            for thing, part in iter(arrived.get, None):
                if isinstance(part, BaseException) and not isinstance(part, LibcloudError):
                    raise part
                yield thing, part
    finally:
        work.end()


class _Work(Generic[S, T]):
    """Things that several threads take one after another."""

    def __init__(self, ask: Callable[[S], T], things: Sequence[S], hold: leash.Leash) -> None:
        self.results: dict[int, T | LibcloudError] = {}
        self._ask = ask
        self._remaining: Iterator[tuple[int, S]] = iter(enumerate(things))
        self._lock = threading.Lock()
        self._bug: BaseException | None = None
        self._leash = hold
        self._threads = [
            threading.Thread(target=self._take, name=f"stratuslab-{number}", daemon=True)
            for number in range(min(len(things), MOST_THREADS))
        ]

    def run(self) -> None:
        try:
            self.start()
            for thread in self._threads:
                thread.join()
        except BaseException:
            self.end()
            raise
        if self._bug:
            raise self._bug

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._leash.pull()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(_SECONDS_TO_END)

    def _take(self) -> None:
        with self._leash.on_this_thread():
            try:
                while (next_one := self._next()) and not self._leash.is_pulled:
                    index, thing = next_one
                    self.results[index] = _outcome(self._ask, thing)
            except BaseException as bug:  # noqa: BLE001 - raised again where the caller sees it
                self._bug = bug

    def _next(self) -> tuple[int, S] | None:
        with self._lock:
            return next(self._remaining, None)


def _outcome(ask: Callable[[S], T], thing: S) -> T | LibcloudError:
    try:
        return ask(thing)
    except LibcloudError as error:
        return error
