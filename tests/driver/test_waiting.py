"""Waiting for machines: until they run, until they are gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from libcloud.compute.base import NodeImage
from libcloud.compute.types import NodeState

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.driver.waiting import until_running
from stratuslab_libcloud.errors import (
    Call,
    InvalidArgumentError,
    MachineFailedError,
    NotFoundError,
    PermissionDeniedError,
    RefusedCredentialsError,
    ServiceUnavailableError,
    WaitTimeoutError,
)
from stratuslab_libcloud.sandbox import ManualClock, Sandbox
from stratuslab_libcloud.sandbox.http.faults import Fault, FaultKind

from .conftest import image_named

Start = Callable[..., StratusLabNode]


def test_nodes_come_back_as_they_are_then(driver: StratusLabNodeDriver, start: Start, sandbox: Sandbox) -> None:
    nodes = [start(f"n{n}") for n in range(3)]
    start("another")
    sandbox.requests.clear()
    found = driver.wait_until_running([nodes[2], nodes[0]], wait_period=0.01)
    assert [(node.name, node.state, ips) for node, ips in found] == [
        ("n2", "running", nodes[2].public_ips),
        ("n0", "running", nodes[0].public_ips),
    ]
    assert sandbox.requests.operations == ["one.vmpool.info"]


def test_it_waits(slow_node: StratusLabNode, slow_driver: StratusLabNodeDriver, clock: ManualClock) -> None:
    later = threading.Timer(0.2, clock.advance, [10])
    later.start()
    ((found, _),) = slow_driver.wait_until_running([slow_node], wait_period=0.02, timeout=30)
    assert found.state == "running"
    later.join()


def test_a_clock_that_is_moved_by_waiting(
    slow_node: StratusLabNode, slow_driver: StratusLabNodeDriver, clock: ManualClock
) -> None:
    slow_driver.ex_use_clock(clock)
    started, moment = time.monotonic(), clock.now()
    with pytest.raises(WaitTimeoutError, match=r"not running after 0\.1 seconds"):
        slow_driver.wait_until_running([slow_node], timeout=0.1)
    ((found, _),) = slow_driver.wait_until_running([slow_node], timeout=600)
    assert found.state == "running"
    with pytest.raises(WaitTimeoutError, match="not gone after 3600 seconds: machine 0: running"):
        slow_driver.ex_wait_until_gone([slow_node], timeout=3600)
    assert clock.now() - moment > 3600
    assert time.monotonic() - started < 20
    slow_driver.ex_use_clock(None)
    with pytest.raises(WaitTimeoutError):
        slow_driver.ex_wait_until_gone([slow_node], timeout=0.1)


def test_the_time_limit_names_the_machines(slow_node: StratusLabNode, slow_driver: StratusLabNodeDriver) -> None:
    with pytest.raises(WaitTimeoutError, match=r"not running after 0\.1 seconds: machine 0: pending"):
        slow_driver.wait_until_running([slow_node], wait_period=0.02, timeout=0.1)


@pytest.mark.parametrize("what", ["boot", "prolog"])
def test_a_machine_that_fails_is_known_at_once(driver: StratusLabNodeDriver, what: str) -> None:
    image = next(image for image in driver.list_images() if image.name == f"Broken {what}")
    node = driver.create_node("n", None, image)
    with pytest.raises(MachineFailedError, match="has failed and will not run: Error") as caught:
        driver.wait_until_running([node], timeout=30)
    assert (caught.value.node.id, caught.value.node.state) == ("0", "error")


def test_a_machine_that_has_ended_is_not_waited_for(driver: StratusLabNodeDriver, start: Start) -> None:
    node = start()
    node.destroy()
    with pytest.raises(MachineFailedError, match="has ended and will not run"):
        driver.wait_until_running([node], timeout=30)


def test_a_machine_without_such_an_address_is_waited_for(driver: StratusLabNodeDriver, start: Start) -> None:
    node = start(ex_network="local")
    with pytest.raises(WaitTimeoutError, match="it runs, but has no address in public_ips"):
        driver.wait_until_running([node], wait_period=0.01, timeout=0.05)
    ((_, addresses),) = driver.wait_until_running([node], ssh_interface="private_ips")
    assert addresses == node.private_ips


def test_whether_an_ipv6_address_will_do(start: Start) -> None:
    node = start()
    node.state = NodeState.RUNNING
    node.public_ips = ["2001:db8::7", "no address"]

    def wait(force_ipv4: bool) -> object:
        return until_running([node], lambda nodes, seconds: nodes, 5, 0, "public_ips", force_ipv4)  # type: ignore[arg-type, return-value]  # these are ours

    assert wait(force_ipv4=False) == [(node, node.public_ips)]
    with pytest.raises(WaitTimeoutError, match="it runs, but has no address in public_ips"):
        wait(force_ipv4=True)


def test_nodes_of_two_clouds_with_the_same_number(
    two_clouds: tuple[StratusLabNodeDriver, Sandbox, Sandbox], image: NodeImage
) -> None:
    driver, _, _ = two_clouds
    nodes = [driver.create_node(f"at {place.id}", None, image, location=place) for place in driver.list_locations()]
    assert [node.id for node in nodes] == ["0", "0"]
    assert nodes[0].uuid != nodes[1].uuid
    found = driver.wait_until_running(nodes, wait_period=0.01)
    assert [node.name for node, _ in found] == ["at default", "at other"]


def test_nothing_to_wait_for(driver: StratusLabNodeDriver) -> None:
    assert driver.wait_until_running([]) == []


def test_what_is_not_there_is_not_waited_for(driver: StratusLabNodeDriver, start: Start) -> None:
    node = start()
    node.id = "99"
    with pytest.raises(NotFoundError):
        driver.wait_until_running([node])


def test_an_interface_that_is_none(driver: StratusLabNodeDriver, start: Start) -> None:
    with pytest.raises(InvalidArgumentError, match="public_ips or private_ips, not 'eth0'"):
        driver.wait_until_running([start()], ssh_interface="eth0")


def test_a_look_at_many_machines_is_one_request_a_location(
    two_clouds: tuple[StratusLabNodeDriver, Sandbox, Sandbox], image: NodeImage
) -> None:
    driver, here, there = two_clouds
    nodes = [driver.create_node("n", None, image, location=place) for place in driver.list_locations() * 10]
    here.requests.clear()
    there.requests.clear()
    found = driver.wait_until_running(nodes)
    assert [(node.id, node.location) for node, _ in found] == [(node.id, node.location) for node in nodes]  # type: ignore[attr-defined]  # all have it
    assert here.requests.operations == there.requests.operations == ["one.vmpool.info"]


def test_machines_of_others_are_asked_for_one_by_one(
    driver: StratusLabNodeDriver, start: Start, sandbox: Sandbox, tmp_path: Path, key_file: Path
) -> None:
    nodes = [start(f"n{number}") for number in range(3)]
    bob = StratusLabNodeDriver(
        stratuslab_user_config=sandbox.write_config(tmp_path / "bob.cfg", user="bob", public_key_file=key_file)
    )
    nodes[1].id = bob.create_node("his", None, image_named("ttylinux", bob)).id
    sandbox.requests.clear()
    with pytest.raises(PermissionDeniedError):
        driver.wait_until_running(nodes)
    assert sandbox.requests.operations == ["one.vmpool.info", "one.vm.info"]


def test_looks_are_soon_at_first_and_seldomer_later(
    slow_node: StratusLabNode, slow_driver: StratusLabNodeDriver, slow_sandbox: Sandbox
) -> None:
    slow_sandbox.requests.clear()
    with pytest.raises(WaitTimeoutError):
        slow_driver.wait_until_running([slow_node], timeout=2)
    assert 4 <= slow_sandbox.requests.operations.count("one.vm.info") <= 8  # the first seven pauses take 1.93 seconds


def test_the_last_look_is_at_the_time_limit(
    slow_node: StratusLabNode, slow_driver: StratusLabNodeDriver, clock: ManualClock
) -> None:
    later = threading.Timer(0.05, clock.advance, [10])
    later.start()
    slow_driver.wait_until_running([slow_node], wait_period=60, timeout=0.24)
    later.join()


@pytest.mark.parametrize("several", [False, True])
def test_a_cloud_that_does_not_answer_is_not_waited_for_longer(
    several: bool, driver: StratusLabNodeDriver, start: Start, sandbox: Sandbox
) -> None:
    nodes = [start("n") for _ in range(1 + several)]
    sandbox.faults.add(Fault(FaultKind.DELAY, "compute", seconds=30))
    begin = time.monotonic()
    with pytest.raises(WaitTimeoutError, match="no complete answer came within the time limit"):
        driver.wait_until_running(nodes, timeout=1)
    assert 1 <= time.monotonic() - begin < 2
    sandbox.faults.clear()


def test_after_the_time_limit_it_is_known_which_ones_run(
    slow_driver: StratusLabNodeDriver, slow_node: StratusLabNode, clock: ManualClock
) -> None:
    clock.advance(10)
    late = slow_driver.create_node("late", None, image_named("ttylinux", slow_driver))
    with pytest.raises(WaitTimeoutError, match=r"not running after 0 seconds: machine 1: pending") as caught:
        slow_driver.wait_until_running([late, slow_node], timeout=0)
    assert [(node.name, node.state) for node in caught.value.nodes] == [("late", "pending")]
    assert [(node.name, node.state) for node in caught.value.ready] == [("n", "running")]


def test_until_they_are_gone(slow_driver: StratusLabNodeDriver, slow_node: StratusLabNode, clock: ManualClock) -> None:
    clock.advance(10)
    slow_node.destroy()
    with pytest.raises(WaitTimeoutError, match=r"not gone after 0 seconds: machine 0: cleanup") as caught:
        slow_driver.ex_wait_until_gone([slow_node], timeout=0)
    assert [node.state for node in caught.value.nodes] == ["stopping"]
    later = threading.Timer(0.2, clock.advance, [10])
    later.start()
    slow_driver.ex_wait_until_gone([slow_node], wait_period=0.02, timeout=30)
    assert slow_driver.ex_get_node(slow_node).state == "terminated"
    later.join()


def test_what_never_was_there_is_gone(driver: StratusLabNodeDriver, start: Start) -> None:
    node = start()
    node.id = "99"
    driver.ex_wait_until_gone([node])


def test_while_the_cloud_is_down_nothing_is_gone(driver: StratusLabNodeDriver, start: Start, sandbox: Sandbox) -> None:
    node = start()
    sandbox.faults.add(Fault(FaultKind.STATUS, "compute", status=503))
    with pytest.raises(WaitTimeoutError, match="not gone after 0 seconds: machine 0: the service failed"):
        driver.ex_wait_until_gone([node], timeout=0)


def test_what_is_not_several_nodes(driver: StratusLabNodeDriver, start: Start) -> None:
    with pytest.raises(InvalidArgumentError, match="ex_wait_until_gone takes several nodes"):
        driver.ex_wait_until_gone(start())  # type: ignore[arg-type]


def test_a_refused_user_is_asked_about_once_more(start: Start) -> None:
    """A daemon that starts does not know its users yet."""
    node = start()
    refused = RefusedCredentialsError("not known", Call("here", "compute", "one.vm.info", "http://x"))

    def wait(*answers: object) -> list[object]:
        rest = iter(answers)
        return until_running([node], lambda *_: [next(rest)], 0.01, 5, "public_ips", True)  # type: ignore[list-item,return-value]

    assert wait(refused, node) == [(node, node.public_ips)]
    with pytest.raises(RefusedCredentialsError):
        wait(refused, refused, node)
    waiting = ServiceUnavailableError("down", Call("here", "compute", "one.vm.info", "http://x"))
    assert wait(refused, waiting, refused, node) == [(node, node.public_ips)]
