"""The house's own rules: who may import whom, and that nothing public is without a test or a place in the tree."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from libcloud.common.types import LibcloudError

from stratuslab_libcloud import StratusLabNodeDriver, errors
from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.opennebula.compute import Compute
from stratuslab_libcloud.client.stratuslab.disks import Disks
from stratuslab_libcloud.client.stratuslab.marketplace import Marketplace
from stratuslab_libcloud.config import UserConfiguration
from stratuslab_libcloud.driver.base import BaseNodeDriver
from stratuslab_libcloud.driver.stratuslab.volume_calls import VolumeCalls
from stratuslab_libcloud.sandbox import Sandbox

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "stratuslab_libcloud"
TEXT_OF_TESTS = "\n".join(file.read_text() for file in TESTS.rglob("test_*.py"))

ALLOWED = {
    "client": {"client", "config", "errors"},
    "config": {"config", "errors"},
    "errors": set(),
    "deployment": {"deployment", "errors"},
    "sandbox": {"sandbox"},
    "commands": {"commands", "config", "errors", "driver", "sandbox"},
}
"""What each room may import of the package; rooms that are not named may import anything but the sandbox. `nodes`
names the driver for its type only."""


def imports_of(file: Path) -> Iterator[str]:
    """The rooms of the package that a module imports from."""
    for node in ast.walk(ast.parse(file.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            names = ["stratuslab_libcloud.sandbox"]
        elif isinstance(node, ast.ImportFrom) and node.module == "stratuslab_libcloud":
            names = [f"stratuslab_libcloud.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            package, _, rest = name.partition(".")
            if package == "stratuslab_libcloud" and rest:
                yield rest.partition(".")[0]


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_each_room_imports_only_what_it_may(file: Path) -> None:
    room = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    everything = {path.stem for path in PACKAGE.iterdir()} - {"sandbox"}
    allowed = ALLOWED.get(room, everything)
    assert set(imports_of(file)) <= allowed


def public_methods(kind: type) -> list[str]:
    return [name for name, value in vars(kind).items() if not name.startswith("_") and inspect.isfunction(value)]


@pytest.mark.parametrize(
    "method",
    [
        f"{kind.__name__}.{name}"
        for kind in (
            BaseNodeDriver,
            StratusLabNodeDriver,
            VolumeCalls,
            Cloud,
            Compute,
            Disks,
            Marketplace,
            UserConfiguration,
            Sandbox,
        )
        for name in public_methods(kind)
    ],
)
def test_each_public_method_is_called_by_a_test(method: str) -> None:
    name = method.partition(".")[2]
    assert re.search(rf"\.{name}\b", TEXT_OF_TESTS), f"no test calls {method}"


def error_classes() -> list[type]:
    return [
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and value.__module__ == errors.__name__ and issubclass(value, Exception)
    ]


@pytest.mark.parametrize("error", error_classes(), ids=lambda error: error.__name__)
def test_each_error_is_libclouds_is_in_the_tree_and_has_a_test(error: type) -> None:
    assert issubclass(error, LibcloudError)
    assert re.search(rf"\+-- {error.__name__}\b", errors.__doc__ or "")
    assert error in (errors.StratusLabError,) or re.search(rf"\b{error.__name__}\b", TEXT_OF_TESTS)


def test_each_public_thing_of_the_library_has_a_docstring() -> None:
    without = []
    for file in (file for file in PACKAGE.rglob("*.py") if file.parent.name not in ("sandbox", "state")):
        tree = ast.parse(file.read_text())
        things: list[ast.AST] = [tree]
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                things += [node, *(child for child in node.body if isinstance(child, ast.FunctionDef))]
        things += [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        for thing in things:
            name = getattr(thing, "name", "module")
            is_overload = any("overload" in ast.dump(d) for d in getattr(thing, "decorator_list", ()))
            if not name.startswith("_") and not is_overload and ast.get_docstring(thing) is None:  # type: ignore[arg-type]
                without.append(f"{file.relative_to(PACKAGE)}: {name}")
    assert without == []
