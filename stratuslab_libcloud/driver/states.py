"""The states of OpenNebula's machines in Libcloud's words."""

from __future__ import annotations

from libcloud.compute.types import NodeState

STATE_OF_STATUS = {
    "INIT": NodeState.PENDING,
    "PENDING": NodeState.PENDING,
    "HOLD": NodeState.PENDING,
    "STOPPED": NodeState.STOPPED,
    "SUSPENDED": NodeState.SUSPENDED,
    "DONE": NodeState.TERMINATED,
    "FAILED": NodeState.ERROR,
    "POWEROFF": NodeState.STOPPED,
    "UNDEPLOYED": NodeState.STOPPED,
    "LCM_INIT": NodeState.STARTING,
    "PROLOG": NodeState.STARTING,
    "BOOT": NodeState.STARTING,
    "RUNNING": NodeState.RUNNING,
    "MIGRATE": NodeState.MIGRATING,
    "SAVE_STOP": NodeState.STOPPING,
    "SAVE_SUSPEND": NodeState.STOPPING,
    "SAVE_MIGRATE": NodeState.MIGRATING,
    "PROLOG_MIGRATE": NodeState.MIGRATING,
    "PROLOG_RESUME": NodeState.STARTING,
    "EPILOG_STOP": NodeState.STOPPING,
    "EPILOG": NodeState.STOPPING,
    "SHUTDOWN": NodeState.STOPPING,
    "CANCEL": NodeState.STOPPING,
    "FAILURE": NodeState.ERROR,
    "CLEANUP": NodeState.STOPPING,
    "UNKNOWN": NodeState.UNKNOWN,
}
"""Libcloud's word for each of OpenNebula's: by LCM_STATE while a machine is active, else by STATE."""
