"""What `tools/house.py` prints, for a made-up package."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from house import Package, file_lengths, function_lengths, report
from parameter_walk import ParameterWalk

TOOLS = Path(__file__).parents[1] / "tools"

SOURCES = {
    "driver/__init__": "",
    "driver/base": """
        from stratuslab_libcloud.driver.locations import Locations
        class Base:
            def __init__(self):
                self._locations = Locations()
    """,
    "driver/locations": """
        class Locations:
            def find(self, name):
                return name
    """,
    "driver/driver": """
        from stratuslab_libcloud.client import template
        from stratuslab_libcloud.driver.base import Base
        from stratuslab_libcloud.driver.sizes import read_size
        class Driver(Base):
            def create_node(self, name, size, image, location=None):
                '''Two lines
                of documentation.'''
                where = self._locations.find(location)
                plan = template.Plan(name=name, ram=read_size(size).ram)
                return template.send(plan, image)
    """,
    "driver/sizes": """
        from stratuslab_libcloud.client.records import Record
        def read_size(size) -> Record:
            return Record(size)
    """,
    "client/__init__": "",
    "client/records": """
        from typing import NamedTuple
        class Record(NamedTuple):
            ram: int
    """,
    "client/template": """
        from dataclasses import dataclass
        from stratuslab_libcloud.client import names, numbers
        from stratuslab_libcloud.http.service import post
        @dataclass
        class Plan:
            name: str
            ram: int
            def text(self):
                return names.quoted(self.name) + numbers.quoted(self.ram)
        def send(plan: Plan, image):
            post(plan.text(), image)
    """,
    "client/names": "def quoted(value): return repr(value)",
    "client/numbers": "def quoted(value): return str(value)",
    "http/__init__": "",
    "http/service": """
        import requests
        from stratuslab_libcloud.http.after import unused
        def post(*texts):
            unused(texts)
    """,
    "http/after": "def unused(texts): return texts",
}


@pytest.fixture
def package(tmp_path: Path) -> Package:
    folder = tmp_path / "stratuslab_libcloud"
    for name, source in SOURCES.items():
        file = folder / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(source))
    return Package(folder)


def walk_of(package: Package, parameter: str) -> ParameterWalk:
    sources = {name: (m.tree, m.path.relative_to(package.folder).as_posix()) for name, m in package.modules.items()}
    (walk,) = ParameterWalk.from_function("stratuslab_libcloud", sources, "create_node", parameter)
    return walk


@pytest.mark.parametrize(
    ("parameter", "files"),
    [
        ("name", ["driver/driver", "client/template", "client/names", "http/service"]),
        (
            "size",
            ["driver/driver", "driver/sizes", "client/records", "client/template", "client/numbers", "http/service"],
        ),
        ("image", ["driver/driver", "client/template", "http/service"]),
    ],
)
def test_an_argument_is_followed_to_the_wire_by_its_own_way(package: Package, parameter: str, files: list[str]) -> None:
    walk = walk_of(package, parameter)
    assert [file for file, _ in walk.files] == [f"{file}.py" for file in files]
    assert walk.is_at_the_wire
    assert walk.rooms == ["driver", "client", "http"]
    assert walk.rooms_again == []


def test_an_argument_that_does_not_get_to_the_wire(package: Package) -> None:
    walk = walk_of(package, "location")
    assert walk.files == [("driver/driver.py", "Driver.create_node"), ("driver/locations.py", "Locations.find")]
    assert not walk.is_at_the_wire


def test_a_room_that_a_walk_comes_back_to() -> None:
    walk = ParameterWalk("f", files=[("a/b.py", "f"), ("c/d.py", "g"), ("a/e.py", "h")])
    assert walk.rooms_again == ["a"]


def test_lengths_of_functions_leave_out_the_docstring(package: Package) -> None:
    lengths = {place.partition(" ")[2]: lines for lines, place in function_lengths(package)}
    assert lengths["create_node"] == 4
    assert file_lengths(package)[0][1] == "client/template.py"


def test_the_report_names_rooms_circles_and_walks(package: Package) -> None:
    lines = list(report(package, ["size"]))
    assert f"modules: {len(SOURCES)}, at the package's top: 0" in lines
    assert "circles of imports, those for types included: 0" in lines
    assert "size, from Driver.create_node to the wire" in lines
    assert "  rooms: driver -> client -> http" in lines
    assert "  rooms that it came back to: none" in lines


def test_the_report_counts_the_modules_of_a_circle(package: Package) -> None:
    (package.folder / "client/records.py").write_text("from stratuslab_libcloud.driver import sizes, base")
    (package.folder / "driver/base.py").write_text("from stratuslab_libcloud.client.records import Record")
    lines = list(report(Package(package.folder), []))
    assert any(line.startswith("circles of imports, those for types included: 1, of 3 modules") for line in lines)
    assert "  client.records -> driver.base -> client.records" in lines


def git(folder: Path, *words: str) -> None:
    author = ("-c", "user.name=Jane", "-c", "user.email=jane@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *author, *words], cwd=folder, check=True, capture_output=True)


def test_the_tree_of_a_commit(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("house.py", "parameter_walk.py"):
        shutil.copy(TOOLS / name, tools)
    module = tmp_path / "stratuslab_libcloud" / "client" / "once.py"
    module.parent.mkdir(parents=True)
    module.write_text("")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "One module")
    module.with_name("again.py").write_text("")

    def rooms(*options: str) -> str:
        command = [sys.executable, "tools/house.py", *options]
        return subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True).stdout

    assert rooms("--at", "HEAD").startswith("modules: 1, ")
    assert rooms().startswith("modules: 2, ")


def test_a_commit_that_is_not_there() -> None:
    command = [sys.executable, TOOLS / "house.py", "--at", "no-such-commit"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "git cannot give the tree of 'no-such-commit'" in done.stderr
    assert "Traceback" not in done.stderr
