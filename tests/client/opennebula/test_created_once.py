"""Creating machines and images exactly once on today's OpenNebula: which calls are made, and what they lead to."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from stratuslab_libcloud.client.exactly_once import IDS_BEFORE, create_machine, create_named, created_machines
from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud
from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
from stratuslab_libcloud.errors import (
    Call,
    NameTakenError,
    PermissionDeniedError,
    RequestRejectedError,
    ServiceError,
    ServiceTimeoutError,
    ServiceUnavailableError,
    UnknownOutcomeError,
)

LIST = "one.vmpool.infoextended"


def machine(machine_id: int, mark: str = "", state: int = 3) -> str:
    marked = f"<USER_TEMPLATE><LIBCLOUD_MARK>{mark}</LIBCLOUD_MARK></USER_TEMPLATE>" if mark else ""
    times = "<STIME>1795619988</STIME>"
    return f"<VM><ID>{machine_id}</ID><STATE>{state}</STATE><LCM_STATE>3</LCM_STATE>{times}<PERMISSIONS/>{marked}</VM>"


def pool(*machines: str) -> str:
    return f"<VM_POOL>{''.join(machines)}</VM_POOL>"


def ids(found: dict[int, Any]) -> dict[int, int]:
    return {key: one.id for key, one in found.items() if isinstance(one, VirtualMachine)}


# Asking for what was created


def test_new_machines_are_asked_for_with_the_ids_before_them(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    scripted_daemon.answers[LIST] = pool(machine(101, "b"), machine(100, "a"))
    assert ids(created_machines(one.compute, {100: "a", 101: "b"}, 5)) == {100: 100, 101: 101}
    assert scripted_daemon.calls == [(LIST, -3, 100 - IDS_BEFORE, 101, -1)]
    scripted_daemon.answers[LIST] = pool(machine(0, "c"))
    created_machines(one.compute, {0: "c"}, 5)
    assert scripted_daemon.calls[1:] == [(LIST, -3, 0, 0, -1)]


@pytest.mark.parametrize("told", [True, False], ids=["marks", "no marks"])
def test_machines_whose_ids_are_far_apart(one: OpenNebulaCloud, scripted_daemon: Any, told: bool) -> None:
    """Two requests, of which each answer counts; also of a cloud that does not tell the marks."""
    marks = {0: "a", 5000: "b"}
    scripted_daemon.answers[LIST] = lambda whose, first, last, state: pool(machine(last, told * marks[last]))
    assert ids(created_machines(one.compute, marks, 5)) == {0: 0, 5000: 5000}
    assert len(scripted_daemon.calls) == 2


def test_an_error_is_that_of_its_machine(one: OpenNebulaCloud, scripted_daemon: Any, refused: Any) -> None:
    """And nothing more is asked about it."""
    no = refused(512, "[one.vmpool.infoextended] Not authorized")
    scripted_daemon.answers[LIST] = lambda whose, first, last, state: no if last else pool(machine(0, "a"))
    found = created_machines(one.compute, {0: "a", 5000: "b"}, 5)
    assert isinstance(found[5000], PermissionDeniedError)
    assert ids(found) == {0: 0}
    assert len(scripted_daemon.calls) == 2


def test_what_was_not_seen_is_noted_all_the_same(one: OpenNebulaCloud, scripted_daemon: Any, refused: Any) -> None:
    """It stays when a list shows an older double of it. Its number may be a wrong one, so it is not the newest."""
    scripted_daemon.answers |= {LIST: refused(512, "Not authorized"), "one.vm.action": 6}
    created_machines(one.compute, {7: "a"}, 5)
    assert one.compute.newest == -1
    scripted_daemon.answers["one.vmpool.info"] = pool(machine(7, "a"), machine(6, "a"))
    one.compute.machines()
    assert ("one.vm.action", "terminate-hard", 6) in scripted_daemon.calls


def test_a_machine_that_is_elsewhere_is_looked_for_from_the_newest_on(
    one: OpenNebulaCloud, scripted_daemon: Any
) -> None:
    one.compute.note_created(40, "other", seen=True)
    answers = iter([pool(), pool(machine(41, "a"))])
    scripted_daemon.answers[LIST] = lambda *_: next(answers)
    assert ids(created_machines(one.compute, {99: "a"}, 5)) == {99: 41}
    assert scripted_daemon.calls[1] == (LIST, -3, 41, -1, -2)


@pytest.mark.parametrize(("first", "second", "stays"), [(6, 3, 8), (3, 6, 7), (3, 3, 7), (6, 6, 7)])
def test_of_two_machines_the_one_that_is_alive_stays_and_else_the_first(
    one: OpenNebulaCloud, scripted_daemon: Any, first: int, second: int, stays: int
) -> None:
    """6 is DONE."""
    scripted_daemon.answers[LIST] = pool(machine(8, "a", second), machine(7, "a", first))
    scripted_daemon.answers["one.vm.action"] = 8
    assert ids(created_machines(one.compute, {8: "a"}, 5)) == {8: stays}


def test_the_mark_of_an_outcome_that_is_not_known_at_the_time_limit(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    scripted_daemon.answers[LIST] = pool()

    def lose(seconds: float) -> int:
        raise lost(one)

    with pytest.raises(UnknownOutcomeError) as caught:
        create_machine(one.compute, lose, "the-mark", 0.5)
    assert caught.value.mark == "the-mark"


def lost(one: OpenNebulaCloud) -> ServiceError:
    error = ServiceTimeoutError("no answer", one.compute.asked("one.vm.allocate"))
    error.outcome_unknown = True
    return error


# What has a name that is unique for its owner

CALL = Call("here", "compute", "one.image.allocate", "http://one.example.org/RPC2")


def failure(kind: type[ServiceError], *, unknown: bool = False) -> ServiceError:
    error = kind("it failed", CALL)
    error.outcome_unknown = unknown
    return error


LOST = failure(ServiceUnavailableError, unknown=True)


class Attempts:
    """Creations that end one after the other as is given; the last one again and again."""

    def __init__(self, *ends: int | ServiceError) -> None:
        self.ends = ends
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> int:
        end = self.ends[min(len(self.seconds), len(self.ends) - 1)]
        self.seconds.append(seconds)
        if isinstance(end, ServiceError):
            raise end
        return end


def looking(*found: int | ServiceError | None) -> Callable[[], int | None]:
    """Finds one after the other; the last one again and again."""
    left = list(found)

    def look() -> int | None:
        one = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(one, ServiceError):
            raise one
        return one

    return look


def never() -> int | None:
    raise AssertionError("nothing was lost, so nothing is looked for")


def test_an_ordinary_creation_is_one_attempt() -> None:
    create = Attempts(7)
    assert create_named(create, never, "m", 9) == 7
    assert create.seconds == [pytest.approx(6, abs=0.5)]


def test_a_refusal_is_told_at_once() -> None:
    with pytest.raises(NameTakenError):
        create_named(Attempts(failure(NameTakenError)), never, "m", 9)


def test_what_was_created_although_the_reply_was_lost_is_found() -> None:
    """An image with the id 0 is one, too."""
    for number in (7, 0):
        create = Attempts(LOST, 99)
        assert create_named(create, looking(number), "m", 9) == number
        assert len(create.seconds) == 1


def test_what_was_not_created_is_created_at_the_next_attempt() -> None:
    create = Attempts(LOST, LOST, 7)
    assert create_named(create, looking(None), "m", 9) == 7
    assert len(create.seconds) == 3


def test_a_name_that_is_taken_by_the_lost_attempt_is_adopted() -> None:
    create = Attempts(LOST, failure(NameTakenError))
    assert create_named(create, looking(None, 7), "m", 9) == 7


def test_a_name_that_another_image_has_is_told_after_a_lost_reply_too() -> None:
    create = Attempts(LOST, failure(NameTakenError))
    with pytest.raises(NameTakenError):
        create_named(create, looking(None), "m", 9)
    assert len(create.seconds) == 2


def test_a_search_that_fails_for_a_moment_is_repeated() -> None:
    find = looking(failure(ServiceUnavailableError), failure(ServiceUnavailableError), 7)
    assert create_named(Attempts(LOST), find, "m", 9) == 7


@pytest.mark.parametrize(
    "find", [looking(None), looking(failure(RequestRejectedError)), looking(failure(ServiceUnavailableError))]
)
def test_what_is_not_known_at_the_time_limit(find: Callable[[], int | None]) -> None:
    started = time.monotonic()
    with pytest.raises(UnknownOutcomeError, match="it failed; it is not known whether it was created") as caught:
        create_named(Attempts(LOST), find, "the-mark", 0.5)
    assert caught.value.mark == "the-mark"
    assert caught.value.call == CALL
    assert time.monotonic() - started < 3
