"""Creating exactly once, attempt by attempt: with services of the test's own, which do as they are told."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from stratuslab_libcloud.client import exactly_once
from stratuslab_libcloud.client.exactly_once import IDS_BEFORE, create_disk, create_machine, created_machines
from stratuslab_libcloud.client.marks import new_mark
from stratuslab_libcloud.client.opennebula.machine import Selection, VirtualMachine, just_created
from stratuslab_libcloud.client.stratuslab.disk import Disk
from stratuslab_libcloud.errors import (
    Call,
    ConflictError,
    LimitExceededError,
    NotFoundError,
    PermissionDeniedError,
    ServiceError,
    ServiceTimeoutError,
    ServiceUnavailableError,
    UnknownOutcomeError,
)

CALL = Call("here", "compute", "one.vm.allocate", "https://one.example.org")
MARK = new_mark()


def failure(kind: type[ServiceError], *, unknown: bool = False, status: int = 0) -> ServiceError:
    error = kind("it failed", CALL, status)
    error.outcome_unknown = unknown
    return error


def lost() -> ServiceError:
    """A reply is lost, and the connection with it."""
    return failure(ServiceUnavailableError, unknown=True)


def machine(machine_id: int, mark: str = MARK) -> VirtualMachine:
    return just_created(machine_id, "n", 1, 1, mark)


class Answers:
    """What is answered one after the other; the last one again and again."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[Any, ...]] = []

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        self.asked.append((*arguments, *keywords.values()))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, ServiceError):
            raise answer
        return answer


class Machines:
    """A cloud of which a newest machine is known."""

    newest = 41

    def __init__(self, *lists: Sequence[VirtualMachine] | ServiceError) -> None:
        self.machines_since = Answers(*lists or ([],))


class Disks:
    """A disk service."""

    def __init__(self, *creations: object, lists: Sequence[object] = ((),)) -> None:
        self.create = Answers(*creations)
        self.disks = Answers(*lists)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine appears soon, or not at all."""
    monkeypatch.setattr(exactly_once, "APPEARANCE_SECONDS", 0.1)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


def make(cloud: Machines, *creations: object, limit: float = 9) -> tuple[int, Answers]:
    """The ID of a machine that is created, and the attempts."""
    allocate = Answers(*creations)
    return create_machine(cloud, allocate, MARK, limit), allocate  # type: ignore[arg-type]


def test_an_ordinary_creation_is_one_attempt_and_no_look() -> None:
    cloud = Machines()
    machine_id, allocate = make(cloud, 7)
    assert machine_id == 7
    assert allocate.asked == [(pytest.approx(6, abs=0.5),)]
    assert cloud.machines_since.asked == []


def test_a_refusal_is_told_at_once_and_as_it_is() -> None:
    cloud = Machines()
    with pytest.raises(PermissionDeniedError) as caught:
        make(cloud, failure(PermissionDeniedError))
    assert MARK not in str(caught.value)
    assert cloud.machines_since.asked == []


def test_what_was_created_although_the_reply_was_lost_is_found_by_its_mark() -> None:
    """Among those after the newest one that is known."""
    cloud = Machines([machine(44, "other"), machine(43), machine(42, "other")])
    machine_id, allocate = make(cloud, lost())
    assert machine_id == 43
    assert len(allocate.asked) == 1
    assert cloud.machines_since.asked == [(42, pytest.approx(9, abs=0.5))]


def test_of_two_the_first_is_returned() -> None:
    assert make(Machines([machine(44), machine(43)]), lost())[0] == 43


def test_what_does_not_appear_is_created_at_the_next_attempt() -> None:
    cloud = Machines([])
    machine_id, allocate = make(cloud, lost(), 50)
    assert machine_id == 50
    assert len(allocate.asked) == 2
    assert len(cloud.machines_since.asked) > 2


def test_a_first_attempt_that_appears_after_the_second_one_is_the_one() -> None:
    cloud = Machines([], [], [machine(50), machine(49)])
    assert make(cloud, lost(), 50)[0] == 49
    assert {first for first, _ in cloud.machines_since.asked} == {42}


def test_a_look_for_doubles_that_fails_does_not_lose_the_success(caplog: pytest.LogCaptureFixture) -> None:
    assert make(Machines([], [], failure(PermissionDeniedError)), lost(), 50)[0] == 50
    assert f"machine 50, mark {MARK}, has a double: it failed" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        failure(ServiceTimeoutError, unknown=True),
        failure(ServiceUnavailableError, unknown=True, status=502),
    ],
)
def test_what_may_still_be_carried_out_is_not_tried_again(error: ServiceError) -> None:
    """A proxy may still have the request. What appears is found; else nobody knows."""
    machine_id, allocate = make(Machines([], [], [machine(43)]), error)
    assert (machine_id, len(allocate.asked)) == (43, 1)
    allocate = Answers(error)
    with within(2), pytest.raises(UnknownOutcomeError, match=f"look for '{MARK}' in the extra") as caught:
        create_machine(Machines([]), allocate, MARK, 0.5)  # type: ignore[arg-type]
    assert (caught.value.mark, caught.value.call, len(allocate.asked)) == (MARK, CALL, 1)


def test_a_refusal_after_a_lost_reply_says_what_is_known_of_the_first_attempt() -> None:
    words = f"; the reply to an earlier attempt was lost; if its machine appears later, its .* is '{MARK}' \\("
    with pytest.raises(LimitExceededError, match=words):
        make(Machines([]), lost(), failure(LimitExceededError))
    assert make(Machines([], [], [machine(43)]), lost(), failure(LimitExceededError))[0] == 43


def test_a_look_that_fails_for_a_while_is_repeated() -> None:
    cloud = Machines(failure(ServiceUnavailableError), failure(ServiceTimeoutError), [machine(43)])
    assert make(cloud, lost())[0] == 43


@pytest.mark.parametrize("kind", [PermissionDeniedError, ServiceUnavailableError])
def test_without_a_look_nobody_knows(kind: type[ServiceError]) -> None:
    with within(3), pytest.raises(UnknownOutcomeError) as caught:
        make(Machines(failure(kind)), lost(), limit=1)
    assert (caught.value.mark, caught.value.call) == (MARK, CALL)
    assert isinstance(caught.value.__cause__, kind)


def test_each_attempt_leaves_time_to_find_out_its_result() -> None:
    cloud = Machines([])
    _, allocate = make(cloud, lost(), lost(), 50, limit=3)
    seconds = [each for (each,) in allocate.asked]
    assert seconds[0] == pytest.approx(2, abs=0.2)
    assert seconds == sorted(seconds, reverse=True)
    assert all(each[1] <= 3 for each in cloud.machines_since.asked)


# Asking for what was created


class Created:
    """A cloud that is asked for machines that have just been created."""

    newest = 41

    def __init__(self, listed: object, since: object = (), one: object = None) -> None:
        self.machines, self.machines_since, self.machine = Answers(listed), Answers(list(since)), Answers(one)  # type: ignore[call-overload]
        self.noted: list[tuple[int, str, bool]] = []

    def note_created(self, machine_id: int, mark: str, *, seen: bool) -> None:
        self.noted.append((machine_id, mark, seen))

    def asked(self, method: str) -> Call:
        return CALL._replace(operation=method)


def ask(cloud: Created, limit: float = 9) -> object:
    return created_machines(cloud, {99: MARK}, limit)[99]  # type: ignore[arg-type]


def test_each_question_is_asked_within_the_time_limit() -> None:
    cloud = Created([], one=machine(99))
    assert ask(cloud) == machine(99)
    soon = pytest.approx(9, abs=0.5)
    assert cloud.machines.asked == [(Selection(99 - IDS_BEFORE, 99, is_full=True), soon)]
    assert cloud.machines_since.asked == [(42, soon)]
    assert cloud.machine.asked == [(99, soon)]
    assert cloud.noted == [(99, MARK, False)]


def test_a_machine_that_is_seen_is_noted_as_the_one_that_stays() -> None:
    cloud = Created([machine(99), machine(98, "other")])
    assert ask(cloud) == machine(99)
    assert cloud.noted == [(99, MARK, True)]


def test_a_machine_that_is_elsewhere_is_found_by_its_mark() -> None:
    cloud = Created([machine(99, "other")], since=[machine(43)])
    assert ask(cloud) == machine(43)
    assert cloud.machine.asked == []


def test_a_machine_whose_mark_is_not_told_is_the_one_of_its_id() -> None:
    unmarked = machine(99)._replace(mark=None)
    assert ask(Created([], one=unmarked)) == unmarked


def test_a_machine_of_that_id_with_another_mark_is_another() -> None:
    found = ask(Created([], one=machine(99, "other")))
    assert isinstance(found, UnknownOutcomeError)
    assert (found.mark, found.call) == (MARK, CALL)
    assert found.problem.startswith(
        "the new machine should be 99, which is another; it is not known whether it was created"
    )


def test_a_machine_that_is_nowhere_is_of_unknown_outcome() -> None:
    found = ask(Created([], one=failure(NotFoundError)))
    assert isinstance(found, UnknownOutcomeError)
    assert (found.mark, found.call) == (MARK, CALL)
    assert found.problem.startswith("it failed; it is not known whether it was created")
    refused = ask(Created([], one=failure(PermissionDeniedError)))
    assert type(refused) is PermissionDeniedError


# Disks


def disk(uuid: str, mark: str = MARK) -> Disk:
    return Disk(uuid, "data", 1, "jane", 0, mark, "", None, None)


def create(disks: Disks, limit: float = 9) -> str:
    return create_disk(disks, 5, "data", "private", MARK, limit)  # type: ignore[arg-type]


def test_an_ordinary_disk_is_one_attempt_and_no_look() -> None:
    disks = Disks("u")
    assert create(disks) == "u"
    assert disks.create.asked == [(5, "data", "private", MARK, pytest.approx(6, abs=0.5))]
    assert disks.disks.asked == []


def test_a_disk_that_is_refused_is_not_looked_for() -> None:
    disks = Disks(failure(LimitExceededError))
    with pytest.raises(LimitExceededError) as caught:
        create(disks)
    assert MARK not in str(caught.value)
    assert disks.disks.asked == []


@pytest.mark.parametrize("error", [lost(), failure(ConflictError)])
def test_a_disk_whose_reply_was_lost_is_found_by_its_mark(error: ServiceError) -> None:
    """So is one whose mark is taken: a proxy has sent the request twice."""
    disks = Disks(error, lists=[[disk("other", new_mark()), disk("u")]])
    assert create(disks) == "u"
    assert len(disks.create.asked) == 1
    assert disks.disks.asked == [(pytest.approx(9, abs=0.5),)]


def test_a_disk_that_is_not_there_is_created_at_the_next_attempt() -> None:
    disks = Disks(lost(), lost(), "u")
    assert create(disks) == "u"
    assert len(disks.create.asked) == 3


def test_a_disk_that_is_refused_after_a_lost_reply() -> None:
    words = f"; the reply to an earlier attempt was lost; if its volume appears later, its .* is '{MARK}' \\("
    with pytest.raises(LimitExceededError, match=words):
        create(Disks(lost(), failure(LimitExceededError)))
    assert create(Disks(lost(), failure(LimitExceededError), lists=[[], [disk("u")]])) == "u"


@pytest.mark.parametrize("listed", [[], failure(PermissionDeniedError), failure(ServiceTimeoutError)])
def test_a_disk_of_which_nobody_knows(listed: object) -> None:
    with within(2), pytest.raises(UnknownOutcomeError, match="of the nodes or volumes") as caught:
        create(Disks(lost(), lists=[listed]), 0.5)
    assert (caught.value.mark, caught.value.call) == (MARK, CALL)
