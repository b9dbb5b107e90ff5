"""Virtual machines as OpenNebula keeps them: records only; `life_cycle` moves them on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from stratuslab_libcloud.sandbox.state.opennebula.disk_snapshots import DiskSnapshots
from stratuslab_libcloud.sandbox.state.opennebula.objects import PoolObject
from stratuslab_libcloud.sandbox.state.opennebula.quotas import Amounts
from stratuslab_libcloud.sandbox.state.template import Template
from stratuslab_libcloud.sandbox.state.vm import HistoryRecord, LifeLine


class MachineState(Enum):
    """Where in its life a machine is, in one or the other of two ways."""


class VmState(MachineState):
    """Where in its life a machine is."""

    INIT = 0
    PENDING = 1
    HOLD = 2
    ACTIVE = 3
    STOPPED = 4
    SUSPENDED = 5
    DONE = 6
    FAILED = 7
    POWEROFF = 8
    UNDEPLOYED = 9
    CLONING = 10
    CLONING_FAILURE = 11


class LcmState(MachineState):
    """What an ACTIVE machine is doing."""

    LCM_INIT = 0
    PROLOG = 1
    BOOT = 2
    RUNNING = 3
    MIGRATE = 4
    SAVE_STOP = 5
    SAVE_SUSPEND = 6
    SAVE_MIGRATE = 7
    PROLOG_MIGRATE = 8
    PROLOG_RESUME = 9
    EPILOG_STOP = 10
    EPILOG = 11
    SHUTDOWN = 12
    CLEANUP_RESUBMIT = 15
    UNKNOWN = 16
    HOTPLUG = 17
    SHUTDOWN_POWEROFF = 18
    BOOT_UNKNOWN = 19
    BOOT_POWEROFF = 20
    BOOT_SUSPENDED = 21
    BOOT_STOPPED = 22
    CLEANUP_DELETE = 23
    HOTPLUG_SNAPSHOT = 24
    HOTPLUG_NIC = 25
    HOTPLUG_SAVEAS = 26
    HOTPLUG_SAVEAS_POWEROFF = 27
    HOTPLUG_SAVEAS_SUSPENDED = 28
    SHUTDOWN_UNDEPLOY = 29
    EPILOG_UNDEPLOY = 30
    PROLOG_UNDEPLOY = 31
    BOOT_UNDEPLOY = 32
    HOTPLUG_PROLOG_POWEROFF = 33
    HOTPLUG_EPILOG_POWEROFF = 34
    BOOT_MIGRATE = 35
    BOOT_FAILURE = 36
    BOOT_MIGRATE_FAILURE = 37
    PROLOG_MIGRATE_FAILURE = 38
    PROLOG_FAILURE = 39
    EPILOG_FAILURE = 40
    EPILOG_STOP_FAILURE = 41
    EPILOG_UNDEPLOY_FAILURE = 42
    PROLOG_MIGRATE_POWEROFF = 43
    PROLOG_MIGRATE_POWEROFF_FAILURE = 44
    PROLOG_MIGRATE_SUSPEND = 45
    PROLOG_MIGRATE_SUSPEND_FAILURE = 46
    BOOT_UNDEPLOY_FAILURE = 47
    BOOT_STOPPED_FAILURE = 48
    PROLOG_RESUME_FAILURE = 49
    PROLOG_UNDEPLOY_FAILURE = 50
    DISK_SNAPSHOT_POWEROFF = 51
    DISK_SNAPSHOT_REVERT_POWEROFF = 52
    DISK_SNAPSHOT_DELETE_POWEROFF = 53
    DISK_SNAPSHOT_SUSPENDED = 54
    DISK_SNAPSHOT_DELETE_SUSPENDED = 56
    DISK_SNAPSHOT = 57
    DISK_SNAPSHOT_DELETE = 59
    PROLOG_MIGRATE_UNKNOWN = 60
    PROLOG_MIGRATE_UNKNOWN_FAILURE = 61
    DISK_RESIZE = 62
    DISK_RESIZE_POWEROFF = 63
    DISK_RESIZE_UNDEPLOYED = 64
    HOTPLUG_NIC_POWEROFF = 65
    HOTPLUG_RESIZE = 66
    HOTPLUG_SAVEAS_UNDEPLOYED = 67
    HOTPLUG_SAVEAS_STOPPED = 68
    BACKUP = 69
    BACKUP_POWEROFF = 70
    RESTORE = 71


class Action(IntEnum):
    """What somebody did with a machine, as its history has it."""

    NONE = 0
    UNDEPLOY = 5
    UNDEPLOY_HARD = 6
    STOP = 9
    SUSPEND = 10
    POWEROFF = 19
    POWEROFF_HARD = 20
    DISK_ATTACH = 21
    DISK_DETACH = 22
    NIC_ATTACH = 23
    NIC_DETACH = 24
    DISK_SNAPSHOT_CREATE = 25
    DISK_SNAPSHOT_DELETE = 26
    TERMINATE = 27
    TERMINATE_HARD = 28
    DISK_RESIZE = 29
    UPDATECONF = 33
    RESIZE = 35
    SNAPSHOT_CREATE = 37
    SNAPSHOT_DELETE = 38
    SNAPSHOT_REVERT = 39
    DISK_SAVEAS = 40
    DISK_SNAPSHOT_REVERT = 41
    ALIAS_ATTACH = 46
    ALIAS_DETACH = 47


@dataclass
class ActionRecord(HistoryRecord):
    """One stay of a machine on a host, until somebody did something with it.

    :param action: what was done
    :param user_id: who did it; -1 for nobody, as in `group_id`
    :param request_id: the number of the request
    """

    action: Action = Action.NONE
    user_id: int = -1
    group_id: int = -1
    request_id: int = -1


@dataclass
class ScheduledAction:
    """What will be done with a machine.

    :param time: as it was given: seconds since 1970, or ``+`` and seconds since the machine was created
    :param done: when it was done, in seconds since 1970; -1 until then
    """

    id: int
    action: str
    time: str
    done: float = -1
    message: str = ""


@dataclass
class SystemSnapshot:
    """A state of a whole machine that its hypervisor keeps."""

    id: int
    name: str
    time: float
    active: bool = True


_AT_REST = (VmState.STOPPED, VmState.SUSPENDED, VmState.POWEROFF, VmState.UNDEPLOYED, VmState.DONE)


@dataclass(eq=False, kw_only=True)
class Machine(PoolObject):
    """A virtual machine.

    :param template: what OpenNebula itself understands: CPU, MEMORY, OS and the like
    :param user_template: everything else
    :param disks: its disks, as the documents have them; likewise `nics` and `aliases`
    :param given_context: the contextualization as it was asked for; None for none
    :param context: what of it reaches the machine
    :param context_disk: number and device of the disk with the context
    :param ended: seconds since 1970; 0 while it is not
    :param disk_snapshots: by the number of the disk
    :param monitoring: what its hypervisor says of it, such as GUEST_IP
    :param on_hold: it is held once its images are ready
    :param life: what it went through; while it was ACTIVE, the names are those of its LCM states
    :param revision: grows with each change
    """

    template: Template
    user_template: Template
    disks: list[dict[str, str]] = field(default_factory=list)
    nics: list[dict[str, str]] = field(default_factory=list)
    aliases: list[dict[str, str]] = field(default_factory=list)
    given_context: Mapping[str, str] | None = None
    context: Mapping[str, str] = field(default_factory=dict)
    context_disk: tuple[int, str] | None = None
    state: VmState = VmState.INIT
    lcm_state: LcmState = LcmState.LCM_INIT
    ended: float = 0
    deploy_id: str = ""
    history: list[ActionRecord] = field(default_factory=list)
    disk_snapshots: dict[int, DiskSnapshots] = field(default_factory=dict)
    system_snapshots: list[SystemSnapshot] = field(default_factory=list)
    scheduled: list[ScheduledAction] = field(default_factory=list)
    monitoring: Mapping[str, str] = field(default_factory=dict)
    on_hold: bool = False
    next_disk_id: int = 0
    next_nic_id: int = 0
    next_snapshot_id: int = 0
    revision: int = 0
    life: LifeLine = field(default_factory=LifeLine)

    def touch(self) -> None:
        """Note that it has changed."""
        self.revision += 1

    @property
    def exact_state(self) -> MachineState:
        """Its LCM state while it is ACTIVE, else its state."""
        return self.lcm_state if self.state == VmState.ACTIVE else self.state

    def set_state(self, state: MachineState) -> None:
        """Let it be in a state; with an LCM state, it is ACTIVE."""
        if isinstance(state, LcmState):
            self.state, self.lcm_state = VmState.ACTIVE, state
        elif isinstance(state, VmState):
            self.state, self.lcm_state = state, LcmState.LCM_INIT

    @property
    def is_running(self) -> bool:
        """Whether it has booted and nothing is being done to it."""
        return self.state == VmState.ACTIVE and self.lcm_state == LcmState.RUNNING

    @property
    def cpu(self) -> float:
        """Its share of a computer's processors."""
        return float(self.template.text("CPU") or 0)

    @property
    def memory(self) -> int:
        """MB."""
        return int(self.template.text("MEMORY") or 0)

    def disk(self, number: int) -> dict[str, str] | None:
        """The disk with this number."""
        return next((disk for disk in self.disks if disk["DISK_ID"] == str(number)), None)

    def amounts(self) -> Amounts:
        """What it takes of its owner's quotas."""
        amounts = Amounts()
        if self.state == VmState.DONE:
            return amounts
        disk_size = sum(map(self._system_size, self.disks))
        amounts.add("VM", "", {"VMS": 1, "SYSTEM_DISK_SIZE": disk_size, **self.capacity()})
        if self.state not in _AT_REST:
            amounts.add("VM", "", {"RUNNING_VMS": 1})
        for nic in (*self.nics, *self.aliases):
            if "NETWORK_ID" in nic:
                amounts.add("NETWORK", nic["NETWORK_ID"], {"LEASES": 1})
        for image in {disk["IMAGE_ID"] for disk in self.disks if "IMAGE_ID" in disk}:
            amounts.add("IMAGE", image, {"RVMS": 1})
        return amounts

    def capacity(self) -> Mapping[str, float]:
        """What of the quotas depends on its processors and memory."""
        capacity = {"CPU": self.cpu, "MEMORY": float(self.memory)}
        if self.state not in _AT_REST:
            capacity |= {f"RUNNING_{name}": amount for name, amount in capacity.items()}
        return capacity

    def _system_size(self, disk: Mapping[str, str]) -> float:
        if disk.get("PERSISTENT") == "YES":
            return 0
        snapshots = self.disk_snapshots.get(int(disk["DISK_ID"]))
        return int(disk["SIZE"]) + (snapshots.size if snapshots else 0)
