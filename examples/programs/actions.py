#!/usr/bin/env python3
"""Actions on machines as StackStorm's Libcloud pack has them: the provider and its arguments come from a file.

actions.py CREDENTIALS.json create_vm name=web size_id=m1.small image_id=No_yF2GuU7qXq90XiD345FBwj1O

CREDENTIALS.json has the provider's name, and whatever else its driver wants, as texts:

{"provider": "STRATUSLAB", "key": "jane", "secret": "s3cret", "host": "cloud.example.org"}
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from libcloud.compute.base import Node, NodeDriver, NodeImage, NodeSize
from libcloud.compute.providers import get_driver
from libcloud.compute.types import Provider

import stratuslab_libcloud  # noqa: F401 - registers the driver; the only line that is StratusLab's


def create_vm(driver: NodeDriver, name: str, size_id: str, image_id: str) -> dict[str, Any]:
    """Start a machine, and wait until it runs."""
    size = NodeSize(size_id, None, None, None, None, None, driver)
    node = driver.create_node(name=name, size=size, image=NodeImage(image_id, None, driver))
    [(node, addresses)] = driver.wait_until_running([node])
    return {**shown(node), "addresses": addresses}


def list_vms(driver: NodeDriver) -> list[dict[str, Any]]:
    """All machines."""
    return [shown(node) for node in driver.list_nodes()]


def stop_vm(driver: NodeDriver, vm_id: str) -> bool:
    """Stop a machine."""
    return driver.stop_node(by_id(driver, vm_id))


def start_vm(driver: NodeDriver, vm_id: str) -> bool:
    """Start a stopped machine again."""
    return driver.start_node(by_id(driver, vm_id))


def destroy_vm(driver: NodeDriver, vm_id: str) -> bool:
    """End a machine."""
    return driver.destroy_node(by_id(driver, vm_id))


def by_id(driver: NodeDriver, vm_id: str) -> Node:
    """The machine of that id."""
    return next(node for node in driver.list_nodes() if node.id == vm_id)


def shown(node: Node) -> dict[str, Any]:
    """What is printed of a machine."""
    return {"id": node.id, "name": node.name, "state": str(node.state)}


ACTIONS = {action.__name__: action for action in (create_vm, list_vms, stop_vm, start_vm, destroy_vm)}


def main(credentials: str, action: str, *arguments: str) -> None:
    options = json.loads(Path(credentials).read_text())
    driver = get_driver(getattr(Provider, options.pop("provider")))(**options)
    print(json.dumps(ACTIONS[action](driver, **dict(argument.split("=", 1) for argument in arguments))))


if __name__ == "__main__":
    main(*sys.argv[1:])
