"""The volume calls of the driver, and those of their snapshots; what they do is in `volumes`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import Node, NodeLocation, StorageVolume, VolumeSnapshot
from libcloud.compute.types import StorageVolumeState

from stratuslab_libcloud.driver.arguments import checked, machine_number, text
from stratuslab_libcloud.driver.locations import Location
from stratuslab_libcloud.driver.opennebula.node_calls import NodeCalls, Seconds
from stratuslab_libcloud.errors import InvalidArgumentError

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud
    from stratuslab_libcloud.driver.opennebula.volumes import OpenNebulaVolume, OpenNebulaVolumeSnapshot
    from stratuslab_libcloud.driver.progress import OnProgress

_log = logging.getLogger(__name__)


class VolumeCalls(NodeCalls):
    """The volume calls of the driver."""

    def list_volumes(  # type: ignore[override]  # narrower than Libcloud's
        self, location: Location = None, ex_partial: bool = False
    ) -> list[OpenNebulaVolume]:
        """The user's volumes, of one location or of all.

        :param ex_partial: whether to leave out locations that do not answer, with a warning in the log
        :raises PartialListError: when a location does not answer; it has the volumes of the others
        :raises NoLocationAnsweredError: when none of several does, also with `ex_partial`
        """
        from stratuslab_libcloud.driver.opennebula import volumes

        def ask(where: NodeLocation) -> list[OpenNebulaVolume]:
            found = volumes.are_volumes(self._locations.cloud(where).images.images(mine=True))
            return [volumes.OpenNebulaVolume(image, where, self) for image in found]

        if location is None:
            return self._locations.ask_all(ask, ex_partial)
        return ask(self._locations.find(location))

    def ex_get_volume(self, volume_id: str | int, location: Location = None) -> OpenNebulaVolume:
        """A volume as it is now.

        :param location: the default location if not given
        :raises NotFoundError: when there is none
        """
        from stratuslab_libcloud.driver.opennebula.volumes import OpenNebulaVolume

        where = self._locations.find(location)
        return OpenNebulaVolume(self._locations.cloud(where).images.image(_number(volume_id)), where, self)

    def create_volume(
        self,
        size: int,
        name: str,
        location: Any = None,
        snapshot: Any = None,
        *,
        ex_datastore: Any = None,
        ex_labels: Any = None,
    ) -> OpenNebulaVolume:
        """Create an empty volume; it can be attached at once, since `attach_volume` waits until it is ready.

        :param size: GiB
        :param name: which none of the user's images has
        :param location: a location, or one of its datastores; the default location if not given
        :param snapshot: accepted because Libcloud has it; OpenNebula cannot make a volume from a snapshot
        :param ex_datastore: one of `ex_list_datastores`, its id or its name; the first usable one if not given
        :param ex_labels: names under which Sunstone shows it
        :raises InvalidArgumentError: when the size or the name is not possible
        :raises NameTakenError: when the user has another image of this name
        :raises LimitExceededError: when a quota does not permit it
        :raises UnknownOutcomeError: when it is not known whether it was created
        """
        from stratuslab_libcloud.client.opennebula.xml_template import checked_name
        from stratuslab_libcloud.driver.opennebula import datastores, volumes
        from stratuslab_libcloud.driver.opennebula.node_options import labels_text

        if snapshot is not None:
            raise NotImplementedError(
                "OpenNebula makes no volume from a snapshot: ex_revert_volume_snapshot can go back to one"
            )
        mebibytes = volumes.checked_size(size)
        name = checked_name(text("name", name), "a volume")
        where, datastore = datastores.split(location, ex_datastore)
        where = self._locations.find(where)
        cloud = self._locations.cloud(where)
        datastore_id = datastores.find(cloud, datastore, mebibytes)
        image = volumes.create(cloud, name, mebibytes, datastore_id, labels_text(ex_labels))
        return volumes.OpenNebulaVolume(image, where, self)

    def destroy_volume(
        self,
        volume: StorageVolume,
        *,
        ex_timeout: Seconds = None,
        ex_progress: OnProgress = None,
    ) -> bool:
        """Destroy a volume with its snapshots, and see that it is gone. One that is gone already is no error.

        :param ex_timeout: seconds; by default the location's ``request_timeout``
        :param ex_progress: is called with a `Progress` at each look
        :raises ConflictError: when a machine uses it
        """
        cloud = self._cloud_with(volume)
        with self._telling(ex_progress, f"destroying volume {volume.id}", volume):
            if not cloud.image_changes.delete(_number(volume.id), self._seconds(cloud, ex_timeout)):
                _log.info("volume %s of location '%s' was gone already", volume.id, cloud.config.section)
        return True

    def attach_volume(
        self,
        node: Node,
        volume: StorageVolume,
        device: str | None = None,
        *,
        ex_timeout: Seconds = None,
        ex_progress: OnProgress = None,
    ) -> bool:
        """Put a volume into a running or powered-off machine.

        Afterwards, ``volume.extra['attachments']`` says as which device.

        :param device: the one to ask for, such as ``vdc`` or ``/dev/vdc``, or ``vd`` for the next of that kind
        :param ex_timeout: seconds; by default the location's ``request_timeout``
        :param ex_progress: is called with a `Progress` at each look
        :raises ConflictError: when the volume is in use, or the machine's state does not permit it, or it failed
        :raises InvalidArgumentError: when the two are at different locations
        """
        from stratuslab_libcloud.driver.opennebula import volumes

        cloud = self._cloud_with(volume)
        if self._cloud_of(node) is not cloud:
            raise InvalidArgumentError(
                f"volume {volume.id} is at location '{self._locations.of(volume).id}' and node {node.id} at "
                f"'{self._locations.of(node).id}': a volume can only be attached where it is"
            )
        limit = self._seconds(cloud, ex_timeout)
        with self._telling(ex_progress, f"attaching volume {volume.id} to machine {node.id}", volume):
            attached = volumes.attach(cloud, machine_number(node), _number(volume.id), device, limit)
        _note(volume, [{"node_id": str(node.id), "device": attached or None}])
        return True

    def detach_volume(
        self,
        volume: StorageVolume,
        ex_node: Node | None = None,
        *,
        ex_timeout: Seconds = None,
        ex_progress: OnProgress = None,
    ) -> bool:
        """Take a volume out of the machine that it is in. A root disk stays where it is.

        :param ex_node: which machine, if it is in several
        :param ex_timeout: seconds; by default the location's ``request_timeout``
        :param ex_progress: is called with a `Progress` at each look
        :raises ConflictError: when it is in none, or is a root disk, or the machine's state does not permit it
        """
        from stratuslab_libcloud.driver.opennebula import volumes

        cloud = self._cloud_with(volume)
        machine_id = self._user_of(cloud, volume, ex_node)
        with self._telling(ex_progress, f"detaching volume {volume.id} from machine {machine_id}", volume):
            volumes.detach(cloud, machine_id, _number(volume.id), self._seconds(cloud, ex_timeout))
        _note(volume, [])
        return True

    def ex_resize_volume(
        self,
        volume: StorageVolume,
        size: int,
        ex_node: Node | None = None,
        *,
        ex_timeout: Seconds = None,
        ex_progress: OnProgress = None,
    ) -> bool:
        """Make a volume larger. OpenNebula can do that only while a machine has it.

        :param size: GiB
        :param ex_node: which machine, if it is in several
        :param ex_timeout: seconds; by default the location's ``request_timeout``
        :param ex_progress: is called with a `Progress` at each look
        :raises ConflictError: when it is in no machine, or the size is not larger, or it failed
        """
        from stratuslab_libcloud.driver.opennebula import volumes

        mebibytes = volumes.checked_size(size)
        cloud = self._cloud_with(volume)
        machine_id = self._user_of(cloud, volume, ex_node)
        with self._telling(ex_progress, f"resizing volume {volume.id}", volume):
            volumes.resize(cloud, machine_id, _number(volume.id), mebibytes, self._seconds(cloud, ex_timeout))
        volume.size = size
        return True

    def list_volume_snapshots(self, volume: StorageVolume) -> list[OpenNebulaVolumeSnapshot]:  # type: ignore[override]
        """The snapshots of a volume."""
        from stratuslab_libcloud.driver.opennebula.volumes import OpenNebulaVolumeSnapshot

        image = self._cloud_with(volume).images.image(_number(volume.id))
        where = self._locations.of(volume)
        return [OpenNebulaVolumeSnapshot(snapshot, image, where, self) for snapshot in image.snapshots]

    def create_volume_snapshot(
        self,
        volume: StorageVolume,
        name: str | None = None,
        *,
        ex_timeout: Seconds = None,
        ex_progress: OnProgress = None,
    ) -> OpenNebulaVolumeSnapshot:
        """Make a snapshot of a volume. OpenNebula can do that only while a machine has it.

        :param ex_timeout: seconds; by default the location's ``request_timeout``
        :param ex_progress: is called with a `Progress` at each look
        :raises ConflictError: when it is in no machine, or the machine's state does not permit it, or it failed
        """
        from stratuslab_libcloud.driver.opennebula import snapshots
        from stratuslab_libcloud.driver.opennebula.volumes import OpenNebulaVolumeSnapshot

        cloud = self._cloud_with(volume)
        limit = self._seconds(cloud, ex_timeout)
        name = "" if name is None else text("name", name)
        with self._telling(ex_progress, f"making a snapshot of volume {volume.id}", volume):
            snapshot, image = snapshots.create(cloud, _number(volume.id), name, limit)
        return OpenNebulaVolumeSnapshot(snapshot, image, self._locations.of(volume), self)

    def destroy_volume_snapshot(
        self,
        snapshot: VolumeSnapshot,
        *,
        ex_timeout: Seconds = None,
        ex_progress: OnProgress = None,
    ) -> bool:
        """Delete a snapshot of a volume that no machine has. The active one, which the volume goes on from, stays.

        :param ex_timeout: seconds; by default the location's ``request_timeout``
        :param ex_progress: is called with a `Progress` at each look
        :raises ConflictError: when a machine has the volume, or the snapshot is the active one
        """
        from stratuslab_libcloud.driver.opennebula import snapshots

        cloud = self._cloud_with(snapshot)
        with self._telling(ex_progress, f"destroying snapshot {snapshot.id}", snapshot):
            snapshots.delete(cloud, *snapshots.ids_of(snapshot), self._seconds(cloud, ex_timeout))
        return True

    def ex_revert_volume_snapshot(
        self,
        snapshot: VolumeSnapshot,
        *,
        ex_timeout: Seconds = None,
        ex_progress: OnProgress = None,
    ) -> bool:
        """Make a volume what it was. The machine that has it, if any, must be powered off.

        :param ex_timeout: seconds; by default the location's ``request_timeout``
        :param ex_progress: is called with a `Progress` at each look
        :raises ConflictError: when the machine is not powered off
        """
        from stratuslab_libcloud.driver.opennebula import snapshots

        cloud = self._cloud_with(snapshot)
        with self._telling(ex_progress, f"going back to snapshot {snapshot.id}", snapshot):
            snapshots.revert(cloud, *snapshots.ids_of(snapshot), self._seconds(cloud, ex_timeout))
        return True

    def _cloud_with(self, thing: StorageVolume | VolumeSnapshot) -> OpenNebulaCloud:
        if not isinstance(thing, VolumeSnapshot):
            checked(StorageVolume, thing)
        return self._locations.cloud_of(thing)

    def _user_of(self, cloud: OpenNebulaCloud, volume: StorageVolume, node: Node | None) -> int:
        from stratuslab_libcloud.driver.opennebula import volumes

        if node is not None:
            return machine_number(checked(Node, node))
        return volumes.user_of(cloud, cloud.images.image(_number(volume.id)))

    def _seconds(self, cloud: OpenNebulaCloud, given: Seconds) -> float:
        from stratuslab_libcloud.driver.arguments import seconds

        return cloud.config.compute.timeout if given is None else seconds("ex_timeout", given)


def _number(volume_id: Any) -> int:
    from stratuslab_libcloud.client.opennebula.identifiers import parse_machine_id

    return parse_machine_id(str(volume_id))


def _note(volume: StorageVolume, attachments: list[dict[str, Any]]) -> None:
    """Let the volume say what has just been changed."""
    volume.extra = {**(volume.extra or {}), "attachments": attachments}
    volume.state = StorageVolumeState.INUSE if attachments else StorageVolumeState.AVAILABLE
