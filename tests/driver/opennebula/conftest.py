"""A cloud of today's OpenNebula, of each version that there is, and a driver for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from libcloud.compute.base import NodeImage

from stratuslab_libcloud import OpenNebulaNodeDriver
from stratuslab_libcloud.client.opennebula import image_changes, machine_changes
from stratuslab_libcloud.driver.opennebula.nodes import OpenNebulaNode
from stratuslab_libcloud.sandbox import Pace, Sandbox

PASSWORDS = {"alice": "secret:with:colons", "bob": "s3cret"}


@pytest.fixture(params=["6.10", "7.4"])
def version(request: pytest.FixtureRequest) -> str:
    """Which OpenNebula the cloud is."""
    return str(request.param)


@pytest.fixture
def sandbox(version: str) -> Iterator[Sandbox]:
    """A cloud whose steps take a tenth of a second, so that each of its busy states can be met."""
    with Sandbox(
        kind="opennebula", version=version, users=PASSWORDS, pace=Pace.with_boot_seconds(0.1), guests=False
    ) as sandbox:
        yield sandbox


@pytest.fixture
def driver(sandbox: Sandbox) -> OpenNebulaNodeDriver:
    """Alice's."""
    return OpenNebulaNodeDriver("alice", PASSWORDS["alice"], ex_endpoint=f"{sandbox.url}/RPC2", timeout=10)


@pytest.fixture
def bob(sandbox: Sandbox) -> OpenNebulaNodeDriver:
    """Bob's."""
    return OpenNebulaNodeDriver("bob", PASSWORDS["bob"], ex_endpoint=f"{sandbox.url}/RPC2", timeout=10)


@pytest.fixture
def image(driver: OpenNebulaNodeDriver) -> NodeImage:
    """Debian, whose id is 0."""
    return next(image for image in driver.list_images() if image.name == "debian12")


@pytest.fixture
def start(driver: OpenNebulaNodeDriver, image: NodeImage) -> Callable[..., OpenNebulaNode]:
    """Starts a node in the public network, and waits until it runs; takes what `create_node` takes by keyword."""

    def start(name: str = "web-1", **more: object) -> OpenNebulaNode:
        arguments = {"name": name, "image": image, "networks": ["public"], **more}
        node = driver.create_node(**arguments)  # type: ignore[arg-type]
        driver.wait_until_running([node], wait_period=0.1, timeout=20)
        return driver.ex_get_node(node)

    return start


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that fails before it has begun is found out soon."""
    monkeypatch.setattr(machine_changes, "BEGINNING_SECONDS", 0.5)
    monkeypatch.setattr(image_changes, "BEGINNING_SECONDS", 0.5)
