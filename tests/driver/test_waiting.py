"""Waiting for machines to run."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from libcloud.compute.base import NodeImage

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.errors import InvalidArgumentError, MachineFailedError, NotFoundError, WaitTimeoutError
from stratuslab_libcloud.sandbox import ManualClock, Sandbox

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
    assert sandbox.requests.operations == ["one.vm.info"] * 2


def test_it_waits(slow_node: StratusLabNode, slow_driver: StratusLabNodeDriver, clock: ManualClock) -> None:
    later = threading.Timer(0.2, clock.advance, [10])
    later.start()
    ((found, _),) = slow_driver.wait_until_running([slow_node], wait_period=0.02, timeout=30)
    assert found.state == "running"
    later.join()


def test_the_time_limit_names_the_machines(slow_node: StratusLabNode, slow_driver: StratusLabNodeDriver) -> None:
    with pytest.raises(WaitTimeoutError, match=r"not running after 0\.1 seconds: machine 0: pending"):
        slow_driver.wait_until_running([slow_node], wait_period=0.02, timeout=0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize("what", ["boot", "prolog"])
def test_a_machine_that_fails_is_known_at_once(driver: StratusLabNodeDriver, what: str) -> None:
    image = next(image for image in driver.list_images() if image.name == f"Broken {what}")
    node = driver.create_node("n", None, image)
    with pytest.raises(MachineFailedError, match="is failed and will not run: Error") as caught:
        driver.wait_until_running([node], timeout=30)
    assert (caught.value.node_id, caught.value.location) == ("0", "default")


def test_a_machine_that_has_ended_is_not_waited_for(driver: StratusLabNodeDriver, start: Start) -> None:
    node = start()
    node.destroy()
    with pytest.raises(MachineFailedError, match="is done and will not run"):
        driver.wait_until_running([node], timeout=30)


def test_a_machine_without_such_an_address_is_waited_for(driver: StratusLabNodeDriver, start: Start) -> None:
    node = start(ex_network="local")
    with pytest.raises(WaitTimeoutError, match="it runs, but has no address in public_ips"):
        driver.wait_until_running([node], wait_period=0.01, timeout=0.05)  # type: ignore[arg-type]
    ((_, addresses),) = driver.wait_until_running([node], ssh_interface="private_ips")
    assert addresses == node.private_ips


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
    with pytest.raises(InvalidArgumentError, match="public_ips or private_ips; not 'eth0'"):
        driver.wait_until_running([start()], ssh_interface="eth0")
