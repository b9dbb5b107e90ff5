"""The table of results, and the document that keeps the newest one."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from benchmarks.measuring import Comparison

DOCUMENT = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_MARKS = ("<!-- results begin -->", "<!-- results end -->")
_PACKAGES = ("apache-libcloud", "requests", "urllib3", "pyone", "lxml", "paramiko")


@dataclass(frozen=True)
class Row:
    """A line of the table.

    :param what: what was measured
    :param ours: what this package takes
    :param against: what the other thing takes, and what it is
    :param ratio: the first to the second
    :param goal: what was aimed at
    :param met: whether it was reached; None where there is no goal
    """

    what: str
    ours: str
    against: str
    ratio: str
    goal: str = ""
    met: bool | None = None

    @classmethod
    def of_times(cls, what: str, against: str, times: Comparison, goal: float | None = None) -> Row:
        """A row of two times.

        :param against: what the others' time is of
        :param goal: what the ratio should not be above
        """
        first, third = times.spread
        return cls(
            what,
            duration(times.our_median),
            f"{against}: {duration(times.their_median)}",
            f"{times.ratio:.2f} ({first:.2f} to {third:.2f})",
            "" if goal is None else f"{goal:.2f}",
            None if goal is None else times.ratio <= goal,
        )


@dataclass(frozen=True)
class Plot:
    """A plot of how something grows.

    :param file: a name beside the document
    :param lines: points by the name of what they are of
    :param logarithmic: whether both axes are
    """

    file: str
    title: str
    x: str
    y: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    logarithmic: bool = True


@dataclass
class Findings:
    """What one module of `benchmarks.rows` has measured."""

    rows: list[Row] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)


def duration(seconds: float) -> str:
    """A time as people read it."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.1f} ms" if seconds >= 0.001 else f"{seconds * 1e6:.0f} µs"


def amount(count: float) -> str:
    """A number of bytes as people read it."""
    if count >= 1 << 20:
        return f"{count / (1 << 20):.1f} MiB"
    return f"{count / 1024:.1f} KiB"


def ratio(ours_to_theirs: float, goal: float | None = None) -> tuple[str, str, bool | None]:
    """The last three columns of a row."""
    shown = f"{ours_to_theirs:.2f}" if ours_to_theirs >= 0.01 else f"{ours_to_theirs:.1e}"
    return shown, "" if goal is None else f"{goal:.2f}", None if goal is None else ours_to_theirs <= goal


def table(rows: Sequence[Row]) -> str:
    """The results in Markdown."""
    lines = [("what", "this package", "against", "ratio", "goal", "met"), ("---",) * 6]
    lines += [(r.what, r.ours, r.against, r.ratio, r.goal, {None: "", True: "yes", False: "no"}[r.met]) for r in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def surroundings() -> str:
    """Where the results are from."""
    today = datetime.now(timezone.utc).date()
    packages = [f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES]
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    python = f"Python {platform.python_version()}"
    return f"Of {today}: {python}, {', '.join(packages)}; {_processor()}, {os.cpu_count()} cores, {system}"


def write(findings: Findings, folder: Path) -> None:
    """Write the document with the newest results between its marks.

    :param folder: where to; the document's own, or another one for a copy
    """
    begin, end = _MARKS
    pictures = [f"![{plot.title}]({plot.file})" for plot in findings.plots]
    text = "\n\n".join([f"{surroundings()}.", table(findings.rows), *pictures]) + "\n"
    document = DOCUMENT.read_text(encoding="utf-8")
    between = re.compile(f"(?<={re.escape(begin)}\n).*(?={re.escape(end)})", re.DOTALL)
    (folder / DOCUMENT.name).write_text(between.sub(lambda _: text, document), encoding="utf-8")


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()
