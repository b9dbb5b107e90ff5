"""Suspending, resuming, holding and releasing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from libcloud.compute.base import NodeImage

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.errors import ConflictError, NotFoundError, ServiceUnavailableError
from stratuslab_libcloud.sandbox import Fault, FaultKind, ManualClock, Sandbox

Start = Callable[..., StratusLabNode]


def state(node: StratusLabNode) -> str:
    return str(node.driver.ex_get_node(node).state)


@pytest.mark.parametrize(
    ("stop", "start"),
    [("stop_node", "start_node"), ("ex_stop_node", "ex_start_node"), ("ex_suspend_node", "ex_resume_node")],
)
def test_stopping_and_starting(
    slow_node: StratusLabNode, slow_driver: StratusLabNodeDriver, clock: ManualClock, stop: str, start: str
) -> None:
    clock.advance(10)
    addresses = slow_driver.ex_get_node(slow_node).public_ips
    assert getattr(slow_driver, stop)(slow_node) is True
    clock.advance(10)
    assert state(slow_node) == "suspended"
    assert getattr(slow_driver, start)(slow_node) is True
    clock.advance(10)
    found = slow_driver.ex_get_node(slow_node)
    assert (found.state, found.public_ips) == ("running", addresses)


def test_holding_and_releasing(
    slow_driver: StratusLabNodeDriver, slow_node: StratusLabNode, clock: ManualClock
) -> None:
    assert slow_driver.ex_hold_node(slow_node) is True
    clock.advance(10)
    assert slow_driver.ex_get_node(slow_node).extra["state"] == "HOLD"
    assert slow_driver.ex_release_node(slow_node) is True
    clock.advance(10)
    assert state(slow_node) == "running"


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("start_node", "machine 0 is running, and must be suspended for 'resume'"),
        ("ex_hold_node", "machine 0 is running, and must be pending for 'hold'"),
        ("ex_release_node", "machine 0 is running, and must be held for 'release'"),
    ],
)
def test_another_state_is_refused(driver: StratusLabNodeDriver, start: Start, call: str, problem: str) -> None:
    [(node, _)] = driver.wait_until_running([start()])
    with pytest.raises(ConflictError, match=problem):
        getattr(driver, call)(node)


def test_what_is_being_suspended_is_waited_for(
    slow_driver: StratusLabNodeDriver, slow_node: StratusLabNode, slow_sandbox: Sandbox, clock: ManualClock
) -> None:
    clock.advance(10)
    slow_driver.stop_node(slow_node)
    assert slow_driver.ex_get_node(slow_node).extra["lcm_state"] == "SAVE_SUSPEND"
    slow_sandbox.requests.clear()
    with ThreadPoolExecutor() as threads:
        started = threads.submit(slow_driver.start_node, slow_node)
        while slow_sandbox.requests.operations.count("one.vm.info") < 2:
            assert not started.done(), started.result()
        clock.advance(10)
        assert started.result() is True
    clock.advance(10)
    assert state(slow_node) == "running"


def test_what_is_being_started_is_waited_for(
    slow_driver: StratusLabNodeDriver, slow_node: StratusLabNode, slow_sandbox: Sandbox, clock: ManualClock
) -> None:
    clock.advance(10)
    slow_driver.stop_node(slow_node)
    clock.advance(10)
    slow_driver.start_node(slow_node)
    slow_sandbox.requests.clear()
    with ThreadPoolExecutor() as threads:
        stopped = threads.submit(slow_driver.stop_node, slow_node)
        while slow_sandbox.requests.operations.count("one.vm.info") < 2:
            assert not stopped.done(), stopped.result()
        clock.advance(10)
        assert stopped.result() is True
    clock.advance(10)
    assert state(slow_node) == "suspended"


def test_what_is_being_changed_is_waited_for_within_the_limit(
    slow_sandbox: Sandbox, slow_node: StratusLabNode, clock: ManualClock, tmp_path: Path
) -> None:
    driver = StratusLabNodeDriver(stratuslab_user_config=tmp_path / "slow.cfg", timeout=1)
    with pytest.raises(ConflictError, match="machine 0 is pending, and must be running"):
        driver.stop_node(slow_node)
    clock.advance(10)
    driver.stop_node(slow_node)
    problem = "machine 0 is still save_suspend, and must be suspended for 'resume'"
    with pytest.raises(ConflictError, match=problem):
        driver.start_node(slow_node)


def test_what_does_not_run_can_not_be_stopped(slow_driver: StratusLabNodeDriver, slow_node: StratusLabNode) -> None:
    for call in (slow_driver.stop_node, slow_driver.ex_shutdown_node):
        with pytest.raises(ConflictError, match="machine 0 is pending, and must be running"):
            call(slow_node)


def test_the_refusal_is_told_where_the_state_is_not_known(
    slow_driver: StratusLabNodeDriver, slow_node: StratusLabNode, slow_sandbox: Sandbox
) -> None:
    with (
        slow_sandbox.faults.during(Fault(FaultKind.STATUS, "compute", "one.vm.info", status=500, count=100)),
        pytest.raises(ConflictError, match="is in another state"),
    ):
        slow_driver.stop_node(slow_node)


def test_what_never_was_is_not_found(driver: StratusLabNodeDriver, start: Start) -> None:
    node = start()
    node.id = "99"
    with pytest.raises(NotFoundError):
        driver.stop_node(node)


def test_a_change_is_asked_for_once(driver: StratusLabNodeDriver, start: Start, sandbox: Sandbox) -> None:
    [(node, _)] = driver.wait_until_running([start()])
    sandbox.requests.clear()
    with (
        sandbox.faults.during(Fault(FaultKind.STATUS, "compute", "one.vm.action", status=500)),
        pytest.raises(ServiceUnavailableError),
    ):
        driver.stop_node(node)
    assert sandbox.requests.operations == ["one.vm.action"]


def test_an_action_of_the_client(driver: StratusLabNodeDriver, image: NodeImage) -> None:
    [(node, _)] = driver.wait_until_running([driver.create_node("n", None, image)])
    compute = driver._locations.cloud(None).compute
    compute.start_action("suspend", int(node.id))
    assert compute.machine(int(node.id)).status in ("SAVE_SUSPEND", "SUSPENDED")
