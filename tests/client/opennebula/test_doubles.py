"""Two machines of one request: which of them should not be there."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from stratuslab_libcloud.client.opennebula.doubles import LONGEST_SECONDS_BETWEEN, Doubles
from stratuslab_libcloud.client.opennebula.machine import VirtualMachine, just_created
from stratuslab_libcloud.client.opennebula.states import DONE

NOW = datetime(2026, 11, 25, tzinfo=timezone.utc)


def machine(number: int, mark: str | None = "m", **changes: object) -> VirtualMachine:
    return just_created(number, "name", 1, 64, "")._replace(mark=mark, started=NOW)._replace(**changes)  # type: ignore[arg-type]


def doubles_of(*machines: VirtualMachine, kept: dict[str, int] | None = None) -> list[tuple[int, int]]:
    doubles = Doubles(kept or {})
    assert list(doubles.watch(machines)) == list(machines)
    return list(doubles.found())


@pytest.mark.parametrize("order", [(3, 7, 9), (9, 7, 3)])
def test_the_one_with_the_lowest_id_stays(order: tuple[int, ...]) -> None:
    assert doubles_of(*map(machine, order), machine(1, "other")) == [(7, 3), (9, 3)]


def test_the_one_that_the_caller_has_stays() -> None:
    assert doubles_of(machine(3), machine(7), kept={"m": 7}) == [(3, 7)]
    assert doubles_of(machine(3), machine(7), kept={"m": 99}) == [(7, 3)]


@pytest.mark.parametrize(
    "other",
    [
        machine(7, "n"),
        machine(7, None),
        machine(7, state=DONE),
        machine(7, name="another"),
        machine(7, owner="another"),
        machine(7, started=NOW + timedelta(seconds=LONGEST_SECONDS_BETWEEN + 1)),
        machine(7, started=None),
    ],
)
def test_what_is_no_double(other: VirtualMachine) -> None:
    assert doubles_of(machine(3), other) == []
    assert doubles_of(machine(3, None), machine(4, None)) == []


def test_what_was_created_some_time_later_is_one() -> None:
    assert doubles_of(machine(3), machine(7, started=NOW + timedelta(seconds=LONGEST_SECONDS_BETWEEN))) == [(7, 3)]


def test_what_was_seen_in_an_attempt_that_broke_off_does_not_count() -> None:
    doubles = Doubles({})
    for _ in range(2):
        assert len(list(doubles.watch([machine(3)]))) == 1
    assert list(doubles.found()) == []
