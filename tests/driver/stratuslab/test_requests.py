"""How many requests each call makes, and through how many connections."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from libcloud.compute.base import NodeImage

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.sandbox import Sandbox

Start = Callable[..., StratusLabNode]


def test_creating_from_a_listed_image_takes_two_requests(start: Start, sandbox: Sandbox) -> None:
    sandbox.requests.clear()
    start()
    assert sandbox.requests.operations == ["one.vm.allocate", "one.vmpool.info"]


def test_creating_from_an_image_that_is_not_known_takes_three_once(
    start: Start, sandbox: Sandbox, image: NodeImage, driver: StratusLabNodeDriver
) -> None:
    sandbox.requests.clear()
    plain = NodeImage(image.id, "x", driver)
    start(image=plain)
    assert sandbox.requests.operations == ["GET /metadata/{id}", "one.vm.allocate", "one.vmpool.info"]
    sandbox.requests.clear()
    start(image=plain)
    assert sandbox.requests.operations == ["one.vm.allocate", "one.vmpool.info"]


def test_the_other_calls(start: Start, sandbox: Sandbox, driver: StratusLabNodeDriver) -> None:
    node = start()
    volume = driver.create_volume(1, "v")
    calls: dict[str, Callable[[], object]] = {
        "list_nodes": driver.list_nodes,
        "list_images": driver.list_images,
        "list_volumes": driver.list_volumes,
        "create_volume": lambda: driver.create_volume(1, "w"),
        "ex_get_volume": lambda: driver.ex_get_volume(volume.id),
        "attach_volume": lambda: driver.attach_volume(node, volume),
        "detach_volume": lambda: driver.detach_volume(volume),
        "destroy_volume": lambda: driver.destroy_volume(volume),
        "ex_get_node_details": lambda: driver.ex_get_node_details(node),
        "destroy_node": lambda: driver.destroy_node(node),
    }
    counts = {}
    for name, call in calls.items():
        sandbox.requests.clear()
        call()
        counts[name] = len(sandbox.requests)
    assert counts == {
        "list_nodes": 1,
        "list_images": 1,
        "list_volumes": 1,
        "create_volume": 1,
        "ex_get_volume": 2,
        "attach_volume": 2,
        "detach_volume": 1,
        "destroy_volume": 1,
        "ex_get_node_details": 1,
        "destroy_node": 1,
    }


def test_calls_one_after_another_share_a_connection(driver: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    for _ in range(20):
        driver.list_nodes()
    assert sandbox.requests.connections == 1


def test_a_closed_driver_can_be_used_again(driver: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    driver.list_nodes()
    driver.ex_close()
    assert driver.list_nodes() == []
    assert sandbox.requests.connections == 2


def test_threads_share_a_driver_and_few_connections(
    start: Start, driver: StratusLabNodeDriver, sandbox: Sandbox
) -> None:
    nodes = [start(f"node {n}") for n in range(16)]
    sandbox.requests.clear()

    def name_of(node: StratusLabNode) -> tuple[str, str]:
        return node.name, driver.ex_get_node_details(node).name

    with ThreadPoolExecutor(16) as threads:
        pairs = list(threads.map(name_of, nodes * 10))
    assert all(asked == answered for asked, answered in pairs)
    assert len(sandbox.requests) == 160
    assert sandbox.requests.connections <= 4
