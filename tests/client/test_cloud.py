"""The client library by itself, without Libcloud's classes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.marks import new_mark
from stratuslab_libcloud.client.stratuslab.disk import Mount
from stratuslab_libcloud.config import UserConfiguration
from stratuslab_libcloud.errors import (
    ConflictError,
    LimitExceededError,
    NotFoundError,
    PermissionDeniedError,
    RequestRejectedError,
    ServiceUnavailableError,
)
from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.http.faults import Fault, FaultKind

TEMPLATE = (
    'CPU = 1 MEMORY = 64 NAME = "n" DISK = [ SOURCE = "http://127.0.0.1/x", TARGET = "hda" ] '
    'NIC = [ NETWORK = "public", NETWORK_UNAME = "oneadmin" ]'
)


@pytest.fixture
def cloud(config_file: Path) -> Iterator[Cloud]:
    """The sandbox, through the client library."""
    cloud = Cloud(UserConfiguration.load(config_file).cloud("default"))
    yield cloud
    cloud.close()


def test_a_machines_life(cloud: Cloud) -> None:
    number = cloud.compute.allocate(TEMPLATE)
    assert cloud.compute.machine(number).name == "n"
    assert [machine.id for machine in cloud.compute.machines()] == [number]
    cloud.compute.shutdown(number)
    assert cloud.compute.machine(number).status == "DONE"
    cloud.compute.kill(number)
    assert cloud.compute.machines() == []


def test_certain_machines_are_asked_for_in_few_requests(cloud: Cloud, sandbox: Sandbox) -> None:
    numbers = [cloud.compute.allocate(TEMPLATE) for _ in range(30)]
    cloud.compute.kill(numbers[3])
    sandbox.requests.clear()
    found = cloud.compute.certain_machines([numbers[5], numbers[3], numbers[29], 10_000, numbers[3]])
    assert list(found) == [numbers[5], numbers[3], numbers[29], 10_000]
    assert [getattr(machine, "id", None) for machine in found.values()] == [numbers[5], numbers[3], numbers[29], None]
    assert isinstance(found[10_000], NotFoundError)
    assert sorted(sandbox.requests.operations) == ["one.vm.info", "one.vmpool.info"]
    assert cloud.compute.certain_machines([]) == {}


def test_why_certain_machines_are_not_known_is_told_of_each(cloud: Cloud, sandbox: Sandbox) -> None:
    numbers = [cloud.compute.allocate(TEMPLATE) for _ in range(3)]
    sandbox.faults.add(Fault(FaultKind.STATUS, "compute", "one.vmpool.info", status=403))
    found = cloud.compute.certain_machines([*numbers, 10_000])
    assert [type(machine) for machine in found.values()] == [PermissionDeniedError] * 3 + [NotFoundError]


def test_what_the_compute_service_refuses(cloud: Cloud) -> None:
    with pytest.raises(RequestRejectedError, match="Parse error: syntax error"):
        cloud.compute.allocate("garbage")
    with pytest.raises(NotFoundError, match=r"virtual machine \[7\]"):
        cloud.compute.kill(7)


def test_a_disks_life(cloud: Cloud) -> None:
    machine = cloud.compute.allocate(TEMPLATE)
    host = cloud.compute.machine(machine).host
    assert host is not None
    uuid = cloud.disks.create(3, "data", "private", new_mark())
    assert cloud.disks.disk(uuid).size == 3
    assert cloud.disks.attach(uuid, host, machine) == "vdz"
    assert cloud.disks.mounts(uuid) == [Mount(machine, "vdz")]
    with pytest.raises(ConflictError):
        cloud.disks.destroy(uuid)
    cloud.disks.detach(uuid, machine)
    cloud.disks.destroy(uuid)
    with pytest.raises(NotFoundError):
        cloud.disks.disk(uuid)


def test_a_mark_is_taken_once(cloud: Cloud) -> None:
    mark = new_mark()
    cloud.disks.create(1, "data", "private", mark)
    with pytest.raises(ConflictError, match="Disk already registered"):
        cloud.disks.create(1, "data", "private", mark)
    assert [disk.mark for disk in cloud.disks.disks()] == [mark]


def test_what_the_disk_service_refuses(cloud: Cloud) -> None:
    with pytest.raises(LimitExceededError, match="Size must be an integer between 1 and 1024"):
        cloud.disks.create(5000, "data", "private", new_mark())
    uuid = cloud.disks.create(1, "data", "private", new_mark())
    with pytest.raises(ServiceUnavailableError, match="status 500"):
        cloud.disks.detach(uuid, 7)


def test_numbers_from_1000_on_have_a_separator(cloud: Cloud) -> None:
    uuid = cloud.disks.create(1024, "data", "private", new_mark())
    assert cloud.disks.disk(uuid).size == 1024
    assert [disk.size for disk in cloud.disks.disks()] == [1024]


def test_images(cloud: Cloud, sandbox: Sandbox) -> None:
    images = cloud.marketplace.images()
    image = cloud.marketplace.image(images[0].identifier)
    assert image in images
    assert cloud.marketplace.image(image.identifier) is image
    assert cloud.marketplace.source(image.identifier) == f"{sandbox.marketplace_url}/metadata/{image.identifier}"


def test_of_several_entries_the_one_that_was_endorsed_last_is_the_image(cloud: Cloud) -> None:
    entries: dict[str, list[str]] = {}
    for image in cloud.marketplace.images():
        entries.setdefault(image.identifier, []).append(image.endorsed)
    identifier, endorsed = next((key, dates) for key, dates in entries.items() if len(dates) > 1)
    assert cloud.marketplace.image(identifier).endorsed == max(endorsed)


def test_where_a_url_leads(cloud: Cloud, sandbox: Sandbox) -> None:
    url = f"{sandbox.marketplace_url}/metadata"
    assert cloud.marketplace.final_url(url) == url
    with pytest.raises(NotFoundError):
        cloud.marketplace.final_url(f"{sandbox.url}/nothing/here")


def test_a_closed_cloud_can_be_used_again(cloud: Cloud) -> None:
    cloud.compute.machines()
    cloud.close()
    assert cloud.compute.machines() == []
