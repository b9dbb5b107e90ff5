"""Changes whose replies are lost, by the client library alone."""

from __future__ import annotations

import pytest

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.confirmed_changes import attach_disk, destroy_disk, detach_disk, kill_machine
from stratuslab_libcloud.client.marks import new_mark
from stratuslab_libcloud.client.stratuslab.disk import Mount
from stratuslab_libcloud.errors import ConflictError
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


def test_what_does_not_exist_any_more_is_no_error(cloud: Cloud, machine: tuple[int, str], disk: str) -> None:
    assert destroy_disk(cloud.disks, disk)
    assert not destroy_disk(cloud.disks, disk)
    assert kill_machine(cloud.compute, machine[0])
    assert not kill_machine(cloud.compute, 999)
