"""The actions of ``one.vm.action`` by their names, and what a machine has become when each has succeeded."""

from __future__ import annotations

from stratuslab_libcloud.errors import InvalidArgumentError

_GOALS = {
    "terminate": ("DONE",),
    "terminate-hard": ("DONE",),
    "poweroff": ("POWEROFF",),
    "poweroff-hard": ("POWEROFF",),
    "suspend": ("SUSPENDED",),
    "stop": ("STOPPED",),
    "undeploy": ("UNDEPLOYED",),
    "undeploy-hard": ("UNDEPLOYED",),
    "resume": ("RUNNING", "PENDING"),
    "reboot": ("RUNNING",),
    "reboot-hard": ("RUNNING",),
    "hold": ("HOLD",),
    "release": ("PENDING", "RUNNING"),
}

_OF_THE_OLD_DRIVER = {
    "stopped": "stop",
    "suspended": "suspend",
    "cancel": "terminate-hard",
    "shutdown": "terminate",
    "done": "terminate-hard",
}
"""The values of ``libcloud.compute.drivers.opennebula.ACTION`` that are called otherwise today."""


def find(name: str) -> tuple[str, tuple[str, ...]]:
    """An action's name of today, and the statuses that mean success.

    :raises InvalidArgumentError: when there is no such action for a machine's owner
    """
    action = name.strip().lower().replace("_", "-")
    action = _OF_THE_OLD_DRIVER.get(action, action)
    if action not in _GOALS:
        raise InvalidArgumentError(
            f"there is no action {name!r} for the owner of a machine; choose one of: {', '.join(_GOALS)}"
        )
    return action, _GOALS[action]
