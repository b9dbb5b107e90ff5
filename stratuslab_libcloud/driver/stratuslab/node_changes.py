"""Suspending machines and resuming them, and keeping those that wait from being started.

Of OpenNebula's actions, these are the ones that work on a StratusLab cloud without its transfer drivers: a suspended
machine keeps its place and its address, and its memory stays on the host. ``stop`` moves a machine's files to the
front end, and StratusLab's driver for moving (``tm_save_cache.py``) makes images instead. So `stop_node` suspends.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from libcloud.compute.base import Node

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.driver.arguments import checked, machine_number
from stratuslab_libcloud.driver.base import BaseNodeDriver
from stratuslab_libcloud.errors import ConflictError, ServiceError

# What only some calls need is imported by them: a program waits for each import when it starts.
if TYPE_CHECKING:
    from stratuslab_libcloud.client.deadline import Deadline
    from stratuslab_libcloud.driver.progress import OnProgress
    from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode  # noqa: F401 - named in a text below


_FITTING = {"suspended": frozenset({"SUSPENDED", "STOPPED"}), "running": frozenset({"RUNNING"})}
_ON_THE_WAY = {
    "suspended": frozenset({"SAVE_SUSPEND", "SAVE_STOP", "EPILOG_STOP"}),
    "running": frozenset({"PROLOG", "BOOT", "PROLOG_RESUME"}),
}
"""The states that a machine leaves by itself for those in which an action is possible."""

_LAST_ATTEMPT_SECONDS = 1.0
"""What the last attempt may take beyond the time limit."""


class NodeChanges(BaseNodeDriver[Cloud, "StratusLabNode"]):
    """The calls that change a machine's state and do not end it."""

    def start_node(self, node: Node, *, ex_progress: OnProgress = None) -> bool:
        """Let a suspended machine run again, where it was and with its address.

        One that is just being suspended is waited for, as long as a request may take (``request_timeout``).

        :param ex_progress: is called with a `Progress` at each look at the machine
        :raises ConflictError: when it is not suspended
        """
        with self._telling(ex_progress, f"resume of machine {checked(Node, node).id}", node):
            return self._act(node, "resume", "suspended")

    def stop_node(self, node: Node, *, ex_progress: OnProgress = None) -> bool:
        """Suspend a machine, so that it uses no processor: its memory is saved, and it keeps its place and address.

        One that is just being started is waited for, as long as a request may take (``request_timeout``).

        :param ex_progress: is called with a `Progress` at each look at the machine
        :raises ConflictError: when it does not run
        """
        with self._telling(ex_progress, f"suspend of machine {checked(Node, node).id}", node):
            return self._act(node, "suspend", "running")

    def ex_start_node(self, node: Node) -> bool:
        """As `start_node`; OpenStack's driver has it by this name."""
        return self.start_node(node)

    def ex_stop_node(self, node: Node) -> bool:
        """As `stop_node`; OpenStack's driver has it by this name."""
        return self.stop_node(node)

    def ex_suspend_node(self, node: Node) -> bool:
        """As `stop_node`; OpenStack's driver has it by this name."""
        return self.stop_node(node)

    def ex_resume_node(self, node: Node) -> bool:
        """As `start_node`; OpenStack's driver has it by this name."""
        return self.start_node(node)

    def ex_hold_node(self, node: Node) -> bool:
        """Keep a machine that is waiting for a host from being started.

        :raises ConflictError: when it does not wait for one
        """
        return self._act(node, "hold", "pending")

    def ex_release_node(self, node: Node) -> bool:
        """Let a machine be started that `ex_hold_node` keeps from it.

        :raises ConflictError: when it is not held
        """
        return self._act(node, "release", "held")

    def reboot_node(self, node: Node) -> bool:
        """Not offered.

        :raises NotImplementedError: always
        """
        raise NotImplementedError(
            "rebooting a machine is not offered on StratusLab clouds; reboot it from inside, "
            "or destroy it and create another"
        )

    def ex_shutdown_node(self, node: Node) -> bool:
        """Let a machine's own operating system shut it down; it ends after that. A killed one saves nothing.

        :raises ConflictError: when it is not running
        """
        return self._act(node, "shutdown", "running")

    def _act(self, node: Node, action: str, needed: str) -> bool:
        cloud = self._locations.cloud_of(checked(Node, node))
        number = machine_number(node)
        from stratuslab_libcloud.client.deadline import Deadline

        deadline = Deadline(cloud.config.compute.timeout)
        try:
            cloud.compute.start_action(action, number)
        except ConflictError as error:
            status = _status_after_waiting(cloud, number, _ON_THE_WAY.get(needed, ()), deadline)
            if status not in _FITTING.get(needed, ()):
                error.amend(f"machine {number} is {status.lower()}, and must be {needed} for '{action}'")
                raise
            cloud.compute.start_action(action, number, deadline.left() + _LAST_ATTEMPT_SECONDS)
        return True


def _status_after_waiting(cloud: Cloud, number: int, on_the_way: Collection[str], deadline: Deadline) -> str:
    """A machine's state when it is in none of those, or the time is over."""
    from stratuslab_libcloud.client import waiting_words

    while True:
        try:
            status = cloud.compute.machine(number, deadline.left() + _LAST_ATTEMPT_SECONDS).status
        except ServiceError:
            return "in another state"
        if status not in on_the_way:
            return status
        waiting_words.tell(f"machine {number}: {status.lower()}")
        if not deadline.pause():
            return f"still {status}"
