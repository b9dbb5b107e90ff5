"""What makes a driver pleasant in a program and at a prompt: `with`, temporary machines, `repr`."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from libcloud.compute.base import NodeImage, NodeSize

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.errors import ServiceUnavailableError
from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.http.faults import Fault, FaultKind

Start = Callable[..., StratusLabNode]


def test_a_driver_closes_its_connections_at_the_end_of_with(driver: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    with driver as same:
        assert same is driver
        driver.list_nodes()
        driver.list_nodes()
    assert sandbox.requests.connections == 1
    driver.list_nodes()  # it can still be used
    assert sandbox.requests.connections == 2


@pytest.mark.parametrize("problem", [None, ValueError("of the program"), KeyboardInterrupt()])
def test_a_temporary_machine_is_destroyed_at_the_end(
    problem: BaseException | None, driver: StratusLabNodeDriver, size: NodeSize, image: NodeImage
) -> None:
    with pytest.raises(type(problem) if problem else SystemExit):  # noqa: PT012 - the machine is looked at in it
        with driver.ex_temporary_node("a name", size, image=image) as node:
            assert node.name == "a name"
            assert [each.id for each in driver.list_nodes()] == [node.id]
            if problem:
                raise problem
        raise SystemExit
    driver.ex_wait_until_gone([node])


def test_a_temporary_machine_that_cannot_be_destroyed(
    driver: StratusLabNodeDriver, image: NodeImage, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Fault(FaultKind.STATUS, "compute", "one.vm.action", status=500)
    with pytest.raises(ServiceUnavailableError), driver.ex_temporary_node("n", None, image):
        sandbox.faults.add(broken)
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(ValueError, match="of the program"),
        driver.ex_temporary_node("n", None, image),
    ):
        raise ValueError("of the program")
    assert "<StratusLabNode 1 'n' running at 'default'> may still be there: the service failed" in caplog.text


def test_things_are_called_as_people_call_them(
    driver: StratusLabNodeDriver, start: Start, sandbox: Sandbox, image: NodeImage
) -> None:
    [(node, _)] = driver.wait_until_running([start("worker")])
    volume = driver.create_volume(10, "data")
    assert repr(node) == f"<StratusLabNode {node.id} 'worker' running at 'default'>"
    assert repr(volume) == f"<StratusLabVolume {volume.id} 'data' 10 GiB at 'default'>"
    assert repr(image) == f"<StratusLabImage {image.id} 'Ubuntu 14.04 web server'>"
    assert repr(driver.list_sizes()[0]) == "<StratusLabSize 't1.micro' 1 CPU 512 MiB>"
    assert repr(driver) == "<StratusLabNodeDriver of 'default'>"
    assert repr(sandbox) == f"<Sandbox at {sandbox.url}>"
    assert repr(Sandbox()) == "<Sandbox not running>"
