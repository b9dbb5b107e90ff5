"""Persistent disks as Libcloud's volumes, and what Libcloud's volume calls do on StratusLab's disk service."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import NodeDriver, NodeLocation, StorageVolume, VolumeSnapshot
from libcloud.compute.types import StorageVolumeState, VolumeSnapshotState

from stratuslab_libcloud.client import Cloud, confirmed_changes
from stratuslab_libcloud.client.deadline import Deadline
from stratuslab_libcloud.client.interruption import told
from stratuslab_libcloud.client.marks import new_mark
from stratuslab_libcloud.client.stratuslab.disk import LARGEST_DISK, LIVE, ORIGIN, SMALLEST_DISK, TYPES, Disk, Mount
from stratuslab_libcloud.client.stratuslab.identifiers import is_image_id
from stratuslab_libcloud.config import Credentials, Password
from stratuslab_libcloud.driver.arguments import text
from stratuslab_libcloud.errors import (
    Call,
    ConflictError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    ServiceError,
)

if TYPE_CHECKING:
    from stratuslab_libcloud.driver.stratuslab.extra import Attachment, VolumeExtra

_log = logging.getLogger(__name__)

_VISIBILITIES = ("private", "public")
_STATES = {False: "available", True: "in-use"}
"""What `volume.extra['state']` is, by whether a machine uses the volume: OpenStack's words."""


class StratusLabVolume(StorageVolume):
    """A persistent disk.

    :ivar location: the `NodeLocation` where it is
    :ivar extra: see `VolumeExtra`
    """

    extra: VolumeExtra  # type: ignore[assignment]  # narrower than Libcloud's

    def __init__(
        self,
        disk: Disk,
        location: NodeLocation,
        driver: NodeDriver,
        mounts: Iterable[Mount] | None = None,
    ) -> None:
        super().__init__(
            id=disk.uuid,
            name=disk.tag,
            size=disk.size,
            driver=driver,
            state=StorageVolumeState.INUSE if disk.users else StorageVolumeState.AVAILABLE,
        )
        self.extra = _volume_extra(disk, location, mounts)
        self.location = location

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.name!r} {self.size} GiB at '{self.location.id}'>"


def attachment(mount: Mount) -> Attachment:
    """What `volume.extra['attachments']` says of one machine that uses the volume."""
    return {"node_id": str(mount.machine), "device": mount.device}


def snapshot(disk: Disk, location: NodeLocation, driver: NodeDriver) -> VolumeSnapshot:
    """A copy-on-write copy as Libcloud's snapshot."""
    extra = {"location": str(location.id), "snapshot_of": disk.snapshot_of, "use_count": disk.users}
    return VolumeSnapshot(
        disk.uuid,
        driver,
        size=disk.size,
        extra=extra,
        state=VolumeSnapshotState.AVAILABLE,  # type: ignore[arg-type]  # Libcloud's annotation names the other enum
        name=disk.tag,
    )


def checked_visibility(visibility: Any) -> str:
    """One of the two.

    :raises InvalidArgumentError: when it is something else
    """
    if not isinstance(visibility, str) or visibility not in _VISIBILITIES:
        raise InvalidArgumentError(f"ex_visibility must be private or public, not {visibility!r}")
    return visibility


def checked_type(kind: Any) -> str:
    """One of the service's types.

    :raises InvalidArgumentError: when it is something else
    """
    if kind not in TYPES:
        raise InvalidArgumentError(f"ex_type must be one of {', '.join(TYPES)}, not {kind!r}")
    return str(kind)


def copy(cloud: Cloud, uuid: str, name: str | None, owner: str | None) -> Disk:
    """Make a copy-on-write copy of a machine image's origin, and give it an owner, without whom nobody can use it.

    :raises ConflictError: when the disk is no such origin
    :raises PermissionDeniedError: when the account of the disk service may not give it one
    """
    _check_type(cloud, uuid, ORIGIN, "can be copied")
    new = _copy(cloud, uuid)
    owner = owner or _user_name(cloud.config.compute.credentials)
    try:
        cloud.disks.update(new.uuid, tag=name, owner=owner)
        return cloud.disks.disk(new.uuid)
    except (PermissionDeniedError, NotFoundError) as error:
        raise PermissionDeniedError(
            f"volume {new.uuid} is a copy of {uuid} now, but has no owner, and nobody can use it: only the disk "
            "service's own account may set one",
            error.call,
            error.http_code,
        ) from None


def rebase(cloud: Cloud, uuid: str) -> Disk:
    """Make a machine image's origin of a live machine image, such as a copy that a machine has changed.

    :raises ConflictError: when the disk is no live machine image
    """
    _check_type(cloud, uuid, LIVE, "can become a new origin")
    return _copy(cloud, uuid)


def _copy(cloud: Cloud, uuid: str) -> Disk:
    try:
        return cloud.disks.copy(uuid)
    except ServiceError as error:
        if error.outcome_unknown:
            error.amend("it is not known whether the copy was made")
        raise


def _check_type(cloud: Cloud, uuid: str, wanted: str, what: str) -> None:
    kind = cloud.disks.disk(uuid).kind
    if kind != wanted:
        call = Call(cloud.config.section, "disk", "GET /disks/{uuid}", f"{cloud.config.disks.url}/disks/{uuid}")
        raise ConflictError(f"volume {uuid} is of type {kind}: only one of type {wanted} {what}", call)


def _user_name(credentials: Credentials | None) -> str:
    return credentials.username if isinstance(credentials, Password) else ""


def create(cloud: Cloud, size: Any, name: str | None, visibility: str) -> Disk:
    """Create an empty disk, once.

    :param size: GiB
    :raises InvalidArgumentError: when the size or the visibility is not possible
    """
    from stratuslab_libcloud.client.exactly_once import create_disk

    gibibytes = _checked_size(size)
    tag = "" if name is None else text("name", name)
    checked_visibility(visibility)
    mark = new_mark()
    uuid = None

    def progress() -> str:
        what = f"volume {uuid} was created" if uuid else "a volume was being created, and may be there"
        return f"interrupted: {what}, at location '{cloud.config.section}', with the mark {mark}"

    with told(progress):
        uuid = create_disk(cloud.disks, gibibytes, tag, visibility, mark, cloud.config.disks.timeout)
        _log.info("volume %s was created at location '%s', with mark %s", uuid, cloud.config.section, mark)
    return Disk(
        uuid=uuid,
        tag=tag,
        size=gibibytes,
        owner=_user_name(cloud.config.disks.credentials),
        users=0,
        identifier=mark,
        quarantine="",
        kind=None,
        visibility=visibility.upper(),
    )


def attach(cloud: Cloud, machine: int, volume: StorageVolume, device: str | None) -> None:
    """Put a volume into a machine, where it runs now, and note in the volume which device it became.

    :raises ConflictError: when the machine does not run, or the volume cannot be attached
    """
    deadline = Deadline(cloud.config.disks.timeout)
    host = _host_of(cloud, machine, deadline.left())
    if device is not None:
        _log.warning("the cloud chooses the device of volume %s itself, not %s", volume.id, device)
    uuid = str(volume.id)
    with told(lambda: _attaching(cloud, uuid, machine)):
        attached = Mount(machine, confirmed_changes.attach_disk(cloud.disks, uuid, host, machine, deadline.left()))
    extra = volume.extra or {}
    volume.extra = {**extra, "attachments": [*(extra.get("attachments") or ()), attachment(attached)]}
    _note_users(volume, +1)


def _attaching(cloud: Cloud, uuid: str, machine: int) -> str:
    return (
        f"interrupted while volume {uuid} was being attached to machine {machine} of location "
        f"'{cloud.config.section}': whether it is, ex_get_volume() says"
    )


def detach(cloud: Cloud, volume: StorageVolume, machine: int | None) -> None:
    """Take a volume out of a machine; which one, the volume knows, or else the service is asked.

    :raises ConflictError: when it is in none, or in several and none was named
    """
    extra = volume.extra or {}
    known = extra.get("attachments")
    deadline = Deadline(cloud.config.disks.timeout)
    if machine is None:
        machine = _only_machine(cloud, volume, known, deadline)
    confirmed_changes.detach_disk(cloud.disks, str(volume.id), machine, deadline.left())
    if known:
        extra["attachments"] = [a for a in known if a["node_id"] != str(machine)]
    _note_users(volume, -1)


def _note_users(volume: StorageVolume, change: int) -> None:
    """Let the volume say what has just been changed."""
    users = max(0, int(volume.extra.get("use_count") or 0) + change) if volume.extra else max(0, change)
    volume.extra = {**(volume.extra or {}), "use_count": users, "state": _STATES[users > 0]}
    volume.state = StorageVolumeState.INUSE if users else StorageVolumeState.AVAILABLE


def _only_machine(cloud: Cloud, volume: StorageVolume, known: list[dict[str, str]] | None, deadline: Deadline) -> int:
    machines = [int(a["node_id"]) for a in known or ()]
    if not machines:
        machines = [mount.machine for mount in cloud.disks.mounts(str(volume.id), deadline.left())]
    if not machines:
        raise ConflictError(f"volume {volume.id} is not attached to a machine", _call(cloud, volume))
    if len(machines) > 1:
        numbers = " and ".join(str(number) for number in machines)
        raise ConflictError(
            f"volume {volume.id} is attached to machines {numbers}: say with ex_node which one is meant",
            _call(cloud, volume),
        )
    return machines[0]


def _host_of(cloud: Cloud, machine: int, timeout: float) -> str:
    found = cloud.compute.machine(machine, timeout)
    if found.status != "RUNNING" or not found.host:
        raise ConflictError(
            f"machine {machine} is {found.status.lower()}: a volume can be attached to a running one only",
            Call(cloud.config.section, "compute", "one.vm.info", cloud.config.compute.url),
        )
    return found.host


def _call(cloud: Cloud, volume: StorageVolume) -> Call:
    path = f"/disks/{volume.id}/mounts"
    return Call(cloud.config.section, "disk", "GET /disks/{uuid}/mounts", cloud.config.disks.url + path)


def _checked_size(size: Any) -> int:
    """The size as a number, if it is a whole one that can be had; a text of digits will do."""
    try:
        gibibytes = int(size)
    except (TypeError, ValueError, OverflowError):
        gibibytes = 0
    is_meant = not isinstance(size, bool) and (gibibytes == size or isinstance(size, str))
    if not (is_meant and SMALLEST_DISK <= gibibytes <= LARGEST_DISK):
        raise InvalidArgumentError(
            f"a volume's size must be a whole number of GiB from {SMALLEST_DISK} to {LARGEST_DISK}, not {size!r}"
        )
    return gibibytes


def _volume_extra(disk: Disk, location: NodeLocation, mounts: Iterable[Mount] | None) -> VolumeExtra:
    return {
        "location": str(location.id),
        "state": _STATES[disk.users > 0],
        "owner": disk.owner,
        "use_count": disk.users,
        "marketplace_id": disk.identifier if is_image_id(disk.identifier) else None,
        "snapshot_of": disk.snapshot_of,
        "mark": disk.mark,
        "quarantine": disk.quarantine or None,
        "type": disk.kind,
        "visibility": disk.visibility,
        "attachments": None if mounts is None else [attachment(mount) for mount in mounts],
    }
