"""The drivers under OpenNebula, which do what the daemon asks for, or fail when they are told to."""

from __future__ import annotations

from collections import Counter

OPERATIONS = (
    "attach",
    "attachnic",
    "cancel",
    "clone",
    "deploy",
    "detach",
    "detachnic",
    "mkfs",
    "poweroff",
    "prolog",
    "remove",
    "save",
    "saveas",
    "shutdown",
)


class Drivers:
    """What a driver does next time it is asked."""

    def __init__(self) -> None:
        self._failures: Counter[str] = Counter()

    def fail(self, operation: str, times: int = 1) -> None:
        """Let an operation fail.

        :param operation: one of `OPERATIONS`, such as ``poweroff``
        :param times: the next so many times
        :raises ValueError: if there is no such operation
        """
        if operation not in OPERATIONS:
            raise ValueError(f"there is no driver operation {operation!r}; choose one of: {', '.join(OPERATIONS)}")
        self._failures[operation] += times

    def succeeds(self, operation: str) -> bool:
        """Do something; False if it fails."""
        if self._failures[operation] == 0:
            return True
        self._failures[operation] -= 1
        return False
