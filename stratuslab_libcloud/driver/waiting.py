"""Waiting for machines: until they run, until they are gone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol, cast

from libcloud.common.types import LibcloudError
from libcloud.compute.base import Node
from libcloud.compute.types import NodeState

from stratuslab_libcloud.deployment.options import SSH_INTERFACES
from stratuslab_libcloud.deployment.polling import Clock, Polling
from stratuslab_libcloud.driver.arguments import checked, seconds
from stratuslab_libcloud.driver.nodes import LocatedNode
from stratuslab_libcloud.driver.progress import OnProgress, Task
from stratuslab_libcloud.errors import (
    InvalidArgumentError,
    MachineFailedError,
    NotFoundError,
    RefusedCredentialsError,
    ServiceTimeoutError,
    ServiceUnavailableError,
    WaitTimeoutError,
)

_log = logging.getLogger(__name__)

_HOPELESS = {NodeState.ERROR: "has failed", NodeState.TERMINATED: "has ended"}
_PASSING = (ServiceUnavailableError, ServiceTimeoutError)

_LAST_LOOK_SECONDS = 0.75
"""What the look at the end may take beyond the time limit."""


class Look(Protocol):
    """Asks the clouds about some machines, all at the same time."""

    def __call__(self, nodes: Sequence[Node], seconds: float) -> Sequence[LocatedNode | LibcloudError]:
        """Each as it is now, or why that is not known.

        :param seconds: how long it may take
        """


def until_running(
    nodes: Sequence[Node],
    look: Look,
    wait_period: float,
    timeout: float,
    ssh_interface: str,
    force_ipv4: bool,
    clock: Clock | None = None,
    progress: OnProgress = None,
) -> list[tuple[Node, list[str]]]:
    """Look at machines until all of them run and have an address.

    :param wait_period: seconds between two looks, at the most
    :param timeout: seconds
    :param ssh_interface: the attribute that must have an address
    :param clock: instead of the computer's
    :param progress: is told after each look
    :return: each node as it is then, and its addresses
    :raises MachineFailedError: as soon as one has failed or ended, or runs without a network
    :raises WaitTimeoutError: when the time is over
    """
    if ssh_interface not in SSH_INTERFACES:
        raise InvalidArgumentError(f"ssh_interface must be {' or '.join(SSH_INTERFACES)}, not {ssh_interface!r}")

    def addresses(node: LocatedNode) -> list[str]:
        return node.addresses_for(ssh_interface, ipv4_only=force_ipv4)

    def missing(node: LocatedNode | LibcloudError) -> str | None:
        if isinstance(node, LibcloudError):
            raise node
        _fail_if_hopeless(node)
        if node.state != NodeState.RUNNING:
            return _state_of(node)
        if addresses(node):
            return None
        _fail_if_without_network(node)
        return f"it runs, but has no address in {ssh_interface}"

    waiting = _Waiting("wait_until_running", nodes, "running", missing, progress)
    seen = cast("list[LocatedNode]", waiting.wait(look, wait_period, timeout, clock))  # they run, so each was seen
    return [(node, addresses(node)) for node in seen]


def until_gone(
    nodes: Sequence[Node],
    look: Look,
    wait_period: float,
    timeout: float,
    clock: Clock | None = None,
    progress: OnProgress = None,
) -> None:
    """Look at machines until all of them have ended.

    :param wait_period: seconds between two looks, at the most
    :param timeout: seconds
    :param clock: instead of the computer's
    :param progress: is told after each look
    :raises WaitTimeoutError: when the time is over
    """

    def missing(node: LocatedNode | LibcloudError) -> str | None:
        if isinstance(node, NotFoundError):
            return None
        if isinstance(node, LibcloudError):
            raise node
        return None if node.state == NodeState.TERMINATED else _state_of(node)

    waiting = _Waiting("ex_wait_until_gone", nodes, "gone", missing, progress)
    waiting.wait(look, wait_period, timeout, clock)


class _Waiting:
    """Machines that are waited for.

    :param call: the name of the driver's method
    :param nodes: the machines, as the caller has them
    :param goal: what they are to be, in a word
    :param missing: what a machine lacks of that, in words; None when it is so
    :param progress: is told after each look
    """

    def __init__(
        self,
        call: str,
        nodes: Sequence[Node],
        goal: str,
        missing: Callable[[LocatedNode | LibcloudError], str | None],
        progress: OnProgress,
    ) -> None:
        if not isinstance(nodes, (list, tuple)):
            raise InvalidArgumentError(f"{call} takes several nodes, such as [node], not {nodes!r}")
        self._nodes = [checked(Node, node) for node in nodes]
        self._goal = goal
        self._missing = missing
        self._words = dict.fromkeys(range(len(self._nodes)), "")
        self._refused: set[int] = set()
        self._task = Task(progress, f"waiting until machines are {goal}", len(self._nodes), "machines")

    def wait(self, look: Look, wait_period: float, timeout: float, clock: Clock | None) -> list[Node]:
        """Wait for all; the nodes as they were seen last."""
        limit = seconds("timeout", timeout)
        polling = Polling(limit, seconds("wait_period", wait_period), clock=clock)
        while self._words:
            self._look(look, polling.left() + _LAST_LOOK_SECONDS)
            described = "; ".join(f"machine {self._nodes[place].id}: {words}" for place, words in self._words.items())
            only_node = self._nodes[0] if len(self._nodes) == 1 else None
            self._task.tell(len(self._nodes) - len(self._words), described, only_node)
            if not self._words:
                break
            _log.info("waiting for machines to be %s: %s", self._goal, described)
            if not polling.pause():
                self._give_up(f"not {self._goal} after {limit:g} seconds: {described}")
        return self._nodes

    def _look(self, look: Look, seconds: float) -> None:
        places = list(self._words)
        found = look([self._nodes[place] for place in places], seconds)
        for place, node in zip(places, found, strict=True):
            if self._may_pass(place, node):
                self._words[place] = str(node)
                continue
            words = self._missing(node)
            if isinstance(node, LocatedNode):
                self._nodes[place] = node
            if words is None:
                del self._words[place]
            else:
                self._words[place] = words

    def _may_pass(self, place: int, found: LocatedNode | LibcloudError) -> bool:
        """Whether an error can be of the moment. So can a first refusal of the user: a daemon that is starting does
        not know the users who created the machines.
        """
        if isinstance(found, RefusedCredentialsError):
            was_refused = place in self._refused
            self._refused.add(place)
            return not was_refused
        self._refused.discard(place)
        return isinstance(found, _PASSING)

    def _give_up(self, message: str) -> NoReturn:
        missing = [self._nodes[place] for place in self._words]
        ready = [node for place, node in enumerate(self._nodes) if place not in self._words]
        raise WaitTimeoutError(message, nodes=missing, ready=ready)


def _fail_if_hopeless(node: LocatedNode) -> None:
    if node.state in _HOPELESS:
        from stratuslab_libcloud.client.http.redaction import one_line

        words = one_line(node.extra["error"] or "") or "the cloud gives no reason"
        raise MachineFailedError(
            f"machine {node.id} ({node.name!r}) of location '{node.location.id}' "
            f"{_HOPELESS[node.state]}{_failure_of(node)} and will not run: {words}",
            node=node,
        )


def _fail_if_without_network(node: LocatedNode) -> None:
    if not (node.public_ips or node.private_ips or node.extra["networks"]):
        raise MachineFailedError(
            f"machine {node.id} ({node.name!r}) of location '{node.location.id}' runs, but is in no network and will "
            "have no address: networks= of create_node says in which it is to be",
            node=node,
        )


def _failure_of(node: LocatedNode) -> str:
    """Which failure it was, on a cloud that has a state for each."""
    status = str(node.extra["lcm_state"])
    return f" ({status.lower()})" if status.endswith("_FAILURE") else ""


def _state_of(node: LocatedNode) -> str:
    active = node.extra["state"] == "ACTIVE"
    state = str(node.extra["lcm_state" if active else "state"]).lower()
    reason = node.extra.get("sched_message")
    return f"{state} ({reason})" if reason else state
