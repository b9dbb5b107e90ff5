"""The time limit of a call of the driver that asks several services."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from libcloud.compute.base import NodeImage

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.errors import ServiceError
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox

LIMIT = 2.0


@pytest.fixture
def hurried(config_file: Path) -> StratusLabNodeDriver:
    """A driver with a short time limit."""
    return StratusLabNodeDriver("default", stratuslab_user_config=config_file, timeout=LIMIT)


def test_the_image_and_the_machine_share_one_time_limit(hurried: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    image = NodeImage(hurried.list_images()[0].id, "", hurried)
    slow = Fault(FaultKind.DELAY, "marketplace", seconds=0.75 * LIMIT)
    started = time.monotonic()
    with (
        sandbox.faults.during(slow, Fault(FaultKind.NO_ANSWER, "compute")),
        pytest.raises(ServiceError, match="time limit"),
    ):
        hurried.create_node("n", None, image)
    assert time.monotonic() - started < LIMIT + 1


def test_a_slow_address_does_not_lose_the_machine(hurried: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    image = hurried.list_images()[0]
    started = time.monotonic()
    with sandbox.faults.during(Fault(FaultKind.NO_ANSWER, "compute", operation="one.vm.info")):
        node = hurried.create_node("n", None, image)
    assert time.monotonic() - started < LIMIT + 1
    assert [found.id for found in hurried.list_nodes()] == [node.id]


def test_the_host_and_the_volume_share_one_time_limit(hurried: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    node = hurried.create_node("n", None, hurried.list_images()[0])
    volume = hurried.create_volume(1, "v")
    slow = Fault(FaultKind.DELAY, "compute", seconds=0.75 * LIMIT)
    started = time.monotonic()
    with sandbox.faults.during(slow, Fault(FaultKind.NO_ANSWER, "disks")), pytest.raises(ServiceError):
        hurried.attach_volume(node, volume)
    assert time.monotonic() - started < LIMIT + 1


def test_a_new_volume_has_one_time_limit(hurried: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    started = time.monotonic()
    with sandbox.faults.during(Fault(FaultKind.NO_ANSWER, "disks")), pytest.raises(ServiceError):
        hurried.create_volume(1, "v")
    assert time.monotonic() - started < LIMIT + 1
