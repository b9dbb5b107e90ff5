"""Volumes and their snapshots: persistent images of type DATABLOCK."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from libcloud.compute.base import NodeImage, StorageVolume
from libcloud.compute.types import StorageVolumeState

from stratuslab_libcloud import OpenNebulaNodeDriver
from stratuslab_libcloud.driver.opennebula.nodes import OpenNebulaNode
from stratuslab_libcloud.driver.opennebula.volumes import gibibytes, state_of
from stratuslab_libcloud.errors import ConflictError, InvalidArgumentError, NameTakenError, NotFoundError
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox

Start = Callable[..., OpenNebulaNode]


def test_a_volumes_life(driver: OpenNebulaNodeDriver, start: Start) -> None:
    """GB in Libcloud, MB on the wire; LOCKED at first, which attach waits out."""
    node, volume = start(), driver.create_volume("2", "data", ex_labels=["db"])
    assert (volume.size, volume.extra["size"], volume.state) == (2, 2048, StorageVolumeState.CREATING)
    assert volume.extra["labels"] == ["db"]
    assert driver.attach_volume(node, volume, "/dev/vdc")
    assert volume.extra["attachments"] == [{"node_id": node.id, "device": "vdc"}]
    assert driver.ex_get_volume(volume.id).state == StorageVolumeState.INUSE
    assert driver.ex_get_volume(volume.id).extra["attachments"][0]["node_id"] == node.id
    with pytest.raises(ConflictError, match="in use"):
        driver.attach_volume(start("other"), volume)  # terraform #125, #128
    with pytest.raises(ConflictError, match="using it"):
        driver.destroy_volume(volume)
    assert driver.detach_volume(volume)
    assert driver.ex_get_volume(volume.id).state == volume.state == StorageVolumeState.AVAILABLE
    with pytest.raises(ConflictError, match="not attached to a machine"):
        driver.detach_volume(volume)
    assert driver.destroy_volume(volume)
    assert driver.destroy_volume(volume)
    assert driver.list_volumes() == []
    with pytest.raises(NotFoundError):
        driver.ex_get_volume(volume.id)


def test_only_volumes_are_listed(driver: OpenNebulaNodeDriver, bob: OpenNebulaNodeDriver) -> None:
    """A pool has images of all types and owners; a non-persistent DATABLOCK loses what is written to it."""
    volume = driver.create_volume(1, "mine")
    bob.create_volume(1, "mine")  # a name is unique per owner only
    assert [each.id for each in driver.list_volumes()] == [volume.id]
    assert [each.id for each in driver.list_volumes("default")] == [volume.id]


def test_a_name_that_is_taken(driver: OpenNebulaNodeDriver) -> None:
    driver.create_volume(1, "data")
    with pytest.raises(NameTakenError, match="already taken"):
        driver.create_volume(1, "data")


@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.STATUS_AFTER, FaultKind.RESET_BEFORE])
def test_a_lost_reply_creates_no_second_volume(driver: OpenNebulaNodeDriver, sandbox: Sandbox, kind: FaultKind) -> None:
    """The name is taken, by the one with my mark: it is adopted."""
    sandbox.faults.add(Fault(kind, "opennebula", "one.image.allocate", status=502, count=1))
    volume = driver.create_volume(1, "data")
    assert [(each.id, each.extra["mark"]) for each in driver.list_volumes()] == [(volume.id, volume.extra["mark"])]


def test_datastores(driver: OpenNebulaNodeDriver) -> None:
    """The first usable image datastore; or one as the location, by id, by name."""
    usable = [store for store in driver.ex_list_datastores() if store.extra["type"] == "IMAGE"]
    assert driver.create_volume(1, "first").extra["datastore_id"] == usable[0].id
    images = next(store for store in usable if store.name == "images")
    for number, where in enumerate((images, images.id, "images", int(images.id))):
        volume = driver.create_volume(1, f"v{number}", ex_datastore=where)
        assert volume.extra["datastore_id"] == images.id
    assert driver.create_volume(1, "v", images).extra["datastore"] == "images"
    with pytest.raises(InvalidArgumentError, match="no image datastore 'files'"):
        driver.create_volume(1, "w", ex_datastore="files")
    with pytest.raises(InvalidArgumentError, match="give one of them"):
        driver.create_volume(1, "w", images, ex_datastore=2)
    with pytest.raises(NotFoundError):
        driver.create_volume(1, "w", ex_datastore=999)


@pytest.mark.parametrize("size", [0, -1, 1.5, "x", True, None])
def test_sizes_that_are_not_possible(driver: OpenNebulaNodeDriver, size: int) -> None:
    """SIZE=0 is accepted by the daemon."""
    with pytest.raises(InvalidArgumentError, match="whole number of GiB"):
        driver.create_volume(size, "v")


def test_names_and_devices_that_are_refused(driver: OpenNebulaNodeDriver, start: Start) -> None:
    with pytest.raises(InvalidArgumentError, match="forbids"):
        driver.create_volume(1, "a/b")
    volume = driver.create_volume(1, "v")
    with pytest.raises(InvalidArgumentError, match="a device must have a name such as"):
        driver.attach_volume(start(), volume, "first")
    with pytest.raises(NotImplementedError, match="no volume from a snapshot"):
        driver.create_volume(1, "w", snapshot=object())


def test_an_attach_and_a_detach_that_fail_silently(
    driver: OpenNebulaNodeDriver, start: Start, sandbox: Sandbox
) -> None:
    node, volume = start(), driver.create_volume(1, "v")
    sandbox.opennebula.drivers.fail("attach")
    with pytest.raises(ConflictError, match="did not get the volume; it is RUNNING"):
        driver.attach_volume(node, volume)
    driver.attach_volume(node, volume, "vd")
    assert volume.extra["attachments"][0]["device"].startswith("vd")
    sandbox.opennebula.drivers.fail("detach")
    with pytest.raises(ConflictError, match="did not lose the volume"):
        driver.detach_volume(volume)
    driver.detach_volume(volume, ex_node=node)


def test_attaching_two_at_once_and_to_what_is_powered_off(driver: OpenNebulaNodeDriver, start: Start) -> None:
    """One at a time for a machine: HOTPLUG refuses the second, which is asked again."""
    from concurrent.futures import ThreadPoolExecutor

    node = start()
    volumes = [driver.create_volume(1, f"v{number}") for number in range(3)]
    with ThreadPoolExecutor() as threads:
        assert all(threads.map(lambda volume: driver.attach_volume(node, volume), volumes[:2]))
    driver.stop_node(node)
    assert driver.attach_volume(node, volumes[2])
    assert len(driver.ex_get_node(node).extra["disks"]) == 4
    driver.ex_undeploy_node(node)
    with pytest.raises(ConflictError, match="UNDEPLOYED"):
        driver.attach_volume(node, driver.create_volume(1, "late"))


def test_a_root_disk_is_never_taken_out(driver: OpenNebulaNodeDriver, start: Start) -> None:
    """The daemon accepts it for a running machine."""
    boot = driver.create_volume(1, "boot")
    node = start(image=NodeImage(boot.id, "boot", driver))
    with pytest.raises(ConflictError, match="is the root disk of machine"):
        driver.detach_volume(boot, ex_node=node)


def test_an_image_that_is_not_persistent(driver: OpenNebulaNodeDriver, start: Start) -> None:
    """It would be copied at attach, and the copy lost at detach."""
    volume = StorageVolume("0", "debian12", 1, driver)
    with pytest.raises(ConflictError, match="is not persistent"):
        driver.attach_volume(start(), volume)


def test_resizing(driver: OpenNebulaNodeDriver, start: Start) -> None:
    """There is no one.image.resize: a volume grows while a machine has it, and only grows."""
    node, volume = start(), driver.create_volume(1, "v")
    with pytest.raises(ConflictError, match="not attached"):
        driver.ex_resize_volume(volume, 3)
    driver.attach_volume(node, volume)
    assert driver.ex_resize_volume(volume, 3)
    assert volume.size == 3
    with pytest.raises(ConflictError, match="greater than current"):
        driver.ex_resize_volume(volume, 2, ex_node=node)


def test_snapshots(driver: OpenNebulaNodeDriver, start: Start) -> None:
    """Made while attached, deleted while detached; parts of the volume, which goes with them."""
    node, volume = start(), driver.create_volume(1, "v")
    with pytest.raises(ConflictError, match="not attached"):
        driver.create_volume_snapshot(volume, "early")
    driver.attach_volume(node, volume)
    first, second = (driver.create_volume_snapshot(volume, name) for name in ("first", "second"))
    assert [snapshot.name for snapshot in driver.list_volume_snapshots(volume)] == ["first", "second"]
    assert [snapshot.name for snapshot in volume.list_snapshots()] == ["first", "second"]
    with pytest.raises(ConflictError, match="only while it is detached"):
        driver.destroy_volume_snapshot(first)
    with pytest.raises(ConflictError, match="RUNNING"):
        driver.ex_revert_volume_snapshot(first)
    driver.stop_node(node)
    assert driver.ex_revert_volume_snapshot(second)
    driver.detach_volume(volume)
    with pytest.raises(ConflictError, match="active"):
        driver.destroy_volume_snapshot(second)
    assert driver.ex_revert_volume_snapshot(first)
    assert driver.destroy_volume_snapshot(second)
    assert [snapshot.id for snapshot in driver.list_volume_snapshots(volume)] == [first.id]
    second.id = "x"
    with pytest.raises(InvalidArgumentError, match="not a snapshot"):
        driver.destroy_volume_snapshot(second)
    assert driver.destroy_volume(volume)


def test_states_and_sizes() -> None:
    assert state_of("LOCKED") == StorageVolumeState.CREATING
    assert state_of("ERROR") == StorageVolumeState.ERROR
    assert state_of("STATE_99") == StorageVolumeState.UNKNOWN
    assert (gibibytes(2048), gibibytes(512)) == (2, 0.5)
