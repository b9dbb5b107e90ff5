"""What can be done with a node: actions, names, capacity, labels, network interfaces.

The daemon only starts what it says True to, and may fail silently; each call here has succeeded when the machine's
document says so. `ex_timeout` is how long that may take, in seconds; by default the location's ``request_timeout``.
`ex_progress` is called with a `Progress` at the beginning, at each look at the machine, and at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import Node

from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud
from stratuslab_libcloud.driver.arguments import checked, machine_number, seconds, text
from stratuslab_libcloud.driver.base import BaseNodeDriver
from stratuslab_libcloud.driver.opennebula.nodes import OpenNebulaNode

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
    from stratuslab_libcloud.driver.progress import OnProgress

Seconds = float | str | None


class NodeCalls(BaseNodeDriver[OpenNebulaCloud, OpenNebulaNode]):
    """The calls of the driver that change a node."""

    def start_node(self, node: Node, *, ex_timeout: Seconds = None, ex_progress: OnProgress = None) -> bool:
        """Start a stopped, suspended or undeployed machine, until it runs or waits for the scheduler.

        :raises ConflictError: when its state does not permit it, or it failed
        """
        return self._act(node, "resume", ("RUNNING", "PENDING"), ex_timeout, ex_progress)

    def stop_node(
        self, node: Node, *, ex_hard: bool = False, ex_timeout: Seconds = None, ex_progress: OnProgress = None
    ) -> bool:
        """Power a machine off; it keeps its host, its disks and its addresses.

        :param ex_hard: whether its operating system is not asked to shut down
        :raises ConflictError: when its state does not permit it, or it went on running
        """
        return self._act(node, _hard("poweroff", ex_hard), ("POWEROFF",), ex_timeout, ex_progress)

    def reboot_node(self, node: Node, *, ex_hard: bool = False) -> bool:
        """Reboot a running machine. It is RUNNING all the time, so nothing tells whether it obeyed.

        :param ex_hard: whether its operating system is not asked
        :raises ConflictError: when it does not run
        """
        return self._act(node, _hard("reboot", ex_hard), ("RUNNING",), None)

    def ex_suspend_node(self, node: Node, *, ex_timeout: Seconds = None, ex_progress: OnProgress = None) -> bool:
        """Save a running machine's memory and stop it, on its host.

        :raises ConflictError: when its state does not permit it, or it failed
        """
        return self._act(node, "suspend", ("SUSPENDED",), ex_timeout, ex_progress)

    def ex_resume_node(self, node: Node, *, ex_timeout: Seconds = None, ex_progress: OnProgress = None) -> bool:
        """The same as `start_node`, by the name that OpenStack's driver has for it."""
        return self.start_node(node, ex_timeout=ex_timeout, ex_progress=ex_progress)

    def ex_stop_node(self, node: Node, *, ex_timeout: Seconds = None, ex_progress: OnProgress = None) -> bool:
        """Save a machine's memory and free its host; it starts anywhere.

        :raises ConflictError: when its state does not permit it, or it failed
        """
        return self._act(node, "stop", ("STOPPED",), ex_timeout, ex_progress)

    def ex_undeploy_node(
        self, node: Node, *, ex_hard: bool = False, ex_timeout: Seconds = None, ex_progress: OnProgress = None
    ) -> bool:
        """Shut a machine down and free its host; it starts anywhere.

        :param ex_hard: whether its operating system is not asked to shut down
        :raises ConflictError: when its state does not permit it, or it failed
        """
        return self._act(node, _hard("undeploy", ex_hard), ("UNDEPLOYED",), ex_timeout, ex_progress)

    def ex_hold_node(self, node: Node) -> bool:
        """Let a pending machine wait until it is released.

        :raises ConflictError: when it is not pending
        """
        return self._act(node, "hold", ("HOLD",), None)

    def ex_release_node(self, node: Node) -> bool:
        """Let a machine start that was on hold.

        :raises ConflictError: when it is not on hold
        """
        return self._act(node, "release", ("PENDING", "RUNNING"), None)

    def ex_node_action(
        self, node: Node, action: str, *, ex_timeout: Seconds = None, ex_progress: OnProgress = None
    ) -> bool:
        """Do an action by its name: OpenNebula's, such as ``undeploy-hard``, or one of Libcloud's old driver.

        :raises InvalidArgumentError: when there is no such action
        :raises ConflictError: when the machine's state does not permit it, or it failed
        """
        from stratuslab_libcloud.driver.opennebula import actions

        name, goals = actions.find(text("action", action))
        return self._act(node, name, goals, ex_timeout, ex_progress)

    def ex_shutdown_node(self, node: Node, *, ex_timeout: Seconds = None, ex_progress: OnProgress = None) -> bool:
        """Let a machine's own operating system shut it down, and end it then. `destroy_node` does not ask it.

        :raises ConflictError: when its state does not permit it, or its operating system did not obey
        """
        return self._act(node, "terminate", ("DONE",), ex_timeout, ex_progress)

    def ex_rename_node(self, node: Node, name: str) -> bool:
        """Give a machine another name, in whatever state it is."""
        from stratuslab_libcloud.client.opennebula.xml_template import checked_name

        self._cloud_of(node).compute.rename(machine_number(node), checked_name(text("name", name), "a machine"))
        return True

    def ex_resize_node(
        self,
        node: Node,
        size: Any = None,
        *,
        ex_memory: int | str | None = None,
        ex_cpu: float | str | None = None,
        ex_vcpu: int | str | None = None,
        ex_timeout: Seconds = None,
        ex_progress: OnProgress = None,
    ) -> bool:
        """Change the capacity of a machine, powered off, or running if its hypervisor can do that.

        :param size: one of `list_sizes`
        :param ex_memory: MiB
        :param ex_cpu: the share of physical CPUs
        :param ex_vcpu: virtual CPUs
        :raises ConflictError: when its state does not permit it, or it failed
        :raises LimitExceededError: when a quota does not permit it
        """
        from stratuslab_libcloud.driver.opennebula import changes

        capacity = changes.capacity(size, ex_memory, ex_cpu, ex_vcpu)
        cloud, limit = self._cloud_of(node), self._limit(node, ex_timeout)
        with self._telling(ex_progress, f"resizing machine {node.id}", node):
            changes.resize(cloud, machine_number(node), capacity, limit)
        return True

    def ex_set_labels(self, node: Node, labels: Iterable[str] | str) -> bool:
        """Replace the labels of a machine, under which Sunstone shows it."""
        from stratuslab_libcloud.driver.opennebula.node_options import labels_text

        self._cloud_of(node).compute.update(machine_number(node), {"LABELS": labels_text(labels) or ""})
        return True

    def ex_set_tags(self, node: Node, tags: Mapping[str, Any]) -> bool:
        """Add attributes to a machine's USER_TEMPLATE, or replace those of the same names."""
        from stratuslab_libcloud.driver.opennebula import node_options

        self._cloud_of(node).compute.update(machine_number(node), node_options.tags("tags", tags))
        return True

    def ex_set_lifetime(self, node: Node, seconds: int | str) -> bool:
        """Let the cloud end a machine some time from now, whatever becomes of this program."""
        from stratuslab_libcloud.config import values
        from stratuslab_libcloud.driver.arguments import parsed

        lifetime = parsed("seconds", seconds, values.whole_number(1, 2**31 - 1)) or 0
        self._cloud_of(node).compute.schedule(machine_number(node), "terminate-hard", lifetime)
        return True

    def ex_attach_nic(
        self, node: Node, network: Any, *, ex_timeout: Seconds = None, ex_progress: OnProgress = None
    ) -> OpenNebulaNode:
        """Put a running or powered-off machine into another network.

        :param network: as one of the ``networks`` of `create_node`
        :return: the node with its new address
        :raises ConflictError: when its state does not permit it, or it failed
        """
        from stratuslab_libcloud.driver.opennebula import changes

        cloud, limit = self._cloud_of(node), self._limit(node, ex_timeout)
        with self._telling(ex_progress, f"putting machine {node.id} into a network", node):
            return self._node(changes.attach_nic(cloud, machine_number(node), network, limit), node)

    def ex_detach_nic(
        self, node: Node, nic_id: int | str, *, ex_timeout: Seconds = None, ex_progress: OnProgress = None
    ) -> OpenNebulaNode:
        """Take a machine out of a network.

        :param nic_id: one of those in ``node.extra['nics']``
        :return: the node without it
        :raises ConflictError: when there is none, its state does not permit it, or it failed
        """
        from stratuslab_libcloud.driver.opennebula import changes

        cloud, limit = self._cloud_of(node), self._limit(node, ex_timeout)
        with self._telling(ex_progress, f"taking machine {node.id} out of a network", node):
            return self._node(changes.detach_nic(cloud, machine_number(node), nic_id, limit), node)

    def _act(
        self, node: Node, action: str, goals: Collection[str], ex_timeout: Seconds, ex_progress: OnProgress = None
    ) -> bool:
        from stratuslab_libcloud.client.opennebula.machine_changes import act

        cloud, limit = self._cloud_of(node), self._limit(node, ex_timeout)
        with self._telling(ex_progress, f"{action} of machine {node.id}", node):
            act(cloud.compute, machine_number(node), action, goals, limit)
        return True

    def _cloud_of(self, node: Node) -> OpenNebulaCloud:
        return self._locations.cloud_of(checked(Node, node))

    def _limit(self, node: Node, given: Seconds) -> float:
        return self._cloud_of(node).config.compute.timeout if given is None else seconds("ex_timeout", given)

    def _node(self, machine: VirtualMachine, before: Node) -> OpenNebulaNode:
        return self._to_node(machine, self._locations.of(before))


def _hard(action: str, hard: bool) -> str:
    return f"{action}-hard" if hard else action
