"""`list_nodes` of several locations at once, each of which takes its time to answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

from benchmarks.clouds import BareClient, driver_for
from benchmarks.measuring import Comparison, compare
from benchmarks.report import Findings, Plot, Row
from benchmarks.server import BareServer

_MACHINES = 100
_DELAY = 50
_DELAYS = range(50, 501, 50)
_GOAL = 1.15


def measure(server: BareServer, full: bool) -> Findings:
    """Against the slowest location alone, and against bare threads."""
    findings = Findings()
    what = (
        f"`list_nodes`, {len(_DELAYS)} locations, {_MACHINES} machines each, {_DELAYS[0]} to {_DELAYS[-1]} ms a request"
    )
    findings.rows.append(Row.of_times(what, "the slowest location alone", _against_the_slowest(server), _GOAL))
    what = f"`list_nodes`, 10 locations, {_MACHINES} machines each, {_DELAY} ms a request"
    for against, parse in {
        "bare threads, `ElementTree.fromstring` of each reply": ElementTree.fromstring,
        "the same, and of the pool inside of it": _parse_both,
    }.items():
        findings.rows.append(Row.of_times(what, against, _against_threads(server, 10, parse, rounds=15)))
    numbers = (1, 2, 5, 10, 20, 40)
    grown = {number: _against_threads(server, number, ElementTree.fromstring, rounds=7) for number in numbers}
    findings.plots.append(
        Plot(
            "benchmark-locations.svg",
            f"list_nodes: {_MACHINES} machines a location, {_DELAY} ms a request",
            "locations",
            "seconds",
            {
                "this package": [(number, times.our_median) for number, times in grown.items()],
                "bare threads, ElementTree": [(number, times.their_median) for number, times in grown.items()],
            },
        )
    )
    return findings


def _against_the_slowest(server: BareServer) -> Comparison:
    driver = driver_for(*[server.url(place, machines=_MACHINES, delay=delay) for place, delay in enumerate(_DELAYS)])
    slowest = driver.list_locations()[-1]
    return compare(driver.list_nodes, lambda: driver.list_nodes_in_location(slowest), rounds=9)


def _against_threads(server: BareServer, locations: int, parse: Callable[[bytes], object], rounds: int) -> Comparison:
    urls = [server.url(place, machines=_MACHINES, delay=_DELAY) for place in range(locations)]
    driver = driver_for(*urls)
    clients = [BareClient(url) for url in urls]

    def bare() -> list[object]:
        with ThreadPoolExecutor(locations) as threads:
            return list(threads.map(lambda client: parse(client.machines()), clients))

    assert len(driver.list_nodes()) == locations * _MACHINES
    times = compare(driver.list_nodes, bare, rounds)
    for client in clients:
        client.close()
    return times


def _parse_both(reply: bytes) -> object:
    text = ElementTree.fromstring(reply).findtext(".//string")
    return ElementTree.fromstring(text or "")
