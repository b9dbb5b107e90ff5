"""What a command has to do where its original was recorded: the same, but for deliberate differences.

Each difference is a rule with its reason. A rule says what is expected instead, so that a run is compared whichever
rules there are for it; none is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.commands.replay.matching import Values
from tests.commands.replay.recording import Run
from tests.commands.replay.running import Outcome
from tests.commands.replay.world import World

USAGE = 2
SILENT = -3
"""With ``-qqq`` not even errors are told."""

Comparison = Callable[[Values, str, str], bool]
"""Whether an expected output and the real one agree."""


def _same(values: Values, expected: str, output: str) -> bool:
    return values.agree(expected, output)


@dataclass(frozen=True)
class Expected:
    """What a run has to end with.

    :param compare: the output with the real one
    :param error: a regular expression for standard error
    """

    status: int
    output: str
    compare: Comparison = _same
    error: str = ""


@dataclass(frozen=True)
class Difference:
    """A deliberate difference from the original.

    :param reason: for readers of the documentation
    :param concerns: whether it concerns a run
    :param change: what is expected instead
    :param is_another_machine: whether a machine that is started is not what the original started
    :param afterwards: makes the cloud what it was after the run of the original, for the runs that follow
    """

    reason: str
    concerns: Callable[[Run], bool]
    change: Callable[[Run, Expected], Expected]
    is_another_machine: bool = False
    afterwards: Callable[[World, Run], None] = lambda _world, _run: None


def expectation(run: Run, differences: Sequence[Difference]) -> tuple[Expected, list[Difference]]:
    """What a run has to end with, and the differences from what was recorded."""
    expected = Expected(run.status, run.output, error=_complaint(run))
    concerned = [difference for difference in differences if difference.concerns(run)]
    for difference in concerned:
        expected = difference.change(run, expected)
    return expected, concerned


def problem(expected: Expected, outcome: Outcome, values: Values) -> str:
    """How an outcome differs from what is expected; "" if it does not."""
    if outcome.status != expected.status:
        return f"exit status {outcome.status} instead of {expected.status}: {outcome.errors.strip()[-300:]}"
    if not expected.compare(values, expected.output, outcome.output):
        return f"output {outcome.output!r} instead of {values.here(expected.output)!r}"
    if not re.search(expected.error, outcome.errors):
        return f"standard error {outcome.errors!r} without {expected.error!r}"
    return ""


def _complaint(run: Run) -> str:
    if run.status == USAGE:
        return rf"\AUsage: {run.command} \[options\].*\n(.*\n)*{run.command}: error: .+\n\Z"
    if not run.status or run.verbosity <= SILENT:
        return ""
    return r"(?m)^Error: " if run.verbosity > 0 else r"\AError: .+\n(.+\n)*\Z"


# Comparisons of parts


def options_of_help(_: Values, expected: str, output: str) -> bool:
    """Whether a help has the same usage and names all options."""
    options = set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", "\n".join(_option_lines(expected))))
    usage, wanted = (re.sub(r" \[options\]| usage:", "", text.partition("\n")[0]) for text in (output, expected))
    return usage == wanted and all(re.search(rf"(?<![\w-]){option}(?![\w-])", output) for option in options)


def _option_lines(text: str) -> list[str]:
    return [line[:24] if len(line) > 24 and line[23] == " " else line for line in text.splitlines() if line[2:3] == "-"]


def lines_in_order(values: Values, expected: str, output: str) -> bool:
    """Whether all expected lines are there in their order, whatever else is printed with ``-v``."""
    lines = iter(output.splitlines())
    return all(any(values.agree(wanted, line) for line in lines) for wanted in expected.splitlines())


def version(_: Values, _expected: str, output: str) -> bool:
    """Whether a version is printed, and nothing else."""
    return re.fullmatch(r"\d+\.\d+\.\d+\S*\n", output) is not None


def in_any_order(values: Values, expected: str, output: str) -> bool:
    """Whether all expected lines are there, among others."""
    lines = output.splitlines()
    return all(any(values.agree(wanted, line) for line in lines) for wanted in expected.splitlines())


def matching(pattern: str) -> Comparison:
    """Whether an output is of some form."""
    return lambda _values, _expected, output: re.fullmatch(pattern, output) is not None
