"""The changes that a machine can undergo: in which states, and which state it is in meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stratuslab_libcloud.sandbox.state.opennebula.errors import ActionError
from stratuslab_libcloud.sandbox.state.opennebula.machine import Action, LcmState, Machine, MachineState, VmState


@dataclass(frozen=True)
class Change:
    """A kind of change.

    :param states: the states that it is possible in, each with the LCM state meanwhile
    :param refusal: OpenNebula's words in other states
    """

    action: Action
    states: Mapping[MachineState, LcmState]
    refusal: str

    def state_of(self, machine: Machine) -> LcmState:
        """The LCM state of a machine during the change.

        :raises ActionError: if its state does not permit the change
        """
        if machine.exact_state not in self.states:
            raise ActionError(self.refusal.format(id=machine.id, state=machine.exact_state.name))
        return self.states[machine.exact_state]


ATTACH = Change(
    Action.DISK_ATTACH,
    {LcmState.RUNNING: LcmState.HOTPLUG, VmState.POWEROFF: LcmState.HOTPLUG_PROLOG_POWEROFF},
    "Could not attach a new disk to VM {id}, wrong state {state}.",
)
DETACH = Change(
    Action.DISK_DETACH,
    {LcmState.RUNNING: LcmState.HOTPLUG, VmState.POWEROFF: LcmState.HOTPLUG_EPILOG_POWEROFF},
    "Could not detach disk from VM {id}, wrong state {state}.",
)
_NIC_STATES: Mapping[MachineState, LcmState] = {
    LcmState.RUNNING: LcmState.HOTPLUG_NIC,
    VmState.POWEROFF: LcmState.HOTPLUG_NIC_POWEROFF,
}
ATTACH_NIC = Change(Action.NIC_ATTACH, _NIC_STATES, "Could not add a new NIC to VM {id}, wrong state {state}.")
DETACH_NIC = Change(Action.NIC_DETACH, _NIC_STATES, "Could not detach NIC from VM {id}, wrong state {state}.")
SAVEAS = Change(
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
RESIZE_DISK = Change(
    Action.DISK_RESIZE,
    {
        LcmState.RUNNING: LcmState.DISK_RESIZE,
        VmState.POWEROFF: LcmState.DISK_RESIZE_POWEROFF,
        VmState.UNDEPLOYED: LcmState.DISK_RESIZE_UNDEPLOYED,
    },
    "Could not resize disk for VM {id}, wrong state {state}.",
)
SNAPSHOT_DISK = Change(
    Action.DISK_SNAPSHOT_CREATE,
    {
        LcmState.RUNNING: LcmState.DISK_SNAPSHOT,
        VmState.POWEROFF: LcmState.DISK_SNAPSHOT_POWEROFF,
        VmState.SUSPENDED: LcmState.DISK_SNAPSHOT_SUSPENDED,
    },
    "Could not create a new disk snapshot for VM {id}, wrong state {state}.",
)
DELETE_DISK_SNAPSHOT = Change(
    Action.DISK_SNAPSHOT_DELETE,
    {
        LcmState.RUNNING: LcmState.DISK_SNAPSHOT_DELETE,
        VmState.POWEROFF: LcmState.DISK_SNAPSHOT_DELETE_POWEROFF,
        VmState.SUSPENDED: LcmState.DISK_SNAPSHOT_DELETE_SUSPENDED,
    },
    "Could not delete disk snapshot from VM {id}, wrong state {state}.",
)
REVERT_DISK = Change(
    Action.DISK_SNAPSHOT_REVERT,
    {VmState.POWEROFF: LcmState.DISK_SNAPSHOT_REVERT_POWEROFF},
    "Could not revert to disk snapshot for VM {id}, wrong state {state}.",
)
_SNAPSHOT_STATES: Mapping[MachineState, LcmState] = {LcmState.RUNNING: LcmState.HOTPLUG_SNAPSHOT}
SNAPSHOT = Change(
    Action.SNAPSHOT_CREATE,
    _SNAPSHOT_STATES,
    "Could not create a new snapshot for VM {id}, wrong state {state}.",
)
DELETE_SNAPSHOT = Change(
    Action.SNAPSHOT_DELETE,
    _SNAPSHOT_STATES,
    "Could not delete snapshot for VM {id}, wrong state {state}.",
)
REVERT = Change(
    Action.SNAPSHOT_REVERT,
    _SNAPSHOT_STATES,
    "Could not revert VM {id} to snapshot, wrong state {state}.",
)
