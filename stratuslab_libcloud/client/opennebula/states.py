"""The states of OpenNebula's machines by number: STATE, and LCM_STATE, which is more precise while STATE is ACTIVE.

Since 3.2 the numbers have kept their meanings, but for LCM_STATE 15. One that is not in the tables belongs to a later
version, and gets a name that contains it.
"""

from __future__ import annotations

from typing import NamedTuple

ACTIVE = 3
"""The STATE in which LCM_STATE says more."""

DONE = 6
"""The STATE of a machine that has ended."""


_SETTLED = frozenset(
    {
        *("PENDING", "HOLD", "STOPPED", "SUSPENDED", "DONE", "FAILED", "POWEROFF", "UNDEPLOYED"),
        *("CLONING", "RUNNING", "UNKNOWN"),
    }
)


def is_failure(status: str) -> bool:
    """Whether something went wrong in a machine's life, which it does not go on from by itself."""
    return status.endswith("FAILURE") or status == "FAILED"


def is_settled(status: str) -> bool:
    """Whether nothing is being done to a machine; otherwise it is busy, and refuses every action."""
    return status in _SETTLED or is_failure(status)


class StateNames(NamedTuple):
    """The names that a kind of cloud gives to the numbers.

    :param states: of STATE
    :param lcm_states: of LCM_STATE
    """

    states: tuple[str, ...]
    lcm_states: tuple[str, ...]

    def state(self, number: int) -> str:
        """A STATE by its name."""
        return self.states[number] if 0 <= number < len(self.states) else f"STATE_{number}"

    def lcm_state(self, number: int) -> str:
        """An LCM_STATE by its name."""
        return self.lcm_states[number] if 0 <= number < len(self.lcm_states) else f"LCM_STATE_{number}"

    @property
    def statuses(self) -> frozenset[str]:
        """The names that `VirtualMachine.status` can have."""
        return frozenset((*self.states, *self.lcm_states))


_STATES = ["INIT", "PENDING", "HOLD", "ACTIVE", "STOPPED", "SUSPENDED", "DONE", "FAILED", "POWEROFF", "UNDEPLOYED"]

_UP_TO_UNKNOWN = """
    LCM_INIT PROLOG BOOT RUNNING MIGRATE SAVE_STOP SAVE_SUSPEND SAVE_MIGRATE PROLOG_MIGRATE PROLOG_RESUME EPILOG_STOP
    EPILOG SHUTDOWN CANCEL FAILURE {cleanup} UNKNOWN
"""

_SINCE_UNKNOWN = """
    HOTPLUG SHUTDOWN_POWEROFF BOOT_UNKNOWN BOOT_POWEROFF BOOT_SUSPENDED BOOT_STOPPED CLEANUP_DELETE HOTPLUG_SNAPSHOT
    HOTPLUG_NIC HOTPLUG_SAVEAS HOTPLUG_SAVEAS_POWEROFF HOTPLUG_SAVEAS_SUSPENDED SHUTDOWN_UNDEPLOY EPILOG_UNDEPLOY
    PROLOG_UNDEPLOY BOOT_UNDEPLOY HOTPLUG_PROLOG_POWEROFF HOTPLUG_EPILOG_POWEROFF BOOT_MIGRATE BOOT_FAILURE
    BOOT_MIGRATE_FAILURE PROLOG_MIGRATE_FAILURE PROLOG_FAILURE EPILOG_FAILURE EPILOG_STOP_FAILURE
    EPILOG_UNDEPLOY_FAILURE PROLOG_MIGRATE_POWEROFF PROLOG_MIGRATE_POWEROFF_FAILURE PROLOG_MIGRATE_SUSPEND
    PROLOG_MIGRATE_SUSPEND_FAILURE BOOT_UNDEPLOY_FAILURE BOOT_STOPPED_FAILURE PROLOG_RESUME_FAILURE
    PROLOG_UNDEPLOY_FAILURE DISK_SNAPSHOT_POWEROFF DISK_SNAPSHOT_REVERT_POWEROFF DISK_SNAPSHOT_DELETE_POWEROFF
    DISK_SNAPSHOT_SUSPENDED DISK_SNAPSHOT_REVERT_SUSPENDED DISK_SNAPSHOT_DELETE_SUSPENDED DISK_SNAPSHOT
    DISK_SNAPSHOT_REVERT DISK_SNAPSHOT_DELETE PROLOG_MIGRATE_UNKNOWN PROLOG_MIGRATE_UNKNOWN_FAILURE DISK_RESIZE
    DISK_RESIZE_POWEROFF DISK_RESIZE_UNDEPLOYED HOTPLUG_NIC_POWEROFF HOTPLUG_RESIZE HOTPLUG_SAVEAS_UNDEPLOYED
    HOTPLUG_SAVEAS_STOPPED BACKUP BACKUP_POWEROFF RESTORE
"""

OPENNEBULA_3 = StateNames(tuple(_STATES), tuple(_UP_TO_UNKNOWN.format(cleanup="CLEANUP").split()))
"""Those of 3.2, and the two STATEs that the versions after it added."""

OPENNEBULA_TODAY = StateNames(
    (*_STATES, "CLONING", "CLONING_FAILURE"),
    tuple((_UP_TO_UNKNOWN.format(cleanup="CLEANUP_RESUBMIT") + _SINCE_UNKNOWN).split()),
)
"""Those of 5.4 to 7.4."""
