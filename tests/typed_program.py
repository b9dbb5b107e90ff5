"""A user's program as a type checker sees it, with the installed package: ``mypy --strict`` has to accept it."""

from __future__ import annotations

from datetime import datetime

from libcloud.compute.deployment import ScriptDeployment
from typing_extensions import assert_type

from stratuslab_libcloud import OpenNebulaNodeDriver, StratusLabNodeDriver
from stratuslab_libcloud.driver.opennebula.nodes import OpenNebulaNode
from stratuslab_libcloud.driver.stratuslab.extra import Attachment
from stratuslab_libcloud.driver.stratuslab.images import StratusLabImage
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.driver.stratuslab.sizes import StratusLabSize
from stratuslab_libcloud.driver.stratuslab.volumes import StratusLabVolume


def quick_start() -> None:
    """The README's first program."""
    driver = StratusLabNodeDriver()
    image = next(image for image in driver.list_images() if image.extra["os"] == "Ubuntu")
    size = driver.ex_get_size("m1.small")

    node = driver.create_node("worker", size, image)
    [(node, addresses)] = driver.wait_until_running([node])
    print(addresses[0].upper())
    node.destroy()

    script = ScriptDeployment("echo hello from $(hostname)")
    node = driver.deploy_node(script, name="worker", size=size, image=image)
    print(script.stdout, node.extra["ssh_host"])

    volume = driver.create_volume(10, "data")
    driver.attach_volume(node, volume)
    print(volume.extra["attachments"])
    driver.detach_volume(volume)


def narrow(driver: StratusLabNodeDriver) -> None:
    """What is returned is typed as what it is."""
    assert_type(driver.list_nodes(), list[StratusLabNode])
    assert_type(driver.list_images(), list[StratusLabImage])
    assert_type(driver.list_sizes(), list[StratusLabSize])
    assert_type(driver.list_volumes(), list[StratusLabVolume])
    with driver, driver.ex_temporary_node("a") as node:
        assert_type(node, StratusLabNode)
        assert_type(int(node.id), int)
        assert_type(node.size.extra["swap"], int)
        assert_type(node.extra["host"], str | None)
        assert_type(node.created_at, datetime | None)
    assert_type(driver.list_volumes()[0].extra["attachments"], list[Attachment] | None)
    assert_type(driver.list_images()[0].extra["size"], int | None)


def opennebula() -> None:
    """The same for the other driver."""
    driver = OpenNebulaNodeDriver("jane", "secret", host="one.example.org")
    [(node, _)] = driver.wait_until_running(driver.list_nodes()[:1])
    assert_type(node, OpenNebulaNode)
    assert_type(node.extra["nics"][0]["ip"], str | None)
    assert_type(node.size.vcpu, int)
