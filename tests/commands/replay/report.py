"""What became of recorded runs, as a section of the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.commands.replay.playing import Result

PAGE = Path(__file__).parents[3] / "docs" / "commands.md"
HEADING = "## Recorded runs\n"


def section(results: Sequence[Result]) -> str:
    """The section on the runs of the original commands."""
    return HEADING + "\n" + "\n".join(_lines(results)) + "\n"


def written_section() -> str:
    """The section as the documentation has it."""
    _, _, after = PAGE.read_text(encoding="utf-8").partition(HEADING)
    return HEADING + after


def write(results: Sequence[Result]) -> None:
    """Write the section, which is the last one of its page."""
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(HEADING)
    PAGE.write_text(before + section(results), encoding="utf-8")


def _lines(results: Sequence[Result]) -> Iterator[str]:
    same = [result for result in results if not result.problem and not result.reasons]
    on_purpose = [result for result in results if not result.problem and result.reasons]
    wrong = [result for result in results if result.problem]
    yield (
        f"{len(results)} runs of the original commands were recorded on the sandbox. They run again, in their order, "
        "and standard output and exit code are compared; ids, addresses and times are matched: the same recorded value "
        "must be the same value each time. Of each machine that is started, what the template says is compared, too."
    )
    yield ""
    yield f"- {len(same)} print the same, byte for byte, and end with the same exit code."
    yield f"- {len(on_purpose)} do so but for the differences below, which are on purpose; the rest is compared."
    yield f"- {len(wrong)} do not agree{':' if wrong else '.'}"
    yield from (f"  - `{' '.join(result.run.argv)}`: {result.problem}" for result in wrong)
    yield ""
    yield "| runs | difference |"
    yield "| ---: | --- |"
    reasons = [reason for result in on_purpose for reason in result.reasons]
    for reason in dict.fromkeys(sorted(reasons, key=lambda each: (-reasons.count(each), each))):
        yield f"| {reasons.count(reason)} | {reason} |"
