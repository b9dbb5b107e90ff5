"""The keys of ``extra`` that no mapping describes: each has a row in the reference, and each row is of a key.

Those of nodes, sizes, images and volumes are described key by key in the code; the site's own tests look for them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from libcloud.compute.base import StorageVolume

from stratuslab_libcloud import OpenNebulaNodeDriver, StratusLabNodeDriver
from stratuslab_libcloud.sandbox import Sandbox
from tests.docs.blocks import ROOT

Things = dict[str, Any]


def listed(page: str) -> dict[str, set[str]]:
    """The keys that a page of the reference lists, by what they are of."""
    found: dict[str, set[str]] = {}
    text = (ROOT / "docs" / "reference" / page).read_text("utf-8").split("### Of other things")[1]
    for row in re.finditer(r"^\| (?P<thing>an? [^|]+) \| `(?P<key>\w+)` \| \S", text, re.MULTILINE):
        found.setdefault(row["thing"], set()).add(row["key"])
    return found


def keys(things: Things) -> dict[str, set[str]]:
    """The keys that the things really have; those without any are not listed."""
    return {name: set(thing.extra) for name, thing in things.items() if thing.extra}


def shared(driver: Any, node: Any) -> Things:
    """What both kinds of cloud have."""
    return {
        "a location": driver.list_locations()[0],
        "a network": driver.ex_list_networks()[0],
        "a security group": driver.ex_list_security_groups()[0],
        "a node's image": node.image,
        "a key pair": driver.create_key_pair("mine"),
    }


def test_of_stratuslab(tmp_path: Path) -> None:
    with Sandbox(boot_seconds=0, guests=False) as sandbox:
        driver = StratusLabNodeDriver(stratuslab_user_config=sandbox.write_config(tmp_path / "config"))
        driver.wait_until_running([driver.create_node("a", image=driver.list_images()[0])])
        [root] = driver.list_volumes(ex_all=True)
        origin = StorageVolume(str(root.extra["snapshot_of"]), "an origin", 1, driver, extra={"location": "default"})
        [copy] = driver.list_volume_snapshots(origin)
        things = shared(driver, driver.list_nodes()[0]) | {"a volume snapshot": copy}
        assert keys(things) == listed("stratuslab.md")


def test_of_opennebula(tmp_path: Path) -> None:
    with Sandbox(kind="opennebula", boot_seconds=0, guests=False) as sandbox:
        driver = OpenNebulaNodeDriver(stratuslab_user_config=sandbox.write_config(tmp_path / "config"))
        node = driver.create_node("a", image=driver.list_images()[0], networks=["public"])
        driver.wait_until_running([node])
        volume = driver.create_volume(1, "data")
        driver.attach_volume(node, volume)
        things = shared(driver, driver.list_nodes()[0]) | {
            "a datastore": driver.ex_list_datastores()[0],
            "a volume snapshot": driver.create_volume_snapshot(volume, "before"),
        }
        assert keys(things) == listed("opennebula.md")
