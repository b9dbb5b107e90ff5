"""``docs/sandbox.md``: it names all that there is."""

from __future__ import annotations

import re
from pathlib import Path

from stratuslab_libcloud.sandbox import FaultKind, Sandbox
from stratuslab_libcloud.sandbox.marketplace.catalogue import CATALOGUE

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text("utf-8")


def test_it_names_all_kinds_of_faults() -> None:
    table = PAGE[PAGE.index("| kind |") : PAGE.index("Which requests meet a fault")]
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
