"""Measure, print, and write the results down: ``python -m benchmarks [--full] [--document] [--only NAME ...]``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from types import ModuleType

from benchmarks import plot, report
from benchmarks.report import Findings
from benchmarks.rows import (
    creating,
    deploying,
    images,
    locations,
    machines,
    opennebula,
    requests,
    several,
    start,
    waiting,
)
from benchmarks.server import BareServer

_BUILD = Path(__file__).parents[1] / "build" / "benchmarks"
_MODULES = (locations, machines, images, requests, start, waiting, creating, several, deploying, opennebula)


def main() -> None:
    """Measure what was asked for; only a run that measures everything is written down."""
    names = [_name(module) for module in _MODULES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--full", action="store_true", help="also with `pyone` what takes minutes with it")
    parser.add_argument(
        "--document",
        action="store_true",
        help="write into docs/ instead of build/benchmarks/",
    )
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    options = parser.parse_args()
    findings = _measure(options.only, options.full)
    print(report.table(findings.rows))
    if options.only == names:
        folder = report.DOCUMENT.parent if options.document else _BUILD
        folder.mkdir(parents=True, exist_ok=True)
        report.write(findings, folder)
        for each in findings.plots:
            plot.write(each, folder)
        print(f"written into {folder}")


def _measure(names: list[str], full: bool) -> Findings:
    findings = Findings()
    with BareServer() as server:
        for module in (module for module in _MODULES if _name(module) in names):
            begin = time.monotonic()
            found = module.measure(server, full)
            print(f"{_name(module)}: {time.monotonic() - begin:.0f} s", flush=True)
            findings.rows += found.rows
            findings.plots += found.plots
    return findings


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


if __name__ == "__main__":
    main()
