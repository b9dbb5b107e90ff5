"""What `tools/mutants.py` reads and prints; the list of known survivors and the modules that it is about."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from mutants import GROUPS, KNOWN, PACKAGE, ROOT, Result, Survivor, known, report, row

SURVIVORS = [
    Survivor("client/a.py f", 'x = a | b or "c"', 'x = a & b or "c"'),
    Survivor("client/a.py C.f", "words = f'`{x}`'", "words = None"),
]


def test_a_row_is_read_back_as_it_was() -> None:
    rows = [row(survivor).replace("| |", "| because |") for survivor in SURVIVORS]
    assert known("\n".join(["| where | before | after | why |", "| --- | --- | --- | --- |", *rows])) == set(SURVIVORS)


def test_a_survivor_that_is_not_known_is_printed() -> None:
    lines = report("group", Result(7, SURVIVORS), SURVIVORS[:1])
    assert lines[0].split() == ["group", "5", "of", "7", "noticed,", "1", "known,", "1", "not"]
    assert lines[1:] == [row(SURVIVORS[1])]
    assert len(report("group", Result(7, SURVIVORS), SURVIVORS)) == 1


@pytest.mark.parametrize("name", GROUPS)
def test_the_files_of_a_group_are_there(name: str) -> None:
    for module in GROUPS[name].modules:
        assert (ROOT / PACKAGE / module).is_file()
    for test in GROUPS[name].tests:
        assert (ROOT / "tests" / test.partition("::")[0]).exists()


def test_what_is_known_to_survive_is_in_code_that_is_there() -> None:
    """A line that was changed has another list of survivors."""
    modules = {module for group in GROUPS.values() for module in group.modules}
    for survivor in known(KNOWN.read_text(encoding="utf-8")):
        module, function = survivor.function.split()
        assert module in modules
        assert _joined(ROOT / PACKAGE / module, function).find(survivor.before) >= 0, survivor


def _joined(file: Path, function: str) -> str:
    """The lines of a function, each without blanks around it, as one text."""
    names, tree = function.split("."), ast.parse(file.read_text(encoding="utf-8"))
    found: ast.AST = tree
    for name in names:
        found = next(node for node in ast.walk(found) if getattr(node, "name", None) == name)
    lines = file.read_text(encoding="utf-8").splitlines()
    assert isinstance(found, (ast.FunctionDef, ast.AsyncFunctionDef))
    return " ".join(line.strip() for line in lines[found.lineno - 1 : found.end_lineno])
