"""``docs/sandbox.md``: its programs run, and it names all that there is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stratuslab_libcloud.sandbox import FaultKind, Sandbox
from stratuslab_libcloud.sandbox.marketplace.catalogue import CATALOGUE

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text("utf-8")
PROGRAMS = [text for text in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "def test_" in text]


@pytest.mark.parametrize("program", PROGRAMS)
def test_its_programs_run(program: str, tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    exec(program, names)
    [test] = [value for name, value in names.items() if name.startswith("test_")]
    run: Callable[[Path], None] = test
    run(tmp_path)


def test_it_names_all_kinds_of_faults() -> None:
    table = PAGE[PAGE.index("| kind |") : PAGE.index("Random numbers")]
    assert set(re.findall(r"`([A-Z_]+)`", table)) == {kind.name for kind in FaultKind}


def test_its_services_are_those_that_faults_can_be_of() -> None:
    (line,) = [line for line in PAGE.splitlines() if line.startswith("**Services**")]
    stratuslab, opennebula = line.split(" of a StratusLab cloud")
    for kind, names in (("stratuslab", stratuslab), ("opennebula", opennebula.partition("**Operations**")[0])):
        known = {service.name for service in Sandbox(kind=kind).faults._services}
        assert set(re.findall(r"`(\w+)`", names)) == known


def test_its_images_are_in_the_catalogue() -> None:
    table = PAGE[PAGE.index("| image |") :]
    assert set(re.findall(r"^\| `(.*?)`", table, re.MULTILINE)) <= {image.title for image in CATALOGUE}
