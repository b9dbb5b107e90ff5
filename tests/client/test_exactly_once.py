"""Creating exactly once, by the client library alone; `tests/driver/test_bad_days.py` does it through the driver."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import pytest

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.exactly_once import create_disk, create_machine
from stratuslab_libcloud.client.marks import new_mark
from stratuslab_libcloud.errors import RequestRejectedError, UnknownOutcomeError
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox

KINDS = [FaultKind.RESET_AFTER, FaultKind.RESET_BEFORE, FaultKind.CUT, FaultKind.GARBAGE]


@pytest.fixture
def mark() -> str:
    return new_mark()


@pytest.fixture
def marked(template: str, mark: str) -> str:
    """A template with the mark."""
    return f'{template} LIBCLOUD_MARK = "{mark}"'


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_one_machine_after_a_lost_reply(
    cloud: Cloud, sandbox: Sandbox, marked: str, mark: str, kind: FaultKind
) -> None:
    sandbox.faults.add(Fault(kind, "compute", "one.vm.allocate", count=1))
    machine_id = create_machine(cloud.compute, partial(cloud.compute.allocate, marked), mark, limit=20)
    assert [(machine.id, machine.mark) for machine in cloud.compute.machines()] == [(machine_id, mark)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_one_disk_after_a_lost_reply(cloud: Cloud, sandbox: Sandbox, mark: str, kind: FaultKind) -> None:
    sandbox.faults.add(Fault(kind, "disks", "POST /disks", count=1))
    uuid = create_disk(cloud.disks, 1, "tag", "private", mark, limit=20)
    assert [(disk.uuid, disk.mark) for disk in cloud.disks.disks()] == [(uuid, mark)]


def test_a_refusal_is_not_an_unknown_outcome(cloud: Cloud, mark: str) -> None:
    with pytest.raises(RequestRejectedError, match="Parse error"):
        create_machine(cloud.compute, partial(cloud.compute.allocate, "garbage"), mark, limit=20)


def test_when_nothing_answers_the_outcome_is_unknown(cloud: Cloud, sandbox: Sandbox, marked: str, mark: str) -> None:
    sandbox.faults.add(Fault(FaultKind.RESET_AFTER, "compute"))
    with pytest.raises(UnknownOutcomeError, match="it is not known whether it was created") as caught:
        create_machine(cloud.compute, partial(cloud.compute.allocate, marked), mark, limit=1)
    assert caught.value.mark == mark


def test_another_kind_of_cloud_needs_no_disk_service_for_it() -> None:
    program = "import sys, stratuslab_libcloud.client.exactly_once; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if name.startswith("stratuslab_libcloud.client.stratuslab")]
