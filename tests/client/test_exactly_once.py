"""Creating exactly once, by the client library alone; `tests/driver/test_bad_days.py` does it through the driver."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.exactly_once import (
    APPEARANCE_SECONDS,
    IDS_BEFORE,
    create_disk,
    create_machine,
    created_machines,
)
from stratuslab_libcloud.client.marks import new_mark
from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
from stratuslab_libcloud.errors import (
    LimitExceededError,
    PermissionDeniedError,
    RefusedCredentialsError,
    RequestRejectedError,
    ServiceError,
    UnknownOutcomeError,
)
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox

ALLOCATE = ("compute", "one.vm.allocate")
LIST = ("compute", "one.vmpool.info")
CREATE_DISK = ("disks", "POST /disks")
LIST_DISKS = ("disks", "GET /disks")

PROXY_STATUSES = [500, 501, 502, 507, 520, 524]
SPOILED = [
    *(Fault(kind, count=1, seconds=0.3) for kind in (FaultKind.RESET_AFTER, FaultKind.CUT, FaultKind.GARBAGE)),
    Fault(FaultKind.WRONG_TYPES, count=1),
    *(Fault(FaultKind.STATUS_AFTER, count=1, status=status) for status in PROXY_STATUSES),
    Fault(FaultKind.DOUBLED, count=1),
]
SPOILED_BY_THE_PROXY = [
    Fault(FaultKind.PROXY_FAULT_AFTER, count=1),
    Fault(FaultKind.DOUBLED_FAULT, count=1),
    Fault(FaultKind.RESTART, count=1, seconds=0.5),
]
"""The request was carried out, and the answer does not say so."""

PREVENTED = [Fault(FaultKind.RESET_BEFORE, count=1), Fault(FaultKind.PROXY_FAULT, count=1)]


def at(place: tuple[str, str], fault: Fault) -> Fault:
    return Fault(fault.kind, *place, count=fault.count, seconds=fault.seconds, status=fault.status)


def name_of(fault: Fault) -> str:
    return f"{fault.kind.value} {fault.status}" if fault.kind == FaultKind.STATUS_AFTER else fault.kind.value


@pytest.fixture
def mark() -> str:
    return new_mark()


@pytest.fixture
def allocate(cloud: Cloud, template: str, mark: str) -> Callable[[float], int]:
    """Creates a machine with the mark."""
    return partial(cloud.compute.allocate, f'{template} LIBCLOUD_MARK = "{mark}"')


def create(cloud: Cloud, allocate: Callable[[float], int], mark: str, limit: float = 20) -> int:
    """Create a machine and ask for it; its ID."""
    machine_id = create_machine(cloud.compute, allocate, mark, limit)
    machine = created_machines(cloud.compute, {machine_id: mark}, limit)[machine_id]
    assert isinstance(machine, VirtualMachine)
    assert machine.mark == mark
    return machine.id


def ids(cloud: Cloud) -> list[int]:
    """Of the machines that have not ended."""
    return [machine.id for machine in cloud.compute.machines()]


@contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


# Machines


@pytest.mark.parametrize("fault", [*SPOILED, *SPOILED_BY_THE_PROXY, *PREVENTED], ids=name_of)
def test_one_machine_after_a_lost_reply(
    cloud: Cloud, sandbox: Sandbox, allocate: Callable[[float], int], mark: str, fault: Fault
) -> None:
    sandbox.faults.add(at(ALLOCATE, fault))
    assert [create(cloud, allocate, mark)] == ids(cloud)


def test_an_ordinary_creation_takes_two_requests(
    cloud: Cloud, sandbox: Sandbox, allocate: Callable[[float], int], mark: str
) -> None:
    create(cloud, allocate, mark)
    assert sandbox.requests.operations == ["one.vm.allocate", "one.vmpool.info"]


def test_a_double_by_the_proxy_is_ended_and_the_elder_is_returned(
    cloud: Cloud, sandbox: Sandbox, allocate: Callable[[float], int], mark: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer has the ID of the younger one; nothing else in it is unusual."""
    sandbox.faults.add(Fault(FaultKind.DOUBLED, *ALLOCATE, count=1))
    assert create(cloud, allocate, mark) == 0
    assert ids(cloud) == [0]
    assert "machine 1 of location 'default' is a double of machine 0" in caplog.text


def test_a_refusal_is_not_an_unknown_outcome(cloud: Cloud, sandbox: Sandbox, mark: str) -> None:
    with pytest.raises(RequestRejectedError, match="Parse error") as caught:
        create_machine(cloud.compute, partial(cloud.compute.allocate, "garbage"), mark, limit=20)
    assert mark not in str(caught.value)
    assert sandbox.requests.operations == ["one.vm.allocate"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, RefusedCredentialsError),
        (403, PermissionDeniedError),
        (404, RequestRejectedError),
        (413, LimitExceededError),
    ],
)
def test_a_refusal_after_a_lost_reply_ends_it_and_says_what_is_known_of_the_first(
    cloud: Cloud,
    sandbox: Sandbox,
    allocate: Callable[[float], int],
    mark: str,
    status: int,
    kind: type[ServiceError],
) -> None:
    sandbox.faults.add(Fault(FaultKind.RESET_BEFORE, *ALLOCATE, count=1))
    sandbox.faults.add(Fault(FaultKind.STATUS, *ALLOCATE, status=status))
    with within(6), pytest.raises(kind, match="the reply to an earlier attempt was lost; if its machine") as caught:
        create_machine(cloud.compute, allocate, mark, limit=20)
    assert type(caught.value) is kind
    assert f"'{mark}'" in str(caught.value)
    assert sandbox.requests.operations.count("one.vm.allocate") == 2


def test_a_machine_that_appears_while_a_second_try_is_refused_is_found(
    cloud: Cloud, sandbox: Sandbox, allocate: Callable[[float], int], mark: str
) -> None:
    def late(seconds: float) -> int:
        if sandbox.requests.operations.count("one.vm.allocate") == 0:
            with sandbox.faults.during(Fault(FaultKind.RESET_BEFORE, *ALLOCATE)):
                return allocate(seconds)
        allocate(seconds)
        with sandbox.faults.during(Fault(FaultKind.STATUS, *ALLOCATE, status=413)):
            return allocate(seconds)

    assert create(cloud, late, mark) == 0
    assert ids(cloud) == [0]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_look_that_is_refused_ends_it(
    cloud: Cloud, sandbox: Sandbox, allocate: Callable[[float], int], mark: str, status: int
) -> None:
    sandbox.faults.add(Fault(FaultKind.RESET_AFTER, *ALLOCATE, count=1))
    sandbox.faults.add(Fault(FaultKind.STATUS, *LIST, status=status))
    with within(6), pytest.raises(UnknownOutcomeError, match="the connection was lost") as caught:
        create_machine(cloud.compute, allocate, mark, limit=20)
    assert caught.value.mark == mark
    assert sandbox.requests.operations.count("one.vmpool.info") == 1


def test_a_look_that_fails_for_a_while_is_repeated(
    cloud: Cloud, sandbox: Sandbox, allocate: Callable[[float], int], mark: str
) -> None:
    sandbox.faults.add(Fault(FaultKind.RESET_AFTER, *ALLOCATE, count=1))
    sandbox.faults.add(Fault(FaultKind.GARBAGE, *LIST, count=8))
    assert create_machine(cloud.compute, allocate, mark, limit=20) == 0
    assert sandbox.requests.operations.count("one.vm.allocate") == 1


def test_when_nothing_answers_the_outcome_is_unknown(
    cloud: Cloud, sandbox: Sandbox, allocate: Callable[[float], int], mark: str
) -> None:
    sandbox.faults.add(Fault(FaultKind.RESET_AFTER, "compute"))
    with pytest.raises(UnknownOutcomeError, match="it is not known whether it was created") as caught:
        create_machine(cloud.compute, allocate, mark, limit=1)
    assert caught.value.mark == mark


@pytest.mark.parametrize(
    "fault", [Fault(FaultKind.NO_ANSWER), Fault(FaultKind.STATUS, status=500)], ids=["no answer", "status 500"]
)
def test_what_may_still_be_carried_out_is_not_tried_again(
    cloud: Cloud, sandbox: Sandbox, allocate: Callable[[float], int], mark: str, fault: Fault
) -> None:
    sandbox.faults.add(at(ALLOCATE, fault))
    with within(4), pytest.raises(UnknownOutcomeError):
        create_machine(cloud.compute, allocate, mark, limit=1)
    assert sandbox.requests.operations.count("one.vm.allocate") == 1


def test_the_search_for_a_machine_keeps_the_time_limit(
    cloud: Cloud, sandbox: Sandbox, allocate: Callable[[float], int], mark: str
) -> None:
    sandbox.faults.add(Fault(FaultKind.RESET_AFTER, *ALLOCATE))
    sandbox.faults.add(Fault(FaultKind.NO_ANSWER, *LIST))
    with within(4), pytest.raises(UnknownOutcomeError):
        create_machine(cloud.compute, allocate, mark, limit=1)


def test_asking_for_what_was_created_keeps_the_time_limit(
    cloud: Cloud, sandbox: Sandbox, allocate: Callable[[float], int], mark: str
) -> None:
    machine_id = create_machine(cloud.compute, allocate, mark, limit=20)
    sandbox.faults.add(Fault(FaultKind.NO_ANSWER, "compute"))
    with within(4):
        found = created_machines(cloud.compute, {machine_id: mark}, limit=1)
    assert isinstance(found[machine_id], ServiceError)


def test_the_time_to_appear_begins_when_the_first_look_is_answered(
    cloud: Cloud, sandbox: Sandbox, allocate: Callable[[float], int], mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look takes longer than that time, and the machine appears after it."""
    look = cloud.compute.machines_since
    looks = 0

    def slow(*arguments: Any) -> list[VirtualMachine]:
        nonlocal looks
        looks += 1
        found = look(*arguments)
        if looks == 1:
            time.sleep(APPEARANCE_SECONDS + 0.1)
            allocate(5)
        return found

    monkeypatch.setattr(cloud.compute, "machines_since", slow)
    sandbox.faults.add(Fault(FaultKind.RESET_BEFORE, *ALLOCATE, count=1))
    assert create_machine(cloud.compute, allocate, mark, limit=20) == 0
    assert len(sandbox.machines) == 1


def test_a_search_for_doubles_that_fails_does_not_lose_the_success(
    cloud: Cloud, sandbox: Sandbox, allocate: Callable[[float], int], mark: str, caplog: pytest.LogCaptureFixture
) -> None:
    refused = Fault(FaultKind.STATUS, *LIST, status=403)

    def allocate_then_refuse(seconds: float) -> int:
        machine_id = allocate(seconds)
        sandbox.faults.add(refused)
        return machine_id

    sandbox.faults.add(Fault(FaultKind.RESET_BEFORE, *ALLOCATE, count=1))
    assert create_machine(cloud.compute, allocate_then_refuse, mark, limit=20) == 0
    assert f"it is not known whether machine 0, mark {mark}, has a double" in caplog.text
    sandbox.faults.remove(refused)
    assert ids(cloud) == [0]


def test_a_first_try_that_is_carried_out_after_all_is_found_with_the_second(
    cloud: Cloud, allocate: Callable[[float], int], sandbox: Sandbox, mark: str
) -> None:
    def late(seconds: float) -> int:
        if sandbox.requests.operations.count("one.vm.allocate") == 0:
            with sandbox.faults.during(Fault(FaultKind.RESET_BEFORE, *ALLOCATE)):
                return allocate(seconds)
        allocate(seconds)
        return allocate(seconds)

    assert create_machine(cloud.compute, late, mark, limit=20) == 0
    assert ids(cloud) == [0]


def test_an_answer_with_a_wrong_number_makes_no_silent_double(
    cloud: Cloud, sandbox: Sandbox, template: str, allocate: Callable[[float], int], mark: str
) -> None:
    assert create(cloud, lambda seconds: allocate(seconds) + 1_000_000, mark) == 0
    other = new_mark()
    sandbox.faults.add(Fault(FaultKind.RESET_AFTER, *ALLOCATE, count=1))
    assert create(cloud, partial(cloud.compute.allocate, f'{template} LIBCLOUD_MARK = "{other}"'), other) == 1
    assert ids(cloud) == [0, 1]


def test_an_answer_about_another_machine_is_of_unknown_outcome(cloud: Cloud, template: str, mark: str) -> None:
    other = cloud.compute.allocate(f'{template} LIBCLOUD_MARK = "another"')
    for number in (other, 999):
        found = created_machines(cloud.compute, {number: mark}, 20)[number]
        assert isinstance(found, UnknownOutcomeError)
        assert found.mark == mark


def test_a_cloud_that_does_not_tell_the_mark(cloud: Cloud, template: str, mark: str, sandbox: Sandbox) -> None:
    number = cloud.compute.allocate(template)
    sandbox.requests.clear()
    machine = created_machines(cloud.compute, {number: mark}, 20)[number]
    assert isinstance(machine, VirtualMachine)
    assert machine.id == number
    assert len(sandbox.requests) == 1


def test_a_machine_that_has_ended_already_is_still_the_one(
    cloud: Cloud, allocate: Callable[[float], int], mark: str
) -> None:
    number = allocate(5)
    cloud.compute.kill(number)
    machine = created_machines(cloud.compute, {number: mark}, 20)[number]
    assert isinstance(machine, VirtualMachine)
    assert machine.status == "DONE"


def test_several_machines_are_asked_for_by_one_request(cloud: Cloud, sandbox: Sandbox, template: str) -> None:
    marks = {cloud.compute.allocate(f'{template} LIBCLOUD_MARK = "m{n}"'): f"m{n}" for n in range(5)}
    sandbox.requests.clear()
    found = created_machines(cloud.compute, marks, 20)
    assert {key: machine.mark for key, machine in found.items() if isinstance(machine, VirtualMachine)} == marks
    assert sandbox.requests.operations == ["one.vmpool.info"]
    assert cloud.compute.newest == 4


def test_a_double_so_far_before_is_found_by_the_next_list(
    cloud: Cloud, template: str, allocate: Callable[[float], int], mark: str
) -> None:
    """The returned machine is kept then, although it is the younger one."""
    allocate(5)
    for _ in range(IDS_BEFORE):
        cloud.compute.allocate(template)
    assert create(cloud, allocate, mark) == IDS_BEFORE + 1
    ids(cloud)
    assert ids(cloud) == list(range(1, IDS_BEFORE + 2))


def test_a_second_try_that_no_list_shows_yet_is_returned(
    cloud: Cloud,
    sandbox: Sandbox,
    template: str,
    allocate: Callable[[float], int],
    mark: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is looked for from the first ID on that it can have."""
    looked_from = []

    def nothing(first: int, seconds: float | None = None) -> list[VirtualMachine]:
        looked_from.append(first)
        return []

    first_mark = new_mark()
    create(cloud, partial(cloud.compute.allocate, f'{template} LIBCLOUD_MARK = "{first_mark}"'), first_mark)
    monkeypatch.setattr(cloud.compute, "machines_since", nothing)
    sandbox.faults.add(Fault(FaultKind.RESET_BEFORE, *ALLOCATE, count=1))
    assert create_machine(cloud.compute, allocate, mark, limit=20) == 1
    assert len(looked_from) > 1
    assert set(looked_from) == {1}


@pytest.mark.parametrize("answers", [False, True], ids=["list", "machine"])
def test_a_look_for_a_machine_elsewhere_keeps_the_time_limit(
    cloud: Cloud,
    sandbox: Sandbox,
    allocate: Callable[[float], int],
    monkeypatch: pytest.MonkeyPatch,
    answers: bool,
) -> None:
    machine_id = allocate(5)
    look = cloud.compute.machines_since

    def last_answer(first: int, *seconds: float) -> list[VirtualMachine]:
        if answers:
            found = look(first, *seconds)
            sandbox.faults.add(Fault(FaultKind.NO_ANSWER, "compute", "one.vm.info"))
            return found
        with sandbox.faults.during(Fault(FaultKind.NO_ANSWER, *LIST)):
            return look(first, *seconds)

    monkeypatch.setattr(cloud.compute, "machines_since", last_answer)
    with within(4):
        found = created_machines(cloud.compute, {machine_id + 1_000: new_mark()}, limit=1)[machine_id + 1_000]
    assert isinstance(found, ServiceError)


def test_the_number_of_another_machine_is_an_unknown_outcome_of_the_creation(
    cloud: Cloud, allocate: Callable[[float], int], mark: str
) -> None:
    other = allocate(5)
    found = created_machines(cloud.compute, {other: new_mark()}, limit=20)[other]
    assert isinstance(found, UnknownOutcomeError)
    assert found.call.operation == "one.vm.allocate"


# Disks


def test_a_disk_has_the_visibility_that_was_wanted(cloud: Cloud) -> None:
    for visibility in ("public", "private"):
        uuid = create_disk(cloud.disks, 1, "tag", visibility, new_mark(), limit=20)
        assert cloud.disks.disk(uuid).visibility == visibility.upper()


@pytest.mark.parametrize("fault", [*SPOILED, PREVENTED[0]], ids=name_of)
def test_one_disk_after_a_lost_reply(cloud: Cloud, sandbox: Sandbox, mark: str, fault: Fault) -> None:
    sandbox.faults.add(at(CREATE_DISK, fault))
    uuid = create_disk(cloud.disks, 1, "tag", "private", mark, limit=20)
    assert [(disk.uuid, disk.mark, disk.tag) for disk in cloud.disks.disks()] == [(uuid, mark, "tag")]


def test_an_ordinary_disk_takes_one_request(cloud: Cloud, sandbox: Sandbox, mark: str) -> None:
    create_disk(cloud.disks, 1, "tag", "private", mark, limit=20)
    assert sandbox.requests.operations == ["POST /disks"]


def test_a_refused_disk_is_not_looked_for(cloud: Cloud, sandbox: Sandbox, mark: str) -> None:
    with pytest.raises(LimitExceededError, match="Size must be") as caught:
        create_disk(cloud.disks, 5000, "tag", "private", mark, limit=20)
    assert mark not in str(caught.value)
    assert sandbox.requests.operations == ["POST /disks"]


def test_a_disk_of_which_nobody_knows_is_of_unknown_outcome_at_the_deadline(
    cloud: Cloud, sandbox: Sandbox, mark: str
) -> None:
    sandbox.faults.add(Fault(FaultKind.RESET_BEFORE, *CREATE_DISK))
    with within(4), pytest.raises(UnknownOutcomeError) as caught:
        create_disk(cloud.disks, 1, "tag", "private", mark, limit=1)
    assert caught.value.mark == mark
    assert sandbox.requests.operations.count("POST /disks") > 1


@pytest.mark.parametrize(("status", "kind"), [(401, RefusedCredentialsError), (413, LimitExceededError)])
def test_a_disk_that_is_refused_after_a_lost_reply_is_not_tried_a_third_time(
    cloud: Cloud, sandbox: Sandbox, mark: str, status: int, kind: type[ServiceError]
) -> None:
    sandbox.faults.add(Fault(FaultKind.RESET_BEFORE, *CREATE_DISK, count=1))
    sandbox.faults.add(Fault(FaultKind.STATUS, *CREATE_DISK, status=status))
    with within(6), pytest.raises(kind, match=f"its volume appears later, its .* is '{mark}'"):
        create_disk(cloud.disks, 1, "tag", "private", mark, limit=20)
    assert sandbox.requests.operations.count("POST /disks") == 2


@pytest.mark.parametrize("place", [CREATE_DISK, LIST_DISKS], ids=["creation", "search"])
def test_the_creation_of_a_disk_keeps_the_time_limit(
    cloud: Cloud, sandbox: Sandbox, mark: str, place: tuple[str, str]
) -> None:
    sandbox.faults.add(Fault(FaultKind.NO_ANSWER, *place))
    sandbox.faults.add(Fault(FaultKind.RESET_BEFORE, *CREATE_DISK))
    with within(4), pytest.raises(UnknownOutcomeError):
        create_disk(cloud.disks, 1, "tag", "private", mark, limit=1)


def test_a_search_that_is_refused_ends_the_creation_of_a_disk(cloud: Cloud, sandbox: Sandbox, mark: str) -> None:
    sandbox.faults.add(Fault(FaultKind.RESET_AFTER, *CREATE_DISK, count=1))
    sandbox.faults.add(Fault(FaultKind.STATUS, *LIST_DISKS, status=404))
    with within(6), pytest.raises(UnknownOutcomeError) as caught:
        create_disk(cloud.disks, 1, "tag", "private", mark, limit=20)
    assert caught.value.mark == mark


def test_a_failure_in_the_disk_services_own_words_is_told_at_once(
    cloud: Cloud, sandbox: Sandbox, mark: str, requests_mock: Any
) -> None:
    requests_mock.post(f"{cloud.config.disks.url}/disks/", status_code=500, json={"message": "no space", "code": 500})
    requests_mock.get(f"{cloud.config.disks.url}/disks/", json=[])
    with within(4), pytest.raises(ServiceError, match="no space") as caught:
        create_disk(cloud.disks, 1, "tag", "private", mark, limit=20)
    assert not isinstance(caught.value, UnknownOutcomeError)


def test_another_kind_of_cloud_needs_no_disk_service_for_it() -> None:
    program = "import sys, stratuslab_libcloud.client.exactly_once; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if name.startswith("stratuslab_libcloud.client.stratuslab")]


def test_of_two_the_one_that_has_not_ended_is_the_one(
    cloud: Cloud, allocate: Callable[[float], int], mark: str
) -> None:
    first, second = allocate(5), allocate(5)
    cloud.compute.kill(first)
    assert create(cloud, lambda _: second, mark) == second
