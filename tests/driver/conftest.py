"""Machines and clouds for the driver's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from libcloud.compute.base import NodeImage, NodeSize

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.sandbox import ManualClock, Sandbox


def image_named(name: str, driver: StratusLabNodeDriver) -> NodeImage:
    return next(image for image in driver.list_images() if image.name == name)


@pytest.fixture
def size(driver: StratusLabNodeDriver) -> NodeSize:
    """The default size."""
    return next(size for size in driver.list_sizes() if size.id == "m1.small")


@pytest.fixture
def image(driver: StratusLabNodeDriver) -> NodeImage:
    """A machine image that the Marketplace lists."""
    return image_named("Ubuntu 14.04 web server", driver)


@pytest.fixture
def start(driver: StratusLabNodeDriver, size: NodeSize, image: NodeImage) -> Callable[..., StratusLabNode]:
    """Starts a node; takes what `create_node` takes by keyword."""

    def start(name: str = "a node", **more: object) -> StratusLabNode:
        return driver.create_node(**{"name": name, "size": size, "image": image, **more})  # type: ignore[arg-type]

    return start


@pytest.fixture
def clock() -> ManualClock:
    """The time of a slow cloud."""
    return ManualClock()


@pytest.fixture
def slow_sandbox(clock: ManualClock) -> Iterator[Sandbox]:
    """A cloud whose machines need three seconds of a clock that the test moves."""
    with Sandbox(clock=clock, boot_seconds=3) as sandbox:
        yield sandbox


@pytest.fixture
def slow_driver(slow_sandbox: Sandbox, tmp_path: Path, key_file: Path) -> StratusLabNodeDriver:
    """A driver for the slow cloud."""
    config = slow_sandbox.write_config(tmp_path / "slow.cfg", public_key_file=key_file)
    return StratusLabNodeDriver(stratuslab_user_config=config)


@pytest.fixture
def slow_node(slow_driver: StratusLabNodeDriver) -> StratusLabNode:
    """A machine of the slow cloud, which does not run yet."""
    return slow_driver.create_node("n", None, image_named("ttylinux", slow_driver))


@pytest.fixture
def two_clouds(sandbox: Sandbox, config_file: Path) -> Iterator[tuple[StratusLabNodeDriver, Sandbox, Sandbox]]:
    """A driver for two clouds, which are the locations `default` and `other`."""
    with Sandbox(boot_seconds=0) as other:
        other.write_config(config_file, section="other", name="The other one", country="FR")
        yield StratusLabNodeDriver(stratuslab_user_config=config_file), sandbox, other
