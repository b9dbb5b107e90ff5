"""Creating and destroying several machines by one call."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from libcloud.compute.base import NodeImage, NodeSize

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.errors import (
    InvalidArgumentError,
    LimitExceededError,
    NotFoundError,
    PartialSuccessError,
    ServiceUnavailableError,
)
from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.http.faults import Fault, FaultKind

Start = Callable[..., StratusLabNode]

NAMES = [f"worker-{number}" for number in range(20)]


def test_several_machines_are_created(
    driver: StratusLabNodeDriver, size: NodeSize, image: NodeImage, sandbox: Sandbox
) -> None:
    sandbox.requests.clear()
    nodes = driver.ex_create_nodes(NAMES, size, image, ex_network="local")
    assert [node.name for node in nodes] == NAMES
    assert sorted(node.id for node in nodes) == sorted(node.id for node in driver.list_nodes())
    assert len({node.extra["mark"] for node in nodes}) == len({node.private_ips[0] for node in nodes}) == 20
    assert sandbox.requests.operations[:-1] == ["one.vm.allocate"] * 20 + ["one.vmpool.info"]
    assert sandbox.requests.connections <= 4


def test_no_machines_are_created(driver: StratusLabNodeDriver, image: NodeImage, sandbox: Sandbox) -> None:
    sandbox.requests.clear()
    assert driver.ex_create_nodes([], None, image) == []
    assert sandbox.requests.operations == []


@pytest.mark.parametrize("names", ["worker", None, ["a", 7], ["a", "\ud800"], ["a", "\x00"]])
def test_nothing_is_created_when_an_argument_is_wrong(
    names: list[str], driver: StratusLabNodeDriver, image: NodeImage
) -> None:
    with pytest.raises(InvalidArgumentError):
        driver.ex_create_nodes(names, None, image)
    assert driver.list_nodes() == []


def test_what_became_of_each_is_told(tmp_path: Path, key_file: Path) -> None:
    with Sandbox(boot_seconds=0, machine_limit=15) as sandbox:
        config = sandbox.write_config(tmp_path / "few.cfg", public_key_file=key_file)
        driver = StratusLabNodeDriver(stratuslab_user_config=config)
        image = driver.list_images()[0]
        with pytest.raises(PartialSuccessError, match=r"^5 of 20 machines were not created: 'worker-") as caught:
            driver.ex_create_nodes(NAMES, None, image)
        names = [node.name for node in caught.value.nodes]
        assert len(names) == 15
        assert sorted(names) == sorted(node.name for node in driver.list_nodes())
        assert {NAMES[place] for place in caught.value.errors} == set(NAMES) - set(names)
        assert {type(error) for error in caught.value.errors.values()} == {LimitExceededError}
        assert str(caught.value).count("the service refused") == 1
        assert "the others are in this exception's `nodes`, each error by its place in `errors`" in str(caught.value)
        with pytest.raises(
            PartialSuccessError, match="this exception has each error by its place in `errors`"
        ) as caught:
            driver.ex_create_nodes(NAMES, None, image)
        assert caught.value.nodes == []
        with pytest.raises(LimitExceededError):
            driver.ex_create_nodes(["one"], None, image)


def test_each_is_created_once_although_replies_are_lost(
    driver: StratusLabNodeDriver, image: NodeImage, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(FaultKind.RESET_AFTER, "compute", "one.vm.allocate", chance=0.3))
    nodes = driver.ex_create_nodes(NAMES, None, image)
    sandbox.faults.clear()
    assert sorted(node.name for node in driver.list_nodes()) == sorted(NAMES)
    assert [node.name for node in nodes] == NAMES


def test_machines_whose_addresses_are_not_told_are_nodes_all_the_same(
    driver: StratusLabNodeDriver, image: NodeImage, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.faults.add(Fault(FaultKind.STATUS, "compute", "one.vmpool.info", status=403))
    nodes = driver.ex_create_nodes(["a", "b"], None, image)
    assert [(node.name, node.public_ips) for node in nodes] == [("a", []), ("b", [])]
    assert caplog.text.count("was created, but its address is not known yet") == 2


def test_what_an_interruption_leaves_is_told(
    driver: StratusLabNodeDriver, image: NodeImage, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    first = driver.ex_create_nodes(["first"], None, image)
    sandbox.faults.add(Fault(FaultKind.NO_ANSWER_AFTER, "compute", "one.vm.allocate", count=1, seconds=3))
    sandbox.faults.add(Fault(FaultKind.DELAY, "compute", "one.vmpool.info", seconds=3))
    interruption = threading.Timer(1, signal.pthread_kill, [threading.get_ident(), signal.SIGINT])
    interruption.start()
    with caplog.at_level(logging.ERROR), pytest.raises(KeyboardInterrupt):
        driver.ex_create_nodes(["a", "b", "c"], None, image)
    interruption.join()
    sandbox.faults.clear()
    [record] = [record.message for record in caplog.records if record.message.startswith("interrupted")]
    there = [node for node in driver.list_nodes() if node.id != first[0].id]
    assert len(there) == 3
    for node in there:
        assert node.id in record.partition("so far: ")[2].partition(";")[0] or node.extra["mark"] in record


def test_several_machines_are_destroyed(
    two_clouds: tuple[StratusLabNodeDriver, Sandbox, Sandbox], image: NodeImage
) -> None:
    driver, here, there = two_clouds
    nodes = [driver.create_node("n", None, image, location=place) for place in driver.list_locations() * 10]
    here.requests.clear()
    there.requests.clear()
    driver.ex_destroy_nodes(nodes)
    assert here.requests.operations == there.requests.operations == ["one.vm.action"] * 10
    assert max(here.requests.connections, there.requests.connections) <= 4
    driver.ex_wait_until_gone(nodes)
    assert driver.list_nodes() == []
    driver.ex_destroy_nodes(nodes)  # what is gone is no error
    driver.ex_destroy_nodes([])


def test_those_that_were_not_destroyed_are_told(
    two_clouds: tuple[StratusLabNodeDriver, Sandbox, Sandbox], image: NodeImage
) -> None:
    driver, _, there = two_clouds
    nodes = [driver.create_node("n", None, image, location=place) for place in driver.list_locations() * 2]
    there.faults.add(Fault(FaultKind.STATUS, "compute", "one.vm.action", status=500))
    with pytest.raises(
        PartialSuccessError, match=r"^2 of 4 machines were not destroyed: 0, 1: the service failed"
    ) as caught:
        driver.ex_destroy_nodes(nodes)
    assert caught.value.nodes == [nodes[0], nodes[2]]
    assert sorted(caught.value.errors) == [1, 3]
    with pytest.raises(ServiceUnavailableError):
        driver.ex_destroy_nodes([nodes[1]])


def test_nothing_is_destroyed_when_one_is_no_node(driver: StratusLabNodeDriver, start: Start) -> None:
    node = start()
    for wrong in ([node, "7"], node, [node, None]):
        with pytest.raises(InvalidArgumentError):
            driver.ex_destroy_nodes(wrong)  # type: ignore[arg-type]
    assert [each.id for each in driver.list_nodes()] == [node.id]


def test_a_node_that_never_was_is_no_error(driver: StratusLabNodeDriver, start: Start) -> None:
    nodes = [start("a"), start("b")]
    nodes[0].id = "99"
    driver.ex_destroy_nodes(nodes)
    with pytest.raises(NotFoundError):
        driver.ex_get_node(nodes[0])
