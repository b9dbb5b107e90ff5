"""Waiting for machines to run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address

from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from stratuslab_libcloud.client.parallel import outcomes
from stratuslab_libcloud.deployment.options import SSH_INTERFACES
from stratuslab_libcloud.driver.arguments import checked, seconds
from stratuslab_libcloud.driver.nodes import LocatedNode
from stratuslab_libcloud.errors import (
    InvalidArgumentError,
    MachineFailedError,
    ServiceTimeoutError,
    ServiceUnavailableError,
    WaitTimeoutError,
)

_log = logging.getLogger(__name__)

_HOPELESS = frozenset({NodeState.ERROR, NodeState.TERMINATED})
_PASSING = (ServiceUnavailableError, ServiceTimeoutError)


def until_running(
    nodes: Sequence[Node],
    details: Callable[[Node], LocatedNode],
    wait_period: float,
    timeout: float,
    ssh_interface: str,
    force_ipv4: bool,
) -> list[tuple[Node, list[str]]]:
    """Ask about machines until all of them run and have an address.

    :param details: asks about one
    :param wait_period: seconds between questions
    :param timeout: seconds
    :param ssh_interface: the attribute that must have an address
    :return: each node as it is then, and its addresses
    :raises MachineFailedError: as soon as one has failed or ended
    :raises WaitTimeoutError: when the time is over
    """
    if ssh_interface not in SSH_INTERFACES:
        raise InvalidArgumentError(f"ssh_interface can be {' or '.join(SSH_INTERFACES)}; not {ssh_interface!r}")
    if not isinstance(nodes, (list, tuple)):
        raise InvalidArgumentError(f"wait_until_running takes several nodes, such as [node], not {nodes!r}")
    for node in nodes:
        checked(Node, node)
    deadline = time.monotonic() + seconds("timeout", timeout)
    wait_period = seconds("wait_period", wait_period)
    ready: dict[int, tuple[Node, list[str]]] = {}
    while True:
        waiting = [index for index in range(len(nodes)) if index not in ready]
        status: dict[int, str] = {}
        for index, outcome in zip(waiting, outcomes(lambda i: details(nodes[i]), waiting), strict=True):
            if isinstance(outcome, _PASSING):
                status[index] = str(outcome)
            elif isinstance(outcome, Exception):
                raise outcome
            else:
                _fail_if_hopeless(outcome)
                addresses = _addresses(outcome, ssh_interface, force_ipv4)
                if outcome.state == NodeState.RUNNING and addresses:
                    ready[index] = (outcome, addresses)
                else:
                    status[index] = _status_of(outcome, ssh_interface)
        if not status:
            return [ready[index] for index in range(len(nodes))]
        described = "; ".join(f"machine {nodes[index].id}: {words}" for index, words in status.items())
        if time.monotonic() + wait_period > deadline:
            raise WaitTimeoutError(f"not running after {float(timeout):g} seconds: {described}")
        _log.info("waiting for machines to run: %s", described)
        time.sleep(wait_period)


def _fail_if_hopeless(node: LocatedNode) -> None:
    if node.state in _HOPELESS:
        words = node.extra["error"] or "the cloud gives no reason"
        raise MachineFailedError(
            f"machine {node.id} ({node.name!r}) of location '{node.location.id}' is "
            f"{node.extra['state'].lower()} and will not run: {words}",
            node_id=str(node.id),
            location=node.location.id,
        )


def _addresses(node: Node, ssh_interface: str, force_ipv4: bool) -> list[str]:
    addresses: list[str] = getattr(node, ssh_interface)
    return [ip for ip in addresses if not force_ipv4 or _is_ipv4(ip)]


def _is_ipv4(address: str) -> bool:
    try:
        return ip_address(address).version == 4
    except ValueError:
        return False


def _status_of(node: LocatedNode, ssh_interface: str) -> str:
    if node.state == NodeState.RUNNING:
        return f"it runs, but has no address in {ssh_interface}"
    active = node.extra["state"] == "ACTIVE"
    return str(node.extra["lcm_state" if active else "state"]).lower()
