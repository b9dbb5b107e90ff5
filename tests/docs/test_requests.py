"""How many requests each call takes: what the tables of the reference say, measured on sandboxes.

Each kind of cloud has a class here; its methods are called as the drivers' are, and each makes ready what it needs
before it counts. A call whose number depends on more than the call says so in words, and is not counted here.
"""

from __future__ import annotations

import contextlib
import gzip
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stratuslab_libcloud import OpenNebulaNodeDriver, StratusLabNodeDriver
from stratuslab_libcloud.sandbox import Sandbox

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
ROW = re.compile(r"^\| `(?P<name>\w+)[^`]*` \|.*\| (?P<requests>[^|]*) \|$", re.MULTILINE)
NEED_A_WAITING_MACHINE = {"ex_hold_node", "ex_release_node"}
DRIVERS = {"stratuslab": StratusLabNodeDriver, "opennebula": OpenNebulaNodeDriver}


def table(kind: str) -> dict[str, str]:
    """The requests of each call, as the page says them."""
    rows = ROW.finditer((REFERENCE / f"{kind}.md").read_text("utf-8"))
    return {row["name"]: row["requests"] for row in rows}


COUNTED = [
    (kind, name)
    for kind in DRIVERS
    for name, requests in table(kind).items()
    if re.fullmatch(r"\d+( a location| or more)?", requests)
]


class World:
    """A cloud in which nothing takes time, and what a call needs there.

    :ivar needs: what each argument of a call is, by its name
    """

    def __init__(self, kind: str, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.driver: Any = DRIVERS[kind](stratuslab_user_config=sandbox.write_config(folder / "clouds.cfg"))
        self.image = self.driver.list_images()[0]
        self.folder = folder

    def pending(self) -> Any:
        return self.driver.create_node("a", image=self.image, networks=["public"])

    def node(self) -> Any:
        node = self.pending()
        self.driver.wait_until_running([node], timeout=10)
        return node

    @property
    def is_today(self) -> bool:
        return isinstance(self.driver, OpenNebulaNodeDriver)

    def volume(self, attached: bool = False) -> Any:
        volume = self.driver.create_volume(1, "v")
        if attached:
            self.driver.attach_volume(self.node(), volume)
        return volume

    def suspended(self) -> Any:
        node = self.node()
        self.driver.stop_node(node)
        return node

    def prepared(self, name: str) -> Callable[[], Any]:
        """A call that can be made now, with what it needs."""
        driver, today = self.driver, self.is_today
        given: dict[str, Callable[[], tuple[Any, ...]]] = {
            "attach_volume": lambda: (self.node(), self.volume()),
            "copy_image": lambda: (None, self.image, "copy"),
            "create_key_pair": lambda: ("pair",),
            "create_node": lambda: ("b", None, self.image),
            "create_volume": lambda: (1, "w"),
            "create_volume_snapshot": lambda: (self.volume(attached=today), "s"),
            "delete_image": lambda: (
                self.image if not today else driver.copy_image(None, self.image, "c", ex_wait=True),
            ),
            "delete_key_pair": lambda: (driver.create_key_pair("pair"),),
            "destroy_node": lambda: (self.node(),),
            "destroy_volume": lambda: (self.volume(),),
            "detach_volume": lambda: (self.volume(attached=True),),
            "create_image": lambda: (self.node(), "saved"),
            "ex_attach_nic": lambda: (self.node(), "private"),
            "ex_detach_nic": lambda: (node := self.node(), node.extra["nics"][0]["nic_id"]),
            "ex_resize_node": lambda: (self.suspended(), driver.ex_get_size("m1.large")),
            "ex_resize_volume": lambda: (self.volume(attached=True), 2),
            "ex_get_image": lambda: (self.image.id,),
            "ex_verify_image": lambda: (self.image,),
            "ex_get_metadata_for_node": lambda: (self.node(),),
            "ex_get_node": lambda: (self.node(),),
            "ex_get_node_details": lambda: (self.node(),),
            "ex_get_nodes": lambda: ([self.node().id],),
            "ex_get_size": lambda: ("m1.small",),
            "ex_get_volume": lambda: (self.volume().id,),
            "ex_hold_node": lambda: (self.pending(),),
            "ex_login": lambda: (60,),
            "ex_release_node": lambda: (self.held(),),
            "ex_rename_node": lambda: (self.node(), "c"),
            "ex_set_labels": lambda: (self.node(), ["l"]),
            "ex_set_lifetime": lambda: (self.node(), 60),
            "ex_set_tags": lambda: (self.node(), {"A": "b"}),
            "ex_update_volume": lambda: (self.volume(), "other"),
            "ex_upload_volume": lambda: (self.image_file(),),
            "get_image": lambda: (self.image.id,),
            "get_key_pair": lambda: (driver.create_key_pair("pair").name,),
            "import_key_pair_from_string": lambda: ("mine", driver.create_key_pair("pair").public_key),
            "import_key_pair_from_file": lambda: ("mine", self.key_file()),
            "list_nodes_in_location": lambda: ("default",),
            "list_volume_snapshots": lambda: (self.volume(),),
            "ex_resume_node": lambda: (self.suspended(),),
            "ex_start_node": lambda: (self.suspended(),),
            "start_node": lambda: (self.suspended(),),
            "ex_use_clock": lambda: (None,),
        }
        on_a_node = {"ex_shutdown_node", "ex_stop_node", "ex_suspend_node", "reboot_node", "stop_node"}
        on_a_node |= {"ex_undeploy_node"}
        arguments = (self.node(),) if name in on_a_node else given.get(name, tuple)()
        if name == "ex_iterate_nodes":
            return lambda: list(driver.ex_iterate_nodes())
        return lambda: getattr(driver, name)(*arguments)

    def held(self) -> Any:
        node = self.pending()
        self.driver.ex_hold_node(node)
        return node

    def image_file(self) -> Path:
        file = self.folder / "a.img.gz"
        file.write_bytes(gzip.compress(b"an image"))
        return file

    def key_file(self) -> str:
        file = self.folder / "key.pub"
        file.write_text(self.driver.create_key_pair("pair").public_key)
        return str(file)


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A cloud of the kind that the test is of."""
    kind, name = request.getfixturevalue("kind"), request.getfixturevalue("name")
    boot_seconds = 600 if name in NEED_A_WAITING_MACHINE else 0
    with Sandbox(kind=kind, boot_seconds=boot_seconds, guests=False) as sandbox:
        yield World(kind, sandbox, tmp_path)


@pytest.mark.parametrize("kind", DRIVERS)
def test_the_table_has_each_call_once(kind: str) -> None:
    driver = DRIVERS[kind]
    calls = {name for name, _ in inspect.getmembers(driver, inspect.isfunction) if not name.startswith("_")}
    assert sorted(table(kind)) == sorted(calls)


@pytest.mark.parametrize(("kind", "name"), COUNTED)
def test_a_call_takes_as_many_requests_as_the_table_says(kind: str, name: str, world: World) -> None:
    call = world.prepared(name)
    world.sandbox.requests.clear()
    with contextlib.suppress(NotImplementedError):
        call()
    assert len(world.sandbox.requests) == int(table(kind)[name].split()[0]), world.sandbox.requests.operations
