"""Volumes: persistent images of type DATABLOCK. Libcloud counts in GiB, OpenNebula in MiB."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import NodeDriver, NodeLocation, StorageVolume, VolumeSnapshot
from libcloud.compute.types import StorageVolumeState, VolumeSnapshotState

from stratuslab_libcloud.client.exactly_once import create_named
from stratuslab_libcloud.client.marks import new_mark
from stratuslab_libcloud.client.opennebula.image import Image, ImageSnapshot
from stratuslab_libcloud.client.opennebula.image_changes import marked
from stratuslab_libcloud.client.opennebula.machine import MARK_ATTRIBUTE, Disk, VirtualMachine
from stratuslab_libcloud.client.opennebula.machine_changes import Change
from stratuslab_libcloud.driver.opennebula.nodes import labels_in
from stratuslab_libcloud.errors import ConflictError, InvalidArgumentError

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud
    from stratuslab_libcloud.driver.opennebula.extra import VolumeExtra

MIB_IN_GIB = 1024
_LARGEST_GIB = 1 << 20

_STATES = {
    "INIT": StorageVolumeState.CREATING,
    "READY": StorageVolumeState.AVAILABLE,
    "USED": StorageVolumeState.INUSE,
    "DISABLED": StorageVolumeState.UNKNOWN,
    "LOCKED": StorageVolumeState.CREATING,
    "ERROR": StorageVolumeState.ERROR,
    "CLONE": StorageVolumeState.UPDATING,
    "DELETE": StorageVolumeState.DELETING,
    "USED_PERS": StorageVolumeState.INUSE,
    "LOCKED_USED": StorageVolumeState.CREATING,
    "LOCKED_USED_PERS": StorageVolumeState.CREATING,
}
_DEVICE = re.compile(r"(?:/dev/)?((?:sd|vd|hd|xvd)[a-z]{1,2})")


class OpenNebulaVolume(StorageVolume):
    """A volume as it was when the cloud was asked about it.

    :ivar location: the `NodeLocation` where it is
    :ivar extra: see `VolumeExtra`
    """

    extra: VolumeExtra  # type: ignore[assignment]  # narrower than Libcloud's

    def __init__(self, image: Image, location: NodeLocation, driver: NodeDriver) -> None:
        super().__init__(
            id=str(image.id),
            name=image.name,
            size=gibibytes(image.size),
            driver=driver,
            state=state_of(image.state),
        )
        self.extra = _volume_extra(image, location)
        self.location = location

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.name!r} {self.size} GiB at '{self.location.id}'>"


class OpenNebulaVolumeSnapshot(VolumeSnapshot):
    """A snapshot of a volume, which is a part of it: it goes when the volume goes.

    :ivar location: the `NodeLocation` where it is
    """

    def __init__(self, snapshot: ImageSnapshot, image: Image, location: NodeLocation, driver: NodeDriver) -> None:
        super().__init__(
            id=f"{image.id}:{snapshot.id}",
            driver=driver,
            size=gibibytes(snapshot.size or image.size),
            created=snapshot.date,
            state=VolumeSnapshotState.AVAILABLE,  # type: ignore[arg-type]  # Libcloud's annotation has the wrong one
            name=snapshot.name,
            extra={
                "location": str(location.id),
                "volume_id": str(image.id),
                "snapshot_id": snapshot.id,
                "active": snapshot.is_active,
            },
        )
        self.location = location

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.name!r} at '{self.location.id}'>"


def state_of(state: str) -> StorageVolumeState:
    """The state of an image in Libcloud's words."""
    return _STATES.get(state, StorageVolumeState.UNKNOWN)


def gibibytes(mebibytes: int) -> Any:
    """A size as Libcloud counts it; one that is no whole number of GiB has a fraction."""
    whole, rest = divmod(mebibytes, MIB_IN_GIB)
    return mebibytes / MIB_IN_GIB if rest else whole


def are_volumes(images: list[Image]) -> list[Image]:
    """Those that are volumes: a non-persistent one is copied for each machine, and the copy is lost."""
    return [image for image in images if image.kind == "DATABLOCK" and image.is_persistent]


def create(cloud: OpenNebulaCloud, name: str, mebibytes: int, datastore: int, labels: str | None) -> Image:
    """Create an empty volume, once.

    :raises NameTakenError: when the user has another image of this name
    """
    mark = new_mark()
    attributes: dict[str, str | int] = {
        "NAME": name,
        "TYPE": "DATABLOCK",
        "PERSISTENT": "YES",
        "SIZE": mebibytes,
        MARK_ATTRIBUTE: mark,
        **({"LABELS": labels} if labels else {}),
    }
    image_id = create_named(
        lambda seconds: cloud.images.allocate(attributes, datastore, seconds),
        lambda: marked(cloud.images.images(mine=True), mark),
        mark,
        cloud.config.compute.timeout,
    )
    return cloud.images.image(image_id)


def attach(cloud: OpenNebulaCloud, machine_id: int, image_id: int, device: str | None, limit: float) -> str:
    """Put a volume into a machine and find out which device it has become.

    :param device: the one to ask for, such as ``vdc``, or a prefix of it, ``vd``; None for any
    :param limit: seconds
    :raises ConflictError: when it is in use, is no volume, or the machine's state does not permit it, or it failed
    """
    wanted: dict[str, str | int] = {"IMAGE_ID": image_id, **_target(device)}
    image = cloud.image_changes.settled(image_id, limit)
    if not image.is_persistent:
        raise ConflictError(
            f"image {image_id} is not persistent: a machine would work on a copy of it, which is lost afterwards",
            cloud.compute.asked("one.vm.attach"),
        )

    def is_attached(machine: VirtualMachine) -> bool:
        disk = disk_of(machine, image_id)
        return disk is not None and not disk.is_changing

    change = Change(
        cloud.compute,
        machine_id,
        "one.vm.attach",
        "get the volume",
        lambda seconds: cloud.compute.start_attach(machine_id, wanted, seconds),
        is_attached,
        limit,
    )
    disk = disk_of(change.make()[0], image_id)
    return "" if disk is None else disk.target


def detach(cloud: OpenNebulaCloud, machine_id: int, image_id: int, limit: float) -> None:
    """Take a volume out of a machine.

    :param limit: seconds
    :raises ConflictError: when it is not in it, or is its root disk, or the machine's state does not permit it
    """
    disk_id = attached_disk(cloud, machine_id, image_id, limit)
    change = Change(
        cloud.compute,
        machine_id,
        "one.vm.detach",
        "lose the volume",
        lambda seconds: cloud.compute.start_detach(machine_id, disk_id, seconds),
        lambda machine: disk_of(machine, image_id) is None,
        limit,
    )
    change.make()


def resize(cloud: OpenNebulaCloud, machine_id: int, image_id: int, mebibytes: int, limit: float) -> None:
    """Make a volume larger while a machine has it, which is the only time when OpenNebula can.

    :param limit: seconds
    """
    disk_id = attached_disk(cloud, machine_id, image_id, limit, may_be_root=True)

    def is_larger(machine: VirtualMachine) -> bool:
        disk = disk_of(machine, image_id)
        return disk is not None and (disk.size or 0) >= mebibytes

    change = Change(
        cloud.compute,
        machine_id,
        "one.vm.diskresize",
        "get a larger volume",
        lambda seconds: cloud.compute.start_disk_resize(machine_id, disk_id, mebibytes, seconds),
        is_larger,
        limit,
    )
    change.make()


def attached_disk(
    cloud: OpenNebulaCloud, machine_id: int, image_id: int, limit: float, *, may_be_root: bool = False
) -> int:
    """The number that a volume has as a disk of a machine.

    :param limit: seconds
    :raises ConflictError: when it is not in it, or is its root disk, which the daemon would not refuse to take
    """
    machine = cloud.compute.machine(machine_id, limit)
    disk = disk_of(machine, image_id)
    if disk is None or disk.disk_id is None:
        problem = f"volume {image_id} is not attached to machine {machine_id}"
    elif disk is machine.disks[0] and not may_be_root:
        problem = f"volume {image_id} is the root disk of machine {machine_id}, which cannot go on without it"
    else:
        return disk.disk_id
    raise ConflictError(problem, cloud.compute.asked("one.vm.info"))


def disk_of(machine: VirtualMachine, image_id: int) -> Disk | None:
    """The disk of a machine that is an image."""
    return next((disk for disk in machine.disks if disk.image_id == image_id), None)


def user_of(cloud: OpenNebulaCloud, image: Image) -> int:
    """The machine that has a volume.

    :raises ConflictError: when none has it, or several
    """
    if len(image.machines) == 1:
        return image.machines[0]
    problem = (
        f"volume {image.id} is attached to machines {', '.join(map(str, image.machines))}: say which one with ex_node"
        if image.machines
        else f"volume {image.id} is not attached to a machine"
    )
    raise ConflictError(problem, cloud.compute.asked("one.image.info"))


def checked_size(size: Any) -> int:
    """A volume's size in MiB.

    :param size: GiB; a text of digits will do
    :raises InvalidArgumentError: when it is not possible
    """
    try:
        number = int(size)
    except (TypeError, ValueError, OverflowError):
        number = 0
    is_meant = not isinstance(size, bool) and (number == size or isinstance(size, str))
    if not (is_meant and 1 <= number <= _LARGEST_GIB):
        raise InvalidArgumentError(
            f"a volume's size must be a whole number of GiB from 1 to {_LARGEST_GIB}, not {size!r}"
        )
    return number * MIB_IN_GIB


def _target(device: str | None) -> dict[str, str]:
    if device is None:
        return {}
    match = _DEVICE.fullmatch(device)
    if match:
        return {"TARGET": match[1]}
    if device in ("sd", "vd", "hd", "xvd"):
        return {"DEV_PREFIX": device}
    raise InvalidArgumentError(
        f"a device must have a name such as 'vdc' or '/dev/sdb', or 'vd' for the next one, not {device!r}"
    )


def _volume_extra(image: Image, location: NodeLocation) -> VolumeExtra:
    return {
        "location": str(location.id),
        "state": image.state,
        "size": image.size,
        "datastore_id": None if image.datastore_id is None else str(image.datastore_id),
        "datastore": image.datastore,
        "owner": image.owner,
        "group": image.group,
        "created": image.registered.isoformat() if image.registered else None,
        "attachments": [{"node_id": str(machine), "device": None} for machine in image.machines],
        "snapshots": len(image.snapshots),
        "labels": labels_in(image.template),
        "error": image.error,
        "mark": image.mark,
    }
