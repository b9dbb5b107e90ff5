"""Print what the tree of the package looks like: rooms, imports in a circle, long functions and files, and the way of
an argument of `create_node` to the wire.

    python tools/house.py                   the checked-out tree
    python tools/house.py --at v1.0         the tree of a commit, a tag or a branch

A room is a folder of the package. It needs the standard library only, and imports nothing of the package: it reads the
source. `tests/test_house.py` uses the same `Package` to check the rules of CONTRIBUTING.md.
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from parameter_walk import ParameterWalk

ROOT = Path(__file__).resolve().parent.parent
NAME = "stratuslab_libcloud"
COMMANDS = "stratus_commands"


@dataclass(frozen=True)
class Module:
    """A source file; its name is relative to the package, and "" for the package's own `__init__`."""

    name: str
    path: Path
    is_package: bool
    tree: ast.Module

    @property
    def room(self) -> str:
        """The folder that the module is in, two levels deep at the most: "client/http", or "" for the top."""
        folders = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        return "/".join(folders[:2])


class Package:
    """The modules of a package, and who imports whom.

    Imports in functions and under `TYPE_CHECKING` count. `from a import b` means the module `a.b` if there is one,
    otherwise `a`. That Python runs `a/__init__.py` before `a.b` does not count: nobody could import anything.

    :param folder: of the package
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules = {module.name: module for module in map(self._read, sorted(folder.rglob("*.py")))}
        self.imports = {name: names - {name} for name, names in self.imports_from(self).items()}

    def imports_from(self, other: Package) -> dict[str, set[str]]:
        """Which modules of a package each module of this one imports."""
        return {name: set(self._imports_of(module, other)) for name, module in self.modules.items()}

    def _read(self, path: Path) -> Module:
        parts = path.relative_to(self.folder).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        return Module(name, path, is_package, ast.parse(path.read_text(encoding="utf-8")))

    def _imports_of(self, module: Module, other: Package) -> Iterator[str]:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield from other._module_at(alias.name)
            elif isinstance(node, ast.ImportFrom):
                origin = self._origin(module, node)
                for alias in node.names:
                    yield from other._module_at(f"{origin}.{alias.name}") or other._module_at(origin)

    def _origin(self, module: Module, node: ast.ImportFrom) -> str:
        """The absolute name of what a `from ... import` imports from."""
        if not node.level:
            return node.module or ""
        above = [self.folder.name, *filter(None, module.name.split("."))]
        base = above[: len(above) - node.level + module.is_package]
        return ".".join([*base, *filter(None, [node.module])])

    def _module_at(self, dotted: str) -> list[str]:
        package, _, rest = dotted.partition(".")
        return [rest] if package == self.folder.name and rest in self.modules else []


def circles(imports: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """For each group of modules that import each other, one shortest circle: its first module is its last, too."""
    reached = {name: _reachable(imports, name) for name in imports}
    found, seen = [], set()
    for name in sorted(imports):
        if name in reached[name] and name not in seen:
            seen |= {other for other in reached[name] if name in reached[other]}
            found.append(shortest_path(imports, name, {name}))
    return found


def _reachable(imports: Mapping[str, Iterable[str]], start: str) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        new = set(imports.get(waiting.pop(), ())) - reached
        reached |= new
        waiting += new
    return reached


def shortest_path(imports: Mapping[str, Iterable[str]], start: str, ends: set[str]) -> list[str]:
    """The shortest way of imports from a module to one of others, both ends included; [] if there is none."""
    paths, seen = [[start]], set()
    for path in paths:
        for name in sorted(imports.get(path[-1], ())):
            if name in ends:
                return [*path, name]
            if name not in seen:
                seen.add(name)
                paths.append([*path, name])
    return []


def function_lengths(package: Package) -> list[tuple[int, str]]:
    """(lines without the docstring, place) of each function, the longest first."""
    lengths = []
    for module in package.modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if ast.get_docstring(node) is not None:
                    lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
                lengths.append((lines, f"{_place(package, module)}:{node.lineno} {node.name}"))
    return sorted(lengths, key=lambda entry: (-entry[0], entry[1]))


def file_lengths(package: Package) -> list[tuple[int, str]]:
    """(lines, place) of each file, the longest first."""
    lengths = [
        (len(m.path.read_text(encoding="utf-8").splitlines()), _place(package, m)) for m in package.modules.values()
    ]
    return sorted(lengths, key=lambda entry: (-entry[0], entry[1]))


def _place(package: Package, module: Module) -> str:
    return module.path.relative_to(package.folder).as_posix()


def report(package: Package, parameters: Iterable[str] = ("size", "auth", "location")) -> Iterator[str]:
    """The lines to print."""
    rooms: dict[str, int] = {}
    for module in package.modules.values():
        rooms[module.room] = rooms.get(module.room, 0) + 1
    yield f"modules: {len(package.modules)}, at the package's top: {rooms.get('', 0)}"
    yield from (f"  {room or '(top)':24} {number}" for room, number in sorted(rooms.items()))

    found = circles(package.imports)
    involved = sum(name in _reachable(package.imports, name) for name in package.imports)
    shortest = f", of {involved} modules; a shortest one of each:" if found else ""
    yield f"circles of imports, those for types included: {len(found)}{shortest}"
    yield from (f"  {' -> '.join(name or '__init__' for name in circle)}" for circle in found)

    functions, files = function_lengths(package), file_lengths(package)
    yield f"longest functions, without docstring ({sum(lines > 40 for lines, _ in functions)} over 40 lines)"
    yield from (f"  {lines:4} {place}" for lines, place in functions[:5])
    yield "longest files"
    yield from (f"  {lines:4} {place}" for lines, place in files[:5])

    sources = {
        name: (m.tree, _place(package, m)) for name, m in package.modules.items() if not m.room.startswith("sandbox")
    }
    for parameter in parameters:
        for walk in ParameterWalk.from_function(NAME, sources, "create_node", parameter):
            yield f"{parameter}, from {walk.start} to the wire"
            yield from (f"  {number:2} {file:44} {function}" for number, (file, function) in enumerate(walk.files, 1))
            if not walk.is_at_the_wire:
                yield "     (not followed any further)"
            yield f"  rooms: {' -> '.join(walk.rooms)}"
            yield f"  rooms that it came back to: {', '.join(walk.rooms_again) or 'none'}"


def _checked_out_at(commit: str, folder: Path) -> Path:
    archive = subprocess.run(["git", "archive", commit, NAME], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            if member.isfile():
                file = folder / member.name
                file.parent.mkdir(parents=True, exist_ok=True)
                content = tar.extractfile(member)
                file.write_bytes(content.read() if content else b"")
    return folder / NAME


def main() -> None:
    parser = argparse.ArgumentParser(description="Print what the tree of the package looks like.")
    parser.add_argument("--at", metavar="COMMIT", help="the tree of this commit instead of the checked-out one")
    commit = parser.parse_args().at
    with tempfile.TemporaryDirectory() as folder:
        try:
            package = Package(_checked_out_at(commit, Path(folder)) if commit else ROOT / NAME)
        except subprocess.CalledProcessError as error:
            parser.error(f"git cannot give the tree of {commit!r}: {error.stderr.decode().strip()}")
        print("\n".join(report(package)))
    if not commit:
        print("\n".join([f"the commands, {COMMANDS}", *report(Package(ROOT / COMMANDS), parameters=())]))


if __name__ == "__main__":
    main()
