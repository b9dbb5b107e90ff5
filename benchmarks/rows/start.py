"""How long it takes to get a driver: importing it, and reading a long configuration file; and a command's help."""

from __future__ import annotations

import compileall
import shutil
import subprocess
import tempfile
import venv
from pathlib import Path

import stratus_commands
import stratuslab_libcloud
from benchmarks.clouds import driver_for
from benchmarks.measuring import Comparison, Contestant, compare, in_fresh_process, seconds_of
from benchmarks.report import Findings, Row, duration, ratio
from benchmarks.server import BareServer

_ROUNDS = 21
_SECTIONS = 50
_LONGEST = 0.02
_LONGEST_BEYOND = 0.012
_LONGEST_HELP = 2.0
_AGAINST = "importing `libcloud.compute.base`"

_IMPORT = """
import json, sys, time
if "without" in sys.argv:
    sys.modules["paramiko"] = None
begin = time.perf_counter()
{statements}
print(json.dumps({{"seconds": time.perf_counter() - begin}}))
"""
_OURS = _IMPORT.format(
    statements="import stratuslab_libcloud\nfrom libcloud.compute.providers import get_driver\nget_driver('stratuslab')"
)
_LIBCLOUDS = _IMPORT.format(statements="import libcloud.compute.base")


def measure(server: BareServer, full: bool) -> Findings:
    """Importing with and without paramiko, which Libcloud imports where it is installed; constructing."""
    with_paramiko, without = _importing("with"), _importing("without")
    return Findings(
        rows=[
            Row.of_times(_what("with"), _AGAINST, with_paramiko),
            Row.of_times(_what("without"), _AGAINST, without),
            _beyond_libclouds_own(without),
            _constructing(server),
            _help(),
        ]
    )


def _what(paramiko: str) -> str:
    return f"until `get_driver('stratuslab')` is there, {paramiko} paramiko"


def _importing(paramiko: str) -> Comparison:
    programs = (_OURS, _LIBCLOUDS)
    rounds = []
    for number in range(_ROUNDS + 1):
        order = programs if number % 2 else programs[::-1]
        seconds = {program: in_fresh_process(program, paramiko)["seconds"] for program in order}
        rounds.append((seconds[_OURS], seconds[_LIBCLOUDS]))
    ours, theirs = zip(*rounds[1:], strict=True)  # the first one compiles
    return Comparison(ours, theirs)


def _beyond_libclouds_own(times: Comparison) -> Row:
    """The difference of the fastest rounds: other work of the computer only adds to either."""
    beyond = min(times.ours) - min(times.theirs)
    against = f"the limit: {duration(_LONGEST_BEYOND)}"
    return Row(
        f"{_what('without')}: beyond Libcloud's own", duration(beyond), against, *ratio(beyond / _LONGEST_BEYOND, 1.0)
    )


def _constructing(server: BareServer) -> Row:
    before = server.counters()
    urls = [server.url()] * _SECTIONS
    times = [seconds_of(lambda: driver_for(*urls)) for _ in range(_ROUNDS)]
    asked = (server.counters() - before).requests
    median = sorted(times)[len(times) // 2]
    what = f"a driver from a file of {_SECTIONS} sections, {asked} requests"
    limit = f"the limit: {duration(_LONGEST)}"
    found = ratio(median / _LONGEST, 1.0)
    return Row(what, duration(median), limit, *found[:2], found[2] and not asked)


_COMMAND = """\
#!{python}
import sys
from stratus_commands.run_instance import main
sys.exit(main())
"""
"""What a wheel's installation makes of an entry of ``[project.scripts]``."""


def _help() -> Row:
    """A command's help, as whole processes, in an environment in which nothing else is installed."""
    with tempfile.TemporaryDirectory() as folder:
        python, command = _installed(Path(folder))
        times = compare(_process(command, "--help"), _process(python, "-c", "import argparse"), _ROUNDS)
    return Row.of_times(
        "`stratus-run-instance --help`, a process", "`python -c 'import argparse'`", times, _LONGEST_HELP
    )


def _installed(folder: Path) -> tuple[Path, Path]:
    """The packages as a wheel has them, not editable: the interpreter, and the command."""
    venv.create(folder, symlinks=True, with_pip=False)
    [site_packages] = folder.glob("lib/python*/site-packages")
    for package in (stratus_commands, stratuslab_libcloud):
        source = Path(package.__file__ or "").parent
        shutil.copytree(source, site_packages / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(site_packages, quiet=2)
    python, command = folder / "bin" / "python", folder / "bin" / "stratus-run-instance"
    command.write_text(_COMMAND.format(python=python))
    command.chmod(0o755)
    return python, command


def _process(*words: object) -> Contestant:
    def run() -> object:
        return subprocess.run(list(map(str, words)), check=True, stdout=subprocess.DEVNULL)

    return run
