"""What changes about a machine while it exists: disks, NICs, capacity, snapshots, contextualization.

Each change has its own LCM state, and the machine is busy meanwhile. One that a driver fails is undone without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stratuslab_libcloud.sandbox.state.opennebula import changes
from stratuslab_libcloud.sandbox.state.opennebula.changes import Change
from stratuslab_libcloud.sandbox.state.opennebula.connections import Connections
from stratuslab_libcloud.sandbox.state.opennebula.drivers import Drivers
from stratuslab_libcloud.sandbox.state.opennebula.errors import ActionError, InternalError, InvalidTemplateError
from stratuslab_libcloud.sandbox.state.opennebula.image import Image, ImageType
from stratuslab_libcloud.sandbox.state.opennebula.images import Images
from stratuslab_libcloud.sandbox.state.opennebula.life_cycle import LifeCycle
from stratuslab_libcloud.sandbox.state.opennebula.machine import (
    Action,
    LcmState,
    Machine,
    SystemSnapshot,
    VmState,
)
from stratuslab_libcloud.sandbox.state.opennebula.quotas import Amounts
from stratuslab_libcloud.sandbox.state.opennebula.release import Release610
from stratuslab_libcloud.sandbox.state.opennebula.storage import Storage, snapshots_of
from stratuslab_libcloud.sandbox.state.opennebula.users import User
from stratuslab_libcloud.sandbox.state.template import Template


class Hotplug:
    """Changes machines. The caller holds the lock, and has made sure of rights and quotas."""

    def __init__(
        self,
        *,
        life_cycle: LifeCycle,
        storage: Storage,
        connections: Connections,
        images: Images,
        drivers: Drivers,
        release: Release610,
        refresh: Callable[[Machine], object],
    ) -> None:
        self._life_cycle = life_cycle
        self._storage = storage
        self._connections = connections
        self._images = images
        self._drivers = drivers
        self._release = release
        self._refresh = refresh

    # Disks

    def amounts_of_disk(self, wanted: Mapping[str, str]) -> Amounts:
        """What one more disk takes of the quotas."""
        image = self._storage.image_of(wanted) if wanted.get("IMAGE_ID", "").isdecimal() else None
        if image is not None and image.persistent:
            return Amounts()
        size = wanted.get("SIZE", "") or (str(image.size) if image else "")
        return Amounts().add("VM", "", {"SYSTEM_DISK_SIZE": float(size)}) if size.isdecimal() else Amounts()

    def attach(self, user: User, machine: Machine, wanted: Mapping[str, str]) -> None:
        """Begin to give a machine another disk.

        :raises ActionError: if it cannot have it now
        """
        busy = changes.ATTACH.state_of(machine)
        try:
            disk = self._storage.give(user, machine, wanted)
        except InvalidTemplateError as problem:
            raise ActionError(str(problem)) from None
        disk.update(ATTACH="YES", TM_MAD_SYSTEM="dummy")

        def finish() -> None:
            del disk["ATTACH"]
            if not self._drivers.succeeds("attach"):
                self._storage.take(machine, disk)

        self._life_cycle.interrupt(user, machine, busy, Action.DISK_ATTACH, finish)

    def detach(self, user: User, machine: Machine, disk_id: int) -> None:
        """Begin to take a disk from a machine, the root disk as well.

        :raises ActionError: if that cannot be now
        """
        busy = changes.DETACH.state_of(machine)
        disk = machine.disk(disk_id)
        if disk is None:
            raise ActionError(self._release.missing_disk(disk_id))
        disk["ATTACH"] = "YES"

        def finish() -> None:
            del disk["ATTACH"]
            if self._drivers.succeeds("detach"):
                self._storage.take(machine, disk)

        self._life_cycle.interrupt(user, machine, busy, Action.DISK_DETACH, finish)

    def resize_disk(self, user: User, machine: Machine, disk_id: int, size: int) -> None:
        """Begin to make a disk larger.

        :param size: MB
        :raises ActionError: if that cannot be now
        """
        disk = self._disk(machine, disk_id)
        if size <= int(disk["SIZE"]):
            raise ActionError("New disk size has to be greater than current one")

        def finish() -> None:
            disk["SIZE"] = str(size)
            image = self._storage.image_of(disk)
            if image is not None and image.persistent:
                image.size = size

        self._begin(user, machine, changes.RESIZE_DISK, finish)

    def save_disk(self, user: User, machine: Machine, disk_id: int, name: str, kind: str, snapshot_id: int) -> Image:
        """Begin to make an image of a disk.

        :param kind: of the image; empty for that of the disk's own
        :param snapshot_id: of the disk as it was then; -1 for now
        :raises RefusedError: if that cannot be now
        """
        disk = machine.disk(disk_id)
        source = self._storage.image_of(disk) if disk else None
        if disk is None or source is None:
            raise InternalError("Cannot use DISK. DISK does not exist.")
        if snapshot_id >= 0:
            snapshots_of(machine, disk_id).find(snapshot_id)
        try:
            busy = changes.SAVEAS.state_of(machine)
        except ActionError as problem:
            raise InternalError(str(problem)) from None
        if kind and kind.upper() not in ImageType.__members__:
            raise InternalError("Unknown image type")
        image = self._images.add(
            user,
            name,
            ImageType[kind.upper()] if kind else source.type,
            source.datastore,
            int(disk["SIZE"]),
            persistent=user.wants_persistent_images(),
            format=source.format,
            template=Template(
                [
                    ("DEV_PREFIX", disk["DEV_PREFIX"]),
                    ("SAVED_DISK_ID", str(disk_id)),
                    ("SAVED_IMAGE_ID", str(source.id)),
                    ("SAVED_VM_ID", str(machine.id)),
                ]
            ),
        )

        def finish() -> None:
            if self._drivers.succeeds("saveas"):
                self._images.ready(image)
            else:
                self._images.failed(image, "Error saving the disk")

        self._life_cycle.interrupt(user, machine, busy, Action.DISK_SAVEAS, finish)
        return image

    # Snapshots of disks

    def snapshot_disk(self, user: User, machine: Machine, disk_id: int, name: str) -> int:
        """Begin to keep a disk as it is; returns the snapshot's number.

        :raises ActionError: if that cannot be now
        """
        disk = self._disk(machine, disk_id)
        self._begin(user, machine, changes.SNAPSHOT_DISK, lambda: None)
        snapshots = snapshots_of(machine, disk_id)
        snapshot = snapshots.create(name, self._life_cycle.now, int(disk["SIZE"]))
        self._note_size(machine, disk)
        return snapshot.id

    def delete_disk_snapshot(self, user: User, machine: Machine, disk_id: int, number: int) -> None:
        """Begin to delete a snapshot of a disk.

        :raises ActionError: if that cannot be now
        """
        disk = self._disk(machine, disk_id)
        snapshots = snapshots_of(machine, disk_id)
        if disk.get("PERSISTENT") == "YES":
            raise ActionError(f"Cannot delete snapshot {number} for persistent disk images")
        snapshots.check_delete(number)

        def finish() -> None:
            snapshots.delete(number)
            self._note_size(machine, disk)

        self._begin(user, machine, changes.DELETE_DISK_SNAPSHOT, finish)

    def revert_disk(self, user: User, machine: Machine, disk_id: int, number: int) -> None:
        """Begin to let a disk be as it was.

        :raises ActionError: if that cannot be now
        """
        self._disk(machine, disk_id)
        snapshots = snapshots_of(machine, disk_id)
        changes.REVERT_DISK.state_of(machine)
        snapshots.find(number)
        self._begin(user, machine, changes.REVERT_DISK, lambda: snapshots.revert(number))

    def rename_disk_snapshot(self, machine: Machine, disk_id: int, number: int, name: str) -> None:
        """Give a snapshot of a disk another name.

        :raises ActionError: if there is no such snapshot
        """
        self._disk(machine, disk_id)
        snapshots_of(machine, disk_id).find(number).name = name

    # Snapshots of the whole machine

    def snapshot(self, user: User, machine: Machine, name: str) -> int:
        """Begin to have the hypervisor keep the machine as it is; returns the snapshot's number.

        :raises ActionError: if that cannot be now
        """
        number = machine.next_snapshot_id
        self._begin(user, machine, changes.SNAPSHOT, lambda: None)
        for other in machine.system_snapshots:
            other.active = False
        machine.system_snapshots.append(SystemSnapshot(number, name or f"snapshot-{number}", self._life_cycle.now))
        machine.next_snapshot_id += 1
        return number

    def delete_snapshot(self, user: User, machine: Machine, number: int) -> None:
        """Begin to delete such a snapshot.

        :raises ActionError: if that cannot be now
        """
        snapshot = _system_snapshot(machine, number)
        self._begin(user, machine, changes.DELETE_SNAPSHOT, lambda: machine.system_snapshots.remove(snapshot))

    def revert(self, user: User, machine: Machine, number: int) -> None:
        """Begin to let the machine be as it was.

        :raises ActionError: if that cannot be now
        """
        _system_snapshot(machine, number)
        self._begin(user, machine, changes.REVERT, lambda: None)
        for other in machine.system_snapshots:
            other.active = other.id == number

    # NICs

    def attach_nic(self, user: User, machine: Machine, wanted: Mapping[str, str], *, alias: bool) -> None:
        """Begin to connect a machine to another network.

        :param alias: one more address for a NIC that it has
        :raises ActionError: if it cannot be now
        """
        busy = changes.ATTACH_NIC.state_of(machine)
        try:
            connect = self._connections.connect_alias if alias else self._connections.connect
            nic = connect(user, machine, wanted)
        except InvalidTemplateError as problem:
            raise ActionError(str(problem)) from None
        nic["ATTACH"] = "YES"
        self._refresh(machine)

        def finish() -> None:
            del nic["ATTACH"]
            if not self._drivers.succeeds("attachnic"):
                self._connections.disconnect(machine, nic)
                self._refresh(machine)

        self._life_cycle.interrupt(user, machine, busy, Action.ALIAS_ATTACH if alias else Action.NIC_ATTACH, finish)

    def detach_nic(self, user: User, machine: Machine, nic_id: int) -> None:
        """Begin to disconnect a machine from a network.

        :raises ActionError: if it cannot be now
        """
        busy = changes.DETACH_NIC.state_of(machine)
        nic = next((nic for nic in (*machine.nics, *machine.aliases) if nic["NIC_ID"] == str(nic_id)), None)
        if nic is None:
            raise ActionError(f"NIC with NIC_ID {nic_id} does not exist.")
        nic["ATTACH"] = "YES"

        def finish() -> None:
            del nic["ATTACH"]
            if self._drivers.succeeds("detachnic"):
                self._connections.disconnect(machine, nic)
                self._refresh(machine)

        self._life_cycle.interrupt(user, machine, busy, Action.NIC_DETACH, finish)

    # Capacity and contextualization

    def resize(self, user: User, machine: Machine, capacity: Mapping[str, str]) -> None:
        """Begin to give a machine other processors or memory.

        :raises ActionError: if that cannot be now
        """

        def finish() -> None:
            for name, value in capacity.items():
                machine.template.replace(name, value)
            machine.touch()

        if machine.is_running:
            self._life_cycle.interrupt(user, machine, LcmState.HOTPLUG_RESIZE, Action.RESIZE, finish)
        elif machine.state in _OFF:
            finish()
        else:
            raise ActionError(f"Resize is not available for state {machine.exact_state.name}")

    def set_context(self, user: User, machine: Machine, context: Mapping[str, str]) -> None:
        """Begin to give a machine another contextualization.

        :raises RefusedError: if that cannot be now
        """
        if not machine.is_running and machine.state not in _OFF:
            raise ActionError(f"VM cannot be updated in its current state {machine.exact_state.name}")
        before = machine.given_context
        machine.given_context = context
        try:
            self._refresh(machine)
        except InvalidTemplateError as problem:
            machine.given_context = before
            raise ActionError(str(problem)) from None
        if machine.is_running:
            self._life_cycle.interrupt(user, machine, LcmState.HOTPLUG, Action.UPDATECONF, lambda: None)

    # Internal

    def _begin(self, user: User, machine: Machine, change: Change, finish: Callable[[], object]) -> None:
        self._life_cycle.interrupt(user, machine, change.state_of(machine), change.action, finish)

    @staticmethod
    def _disk(machine: Machine, disk_id: int) -> dict[str, str]:
        disk = machine.disk(disk_id)
        if disk is None:
            raise ActionError("VM disk does not exist")
        return disk

    @staticmethod
    def _note_size(machine: Machine, disk: dict[str, str]) -> None:
        disk["DISK_SNAPSHOT_TOTAL_SIZE"] = str(snapshots_of(machine, int(disk["DISK_ID"])).size)


_OFF = (VmState.PENDING, VmState.HOLD, VmState.POWEROFF, VmState.UNDEPLOYED)


def _system_snapshot(machine: Machine, number: int) -> SystemSnapshot:
    for snapshot in machine.system_snapshots:
        if snapshot.id == number:
            return snapshot
    raise ActionError(f"Snapshot does not exist in VM {machine.id}")
