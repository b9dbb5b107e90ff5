"""All states of today's OpenNebula, by their numbers: Libcloud's word for each, and in which a machine is busy."""

from __future__ import annotations

from typing import Any

import pytest
from libcloud.compute.types import NodeState

from stratuslab_libcloud import OpenNebulaNodeDriver
from stratuslab_libcloud.client.opennebula.states import OPENNEBULA_TODAY, is_settled

STATES = {
    NodeState.PENDING: [0, 1, 2, 10],
    NodeState.STOPPED: [4, 8, 9],
    NodeState.SUSPENDED: [5],
    NodeState.TERMINATED: [6],
    NodeState.ERROR: [7, 11],
}
"""STATE by Libcloud's word for it; 3 is ACTIVE."""

LCM_STATES = {
    NodeState.PENDING: [15],
    NodeState.STARTING: [0, 1, 2, 9, 19, 20, 21, 22, 31, 32],
    NodeState.RUNNING: [3, 17, 24, 25, 26, 57, 58, 59, 62, 66, 69],
    NodeState.MIGRATING: [4, 7, 8, 35, 43, 45, 60],
    NodeState.STOPPING: [5, 6, 10, 11, 12, 13, 18, 23, 29, 30],
    NodeState.STOPPED: [27, 33, 34, 51, 52, 53, 63, 64, 65, 67, 68, 70, 71],
    NodeState.SUSPENDED: [28, 54, 55, 56],
    NodeState.ERROR: [14, *range(36, 43), 44, *range(46, 51), 61],
    NodeState.UNKNOWN: [16],
}
"""LCM_STATE by Libcloud's word for it. In a state such as HOTPLUG (17) the guest goes on as it was."""

AT_REST = {3, 16, *LCM_STATES[NodeState.ERROR]}
"""LCM_STATE in which the daemon is doing nothing; in the others it refuses most actions."""


def document(state: int, lcm_state: int) -> str:
    return f"<VM><ID>0</ID><STATE>{state}</STATE><LCM_STATE>{lcm_state}</LCM_STATE></VM>"


@pytest.fixture
def scripted(scripted_daemon: Any) -> OpenNebulaNodeDriver:
    """A driver for a daemon that says what the test wants."""
    return OpenNebulaNodeDriver("jane", "secret", ex_endpoint=scripted_daemon.url, timeout=5)


def each(table: dict[NodeState, list[int]]) -> list[tuple[int, NodeState]]:
    return sorted((number, word) for word, numbers in table.items() for number in numbers)


def test_each_has_a_word() -> None:
    assert [number for number, _ in each(STATES)] == [0, 1, 2, *range(4, len(OPENNEBULA_TODAY.states))]
    assert [number for number, _ in each(LCM_STATES)] == list(range(len(OPENNEBULA_TODAY.lcm_states))) == [*range(72)]


@pytest.mark.parametrize(("state", "word"), each(STATES))
def test_a_state(scripted: OpenNebulaNodeDriver, scripted_daemon: Any, state: int, word: NodeState) -> None:
    scripted_daemon.answers["one.vm.info"] = document(state, 0)
    node = scripted.ex_get_node(0)
    assert node.state == word
    assert node.extra["state"] == OPENNEBULA_TODAY.states[state]
    assert is_settled(node.extra["state"]) == (state != 0)


@pytest.mark.parametrize(("lcm_state", "word"), each(LCM_STATES))
def test_an_lcm_state(scripted: OpenNebulaNodeDriver, scripted_daemon: Any, lcm_state: int, word: NodeState) -> None:
    """Also LCM_INIT (terraform #410), and HOTPLUG after a context change (terraform #473)."""
    scripted_daemon.answers["one.vm.info"] = document(3, lcm_state)
    node = scripted.ex_get_node(0)
    assert node.state == word
    assert node.extra["lcm_state"] == OPENNEBULA_TODAY.lcm_states[lcm_state]
    assert is_settled(node.extra["lcm_state"]) == (lcm_state in AT_REST)


@pytest.mark.parametrize(("state", "lcm_state"), [(3, 72), (3, 1000), (12, 0), (99, 3)])
def test_a_state_of_a_later_version(
    scripted: OpenNebulaNodeDriver, scripted_daemon: Any, state: int, lcm_state: int
) -> None:
    """Unknown, and no exception."""
    scripted_daemon.answers["one.vm.info"] = document(state, lcm_state)
    assert scripted.ex_get_node(0).state == NodeState.UNKNOWN
