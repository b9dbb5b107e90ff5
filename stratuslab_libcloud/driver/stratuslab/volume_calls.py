"""The volume calls of the Libcloud driver; what they do on the disk service is in `volumes`."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import Node, NodeLocation, StorageVolume, VolumeSnapshot

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.driver.arguments import checked, machine_number, text
from stratuslab_libcloud.driver.base import BaseNodeDriver
from stratuslab_libcloud.driver.locations import Location
from stratuslab_libcloud.driver.progress import OnProgress, Task
from stratuslab_libcloud.errors import InvalidArgumentError

# What only some calls need is imported by them: a program waits for each import when it starts.
if TYPE_CHECKING:
    from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode  # noqa: F401 - named in a text below
    from stratuslab_libcloud.driver.stratuslab.volumes import StratusLabVolume

_log = logging.getLogger(__name__)

_NO_COPIES = (
    "the disk service copies machine images only, and a copy has no owner, so that nobody but the service may use it"
)


class VolumeCalls(BaseNodeDriver[Cloud, "StratusLabNode"]):
    """The volume calls of the driver."""

    def list_volumes(  # type: ignore[override]  # narrower than Libcloud's
        self,
        location: Location = None,
        ex_details: bool = False,
        ex_partial: bool = False,
        *,
        ex_all: bool = False,
    ) -> list[StratusLabVolume]:
        """The user's volumes, of one location or of all.

        :param ex_details: whether to ask for each volume's visibility, type and attachments, too: two more requests
            a volume
        :param ex_partial: whether to leave out locations that do not answer, with a warning in the log
        :param ex_all: whether the root disks of machines are there, too; they go when their machine ends
        :raises PartialListError: when a location does not answer; it has the volumes of the others
        :raises NoLocationAnsweredError: when none of several does, also with `ex_partial`
        """

        def ask(where: NodeLocation) -> list[StratusLabVolume]:
            return self._volumes_in(where, ex_details, ex_all)

        if location is None:
            return self._locations.ask_all(ask, ex_partial)
        return ask(self._locations.find(location))

    def create_volume(
        self,
        size: int,
        name: str,
        location: Location = None,
        snapshot: Any = None,
        *,
        ex_visibility: str = "private",
    ) -> StratusLabVolume:
        """Create an empty volume.

        :param size: GiB, from 1 to 1024
        :param location: the default location if not given
        :param snapshot: not possible
        :param ex_visibility: ``private``, or ``public`` for one that everybody may read
        :raises InvalidArgumentError: when the size is not possible
        :raises UnknownOutcomeError: when it is not known whether it was created
        :raises NotImplementedError: when a snapshot is given
        """
        from stratuslab_libcloud.driver.stratuslab import volumes

        if snapshot is not None:
            raise NotImplementedError(f"create_volume cannot start from a snapshot on StratusLab clouds: {_NO_COPIES}")
        where = self._locations.find(location)
        disk = volumes.create(self._locations.cloud(where), size, name, ex_visibility)
        return volumes.StratusLabVolume(disk, where, self, mounts=())

    def destroy_volume(self, volume: StorageVolume) -> bool:
        """Destroy a volume and what is on it. One that is gone already is no error.

        :raises ConflictError: when a machine uses it
        """
        from stratuslab_libcloud.client import confirmed_changes

        cloud = self._locations.cloud_of(checked(StorageVolume, volume))
        if not confirmed_changes.destroy_disk(cloud.disks, str(volume.id)):
            _log.info("volume %s of location '%s' was gone already", volume.id, cloud.config.section)
        return True

    def attach_volume(self, node: Node, volume: StorageVolume, device: str | None = None) -> bool:
        """Put a volume into a running machine; ``volume.extra['attachments']`` then says as which device.

        :param device: accepted because Libcloud has it; the cloud chooses
        :raises ConflictError: when the machine does not run, or the volume cannot be attached
        :raises InvalidArgumentError: when the two are at different locations
        """
        from stratuslab_libcloud.driver.stratuslab import volumes

        cloud = self._locations.cloud_of(checked(Node, node))
        if self._locations.cloud_of(checked(StorageVolume, volume)) is not cloud:
            raise InvalidArgumentError(
                f"volume {volume.id} is at location '{self._locations.of(volume).id}' and node {node.id} at "
                f"'{cloud.config.section}': a volume can only be attached where it is"
            )
        volumes.attach(cloud, machine_number(node), volume, device)
        return True

    def detach_volume(self, volume: StorageVolume, ex_node: Node | None = None) -> bool:
        """Take a volume out of the machine that it is in.

        :param ex_node: which machine, if it is in several
        :raises ConflictError: when it is in none, or in several and none was named
        """
        from stratuslab_libcloud.driver.stratuslab import volumes

        cloud = self._locations.cloud_of(checked(StorageVolume, volume))
        volumes.detach(cloud, volume, None if ex_node is None else machine_number(checked(Node, ex_node)))
        return True

    def ex_update_volume(
        self,
        volume: StorageVolume,
        name: str | None = None,
        *,
        ex_visibility: str | None = None,
        ex_type: str | None = None,
    ) -> StratusLabVolume:
        """Change a volume's name, its visibility or its type; what is None stays.

        :param ex_visibility: ``private`` or ``public``
        :param ex_type: what it is for, in the service's words: ``DATA_IMAGE_RAW_READ_WRITE``, which it is at first,
            or that it is a machine image to start from (``MACHINE_IMAGE_ORIGIN``, ``MACHINE_IMAGE_LIVE``), for example
        :return: the volume as it is then
        :raises NotFoundError: when there is none
        :raises InvalidArgumentError: when a value is not possible, or there is none
        """
        from stratuslab_libcloud.driver.stratuslab import volumes

        where = self._locations.of(checked(StorageVolume, volume))
        disks = self._locations.cloud(where).disks
        tag = None if name is None else text("name", name)
        visibility = None if ex_visibility is None else volumes.checked_visibility(ex_visibility)
        kind = None if ex_type is None else volumes.checked_type(ex_type)
        if tag is None and visibility is None and kind is None:
            raise InvalidArgumentError("ex_update_volume needs a name, ex_visibility or ex_type")
        disks.update(str(volume.id), tag, visibility, kind)
        return volumes.StratusLabVolume(disks.disk(str(volume.id)), where, self)

    def ex_upload_volume(
        self,
        file: str | os.PathLike[str],
        name: str | None = None,
        location: Location = None,
        *,
        ex_visibility: str | None = None,
        ex_type: str | None = None,
        ex_progress: OnProgress = None,
    ) -> StratusLabVolume:
        """Make a volume of an image in a file, which the disk service wants to be compressed with gzip.

        It is read while it is sent, and may take a second for each 100 kB besides the location's time limit. The
        service knows an image by its checksum, and has each only once.

        :param file: the path of the file
        :param name: of the volume; it has none if not given
        :param location: the default location if not given
        :param ex_visibility: ``private``, which it is at first, or ``public``
        :param ex_type: as for `ex_update_volume`; at first it is ``DATA_IMAGE_RAW_READONLY``
        :param ex_progress: is called with a `Progress` when a piece has been sent
        :raises OSError: when the file cannot be read
        :raises ConflictError: when there is a volume of this image already
        :raises RequestRejectedError: when the service cannot use the image
        """
        from stratuslab_libcloud.driver.stratuslab import volumes

        where = self._locations.find(location)
        tag = None if name is None else text("name", name)
        visibility = None if ex_visibility is None else volumes.checked_visibility(ex_visibility)
        kind = None if ex_type is None else volumes.checked_type(ex_type)
        path = Path(file)
        task = Task(ex_progress, f"uploading {path.name}", None, "bytes")
        disks = self._locations.cloud(where).disks
        uuid = disks.upload(path, lambda done, total: task.tell(done, total=total))
        if (tag, visibility, kind) != (None, None, None):
            disks.update(uuid, tag, visibility, kind)
        return volumes.StratusLabVolume(disks.disk(uuid), where, self)

    def ex_copy_volume(
        self, volume: StorageVolume, name: str | None = None, *, ex_owner: str | None = None
    ) -> StratusLabVolume:
        """Make a copy-on-write copy of a machine image's origin, from which a machine can start.

        The disk service gives a copy no owner, and only its own account may set one: `pdisk_username` and
        `pdisk_password` of the location must be that account's.

        :param name: of the copy
        :param ex_owner: who is to have it; by default the user of the compute service
        :raises ConflictError: when the volume is no such origin
        :raises PermissionDeniedError: when the account may not set the owner; the copy exists then, of no use
        """
        from stratuslab_libcloud.driver.stratuslab import volumes

        where = self._locations.of(checked(StorageVolume, volume))
        tag = None if name is None else text("name", name)
        owner = None if ex_owner is None else text("ex_owner", ex_owner)
        copied = volumes.copy(self._locations.cloud(where), str(volume.id), tag, owner)
        return volumes.StratusLabVolume(copied, where, self)

    def ex_rebase_volume(self, volume: StorageVolume) -> StratusLabVolume:
        """Make a machine image's origin of a live machine image, such as a copy that a machine has changed.

        :raises ConflictError: when the volume is no live machine image
        """
        from stratuslab_libcloud.driver.stratuslab import volumes

        where = self._locations.of(checked(StorageVolume, volume))
        return volumes.StratusLabVolume(volumes.rebase(self._locations.cloud(where), str(volume.id)), where, self)

    def list_volume_snapshots(self, volume: StorageVolume) -> list[VolumeSnapshot]:
        """The copy-on-write copies of a machine image that the user has, such as root disks of machines.

        :raises ServiceError: when the disk service does not answer as it should
        """
        from stratuslab_libcloud.driver.stratuslab import volumes

        where = self._locations.of(checked(StorageVolume, volume))
        disks = self._locations.cloud(where).disks.disks()
        return [volumes.snapshot(disk, where, self) for disk in disks if disk.snapshot_of == str(volume.id)]

    def create_volume_snapshot(self, volume: StorageVolume, name: str | None = None) -> VolumeSnapshot:
        """Not possible.

        :raises NotImplementedError: always
        """
        raise NotImplementedError(f"create_volume_snapshot is not possible on StratusLab clouds: {_NO_COPIES}")

    def destroy_volume_snapshot(self, snapshot: VolumeSnapshot) -> bool:
        """Destroy a copy that `list_volume_snapshots` gave. One that is gone already is no error.

        :raises ConflictError: when a machine uses it
        """
        from stratuslab_libcloud.client import confirmed_changes

        location = (checked(VolumeSnapshot, snapshot).extra or {}).get("location")
        confirmed_changes.destroy_disk(self._locations.cloud(location).disks, str(snapshot.id))
        return True

    def ex_get_volume(self, volume_id: str, location: Location = None) -> StratusLabVolume:
        """A volume with all that is known of it, its attachments included.

        :param location: the default location if not given
        :raises NotFoundError: when there is none
        """
        from stratuslab_libcloud.driver.stratuslab import volumes

        where = self._locations.find(location)
        disks = self._locations.cloud(where).disks
        volume_id = text("volume_id", volume_id)
        return volumes.StratusLabVolume(disks.disk(volume_id), where, self, disks.mounts(volume_id))

    def _volumes_in(self, location: NodeLocation, details: bool, roots: bool) -> list[StratusLabVolume]:
        from stratuslab_libcloud.client.parallel import answers
        from stratuslab_libcloud.driver.stratuslab import volumes

        disks = self._locations.cloud(location).disks.disks()
        disks = [disk for disk in disks if roots or not disk.is_root_of_a_machine]
        if not details:
            return [volumes.StratusLabVolume(disk, location, self) for disk in disks]
        return answers(lambda disk: self.ex_get_volume(disk.uuid, location), disks)
