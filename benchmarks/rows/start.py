"""How long it takes to get a driver: importing it, and reading a long configuration file."""

from __future__ import annotations

from benchmarks.clouds import driver_for
from benchmarks.measuring import Comparison, in_fresh_process, seconds_of
from benchmarks.report import Findings, Row, duration, ratio
from benchmarks.server import BareServer

_ROUNDS = 21
_SECTIONS = 50
_LONGEST = 0.02
_LONGEST_BEYOND = 0.012
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
