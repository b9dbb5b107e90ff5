"""Volumes: created, listed, put into machines and taken out again, and destroyed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from libcloud.compute.base import NodeImage, StorageVolume
from libcloud.compute.types import StorageVolumeState

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.progress import Progress
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.driver.stratuslab.volumes import StratusLabVolume
from stratuslab_libcloud.errors import (
    ConflictError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    RefusedCredentialsError,
)
from stratuslab_libcloud.sandbox import Sandbox

Start = Callable[..., StratusLabNode]


@pytest.fixture
def volume(driver: StratusLabNodeDriver) -> StratusLabVolume:
    """A volume of 5 GiB."""
    return driver.create_volume(5, "my volume")


def test_a_new_volume_says_what_is_known_of_it(volume: StratusLabVolume, driver: StratusLabNodeDriver) -> None:
    assert (volume.name, volume.size, volume.state) == ("my volume", 5, StorageVolumeState.AVAILABLE)
    assert volume.location is driver.list_locations()[0]
    assert (volume.extra["location"], volume.extra["owner"]) == ("default", "alice")
    assert (volume.extra["use_count"], volume.extra["marketplace_id"]) == (0, None)
    json.dumps(volume.extra)


def test_listing_gives_the_same_volumes(volume: StratusLabVolume, driver: StratusLabNodeDriver) -> None:
    (listed,) = driver.list_volumes()
    assert (listed.id, listed.name, listed.size, listed.uuid) == (volume.id, "my volume", 5, volume.uuid)
    assert listed.extra == {
        "location": "default",
        "state": "available",
        "owner": "alice",
        "use_count": 0,
        "marketplace_id": None,
        "snapshot_of": None,
        "mark": volume.extra["mark"],
        "quarantine": None,
        "type": None,
        "visibility": None,
        "attachments": None,
    }
    assert volume.extra["attachments"] == []


def test_details_of_one_volume(volume: StratusLabVolume, driver: StratusLabNodeDriver, start: Start) -> None:
    node = start()
    driver.attach_volume(node, volume)
    found = driver.ex_get_volume(volume.id)
    assert found.state == StorageVolumeState.INUSE
    assert found.extra["visibility"] == "PRIVATE"
    assert found.extra["type"] == "DATA_IMAGE_RAW_READ_WRITE"
    assert found.extra["attachments"] == [{"node_id": node.id, "device": "vdz"}]
    assert found.extra["use_count"] == 1


def test_a_listing_with_details(driver: StratusLabNodeDriver, start: Start) -> None:
    volumes = [driver.create_volume(1, f"v{n}") for n in range(3)]
    node = start()
    driver.attach_volume(node, volumes[1])
    listed = {volume.id: volume.extra for volume in driver.list_volumes(ex_details=True)}
    assert [listed[volume.id]["attachments"] for volume in volumes] == [
        [],
        [{"node_id": node.id, "device": "vdz"}],
        [],
    ]
    assert {extra["visibility"] for extra in listed.values()} == {"PRIVATE"}


def test_a_public_volume(driver: StratusLabNodeDriver) -> None:
    volume = driver.create_volume(1, "v", ex_visibility="public")
    assert driver.ex_get_volume(volume.id).extra["visibility"] == "PUBLIC"


@pytest.mark.parametrize("name", ["", 'quotes " and \\ backslashes', "tag=x&size=9", "é漢字", "a\nb"])
def test_a_name_may_have_any_characters(driver: StratusLabNodeDriver, name: str) -> None:
    volume = driver.create_volume(1, name)
    assert driver.ex_get_volume(volume.id).name == name
    assert [(v.name, v.size) for v in driver.list_volumes()] == [(name, 1)]


@pytest.mark.parametrize("size", [0, -1, 1025, 1.5, "many", None, True, float("nan"), float("inf"), "10GB"])
def test_a_size_that_can_not_be_had_is_refused_before_it_is_sent(
    driver: StratusLabNodeDriver, sandbox: Sandbox, size: object
) -> None:
    with pytest.raises(InvalidArgumentError, match="GiB from 1 to 1024"):
        driver.create_volume(size, "v")  # type: ignore[arg-type]
    assert len(sandbox.requests) == 0


@pytest.mark.parametrize("size", [1, 1024, "7", 3.0])
def test_sizes_that_can_be_had(driver: StratusLabNodeDriver, size: object) -> None:
    volume = driver.create_volume(size, "v")  # type: ignore[arg-type]
    assert driver.list_volumes()[0].size == volume.size == int(size)  # type: ignore[call-overload]


def test_a_visibility_or_a_snapshot_that_can_not_be_had(driver: StratusLabNodeDriver) -> None:
    with pytest.raises(InvalidArgumentError, match="ex_visibility"):
        driver.create_volume(1, "v", ex_visibility="secret")
    with pytest.raises(NotImplementedError, match="cannot start from a snapshot"):
        driver.create_volume(1, "v", snapshot=object())


def test_attaching_and_detaching(
    driver: StratusLabNodeDriver, start: Start, volume: StratusLabVolume, sandbox: Sandbox
) -> None:
    node = start()
    sandbox.requests.clear()
    assert driver.attach_volume(node, volume) is True
    assert sandbox.requests.operations == ["one.vm.info", "POST /disks/{uuid}/mounts"]
    assert volume.extra["attachments"] == [{"node_id": node.id, "device": "vdz"}]

    sandbox.requests.clear()
    assert driver.detach_volume(volume) is True
    assert sandbox.requests.operations == ["DELETE /disks/{uuid}/mounts/{mount_id}"]
    assert volume.extra["attachments"] == []
    assert driver.ex_get_volume(volume.id).extra["attachments"] == []


def test_a_volume_from_a_listing_can_be_detached(
    driver: StratusLabNodeDriver, start: Start, volume: StratusLabVolume, config_file: Path
) -> None:
    driver.attach_volume(start(), volume)
    elsewhere = StratusLabNodeDriver(stratuslab_user_config=config_file)
    listed = next(found for found in elsewhere.list_volumes() if found.id == volume.id)
    assert elsewhere.detach_volume(listed) is True
    assert driver.ex_get_volume(volume.id).extra["attachments"] == []


def test_two_volumes_become_two_devices(driver: StratusLabNodeDriver, start: Start) -> None:
    node = start()
    volumes = [driver.create_volume(1, f"v{n}") for n in range(2)]
    for volume in volumes:
        driver.attach_volume(node, volume)
    assert [volume.extra["attachments"][0]["device"] for volume in volumes] == ["vdz", "vdy"]


def test_detaching_what_is_not_attached_is_a_conflict(
    driver: StratusLabNodeDriver, start: Start, volume: StratusLabVolume
) -> None:
    with pytest.raises(ConflictError, match="is not attached to a machine"):
        driver.detach_volume(volume)
    with pytest.raises(ConflictError, match="is not attached to machine 0"):
        driver.detach_volume(volume, ex_node=start())


def test_detaching_twice_is_a_conflict_although_the_volume_remembers(
    driver: StratusLabNodeDriver, start: Start, volume: StratusLabVolume
) -> None:
    driver.attach_volume(start(), volume)
    other = next(found for found in driver.list_volumes() if found.id == volume.id)
    driver.detach_volume(other)
    with pytest.raises(ConflictError, match="is not attached"):
        driver.detach_volume(volume)


def test_a_volume_in_two_machines_needs_to_be_told_which(
    driver: StratusLabNodeDriver, start: Start, volume: StratusLabVolume
) -> None:
    first, second = start(), start()
    driver.attach_volume(first, volume)
    driver.attach_volume(second, volume)
    with pytest.raises(ConflictError, match="attached to machines 0 and 1: say with ex_node"):
        driver.detach_volume(volume)
    assert driver.detach_volume(volume, ex_node=first) is True
    assert driver.ex_get_volume(volume.id).extra["attachments"] == [{"node_id": second.id, "device": "vdz"}]


def test_attaching_twice_is_a_conflict(driver: StratusLabNodeDriver, start: Start, volume: StratusLabVolume) -> None:
    node = start()
    driver.attach_volume(node, volume)
    with pytest.raises(ConflictError, match="Mount already exists"):
        driver.attach_volume(node, volume)


def test_a_volume_can_not_be_attached_to_a_machine_that_does_not_run(
    slow_node: StratusLabNode, slow_driver: StratusLabNodeDriver, slow_sandbox: Sandbox
) -> None:
    volume = slow_driver.create_volume(1, "v")
    with pytest.raises(ConflictError, match="machine 0 is pending"):
        slow_driver.attach_volume(slow_node, volume)
    assert "POST /disks/{uuid}/mounts" not in slow_sandbox.requests.operations


def test_a_volume_can_only_be_attached_where_it_is(
    two_clouds: tuple[StratusLabNodeDriver, Sandbox, Sandbox], image: NodeImage
) -> None:
    driver, here, there = two_clouds
    node = driver.create_node("n", None, image)
    volume = driver.create_volume(1, "v", location=driver.list_locations()[1])
    here.requests.clear()
    there.requests.clear()
    with pytest.raises(InvalidArgumentError, match="at location 'other' and node 0 at 'default'"):
        driver.attach_volume(node, volume)
    assert len(here.requests) == len(there.requests) == 0


def test_volumes_of_all_locations_or_of_one(two_clouds: tuple[StratusLabNodeDriver, Sandbox, Sandbox]) -> None:
    driver, _, _ = two_clouds
    here, there = driver.list_locations()
    driver.create_volume(1, "here")
    driver.create_volume(1, "there", location=there)
    assert [(v.name, v.extra["location"]) for v in driver.list_volumes()] == [("here", "default"), ("there", "other")]
    assert [volume.name for volume in driver.list_volumes(location=there)] == ["there"]
    assert [volume.name for volume in driver.list_volumes(here)] == ["here"]


def test_destroying(driver: StratusLabNodeDriver, volume: StratusLabVolume) -> None:
    assert driver.destroy_volume(volume) is True
    assert driver.list_volumes() == []
    assert driver.destroy_volume(volume) is True
    with pytest.raises(NotFoundError, match="does not exist"):
        driver.ex_get_volume(volume.id)


def test_a_volume_in_use_is_not_destroyed(driver: StratusLabNodeDriver, start: Start, volume: StratusLabVolume) -> None:
    driver.attach_volume(start(), volume)
    with pytest.raises(ConflictError, match="in use"):
        volume.destroy()


def test_a_plain_volume_of_libcloud_will_do(driver: StratusLabNodeDriver, volume: StratusLabVolume) -> None:
    plain = StorageVolume(volume.id, "x", 1, driver)
    assert plain.extra is None
    assert driver.destroy_volume(plain) is True
    assert driver.list_volumes() == []


def test_another_users_volume_is_not_ones_own(
    driver: StratusLabNodeDriver, volume: StratusLabVolume, sandbox: Sandbox, tmp_path: Path
) -> None:
    bob = StratusLabNodeDriver(stratuslab_user_config=sandbox.write_config(tmp_path / "bob.cfg", user="bob"))
    assert bob.list_volumes() == []
    with pytest.raises(PermissionDeniedError, match="insufficient access rights"):
        bob.ex_get_volume(volume.id)


def test_a_wrong_password_of_the_disk_service(sandbox: Sandbox, config_file: Path) -> None:
    sandbox.write_config(config_file, pdisk_password="another")
    driver = StratusLabNodeDriver(stratuslab_user_config=config_file)
    assert driver.list_nodes() == []
    with pytest.raises(RefusedCredentialsError, match="disk service"):
        driver.list_volumes()


@pytest.mark.parametrize("volume_id", ["../instances", "a?x", "a#x", "a/b", "", "a\r\nX: y", "%2e%2e", "é"])
def test_a_volumes_id_can_not_become_another_path(
    driver: StratusLabNodeDriver, sandbox: Sandbox, volume_id: str
) -> None:
    with pytest.raises(InvalidArgumentError, match="IDs are uuids"):
        driver.ex_get_volume(volume_id)
    assert len(sandbox.requests) == 0


def test_a_volume_says_what_was_just_changed(
    driver: StratusLabNodeDriver, start: Start, volume: StratusLabVolume
) -> None:
    driver.attach_volume(start(), volume)
    assert (volume.state, volume.extra["use_count"]) == (StorageVolumeState.INUSE, 1)
    driver.detach_volume(volume)
    assert (volume.state, volume.extra["use_count"]) == (StorageVolumeState.AVAILABLE, 0)


def test_root_disks_are_listed_when_they_are_wanted(driver: StratusLabNodeDriver, start: Start) -> None:
    volume = driver.create_volume(1, "mine")
    [(node, _)] = driver.wait_until_running([start()])
    assert [found.id for found in driver.list_volumes()] == [volume.id]
    everything = {found.id: found for found in driver.list_volumes(ex_all=True)}
    [root] = [found for found in everything.values() if found.id != volume.id]
    assert root.extra["snapshot_of"]
    assert [a["node_id"] for a in driver.ex_get_volume(root.id).extra["attachments"]] == [node.id]


def test_a_volume_has_a_state_in_openstacks_words(driver: StratusLabNodeDriver, start: Start) -> None:
    volume = driver.create_volume(1, "mine")
    [(node, _)] = driver.wait_until_running([start()])
    assert volume.extra["state"] == "available"
    driver.attach_volume(node, volume)
    assert volume.extra["state"] == driver.list_volumes()[0].extra["state"] == "in-use"
    driver.detach_volume(volume)
    assert volume.extra["state"] == "available"


def test_a_volume_is_renamed_and_shown_to_others(driver: StratusLabNodeDriver) -> None:
    volume = driver.create_volume(1, "old")
    changed = driver.ex_update_volume(volume, "a new = name & more")
    assert (changed.id, changed.name, changed.extra["visibility"]) == (volume.id, "a new = name & more", "PRIVATE")
    assert driver.ex_update_volume(changed, ex_visibility="public").extra["visibility"] == "PUBLIC"
    assert driver.list_volumes()[0].name == "a new = name & more"
    for options in ({}, {"ex_visibility": "secret"}, {"name": 5}):
        with pytest.raises(InvalidArgumentError):
            driver.ex_update_volume(volume, **options)  # type: ignore[arg-type]
    driver._locations.cloud(None).disks.update(volume.id, "again")
    assert driver.ex_get_volume(volume.id).name == "again"
    driver.destroy_volume(volume)
    with pytest.raises(NotFoundError):
        driver.ex_update_volume(volume, "gone")


def test_a_volume_becomes_a_machine_image(driver: StratusLabNodeDriver) -> None:
    volume = driver.create_volume(1, "image")
    changed = driver.ex_update_volume(volume, ex_type="MACHINE_IMAGE_ORIGIN")
    assert (changed.extra["type"], changed.name) == ("MACHINE_IMAGE_ORIGIN", "image")
    with pytest.raises(InvalidArgumentError, match=r"ex_type must be one of MACHINE_IMAGE_ORIGIN, .*, not 'DISK'"):
        driver.ex_update_volume(volume, ex_type="DISK")


@pytest.fixture
def disk_service_driver(sandbox: Sandbox, tmp_path: Path, key_file: Path) -> StratusLabNodeDriver:
    """A driver of alice's that speaks to the disk service with that service's own account."""
    account = {"pdisk_username": "pdisk", "pdisk_password": sandbox.state.accounts.password("pdisk")}
    file = sandbox.write_config(tmp_path / "service.cfg", public_key_file=key_file, **account)
    return StratusLabNodeDriver("default", stratuslab_user_config=file)


def test_a_copy_of_an_origin_is_its_users(
    driver: StratusLabNodeDriver, disk_service_driver: StratusLabNodeDriver
) -> None:
    origin = disk_service_driver.create_volume(2, "origin", ex_visibility="public")
    with pytest.raises(ConflictError, match="only one of type MACHINE_IMAGE_ORIGIN can be copied"):
        disk_service_driver.ex_copy_volume(origin)
    disk_service_driver.ex_update_volume(origin, ex_type="MACHINE_IMAGE_ORIGIN")

    copied = disk_service_driver.ex_copy_volume(origin, "a copy")

    [listed] = driver.list_volumes()
    assert (listed.id, listed.name, listed.extra["snapshot_of"]) == (copied.id, "a copy", origin.id)
    assert (copied.extra["owner"], copied.extra["type"]) == ("alice", "MACHINE_IMAGE_LIVE")
    assert disk_service_driver.ex_copy_volume(origin, ex_owner="bob").extra["owner"] == "bob"


def test_a_copy_that_can_have_no_owner_is_named(driver: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    origin = driver.ex_update_volume(driver.create_volume(2, "origin"), ex_type="MACHINE_IMAGE_ORIGIN")
    with pytest.raises(PermissionDeniedError, match="only the disk service's own account may set one") as caught:
        driver.ex_copy_volume(origin)
    [ownerless] = [disk for disk in sandbox.disks if disk.owner == ""]
    assert ownerless.uuid in str(caught.value)


def test_a_live_image_becomes_an_origin(driver: StratusLabNodeDriver) -> None:
    volume = driver.create_volume(2, "live")
    with pytest.raises(ConflictError, match="only one of type MACHINE_IMAGE_LIVE can become a new origin"):
        driver.ex_rebase_volume(volume)
    driver.ex_update_volume(volume, ex_type="MACHINE_IMAGE_LIVE")
    rebased = driver.ex_rebase_volume(volume)
    assert (rebased.extra["type"], rebased.size, rebased.id != volume.id) == ("MACHINE_IMAGE_ORIGIN", 2, True)


def test_copies_of_a_machine_image(driver: StratusLabNodeDriver, start: Start) -> None:
    [(node, _)] = driver.wait_until_running([start()])
    [root] = driver.list_volumes(ex_all=True)
    origin = StorageVolume(root.extra["snapshot_of"], "origin", 1, driver, extra={"location": "default"})
    [snapshot] = driver.list_volume_snapshots(origin)
    assert (snapshot.id, snapshot.extra["use_count"]) == (root.id, 1)
    assert driver.list_volume_snapshots(root) == []
    with pytest.raises(ConflictError):
        driver.destroy_volume_snapshot(snapshot)
    node.destroy()
    driver.ex_wait_until_gone([node])
    snapshot.id = "0a1b2c3d-0000-4000-8000-0123456789ab"
    assert driver.destroy_volume_snapshot(snapshot) is True


def test_what_the_disk_service_can_not_copy(driver: StratusLabNodeDriver) -> None:
    volume = driver.create_volume(1, "mine")
    for call in (
        lambda: driver.create_volume_snapshot(volume),
        lambda: driver.create_volume(1, "copy", snapshot=object()),
    ):
        with pytest.raises(NotImplementedError, match="a copy has no owner"):
            call()


def test_a_volume_of_an_image_in_a_file(driver: StratusLabNodeDriver, sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "my image.img.gz"
    file.write_bytes(gzip.compress(bytes(3 << 20), 0))
    told: list[Progress] = []
    volume = driver.ex_upload_volume(
        file, "mine", ex_visibility="public", ex_type="MACHINE_IMAGE_ORIGIN", ex_progress=told.append
    )
    assert (volume.name, volume.extra["visibility"], volume.extra["type"]) == ("mine", "PUBLIC", "MACHINE_IMAGE_ORIGIN")
    assert sandbox.requests.operations == ["POST /disks", "PUT /disks/{uuid}", "GET /disks/{uuid}"]
    size = file.stat().st_size
    assert {(each.task, each.unit, each.total) for each in told} == {("uploading my image.img.gz", "bytes", size)}
    assert told[-1].done == size
    with pytest.raises(ConflictError, match="Disk already registered"):
        driver.ex_upload_volume(str(file))


def test_a_volume_of_an_image_as_the_service_makes_it(driver: StratusLabNodeDriver, tmp_path: Path) -> None:
    file = tmp_path / "a.img.gz"
    file.write_bytes(gzip.compress(b"content"))
    volume = driver.ex_upload_volume(file)
    assert (volume.extra["visibility"], volume.extra["type"]) == ("PRIVATE", "DATA_IMAGE_RAW_READONLY")


def test_nothing_is_sent_of_what_cannot_be_uploaded(
    driver: StratusLabNodeDriver, sandbox: Sandbox, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        driver.ex_upload_volume(tmp_path / "missing")
    with pytest.raises(InvalidArgumentError):
        driver.ex_upload_volume(tmp_path / "missing", ex_type="no type")
    assert sandbox.requests.operations == []
