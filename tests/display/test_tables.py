"""`show`: lists of both drivers, and of any Libcloud driver, as tables: at a terminal, in a file, in a notebook."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from libcloud.compute.base import KeyPair, Node, NodeImage, NodeLocation, NodeSize, StorageVolume, VolumeSnapshot
from libcloud.compute.drivers.dummy import DummyNodeDriver
from libcloud.compute.types import NodeState, StorageVolumeState

from stratuslab_libcloud import OpenNebulaNodeDriver, StratusLabNodeDriver, show
from stratuslab_libcloud.display.tables import Table
from stratuslab_libcloud.errors import InvalidArgumentError, MissingDependencyError

from .conftest import at_a_terminal

DRIVER = DummyNodeDriver("0")  # type: ignore[no-untyped-call]  # Libcloud's has no types


def node(name: str, state: NodeState = NodeState.RUNNING, **extra: object) -> Node:
    return Node("7", name, state, ["192.0.2.7"], ["10.0.0.7"], DRIVER, extra=extra)


def lines(table: Table) -> list[list[str]]:
    """The words of each line."""
    return [line.split() for line in str(table).splitlines()]


def test_lists_of_a_stratuslab_cloud(stratuslab_driver: StratusLabNodeDriver) -> None:
    driver = stratuslab_driver
    image = driver.list_images(ex_name="ttylinux")[0]
    web = driver.create_node("web", None, image)
    driver.wait_until_running([web])
    volume = driver.create_volume(2, "data")
    driver.attach_volume(web, volume)
    assert lines(show(driver.list_nodes())) == [
        ["ID", "NAME", "STATE", "ADDRESSES", "SIZE", "IMAGE", "LOCATION"],
        ["0", "web", "running", web.public_ips[0], "m1.small", "ttylinux", "default"],
    ]
    assert lines(show(volume)) == [
        ["ID", "NAME", "SIZE,", "GB", "STATE", "NODES", "LOCATION"],
        [volume.id, "data", "2", "inuse", "0", "default"],
    ]
    assert lines(show(driver.list_sizes()))[:2] == [
        ["ID", "NAME", "CPUS", "RAM,", "MiB", "PRICE"],
        ["t1.micro", "t1.micro", "1", "512", "1"],
    ]
    assert lines(show([image])) == [
        ["ID", "NAME", "OS", "ARCHITECTURE", "CREATED"],
        [image.id, "ttylinux", "ttylinux", "x86_64", image.extra["created"]],
    ]
    assert lines(show(driver.list_locations())) == [["ID", "NAME", "COUNTRY"], ["default", "default", "unknown"]]
    assert lines(show(driver.ex_list_networks()))[0] == ["ID", "NAME"]
    assert lines(show(driver.ex_iterate_nodes()))[1][:2] == ["0", "web"]


def test_lists_of_an_opennebula_cloud(opennebula_driver: OpenNebulaNodeDriver) -> None:
    driver = opennebula_driver
    image = next(image for image in driver.list_images() if image.name == "debian12")
    web = driver.create_node("web", None, image, networks=["public"])
    driver.wait_until_running([web])
    assert lines(show(driver.list_nodes()))[1] == [
        *("0", "web", "running", web.public_ips[0], "m1.small", "debian12", "opennebula")
    ]
    assert lines(show(driver.create_volume(2, "data")))[1][1:] == ["data", "2", "available", "opennebula"]
    assert ["template-1", "large", "4", "4096"] in lines(show(driver.list_sizes()))
    assert lines(show([image]))[0] == ["ID", "NAME", "STATE", "CREATED", "LOCATION"]


def test_lists_of_another_driver() -> None:
    """Columns in which nothing stands are left out, and `extra` may be without what ours has, or be None."""
    plain = NodeSize("1", "small", 512, 0, 0, 0, DRIVER)
    assert lines(show([plain])) == [["ID", "NAME", "RAM,", "MiB"], ["1", "small", "512"]]
    volume = StorageVolume("v", "data", 3, DRIVER, StorageVolumeState.AVAILABLE, {"attachments": [{"server_id": "7"}]})
    assert lines(show([volume]))[1] == ["v", "data", "3", "available", "7"]
    assert lines(show([StorageVolume("v", "data", 3, DRIVER, extra={"attachments": "odd"})]))[1] == ["v", "data", "3"]
    assert lines(show([VolumeSnapshot("s", DRIVER, size=3)]))[1] == ["s", "3"]
    assert lines(show(KeyPair("key", "ssh-ed25519 AAAA", "ab:cd", DRIVER))) == [
        ["NAME", "FINGERPRINT"],
        ["key", "ab:cd"],
    ]
    assert lines(show([NodeImage("i", "an image", DRIVER)]))[1] == ["i", "an", "image"]
    assert lines(show([NodeLocation("l", "here", "FR", DRIVER)]))[1] == ["l", "here", "FR"]
    for listed in (DRIVER.list_nodes(), DRIVER.list_sizes(), DRIVER.list_images(), DRIVER.list_locations()):
        assert len(lines(show(listed))) == 1 + len(listed)


def test_an_empty_list_says_so() -> None:
    assert str(show([])) == repr(show(iter(()))) == "Nothing to show: the list is empty."
    assert show([])._repr_html_() == "<p>Nothing to show: the list is empty.</p>"


@pytest.mark.parametrize("things", [["a"], "text", [None], 7, [node("n"), 7]])
def test_what_is_no_list_of_things(things: object) -> None:
    with pytest.raises(InvalidArgumentError, match=r"^show takes nodes, sizes, images, volumes or the like"):
        show(things)  # type: ignore[arg-type]


def test_it_says_what_was_given_instead() -> None:
    with pytest.raises(InvalidArgumentError, match=r"; 7 \(int\) is none of these$"):
        show(7)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="one kind at a time, not a Node and a NodeLocation:"):
        show([node("n"), node("m"), NodeLocation("l", "here", "FR", DRIVER)])


HOSTILE = "\x1b]0;owned\x07\x1b[2J<script>alert(1)</script>[bold red]x[/]\u202etxt\r\n\ud800&amp;"


def test_hostile_names_do_no_harm() -> None:
    table = show([node(HOSTILE)])
    text = str(table)
    assert all(letter.isprintable() for letter in text.replace("\n", ""))
    assert len(text.splitlines()) == 2
    assert r"\x1b]0;owned\x07\x1b[2J<script>alert(1)</script>[bold red]x[/]\u202etxt\r\n\ud800&amp;" in text
    html = table._repr_html_()
    assert "<script" not in html
    read = Cells()
    read.feed(html)
    assert read.cells[read.cells.index("7") + 1] == table.rows[0][1]


class Cells(HTMLParser):
    """The texts of a table's cells."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []

    def handle_data(self, data: str) -> None:
        self.cells.append(data)


# Where it is shown

SHOW = """
import stratuslab_libcloud
from libcloud.compute.base import Node
node = Node("7", "a name that is rather long, for a narrow terminal", "running", ["192.0.2.7"], [], None)
table = stratuslab_libcloud.show([node])
"""


def test_it_is_as_wide_as_the_terminal() -> None:
    wide = at_a_terminal(f"{SHOW}\nprint(table)", 120)
    narrow = at_a_terminal(f"{SHOW}\nprint(table)", 40)
    assert len(wide.splitlines()) == 2
    assert len(narrow.splitlines()) > 2
    assert max(map(len, narrow.splitlines())) <= 40
    assert "".join(narrow.split()).count("192.0.2.7") == 1
    assert "\x1b" not in wide + narrow


def test_elsewhere_it_is_as_wide_as_it_needs_to_be() -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"{SHOW}\nprint(table)"],
        capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "20"},
    )  # fmt: skip
    assert [len(line) for line in done.stdout.splitlines()] == [73, 73]
    assert "\x1b" not in done.stdout


def test_rich_shows_it_in_colours_only_where_these_are_wanted() -> None:
    program = f"{SHOW}\nimport rich\nrich.print(table)"
    assert "\x1b[32mrunning\x1b[0m" in at_a_terminal(program, 120)
    assert "\x1b[32m" not in at_a_terminal(program, 120, NO_COLOR="1")


NOTEBOOK = """
import sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

class ZMQInteractiveShell(InteractiveShell):
    '''A notebook's, as rich recognizes it.'''

shell = ZMQInteractiveShell.instance()
with capture_output() as captured:
    done = shell.run_cell('''{show}
table''')
    formatted, _ = shell.display_formatter.format(done.result)
assert done.success
assert captured.outputs == []  # nothing is shown besides the result
sys.stdout.write(formatted["text/html"] + "|" + formatted["text/plain"])
"""


def test_a_notebook_shows_html(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK.replace("{show}", SHOW)],
        capture_output=True, text=True, check=True, env={**os.environ, "IPYTHONDIR": str(tmp_path)},
    )  # fmt: skip
    html, _, text = done.stdout.partition("|")
    assert html.startswith('<table><thead><tr><th scope="col">ID</th>')
    assert "<td>running</td>" in html
    assert text.startswith("ID  NAME")


@pytest.fixture
def without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setitem(sys.modules, "rich.console", None)


@pytest.mark.usefixtures("without_rich")
def test_without_rich_a_notebook_has_its_table_and_a_text_says_what_to_install() -> None:
    table = show([node("n")])
    assert "<td>n</td>" in table._repr_html_()
    assert str(show([])) == "Nothing to show: the list is empty."
    with pytest.raises(MissingDependencyError, match=r"show needs rich, .*'stratuslab-libcloud-drivers\[show\]>=26'"):
        str(table)
    assert repr(table).startswith("<Table of 1 rows; show needs rich, ")
