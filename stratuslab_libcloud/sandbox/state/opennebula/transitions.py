"""Which states of a machine follow which, what is permitted in which, and how long those take that pass by themselves.

They are the rules of OpenNebula's life cycle manager; `life_cycle` does what they say.
"""

from __future__ import annotations

from collections.abc import Mapping

from stratuslab_libcloud.sandbox.state.opennebula.machine import LcmState, MachineState, VmState
from stratuslab_libcloud.sandbox.state.pace import Pace

FAILURES: frozenset[MachineState] = frozenset(state for state in LcmState if state.name.endswith("_FAILURE"))

AFTER_PROLOG: Mapping[LcmState, tuple[LcmState, LcmState]] = {
    LcmState.PROLOG: (LcmState.BOOT, LcmState.PROLOG_FAILURE),
    LcmState.PROLOG_RESUME: (LcmState.BOOT_STOPPED, LcmState.PROLOG_RESUME_FAILURE),
    LcmState.PROLOG_UNDEPLOY: (LcmState.BOOT_UNDEPLOY, LcmState.PROLOG_UNDEPLOY_FAILURE),
}
"""What follows when the disks are on the host, and when they cannot be brought there."""

AFTER_FAILED_BOOT: Mapping[LcmState, MachineState] = {
    LcmState.BOOT: LcmState.BOOT_FAILURE,
    LcmState.BOOT_STOPPED: LcmState.BOOT_STOPPED_FAILURE,
    LcmState.BOOT_UNDEPLOY: LcmState.BOOT_UNDEPLOY_FAILURE,
    LcmState.BOOT_POWEROFF: VmState.POWEROFF,
    LcmState.BOOT_SUSPENDED: VmState.SUSPENDED,
    LcmState.BOOT_UNKNOWN: VmState.POWEROFF,
}
"""What follows when the hypervisor does not start the machine; otherwise it runs."""

AFTER_SHUTDOWN: Mapping[LcmState, tuple[str, MachineState]] = {
    LcmState.SHUTDOWN: ("shutdown", LcmState.EPILOG),
    LcmState.SHUTDOWN_POWEROFF: ("poweroff", VmState.POWEROFF),
    LcmState.SHUTDOWN_UNDEPLOY: ("shutdown", LcmState.EPILOG_UNDEPLOY),
    LcmState.SAVE_SUSPEND: ("save", VmState.SUSPENDED),
    LcmState.SAVE_STOP: ("save", LcmState.EPILOG_STOP),
}
"""What the hypervisor is asked to do, and what follows; if it does not obey, the machine runs on."""

AFTER_EPILOG: Mapping[LcmState, VmState] = {
    LcmState.EPILOG: VmState.DONE,
    LcmState.EPILOG_STOP: VmState.STOPPED,
    LcmState.EPILOG_UNDEPLOY: VmState.UNDEPLOYED,
    LcmState.CLEANUP_DELETE: VmState.DONE,
}
"""What follows when the host is free."""

RUNNING: frozenset[MachineState] = frozenset({LcmState.RUNNING})
RUNNING_OR_UNKNOWN: frozenset[MachineState] = frozenset({LcmState.RUNNING, LcmState.UNKNOWN})
CAN_RESUME: frozenset[MachineState] = frozenset(
    {VmState.POWEROFF, VmState.SUSPENDED, VmState.STOPPED, VmState.UNDEPLOYED, LcmState.UNKNOWN}
)
CAN_TERMINATE: frozenset[MachineState] = frozenset(
    {
        VmState.PENDING,
        VmState.HOLD,
        VmState.CLONING,
        VmState.CLONING_FAILURE,
        VmState.SUSPENDED,
        VmState.POWEROFF,
        VmState.STOPPED,
        VmState.UNDEPLOYED,
        VmState.DONE,
        *RUNNING_OR_UNKNOWN,
        *FAILURES,
    }
)


def durations(pace: Pace) -> Mapping[MachineState, float]:
    """The seconds in each state that a machine leaves by itself."""
    return {
        VmState.PENDING: pace.pending * 2 / 3,
        LcmState.LCM_INIT: pace.pending / 3,
        **dict.fromkeys(AFTER_PROLOG, pace.prolog),
        **dict.fromkeys(AFTER_FAILED_BOOT, pace.boot),
        **dict.fromkeys(AFTER_SHUTDOWN, pace.shutdown),
        **dict.fromkeys(AFTER_EPILOG, pace.epilog),
        LcmState.SAVE_SUSPEND: pace.save,
        LcmState.SAVE_STOP: pace.save,
        LcmState.CLEANUP_DELETE: pace.cleanup,
    }
