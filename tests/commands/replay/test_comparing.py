"""That the comparison of recorded runs notices what is different, and matches what may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from stratuslab_libcloud.sandbox.compute.template_parser import parse_template
from tests.commands.replay.differences import DIFFERENCES
from tests.commands.replay.expectations import Expected, expectation, lines_in_order, options_of_help, problem
from tests.commands.replay.matching import Values
from tests.commands.replay.recording import Run, read
from tests.commands.replay.running import NOT_FOUND, Outcome, run
from tests.commands.replay.templates import missing
from tests.commands.replay.terminal import Exchange, exchanges

A, B = "0a1b2c3d-0000-4000-8000-000000000001", "0a1b2c3d-0000-4000-8000-000000000002"
C, D = "ffffffff-0000-4000-8000-000000000003", "ffffffff-0000-4000-8000-000000000004"
IMAGE, OTHER = "IRXgP7fshFSiRIqA9Bsg7Kn9qK-", "Gho9m15fl1PF6kKJz05sQUJbzcl"


@pytest.fixture
def values() -> Values:
    return Values({"/home/alice": "/tmp/x", "127.0.0.1:80": "127.0.0.1:4711"})


def test_the_same_value_is_the_same_each_time(values: Values) -> None:
    assert values.agree(f"DISK {A}\n", f"DISK {C}\n")
    assert values.agree(f"{A} {B}", f"{C} {D}")
    assert not values.agree(f"{A}\n", f"{D}\n")
    assert not values.agree(f"{B}\n", f"{C}\n")
    assert values.here(f"delete {A} {B.replace('-', '')}") == f"delete {C} {D.replace('-', '')}"


def test_two_values_are_not_one(values: Values) -> None:
    assert not values.agree(f"{A} {B}", f"{C} {C}")
    assert not values.agree(f"{A} {A}", f"{C} {D}")
    assert values.agree(A, D), "what did not agree has bound nothing"


@pytest.mark.parametrize(
    ("recorded", "here", "same"),
    [
        ("vm ID: 1", "vm ID: 2", False),
        ("a\n", "a", False),
        ("Public ip: 127.9.9.1\n", "Public ip: 127.123.45.1\n", True),
        ("127.9.9.1    one\n", "127.12.9.1   one\n", True),
        ("127.9.9.1    one\n", "127.12.9.1    one\n", False),
        ("1, 127.9.9.1 x", "1, 127.12.9.1 x", True),
        ("2014-01-01T00:00:00Z", "2026-11-25T10:11:12Z", True),
        ("['2014-01-01', '00:00:00']", "['2026-11-25', '10:11:12']", True),
        ("2014-01-01T00:00:00Z", "2026-11-25", False),
        (f"ID: {IMAGE}\n", f"ID: {OTHER}\n", True),
        (
            f"http://h/metadata/{IMAGE}/x@y/2014-01-01T00:00:00Z",
            f"http://h/metadata/{OTHER}/x@y/2015-01-01T00:00:00Z",
            True,
        ),
        ("in /home/alice/.ssh at 127.0.0.1:80", "in /tmp/x/.ssh at 127.0.0.1:4711", True),
        ("in /home/alice", "in /home/bob", False),
        (f"{A}", "abc", False),
    ],
)
def test_what_agrees(values: Values, recorded: str, here: str, same: bool) -> None:
    assert values.agree(recorded, here) == same


TEMPLATE = 'NAME = "n 2014-01-01T00:00:00Z"\nDISK = [ source = "http://127.0.0.1:80/x", save = no ]\nCPU = 2\n'


@pytest.mark.parametrize(
    ("template", "lacking"),
    [
        (TEMPLATE, []),
        (TEMPLATE.replace("2014", "2015").replace(":80", ":4711") + "MORE = 1", []),
        (TEMPLATE.replace("= no", "= yes"), ["DISK"]),
        (TEMPLATE.replace("CPU = 2", "CPU = [ A = 2 ]"), ["CPU"]),
        ("", ["CPU", "DISK", "NAME"]),
    ],
)
def test_what_a_machine_lacks(values: Values, template: str, lacking: list[str]) -> None:
    assert missing(TEMPLATE, parse_template(template.replace(":80", ":4711")), values) == lacking


@pytest.mark.parametrize(("files", "lacking"), [('PUBLIC_KEY = "b"', []), ("OTHER = 1", ["CONTEXT"])])
def test_what_is_made_of_files_is_there(values: Values, files: str, lacking: list[str]) -> None:
    recorded = 'CONTEXT = [ public_key = "a", empty = "" ]'
    assert missing(recorded, parse_template(f"CONTEXT = [ {files} ]"), values) == lacking


def test_machines_of_a_run() -> None:
    requests = ("GET /x -> 200", "one.vm.allocate(a:b, <t>)", "one.vm.info(a:b, 7)", "one.vm.info(a:b, 7)")
    assert Run(1, "", ["x"], {}, "", 0, "", "", requests, ["CPU = 1"]).machines == {7: "CPU = 1"}


def recorded_run(output: str = "", status: int = 0, errors: str = "", argv: str = "stratus-x 1") -> Run:
    return Run(1, "a run", argv.split(), {}, "", status, output, errors, ())


def problem_of(recorded: Run, outcome: Outcome) -> str:
    expected, _ = expectation(recorded, DIFFERENCES)
    return problem(expected, outcome, Values({}))


@pytest.mark.parametrize(
    ("recorded", "outcome", "found"),
    [
        (recorded_run("done\n"), Outcome(0, "done\n", "WARNING: odd\n"), ""),
        (recorded_run("done\n"), Outcome(0, "undone\n", ""), "output"),
        (recorded_run("done\n"), Outcome(1, "done\n", "Error: x\n"), "exit status 1"),
        (recorded_run("Error: why\n", 255), Outcome(1, "", "Error: why not\n"), ""),
        (recorded_run("begun\nError: why\n", 255), Outcome(1, "begun\n", "Error: why not\n"), ""),
        (recorded_run("begun\nError: why\n", 255), Outcome(1, "", "Error: why not\n"), "output"),
        (recorded_run("Error: why\n", 255), Outcome(1, "Error: why\n", ""), "output"),
        (recorded_run("Error: why\n", 255), Outcome(1, "", ""), "standard error"),
        (recorded_run("Error: why\n", 255), Outcome(1, "", "Traceback\n"), "standard error"),
        (recorded_run("Error: why\n", 255), Outcome(255, "", "Error: why\n"), "exit status 255"),
        (recorded_run(status=2), Outcome(2, "", "Usage: stratus-x [options] y\n\nstratus-x: error: no\n"), ""),
        (recorded_run(status=2), Outcome(2, "", "no\n"), "standard error"),
        (recorded_run("Warning: 'pat'\nrow\n", argv="stratus-x -v"), Outcome(0, "more\nrow\n", "INFO\n"), ""),
        (recorded_run("Warning: 'pat'\nrow\n", argv="stratus-x -v"), Outcome(0, "more\n", "INFO\n"), "output"),
    ],
)
def test_what_is_noticed(recorded: Run, outcome: Outcome, found: str) -> None:
    assert problem_of(recorded, outcome).startswith(found)
    assert bool(problem_of(recorded, outcome)) == bool(found)


def test_help_has_all_options() -> None:
    options = "  -a, --all             all\n  -n N, --number=N\n                        how --many\n"
    recorded = f"Usage: x [options] y\n\n what -- it is\n\n{options}"
    assert options_of_help(Values({}), recorded, "Usage: x [options] y\n -a --all -n --number")
    assert not options_of_help(Values({}), recorded, "Usage: x [options] y\n -a --all -n --numbers")
    assert not options_of_help(Values({}), recorded, "Usage: x [options] z\n -a --all -n --number")


def test_lines_in_another_order() -> None:
    assert lines_in_order(Values({}), "a\nb\n", "0\na\n1\nb\n2\n")
    assert not lines_in_order(Values({}), "a\nb\n", "b\na\n")


def test_verbosity() -> None:
    levels = {line: recorded_run(argv=line).verbosity for line in ("x", "x -v -vv", "x -qqq", "x --quiet -v", "x -q q")}
    assert list(levels.values()) == [0, 3, -3, 0, -1]


def test_each_difference_concerns_a_recorded_run(documents: Path, real_samples: Path) -> None:
    runs = [*read(documents / "commands" / "recorded.jsonl"), *read(real_samples / "commands" / "captures.jsonl")]
    unused = [each.reason for each in DIFFERENCES if not any(each.concerns(run) for run in runs)]
    assert unused == []


def test_no_difference_leaves_a_run_alone() -> None:
    recorded = recorded_run("plain\n")
    assert expectation(recorded, DIFFERENCES) == (Expected(0, "plain\n"), [])


def test_a_command_that_does_not_exist(tmp_path: Path) -> None:
    assert run(["stratus-nothing"], {}, "", tmp_path) == Outcome(NOT_FOUND, "", "stratus-nothing: command not found\n")


def test_a_session_in_a_document() -> None:
    text = "$ first\nout\n\nmore\n# inside\n$ last\n"
    assert list(exchanges(text)) == [Exchange("first", "out\n\nmore\n"), Exchange("inside", ""), Exchange("last", "")]
