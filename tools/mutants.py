"""Change the modules whose promises matter most, one place at a time, and see whether a test notices.

    python tools/mutants.py                      all of them; the results go to build/mutants
    python tools/mutants.py waiting filters      some of them
    python tools/mutants.py --children 2         two at the same time, instead of as many as there are processors

The changes are made and tried by mutmut, for each module with the tests that hold its promises. A change that no test
notices has survived; docs/mutants.md lists those that are known, each with the reason why it does not matter. Any other
one is printed, and the exit status is 1 then.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "mutants"
KNOWN = ROOT / "docs" / "mutants.md"
PACKAGE = "stratuslab_libcloud"

_COPIED = (PACKAGE, "stratuslab", "tests", "tools", "docs", "examples", "README.md", "pyproject.toml")
_SURVIVED = 0
_NOT_TRIED = 33


class Group(NamedTuple):
    """Modules that have tests in common.

    :param modules: their files, below the package
    :param tests: files and folders of tests, below ``tests``
    """

    modules: tuple[str, ...]
    tests: tuple[str, ...]


GROUPS: Mapping[str, Group] = {
    "exactly_once": Group(
        ("client/exactly_once.py",), ("client/test_creating_once.py", "client/opennebula/test_created_once.py")
    ),
    "confirmed_changes": Group(("client/confirmed_changes.py",), ("client/test_confirmed_changes.py",)),
    "redaction": Group(("client/http/redaction.py",), ("client/http/test_redaction.py",)),
    "credentials": Group(("client/http/session.py",), ("client/http/test_session.py", "driver/test_tls.py")),
    "filters": Group(("driver/filters.py",), ("driver/test_filters.py",)),
    "waiting": Group(("driver/waiting.py",), ("driver/test_waiting_looks.py",)),
    "templates": Group(
        ("client/opennebula/template.py", "client/stratuslab/machine_template.py"),
        (
            "client/opennebula/test_template.py",
            "client/stratuslab/test_template_file.py",
            "client/stratuslab/test_machine_template.py",
        ),
    ),
    "xml_templates": Group(
        ("client/opennebula/xml_template.py", "client/opennebula/text_template.py"),
        ("client/opennebula/test_xml_template.py", "client/opennebula/test_text_template.py"),
    ),
    "xmlrpc": Group(
        ("client/opennebula/xmlrpc.py", "client/opennebula/daemon.py"),
        ("client/opennebula/test_xmlrpc.py", "client/opennebula/test_daemon.py"),
    ),
    "nodes": Group(
        (
            "driver/nodes.py",
            "driver/stratuslab/nodes.py",
            "driver/opennebula/nodes.py",
            "driver/opennebula/addresses.py",
        ),
        ("driver/test_nodes_of_documents.py",),
    ),
}


class Survivor(NamedTuple):
    """A change that no test noticed.

    :param function: where it was made, such as ``client/exactly_once.py created_machines``
    :param before: the lines that it replaced
    :param after: what stood there then
    """

    function: str
    before: str
    after: str


class Result(NamedTuple):
    """What became of the changes in a group.

    :param tried: how many there were
    :param survivors: those that no test noticed
    """

    tried: int
    survivors: list[Survivor]


def run(name: str, children: int) -> Result:
    """Make and try all changes of a group."""
    group, folder = GROUPS[name], FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for each in _COPIED:
        source = ROOT / each
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / each)
    _configure(folder / "pyproject.toml", group)
    with (folder / "output.txt").open("w") as output:
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(children)]
        done = subprocess.run(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        sys.exit(f"the tests of {name} fail without any change: {folder / 'output.txt'} says how")
    codes = dict(_exit_codes(folder))
    survivors = [name for name, code in codes.items() if code in (_SURVIVED, _NOT_TRIED)]
    with ThreadPoolExecutor(children) as threads:
        return Result(len(codes), list(threads.map(lambda name: _survivor(folder, name), survivors)))


def _configure(file: Path, group: Group) -> None:
    lists = {
        "source_paths": [PACKAGE],
        "only_mutate": [f"{PACKAGE}/{module}" for module in group.modules],
        "also_copy": list(_COPIED[1:]),
        "do_not_mutate_patterns": [r"_log\."],  # the words of a line of the log are nobody's promise
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:xdist", "--timeout=20", "--hypothesis-profile=few"],
        "pytest_add_cli_args_test_selection": [f"tests/{test}" for test in group.tests],
    }
    section = "".join(f"{key} = {json.dumps(value)}\n" for key, value in lists.items())
    file.write_text(f"{file.read_text()}\n[tool.mutmut]\n{section}")


def _exit_codes(folder: Path) -> Iterator[tuple[str, int]]:
    for file in (folder / "mutants").rglob("*.meta"):
        yield from json.loads(file.read_text())["exit_code_by_key"].items()


def _survivor(folder: Path, mutant: str) -> Survivor:
    command = [sys.executable, "-m", "mutmut", "show", mutant]
    shown = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.splitlines()
    module, _, function = mutant.rpartition(".")
    function = re.sub(r"^x[_ǁ]|__mutmut_\d+$", "", function).replace("ǁ", ".")
    path = module.removeprefix(f"{PACKAGE}.").replace(".", "/")
    return Survivor(f"{path}.py {function}", _changed(shown, "-"), _changed(shown, "+"))


def _changed(diff: Iterable[str], sign: str) -> str:
    """The lines of a diff with a sign, as one."""
    lines = (line[1:].strip() for line in diff if line.startswith(sign) and not line.startswith(sign * 3))
    return " ".join(lines)


def known(text: str) -> set[Survivor]:
    """The survivors in the tables of a document: where, before, after, reason."""
    found = set()
    for line in text.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 4 and all(cell.startswith("`") for cell in cells[:3]):
            found.add(Survivor(*(cell.strip("`").strip() for cell in cells[:3])))
    return found


def row(survivor: Survivor) -> str:
    """A line for the document, to which the reason has to be added."""
    cells = [f"`` {part} ``" if "`" in part else f"`{part}`" for part in survivor]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} | |"


def report(name: str, result: Result, expected: Collection[Survivor]) -> list[str]:
    """What to print of a group: the counts, and a line for each survivor that is not known."""
    new = [survivor for survivor in result.survivors if survivor not in expected]
    counts = f"{result.tried - len(result.survivors):4} of {result.tried:4} noticed"
    return [f"{name:18} {counts}, {len(result.survivors) - len(new):3} known, {len(new):3} not", *map(row, new)]


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], help=f"some of: {', '.join(GROUPS)}")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1, help="how many at the same time")
    arguments = parser.parse_args()
    expected = known(KNOWN.read_text(encoding="utf-8"))
    is_well = True
    for name in arguments.groups or GROUPS:
        counts, *new = report(name, run(name, arguments.children), expected)
        print(counts, *new, sep="\n", flush=True)
        is_well = is_well and not new
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
