"""The disk service."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import requests_mock

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.marks import new_mark
from stratuslab_libcloud.client.stratuslab.disk import Mount
from stratuslab_libcloud.errors import (
    ConflictError,
    LimitExceededError,
    NotFoundError,
    RequestRejectedError,
    ServiceUnavailableError,
)
from stratuslab_libcloud.sandbox import Sandbox


def test_a_disks_life(cloud: Cloud, template: str) -> None:
    machine = cloud.compute.allocate(template)
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


@pytest.mark.parametrize(
    "body",
    [
        "<html>Not Found</html>",
        '{"message": "no Route matched", "code": 404}',
        '{"message": "disk (other) does not exist"}',
    ],
)
def test_a_404_that_is_not_about_the_disk_does_not_say_that_it_is_gone(cloud: Cloud, body: str) -> None:
    uuid = cloud.disks.create(1, "data", "private", new_mark())
    with requests_mock.Mocker() as web:
        web.register_uri(requests_mock.ANY, requests_mock.ANY, status_code=404, text=body)
        with pytest.raises(RequestRejectedError, match="there is no such service at this URL"):
            cloud.disks.destroy(uuid)
        with pytest.raises(RequestRejectedError):
            cloud.disks.mounts(uuid)
    assert cloud.disks.disk(uuid).uuid == uuid


def test_uploading_an_image(cloud: Cloud, sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "an image.img.gz"
    file.write_bytes(gzip.compress(b"content" * 1000))
    told: list[tuple[int, int]] = []
    uuid = cloud.disks.upload(file, lambda done, total: told.append((done, total)))
    assert told == [(file.stat().st_size,) * 2]
    (disk,) = sandbox.disks
    assert (disk.uuid, disk.type.value, disk.size) == (uuid, "DATA_IMAGE_RAW_READONLY", 1)
    with pytest.raises(ConflictError, match="Disk already registered"):
        cloud.disks.upload(file)


def test_what_is_not_compressed_is_not_uploaded(cloud: Cloud, tmp_path: Path) -> None:
    file = tmp_path / "a.img"
    file.write_bytes(b"content")
    with pytest.raises(RequestRejectedError, match="Not a gzipped file"):
        cloud.disks.upload(file)
