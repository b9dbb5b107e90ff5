"""Changes whose replies are lost, by the client library alone."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests_mock

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.confirmed_changes import attach_disk, destroy_disk, detach_disk, kill_machine
from stratuslab_libcloud.client.marks import new_mark
from stratuslab_libcloud.client.stratuslab.disk import Mount
from stratuslab_libcloud.errors import (
    Call,
    ConflictError,
    PermissionDeniedError,
    ServiceError,
    ServiceTimeoutError,
    ServiceUnavailableError,
)
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox

LOST = Fault(FaultKind.RESET_AFTER, "disks", "POST /disks/{uuid}/mounts", count=1)
LOST_DETACH = Fault(FaultKind.RESET_AFTER, "disks", "DELETE /disks/{uuid}/mounts/{mount_id}", count=1)


@pytest.fixture
def machine(cloud: Cloud, template: str) -> tuple[int, str]:
    """The ID and the host of a running machine."""
    machine_id = cloud.compute.allocate(template)
    return machine_id, str(cloud.compute.machine(machine_id).host)


@pytest.fixture
def disk(cloud: Cloud) -> str:
    """The uuid of a new disk."""
    return cloud.disks.create(1, "data", "private", new_mark())


def test_a_disk_is_attached_and_detached(cloud: Cloud, sandbox: Sandbox, machine: tuple[int, str], disk: str) -> None:
    machine_id, host = machine
    sandbox.faults.add(LOST)
    device = attach_disk(cloud.disks, disk, host, machine_id, limit=20)
    assert cloud.disks.mounts(disk) == [Mount(machine_id, device)]
    with pytest.raises(ConflictError):
        attach_disk(cloud.disks, disk, host, machine_id, limit=20)
    sandbox.faults.add(LOST_DETACH)
    detach_disk(cloud.disks, disk, machine_id, limit=20)
    assert cloud.disks.mounts(disk) == []
    with pytest.raises(ConflictError, match="is not attached to machine"):
        detach_disk(cloud.disks, disk, machine_id, limit=20)


MOUNTS = ("disks", "GET /disks/{uuid}/mounts")


@pytest.mark.parametrize("place", [("disks", LOST.operation), MOUNTS], ids=["change", "look"])
def test_attaching_keeps_the_time_limit(
    cloud: Cloud, sandbox: Sandbox, machine: tuple[int, str], disk: str, place: tuple[str, str]
) -> None:
    machine_id, host = machine
    sandbox.faults.add(Fault(FaultKind.NO_ANSWER, *place))
    sandbox.faults.add(Fault(FaultKind.RESET_BEFORE, "disks", LOST.operation))
    started = time.monotonic()
    with pytest.raises(ServiceError):
        attach_disk(cloud.disks, disk, host, machine_id, limit=1)
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("place", [("disks", LOST_DETACH.operation), MOUNTS], ids=["change", "look"])
def test_detaching_keeps_the_time_limit(
    cloud: Cloud, sandbox: Sandbox, machine: tuple[int, str], disk: str, place: tuple[str, str]
) -> None:
    machine_id, host = machine
    attach_disk(cloud.disks, disk, host, machine_id, limit=20)
    sandbox.faults.add(Fault(FaultKind.NO_ANSWER, *place))
    sandbox.faults.add(Fault(FaultKind.RESET_BEFORE, "disks", LOST_DETACH.operation))
    started = time.monotonic()
    with pytest.raises(ServiceError):
        detach_disk(cloud.disks, disk, machine_id, limit=1)
    assert time.monotonic() - started < 4


def test_a_refused_detachment_is_told_as_it_is(
    cloud: Cloud, sandbox: Sandbox, machine: tuple[int, str], disk: str
) -> None:
    machine_id, host = machine
    attach_disk(cloud.disks, disk, host, machine_id, limit=20)
    sandbox.requests.clear()
    with (
        sandbox.faults.during(Fault(FaultKind.STATUS, "disks", LOST_DETACH.operation, status=403)),
        pytest.raises(PermissionDeniedError),
    ):
        detach_disk(cloud.disks, disk, machine_id, limit=20)
    assert sandbox.requests.operations == [LOST_DETACH.operation]


def test_a_detachment_that_failed_in_the_services_own_words_is_told_at_once(
    cloud: Cloud, sandbox: Sandbox, machine: tuple[int, str], disk: str
) -> None:
    url = cloud.config.disks.url
    with requests_mock.Mocker() as web:
        web.delete(
            f"{url}/disks/{disk}/mounts/{disk}_7", status_code=500, json={"message": "virsh failed", "code": 500}
        )
        web.get(f"{url}/disks/{disk}/mounts", json=[{"vmId": "7", "device": "vdz"}])
        with pytest.raises(ServiceUnavailableError, match="virsh failed"):
            detach_disk(cloud.disks, disk, 7, limit=20)
        assert len(web.request_history) == 2


def test_what_does_not_exist_any_more_is_no_error(cloud: Cloud, machine: tuple[int, str], disk: str) -> None:
    assert destroy_disk(cloud.disks, disk)
    assert not destroy_disk(cloud.disks, disk)
    assert kill_machine(cloud.compute, machine[0])
    assert not kill_machine(cloud.compute, 999)


# Words, and what may have worked: with a disk service of the test's own

CALL = Call("here", "disk", "POST /disks/u/mounts", "https://one.example.org/pdisk")


def failure(kind: type[ServiceError], *, unknown: bool = False) -> ServiceError:
    error = kind("it failed", CALL)
    error.outcome_unknown = unknown
    return error


class Service:
    """The calls of a disk service and of a compute service, of which each ends as is given; the last one again."""

    def __init__(self, *ends: object, mounts: object = ()) -> None:
        self._ends = list(ends)
        self._mounts = mounts
        self.asked = 0

    def _end(self, *_: object, timeout: float | None = None) -> Any:
        self.asked += 1
        end = self._ends.pop(0) if len(self._ends) > 1 else self._ends[0]
        if isinstance(end, ServiceError):
            raise end
        return end

    attach = detach = destroy = kill = _end

    def mounts(self, *_: object) -> Any:
        if isinstance(self._mounts, ServiceError):
            raise self._mounts
        return self._mounts


ATTACHED = [Mount(8, "vdy"), Mount(7, "vdz")]


def attach(service: Service, limit: float = 0.5) -> str:
    return attach_disk(service, "u", "host", 7, limit)  # type: ignore[arg-type]


def detach(service: Service, limit: float = 0.5) -> None:
    detach_disk(service, "u", 7, limit)  # type: ignore[arg-type]


def test_the_words_about_what_is_known_at_the_time_limit() -> None:
    with pytest.raises(ServiceUnavailableError, match=r"^it failed; the volume is not attached \(POST"):
        attach(Service(failure(ServiceUnavailableError, unknown=True)))
    with pytest.raises(ServiceUnavailableError, match=r"^it failed; the volume is still attached \(POST"):
        detach(Service(failure(ServiceUnavailableError, unknown=True), mounts=ATTACHED))
    for change in (attach, detach):
        with pytest.raises(ServiceError, match=r"^it failed; it is not known whether this changed anything \(POST"):
            change(Service(failure(ServiceUnavailableError, unknown=True), mounts=failure(ServiceTimeoutError)))
    with pytest.raises(
        ServiceError, match=r"; it is not known whether the volume still exists: list_volumes\(\) shows it \("
    ):
        destroy_disk(Service(failure(ServiceTimeoutError, unknown=True)), "u")  # type: ignore[arg-type]
    with pytest.raises(
        ServiceError, match=r"; it is not known whether the machine has ended: ex_get_node\(\) shows it \("
    ):
        kill_machine(Service(failure(ServiceTimeoutError, unknown=True)), 7)  # type: ignore[arg-type]
    with pytest.raises(ConflictError, match=r"^it failed \(POST"):
        destroy_disk(Service(failure(ConflictError)), "u")  # type: ignore[arg-type]


def test_a_disk_that_is_attached_already_is_refused_unless_the_reply_was_lost() -> None:
    with pytest.raises(ConflictError):
        attach(Service(failure(ConflictError), mounts=ATTACHED))
    assert attach(Service(failure(ServiceUnavailableError, unknown=True), mounts=ATTACHED)) == "vdz"


def test_a_second_attempt_that_is_refused_means_that_the_first_one_worked() -> None:
    """Its mount is seen only after the refusal."""
    service = Service(failure(ServiceUnavailableError, unknown=True), failure(ConflictError))
    seen = iter([[], ATTACHED])
    service.mounts = lambda *_: next(seen)  # type: ignore[method-assign]
    assert attach(service, 5) == "vdz"
    assert service.asked == 2


def test_it_is_tried_again_while_there_is_time() -> None:
    service = Service(
        failure(ServiceUnavailableError, unknown=True), failure(ServiceUnavailableError, unknown=True), "vdz"
    )
    assert attach(service, 5) == "vdz"
    assert service.asked == 3
    service = Service(failure(ServiceUnavailableError, unknown=True), None, mounts=ATTACHED)
    detach(service, 5)
    assert service.asked == 2
