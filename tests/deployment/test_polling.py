"""When it is looked again, by a clock that stands still between the looks."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from stratuslab_libcloud.deployment import polling


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made; time passes in them alone."""
    made: list[float] = []
    monkeypatch.setattr(polling, "time", SimpleNamespace(monotonic=lambda: sum(made), sleep=made.append))
    return made


def look_until_the_end(timeout: float, longest_pause: float) -> None:
    looks = polling.Polling(timeout, longest_pause)
    while looks.pause():
        pass
    assert looks.left() == 0


def test_what_has_happened_is_noticed_soon(pauses: list[float]) -> None:
    look_until_the_end(600, 60)
    assert pauses[0] == 0.25
    for number, pause in enumerate(pauses):
        assert pause <= 0.4 + 0.05 * sum(pauses[:number])


def test_two_looks_a_second_at_first_and_fewer_later(pauses: list[float]) -> None:
    look_until_the_end(600, 60)
    moments = [sum(pauses[:number]) for number in range(len(pauses) + 1)]
    counts = [sum(first <= moment < first + 10 for moment in moments) for first in range(0, 600, 10)]
    assert counts[0] == 18
    assert counts[1] < 10
    assert max(counts[2:]) < counts[1]


def test_no_pause_is_longer_than_was_asked_for(pauses: list[float]) -> None:
    look_until_the_end(600, 5)
    assert max(pauses) == 5


@pytest.mark.parametrize("timeout", [0, 0.1, 8, 600])
def test_the_last_look_is_when_the_time_is_over(pauses: list[float], timeout: float) -> None:
    look_until_the_end(timeout, 5)
    assert sum(pauses) == pytest.approx(timeout)
