"""New images of machines, and what the Marketplace cannot do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from libcloud.compute.base import NodeImage

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.errors import NotFoundError, WaitTimeoutError
from stratuslab_libcloud.sandbox import ManualClock, Sandbox


@contextmanager
def ending(sandbox: Sandbox, clock: ManualClock) -> Iterator[None]:
    """Let time go on when a machine is shut down."""

    def go_on() -> None:
        while "one.vm.action" not in sandbox.requests.operations:
            time.sleep(0.01)
        clock.advance(60)

    thread = Thread(target=go_on)
    thread.start()
    yield
    thread.join()


@pytest.fixture
def image(slow_driver: StratusLabNodeDriver) -> NodeImage:
    """An image to start from."""
    return slow_driver.list_images(ex_name="ttylinux")[0]


def test_an_image_is_made_of_a_machine(
    slow_driver: StratusLabNodeDriver, slow_sandbox: Sandbox, clock: ManualClock, image: NodeImage
) -> None:
    node = slow_driver.create_node("n", None, image, ex_save_as="ttylinux, mine")
    clock.advance(10)
    assert slow_driver.ex_get_node(node).extra["save_as"] == "ttylinux, mine"
    with ending(slow_sandbox, clock):
        made = slow_driver.create_image(node, "ttylinux, mine")
    assert made.name == "ttylinux, mine"
    assert made.id != image.id
    assert made.extra["os"] == "ttylinux"
    assert made.extra["locations"][0].startswith(f"pdisk:{slow_sandbox.disks_url}/")
    assert slow_driver.ex_get_node_details(node) is None
    another = slow_driver.create_node("from mine", None, made)
    clock.advance(10)
    slow_driver.wait_until_running([another], timeout=5)


def test_an_image_that_does_not_come(
    slow_driver: StratusLabNodeDriver, slow_sandbox: Sandbox, clock: ManualClock, image: NodeImage
) -> None:
    node = slow_driver.create_node("n", None, image, ex_save_as="mine")
    clock.advance(10)
    slow_sandbox.machines[0].template.replace("CREATE_IMAGE")  # a cloud that makes no image after all
    with (
        ending(slow_sandbox, clock),
        pytest.raises(NotFoundError, match="machine 0 has ended, but there is no new image 'mine' yet"),
    ):
        slow_driver.create_image(node, "mine")


def test_a_machine_that_does_not_end(slow_driver: StratusLabNodeDriver, clock: ManualClock, image: NodeImage) -> None:
    node = slow_driver.create_node("n", None, image, ex_save_as="mine")
    clock.advance(10)
    with pytest.raises(WaitTimeoutError):
        slow_driver.create_image(node, "mine", ex_timeout=0.1)


def test_an_image_that_was_not_asked_for_in_time(driver: StratusLabNodeDriver) -> None:
    image = driver.list_images()[0]
    node = driver.create_node("n", None, image, ex_save_as="one name")
    for each in (node, driver.create_node("n", None, image)):
        with pytest.raises(NotImplementedError, match="created with ex_save_as='another'"):
            driver.create_image(each, "another")
    assert len(driver.list_nodes()) == 2


def test_what_the_marketplace_can_not_do(driver: StratusLabNodeDriver) -> None:
    image = driver.list_images()[0]
    with pytest.raises(NotImplementedError, match="cannot be deleted from the Marketplace"):
        driver.delete_image(image)
    with pytest.raises(NotImplementedError, match="need not be copied"):
        driver.copy_image("default", image, "a copy")
