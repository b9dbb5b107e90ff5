"""Listing only some nodes: the right ones, and without asking for all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libcloud.compute.types import NodeState

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.opennebula.machine import (
    ALL_BUT_DONE,
    ANY_STATE,
    Selection,
    VirtualMachine,
    just_created,
)
from stratuslab_libcloud.client.opennebula.states import OPENNEBULA_3, OPENNEBULA_TODAY
from stratuslab_libcloud.driver.filters import NodeFilter
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.errors import InvalidArgumentError
from stratuslab_libcloud.sandbox import LcmState, Sandbox

Start = Callable[..., StratusLabNode]


@pytest.fixture
def nodes(start: Start) -> list[StratusLabNode]:
    """Six machines, of which the last has ended."""
    nodes = [start(name) for name in ("web-1", "web-2", "db", "web", "web-1", "over")]
    nodes[-1].destroy()
    return nodes


def names(nodes: Iterable[object]) -> list[str]:
    return [getattr(node, "name") for node in nodes]  # noqa: B009 - nodes of several classes


def test_by_name(driver: StratusLabNodeDriver, nodes: list[StratusLabNode]) -> None:
    assert [node.id for node in driver.list_nodes(ex_name="web-1")] == [nodes[0].id, nodes[4].id]
    assert driver.list_nodes(ex_name="web-") == []
    assert names(driver.list_nodes(ex_name=re.compile(r"web-\d"))) == ["web-1", "web-2", "web-1"]
    assert names(driver.list_nodes(ex_name=re.compile("web"))) == ["web"]


def test_by_state(slow_node: StratusLabNode, slow_driver: StratusLabNodeDriver, slow_sandbox: Sandbox) -> None:
    assert len(slow_driver.list_nodes(ex_state=NodeState.PENDING)) == 1
    assert slow_driver.list_nodes(ex_state="running") == []
    assert len(slow_driver.list_nodes(ex_state=[NodeState.RUNNING, "PENDING"])) == 1


def test_machines_that_ended_are_there_if_they_are_asked_for(
    driver: StratusLabNodeDriver, nodes: list[StratusLabNode]
) -> None:
    assert names(driver.list_nodes(ex_state=NodeState.TERMINATED)) == ["over"]
    assert len(driver.list_nodes(ex_state=(NodeState.TERMINATED, NodeState.RUNNING))) == 6
    assert len(driver.list_nodes()) == 5


def test_the_cloud_itself_looks_for_a_state_that_is_only_one_to_it(
    driver: StratusLabNodeDriver, nodes: list[StratusLabNode], sandbox: Sandbox
) -> None:
    driver.list_nodes()
    all_of_them = sandbox.requests[-1].bytes_sent
    driver.list_nodes(ex_state=NodeState.TERMINATED)
    assert sandbox.requests[-1].bytes_sent < all_of_them / 2


@pytest.mark.parametrize(
    ("state", "asked_for"),
    [
        (NodeState.RUNNING, OPENNEBULA_3.states.index("ACTIVE")),
        (NodeState.SUSPENDED, OPENNEBULA_3.states.index("SUSPENDED")),
        (NodeState.PENDING, ALL_BUT_DONE),
        (NodeState.STOPPED, ALL_BUT_DONE),
        (NodeState.UNKNOWN, ALL_BUT_DONE),
        ([NodeState.TERMINATED, NodeState.ERROR], ANY_STATE),
    ],
)
def test_what_is_asked_for(state: NodeState | list[NodeState], asked_for: int) -> None:
    assert NodeFilter(state=state).selections(OPENNEBULA_3) == [Selection(state=asked_for)]


def test_what_is_asked_for_today_where_a_state_is_several_to_the_cloud() -> None:
    assert NodeFilter(state=NodeState.SUSPENDED).selections(OPENNEBULA_TODAY) == [Selection(state=ALL_BUT_DONE)]
    assert NodeFilter(state=NodeState.TERMINATED).selections(OPENNEBULA_TODAY) == [Selection(state=6)]
    assert NodeFilter(state=NodeState.RUNNING).selections(OPENNEBULA_TODAY) == [Selection(state=3)]


def test_by_ids(driver: StratusLabNodeDriver, nodes: list[StratusLabNode], sandbox: Sandbox) -> None:
    sandbox.requests.clear()
    assert names(driver.list_nodes(ex_node_ids=[nodes[1].id, nodes[2].id, int(nodes[5].id), "4711"])) == ["web-2", "db"]
    assert names(driver.list_nodes(ex_node_ids=range(1, 3))) == ["web-2", "db"]
    assert names(driver.list_nodes(ex_node_ids=range(4, 0, -2))) == ["db", "web-1"]
    assert len(driver.list_nodes(ex_node_ids=range(-5, 10**12))) == 5


def test_only_a_range_of_ids_is_read(
    driver: StratusLabNodeDriver, nodes: list[StratusLabNode], sandbox: Sandbox
) -> None:
    driver.list_nodes()
    all_of_them = sandbox.requests[-1].bytes_sent
    sandbox.requests.clear()
    driver.list_nodes(ex_node_ids=["2"])
    assert sandbox.requests.operations == ["one.vmpool.info"]
    assert sandbox.requests[-1].bytes_sent < all_of_them / 3


def test_nothing_is_asked_where_nothing_can_be(driver: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    sandbox.requests.clear()
    assert driver.list_nodes(ex_node_ids=[]) == []
    assert driver.list_nodes(ex_node_ids=range(-9, 0)) == []
    assert driver.list_nodes(ex_state=NodeState.REBOOTING) == []
    assert list(driver.ex_iterate_nodes(ex_node_ids=[])) == []
    assert sandbox.requests.operations == []


def test_filters_together(driver: StratusLabNodeDriver, nodes: list[StratusLabNode]) -> None:
    found = driver.list_nodes(ex_name="web-1", ex_state=NodeState.RUNNING, ex_node_ids=range(1, 100))
    assert [node.id for node in found] == [nodes[4].id]


@pytest.mark.parametrize("state", ["asleep", 3, [None], ["running", "asleep"]])
def test_a_state_that_is_none(driver: StratusLabNodeDriver, state: str) -> None:
    with pytest.raises(
        InvalidArgumentError, match=r"ex_state must be a NodeState or several, such as 'running', '.*, not "
    ):
        driver.list_nodes(ex_state=state)


def test_a_name_that_is_none(driver: StratusLabNodeDriver) -> None:
    for name in (7, ["web"], re.compile(b"web")):
        with pytest.raises(InvalidArgumentError, match="ex_name must be a text, or a compiled regular expression"):
            driver.list_nodes(ex_name=name)  # type: ignore[arg-type]


@pytest.mark.parametrize("ids", [["x"], [-1], [1.5], [None], "12", 12])
def test_ids_that_are_none(driver: StratusLabNodeDriver, ids: list[str]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"is not the ID of a machine|ex_node_ids must be several ids"):
        driver.list_nodes(ex_node_ids=ids)


@given(st.sets(st.integers(0, 5000), max_size=60), st.integers(1, 40))
def test_ranges_cover_what_is_wanted_with_few_requests(numbers: set[int], stride: int) -> None:
    wanted = {number * stride for number in numbers}
    selections = NodeFilter(node_ids=wanted).selections(OPENNEBULA_3)
    covered = [number for first, last, *_ in selections for number in wanted if first <= number <= (last or 0)]
    assert sorted(covered) == sorted(wanted)
    assert len(selections) <= 16
    assert all(one.last < other.first for one, other in pairwise(selections))  # type: ignore[operator]


def test_far_ids_are_asked_for_apart() -> None:
    assert NodeFilter(node_ids=[5, 7, 90, 1000]).selections(OPENNEBULA_3) == [Selection(5, 90), Selection(1000, 1000)]


def test_near_ids_are_asked_for_together() -> None:
    """A gap of a hundred is read over, wherever it is."""
    for first in (0, 70, 5000):
        ids = [first, first + 100]
        assert NodeFilter(node_ids=ids).selections(OPENNEBULA_3) == [Selection(first, first + 100)]
        apart = NodeFilter(node_ids=[first, first + 101]).selections(OPENNEBULA_3)
        assert apart == [Selection(first, first), Selection(first + 101, first + 101)]


def test_of_many_gaps_the_narrowest_are_read_over() -> None:
    """Sixteen requests at the most; here the gaps become narrower from one ID to the next."""
    ids = [0]
    for gap in range(150, 130, -1):
        ids.append(ids[-1] + gap)
    selections = NodeFilter(node_ids=ids).selections(OPENNEBULA_3)
    assert [(one.first, one.last) for one in selections] == [*((i, i) for i in ids[:15]), (ids[15], ids[-1])]


def test_whose_machines_and_how_much_of_them_is_said_to_the_cloud() -> None:
    everything = NodeFilter(whose=-2, is_full=True)
    assert everything.selections(OPENNEBULA_TODAY) == [Selection(whose=-2, is_full=True)]
    some = NodeFilter(node_ids=[1, 500], whose=-2, is_full=True)
    assert some.selections(OPENNEBULA_TODAY) == [Selection(i, i, whose=-2, is_full=True) for i in (1, 500)]


def test_a_machine_in_a_state_that_nobody_knows_is_unknown() -> None:
    odd = just_created(1, "odd", 1, 1, "")._replace(state=3, lcm_state=99)
    assert NodeFilter(state=NodeState.UNKNOWN).fits(odd)
    assert not NodeFilter(state=NodeState.RUNNING).fits(odd)


def test_the_client_library_selects_as_well(start: Start, sandbox: Sandbox, driver: StratusLabNodeDriver) -> None:
    for name in ("a", "b", "c"):
        start(name)
    cloud = Cloud(driver._locations.cloud(None).config)

    def names_of(machines: Iterable[VirtualMachine]) -> list[str]:
        return [machine.name for machine in machines]

    assert cloud.compute.read_machines(names_of, Selection(1)) == ["b", "c"]
    assert cloud.compute.read_machines(names_of, Selection(0, 1)) == ["a", "b"]
    assert cloud.compute.machines(Selection(state=LcmState.RUNNING)) != []
    cloud.close()
