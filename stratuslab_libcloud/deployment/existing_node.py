"""A deployment on a machine that is there already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import Node

if TYPE_CHECKING:
    from stratuslab_libcloud.deployment.started_node import Driver


class ForExistingNode:
    """A driver that "creates" a machine which was started before.

    :param driver: waits for it, and ends it if that is wanted
    :param node: the machine
    """

    def __init__(self, driver: Driver, node: Node) -> None:
        self._driver = driver
        self._node = node

    @property
    def create_node(self) -> Callable[..., Node]:
        """Starts nothing."""
        return lambda: self._node

    def wait_until_running(
        self,
        nodes: list[Node],
        wait_period: float,
        timeout: Any,
        ssh_interface: str,
        *,
        ex_progress: Callable[[Any], object] | None,
    ) -> Sequence[tuple[Node, list[str]]]:
        """Wait until machines run and have an address."""
        return self._driver.wait_until_running(nodes, wait_period, timeout, ssh_interface, ex_progress=ex_progress)

    def destroy_node(self, node: Node) -> bool:
        """End a machine."""
        return self._driver.destroy_node(node)
