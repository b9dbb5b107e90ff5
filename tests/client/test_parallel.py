"""Asking several things at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from libcloud.common.types import LibcloudError

from stratuslab_libcloud.client import parallel
from stratuslab_libcloud.client.http import cancellation


def test_all_are_asked_at_the_same_time() -> None:
    barrier = threading.Barrier(5, timeout=10)
    assert parallel.outcomes(lambda thing: (barrier.wait(), thing)[1], range(5)) == list(range(5))


def test_an_error_stands_in_the_place_of_its_answer() -> None:
    def ask(thing: int) -> int:
        if thing == 1:
            raise LibcloudError("no")
        return thing

    first, error, last = parallel.outcomes(ask, range(3))
    assert (first, last) == (0, 2)
    assert isinstance(error, LibcloudError)
    assert isinstance(parallel.outcomes(ask, [1])[0], LibcloudError)
    with pytest.raises(LibcloudError):
        parallel.answers(ask, range(3))
    assert parallel.answers(ask, [0, 2]) == [0, 2]


def test_an_unexpected_exception_is_raised_in_the_callers_thread() -> None:
    with pytest.raises(ZeroDivisionError):
        parallel.outcomes(lambda thing: 1 // thing, [1, 0])


def test_more_things_than_threads() -> None:
    threads = set()

    def ask(thing: int) -> int:
        threads.add(threading.current_thread().name)
        return thing

    assert parallel.answers(ask, range(100)) == list(range(100))
    assert len(threads) <= parallel.MAX_THREADS


def test_parts_come_while_others_are_still_awaited() -> None:
    proceed = threading.Event()

    def ask(thing: str, take: Callable[[int], None]) -> None:
        take(1)
        if thing == "slow":
            assert proceed.wait(10)
            raise LibcloudError("broken")
        take(2)

    found = parallel.parts(ask, ["fast", "slow"])
    first = {next(found) for _ in range(3)}
    assert first == {("fast", 1), ("fast", 2), ("slow", 1)}
    proceed.set()
    ((thing, error),) = found
    assert thing == "slow"
    assert isinstance(error, LibcloudError)


def test_closing_the_iterator_cancels_the_threads() -> None:
    cancelled = []

    def ask(thing: int, take: Callable[[int], None]) -> None:
        take(thing)
        cancelled.append(not cancellation.pause(30))

    found = parallel.parts(ask, range(2))
    next(found)
    found.close()  # type: ignore[attr-defined]
    assert cancelled == [True, True]


@pytest.mark.parametrize("number", [1, 5])
def test_each_outcome_is_told_by_the_callers_thread_when_it_is_there(number: int) -> None:
    told = {}
    others_may_go_on = threading.Event()

    def ask(thing: int) -> int:
        if thing:
            assert others_may_go_on.wait(20)  # until the first has been told
            raise LibcloudError(str(thing))
        return 7

    def tell(thing: int, outcome: int | LibcloudError) -> None:
        assert threading.current_thread() is threading.main_thread()
        told[thing] = outcome
        others_may_go_on.set()

    found = parallel.outcomes(ask, range(number), tell=tell)
    assert told == dict(enumerate(found))
    assert found[0] == 7
    assert all(isinstance(outcome, LibcloudError) for outcome in found[1:])


def test_an_exception_of_the_one_who_is_told_ends_the_others() -> None:
    asked = []

    def ask(thing: int) -> int:
        asked.append(thing)
        time.sleep(0.01)
        return thing

    def tell(thing: int, outcome: int | LibcloudError) -> None:
        raise KeyError(thing)

    with pytest.raises(KeyError):
        parallel.outcomes(ask, range(200), 2, tell)
    assert len(asked) < 100
