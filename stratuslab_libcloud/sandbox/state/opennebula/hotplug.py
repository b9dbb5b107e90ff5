"""What changes about a machine while it exists: disks, NICs, capacity, snapshots, contextualization.

Each change has its own LCM state, and the machine is busy meanwhile. One that a driver fails is undone without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stratuslab_libcloud.sandbox.state.opennebula.connections import Connections
from stratuslab_libcloud.sandbox.state.opennebula.drivers import Drivers
from stratuslab_libcloud.sandbox.state.opennebula.errors import ActionError, InternalError, InvalidTemplateError
from stratuslab_libcloud.sandbox.state.opennebula.images import Image, Images, ImageType
from stratuslab_libcloud.sandbox.state.opennebula.life_cycle import LifeCycle
from stratuslab_libcloud.sandbox.state.opennebula.machine import (
    Action,
    LcmState,
    Machine,
    MachineState,
    SystemSnapshot,
    VmState,
)
from stratuslab_libcloud.sandbox.state.opennebula.quotas import Amounts
from stratuslab_libcloud.sandbox.state.opennebula.release import Release610
from stratuslab_libcloud.sandbox.state.opennebula.storage import Storage, snapshots_of
from stratuslab_libcloud.sandbox.state.opennebula.users import User
from stratuslab_libcloud.sandbox.state.template import Template


@dataclass(frozen=True)
class _Change:
    """A kind of change.

    :param states: the states that it is possible in, each with the LCM state meanwhile
    :param refusal: OpenNebula's words in other states
    """

    action: Action
    states: Mapping[MachineState, LcmState]
    refusal: str


_ATTACH = _Change(
    Action.DISK_ATTACH,
    {LcmState.RUNNING: LcmState.HOTPLUG, VmState.POWEROFF: LcmState.HOTPLUG_PROLOG_POWEROFF},
    "Could not attach a new disk to VM {id}, wrong state {state}.",
)
_DETACH = _Change(
    Action.DISK_DETACH,
    {LcmState.RUNNING: LcmState.HOTPLUG, VmState.POWEROFF: LcmState.HOTPLUG_EPILOG_POWEROFF},
    "Could not detach disk from VM {id}, wrong state {state}.",
)
_NIC_STATES: Mapping[MachineState, LcmState] = {
    LcmState.RUNNING: LcmState.HOTPLUG_NIC,
    VmState.POWEROFF: LcmState.HOTPLUG_NIC_POWEROFF,
}
_ATTACH_NIC = _Change(Action.NIC_ATTACH, _NIC_STATES, "Could not add a new NIC to VM {id}, wrong state {state}.")
_DETACH_NIC = _Change(Action.NIC_DETACH, _NIC_STATES, "Could not detach NIC from VM {id}, wrong state {state}.")
_SAVEAS = _Change(
    Action.DISK_SAVEAS,
    {
        LcmState.RUNNING: LcmState.HOTPLUG_SAVEAS,
        VmState.POWEROFF: LcmState.HOTPLUG_SAVEAS_POWEROFF,
        VmState.SUSPENDED: LcmState.HOTPLUG_SAVEAS_SUSPENDED,
        VmState.UNDEPLOYED: LcmState.HOTPLUG_SAVEAS_UNDEPLOYED,
        VmState.STOPPED: LcmState.HOTPLUG_SAVEAS_STOPPED,
    },
    "VM has to be RUNNING, POWEROFF or SUSPENDED to save disks.",
)
_RESIZE_DISK = _Change(
    Action.DISK_RESIZE,
    {
        LcmState.RUNNING: LcmState.DISK_RESIZE,
        VmState.POWEROFF: LcmState.DISK_RESIZE_POWEROFF,
        VmState.UNDEPLOYED: LcmState.DISK_RESIZE_UNDEPLOYED,
    },
    "Could not resize disk for VM {id}, wrong state {state}.",
)
_SNAPSHOT_DISK = _Change(
    Action.DISK_SNAPSHOT_CREATE,
    {
        LcmState.RUNNING: LcmState.DISK_SNAPSHOT,
        VmState.POWEROFF: LcmState.DISK_SNAPSHOT_POWEROFF,
        VmState.SUSPENDED: LcmState.DISK_SNAPSHOT_SUSPENDED,
    },
    "Could not create a new disk snapshot for VM {id}, wrong state {state}.",
)
_DELETE_DISK_SNAPSHOT = _Change(
    Action.DISK_SNAPSHOT_DELETE,
    {
        LcmState.RUNNING: LcmState.DISK_SNAPSHOT_DELETE,
        VmState.POWEROFF: LcmState.DISK_SNAPSHOT_DELETE_POWEROFF,
        VmState.SUSPENDED: LcmState.DISK_SNAPSHOT_DELETE_SUSPENDED,
    },
    "Could not delete disk snapshot from VM {id}, wrong state {state}.",
)
_REVERT_DISK = _Change(
    Action.DISK_SNAPSHOT_REVERT,
    {VmState.POWEROFF: LcmState.DISK_SNAPSHOT_REVERT_POWEROFF},
    "Could not revert to disk snapshot for VM {id}, wrong state {state}.",
)
_SNAPSHOT_STATES: Mapping[MachineState, LcmState] = {LcmState.RUNNING: LcmState.HOTPLUG_SNAPSHOT}
_SNAPSHOT = _Change(
    Action.SNAPSHOT_CREATE,
    _SNAPSHOT_STATES,
    "Could not create a new snapshot for VM {id}, wrong state {state}.",
)
_DELETE_SNAPSHOT = _Change(
    Action.SNAPSHOT_DELETE,
    _SNAPSHOT_STATES,
    "Could not delete snapshot for VM {id}, wrong state {state}.",
)
_REVERT = _Change(
    Action.SNAPSHOT_REVERT,
    _SNAPSHOT_STATES,
    "Could not revert VM {id} to snapshot, wrong state {state}.",
)


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
        busy = _state_for(_ATTACH, machine)
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
        busy = _state_for(_DETACH, machine)
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

        self._begin(user, machine, _RESIZE_DISK, finish)

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
            busy = _state_for(_SAVEAS, machine)
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
        self._begin(user, machine, _SNAPSHOT_DISK, lambda: None)
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

        self._begin(user, machine, _DELETE_DISK_SNAPSHOT, finish)

    def revert_disk(self, user: User, machine: Machine, disk_id: int, number: int) -> None:
        """Begin to let a disk be as it was.

        :raises ActionError: if that cannot be now
        """
        self._disk(machine, disk_id)
        snapshots = snapshots_of(machine, disk_id)
        _state_for(_REVERT_DISK, machine)
        snapshots.find(number)
        self._begin(user, machine, _REVERT_DISK, lambda: snapshots.revert(number))

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
        self._begin(user, machine, _SNAPSHOT, lambda: None)
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
        self._begin(user, machine, _DELETE_SNAPSHOT, lambda: machine.system_snapshots.remove(snapshot))

    def revert(self, user: User, machine: Machine, number: int) -> None:
        """Begin to let the machine be as it was.

        :raises ActionError: if that cannot be now
        """
        _system_snapshot(machine, number)
        self._begin(user, machine, _REVERT, lambda: None)
        for other in machine.system_snapshots:
            other.active = other.id == number

    # NICs

    def attach_nic(self, user: User, machine: Machine, wanted: Mapping[str, str], *, alias: bool) -> None:
        """Begin to connect a machine to another network.

        :param alias: one more address for a NIC that it has
        :raises ActionError: if it cannot be now
        """
        busy = _state_for(_ATTACH_NIC, machine)
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
        busy = _state_for(_DETACH_NIC, machine)
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

    def _begin(self, user: User, machine: Machine, change: _Change, finish: Callable[[], object]) -> None:
        self._life_cycle.interrupt(user, machine, _state_for(change, machine), change.action, finish)

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


def _state_for(change: _Change, machine: Machine) -> LcmState:
    """The LCM state during a change.

    :raises ActionError: if the machine's state does not permit it
    """
    if machine.exact_state not in change.states:
        raise ActionError(change.refusal.format(id=machine.id, state=machine.exact_state.name))
    return change.states[machine.exact_state]


def _system_snapshot(machine: Machine, number: int) -> SystemSnapshot:
    for snapshot in machine.system_snapshots:
        if snapshot.id == number:
            return snapshot
    raise ActionError(f"Snapshot does not exist in VM {machine.id}")
