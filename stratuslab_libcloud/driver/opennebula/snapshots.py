"""Snapshots of volumes: made while a machine has the volume, deleted while none has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stratuslab_libcloud.client.opennebula.image import Image, ImageSnapshot
from stratuslab_libcloud.client.opennebula.machine_changes import Change
from stratuslab_libcloud.driver.opennebula import volumes
from stratuslab_libcloud.errors import ConflictError, InvalidArgumentError

if TYPE_CHECKING:
    from libcloud.compute.base import VolumeSnapshot

    from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud


def create(cloud: OpenNebulaCloud, image_id: int, name: str, limit: float) -> tuple[ImageSnapshot, Image]:
    """Make a snapshot of a volume.

    :param limit: seconds
    :return: the snapshot, and the volume as it is then
    :raises ConflictError: when no machine has the volume, or its state does not permit it
    """
    image = cloud.images.image(image_id)
    before = {snapshot.id for snapshot in image.snapshots}
    machine_id = volumes.user_of(cloud, image)
    disk_id = volumes.attached_disk(cloud, machine_id, image_id, limit, may_be_root=True)
    change = Change(
        cloud.compute,
        machine_id,
        "one.vm.disksnapshotcreate",
        "get a snapshot of the volume",
        lambda seconds: cloud.compute.start_disk_snapshot(machine_id, disk_id, name, seconds),
        lambda _: change.was_accepted or len(cloud.images.image(image_id).snapshots) > len(before),
        limit,
    )
    change.make()
    image = cloud.images.image(image_id)
    new = [snapshot for snapshot in image.snapshots if snapshot.id not in before]
    if not new:
        raise ConflictError(
            f"machine {machine_id} is settled, but volume {image_id} has no new snapshot: it failed",
            cloud.compute.asked("one.vm.disksnapshotcreate"),
        )
    return new[-1], image


def delete(cloud: OpenNebulaCloud, image_id: int, snapshot_id: int, limit: float) -> None:
    """Delete a snapshot, and wait until the volume can be used again.

    :param limit: seconds
    :raises ConflictError: when a machine has the volume, or the snapshot is the active one
    """
    image = cloud.image_changes.settled(image_id, limit)
    if image.machines:
        raise ConflictError(
            f"volume {image_id} is attached to machine {image.machines[0]}: OpenNebula deletes a snapshot of a volume "
            "only while it is detached",
            cloud.compute.asked("one.image.snapshotdelete"),
        )
    cloud.images.delete_snapshot(image_id, snapshot_id)
    cloud.image_changes.settled(image_id, limit)


def revert(cloud: OpenNebulaCloud, image_id: int, snapshot_id: int, limit: float) -> None:
    """Make a volume what it was.

    :param limit: seconds
    :raises ConflictError: when the machine that has it is not powered off
    """
    image = cloud.image_changes.settled(image_id, limit)
    if not image.machines:
        cloud.images.revert_to_snapshot(image_id, snapshot_id)
        cloud.image_changes.settled(image_id, limit)
        return
    machine_id = volumes.user_of(cloud, image)
    disk_id = volumes.attached_disk(cloud, machine_id, image_id, limit, may_be_root=True)
    change = Change(
        cloud.compute,
        machine_id,
        "one.vm.disksnapshotrevert",
        "get the volume back as it was",
        lambda seconds: cloud.compute.start_disk_revert(machine_id, disk_id, snapshot_id, seconds),
        lambda _: change.was_accepted,
        limit,
    )
    change.make()


def ids_of(snapshot: VolumeSnapshot) -> tuple[int, int]:
    """The IDs of a snapshot's volume, and of the snapshot among those of the volume.

    :raises InvalidArgumentError: when it is not one of `list_volume_snapshots`
    """
    image_id, _, snapshot_id = str(snapshot.id).partition(":")
    if not (_is_number(image_id) and _is_number(snapshot_id)):
        raise InvalidArgumentError(f"{snapshot!r} is not a snapshot: list_volume_snapshots() gives one")
    return int(image_id), int(snapshot_id)


def _is_number(text: Any) -> bool:
    return bool(text.isascii() and text.isdigit() and len(text) < 11)
