"""What a command has to do where its original was recorded: the same, but for deliberate differences.

Each difference is a rule with its reason. A rule says what is expected instead, so that a run is compared whichever
rules there are for it; none is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.commands.replay.matching import Values
from tests.commands.replay.recording import Run
from tests.commands.replay.running import Outcome

USAGE = 2

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
    """

    reason: str
    concerns: Callable[[Run], bool]
    change: Callable[[Expected], Expected]


def expectation(run: Run, differences: Sequence[Difference]) -> tuple[Expected, list[str]]:
    """What a run has to end with, and the reasons why this is not what was recorded."""
    expected = Expected(run.status, run.output, error=_complaint(run))
    reasons = []
    for difference in differences:
        if difference.concerns(run):
            expected = difference.change(expected)
            reasons.append(difference.reason)
    return expected, reasons


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
    return r"\A(Error: .+\n(.+\n)*|)\Z" if run.status else ""


# Comparisons of parts


def options_of_help(_: Values, expected: str, output: str) -> bool:
    """Whether a help has the same usage and names all options."""
    options = set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", "\n".join(_option_lines(expected))))
    return output.splitlines()[:1] == expected.splitlines()[:1] and all(
        re.search(rf"(?<![\w-]){option}(?![\w-])", output) for option in options
    )


def _option_lines(text: str) -> list[str]:
    return [line[:24] if len(line) > 24 and line[23] == " " else line for line in text.splitlines() if line[2:3] == "-"]


def lines_in_order(values: Values, expected: str, output: str) -> bool:
    """Whether all expected lines are there in their order, whatever else is printed with ``-v``."""
    lines = iter(output.splitlines())
    return all(any(values.agree(wanted, line) for line in lines) for wanted in expected.splitlines())


def version(_: Values, _expected: str, output: str) -> bool:
    """Whether a version is printed, and nothing else."""
    return re.fullmatch(r"\d+\.\d+\.\d+\S*\n", output) is not None


# The differences


def _without(pattern: str) -> Callable[[Expected], Expected]:
    """Lines that are not expected any more."""
    return lambda expected: replace(expected, output=re.sub(pattern, "", expected.output))


_ERRORS = (
    r"(?m)^(Error: |Network error: |Failed |Error parsing user configuration file |'%' must be |'\w+'$"
    r"|error loading certificate|certificate file not found|cannot generate ).*\n"
    r"(?:(?:file: |'endpoint = x|'nonsense).*\n|\n)*"
)
_CHATTER = (
    r"(?m)^(Downloading from: |Accessing (compute|storage) service at: |Checking image availability\.|Manifest with ID "
    r"|Using VM template file: |on endpoint: |Warning: 'pat|Contacting the server |Calling: |Signature jar file: "
    r"|Creating file |Detail: ).*\n"
    r"|^Received response: .*\nwith content:\n.*\n|^with template:\n(.*\n)*?(?= :: Machine)|^<hidden>\n|^$\n"
)

DIFFERENCES: Sequence[Difference] = (
    Difference(
        "Errors go to standard error: a script that reads the output does not take them for a result.",
        lambda run: run.status not in (0, USAGE) and re.search(_ERRORS, run.output) is not None,
        _without(_ERRORS),
    ),
    Difference(
        "A command that fails ends with exit code 1, where the original had 255.",
        lambda run: run.status == 255,
        lambda expected: replace(expected, status=1),
    ),
    Difference(
        "`--help` is written anew; it has the same usage and all options, and ends with an example.",
        lambda run: run.argv[1:] == ["--help"],
        lambda expected: replace(expected, compare=options_of_help),
    ),
    Difference(
        "`--version` prints the version of this distribution.",
        lambda run: run.argv[1:] == ["--version"],
        lambda expected: replace(expected, compare=version),
    ),
    Difference(
        "What `-v` tells besides is in other words, and on standard error; the lines that are printed without it stay.",
        lambda run: run.verbosity > 0,
        lambda expected: replace(_without(_CHATTER)(expected), compare=lines_in_order),
    ),
)
