"""`list_nodes` of one location with more and more machines: time and peak memory, against `pyone`."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import pyone

from benchmarks.by_hand import said
from benchmarks.clouds import BareClient, driver_for, program_by_hand
from benchmarks.measuring import Comparison, peak_of, side_by_side
from benchmarks.report import Findings, Plot, Row, amount, duration, ratio
from benchmarks.server import BareServer

_OF_A_PROGRAM_BY_HAND = 0.7
_OF_PYONE = 0.25
_OF_PYONES_MEMORY = 0.1
_LEAST_FOR_THE_GOAL = 1000
_ROUNDS = {100: 31, 1000: 15, 10_000: 4, 100_000: 2}
_MOST_FOR_PYONE = 10_000


Lister = Callable[[], object]


def list_nodes(url: str) -> Lister:
    """Lists the nodes of a cloud."""
    return driver_for(url).list_nodes


def iterate_nodes(url: str) -> Lister:
    """Goes through the nodes of a cloud and keeps none."""
    driver = driver_for(url)
    return lambda: sum(1 for _ in driver.ex_iterate_nodes())


def ask_pyone(url: str) -> Lister:
    """Lists the machines of a cloud with `pyone`."""
    server = pyone.OneServer(f"{url}/xmlrpc", session="alice:secret")
    return lambda: server.vmpool.info(-3, -1, -1, -1)


def measure(server: BareServer, full: bool) -> Findings:
    """Time and peak for each number of machines."""
    findings = Findings()
    times: dict[int, dict[str, list[float]]] = {}
    for number, rounds in _ROUNDS.items():
        times[number] = _times(server.url(machines=number), rounds, full or number <= _MOST_FOR_PYONE)
        findings.rows += _rows_of_times(number, times[number])
    peaks = {number: _peaks(server, number, full or number <= _MOST_FOR_PYONE) for number in _ROUNDS}
    for number, found in peaks.items():
        findings.rows += _rows_of_peaks(number, found)
    findings.rows.append(_long_xml(server))
    findings.plots += [_plot_of_times(times), _plot_of_peaks(peaks)]
    return findings


def _times(url: str, rounds: int, with_pyone: bool) -> dict[str, list[float]]:
    client = BareClient(url)
    driver = driver_for(url)
    by_hand = program_by_hand(url, driver)
    assert said(driver.list_nodes()) == said(by_hand.list_nodes())
    contestants: dict[str, Lister] = {
        "ours": driver.list_nodes,
        "by hand": by_hand.list_nodes,
        "wire": client.receive_machines,
    }
    if with_pyone:
        contestants["pyone"] = ask_pyone(url)
    seconds = side_by_side(contestants, rounds)
    client.close()
    return seconds


def _rows_of_times(number: int, times: dict[str, list[float]]) -> list[Row]:
    what = f"`list_nodes`, one location, {number:,} machines"
    ours = times["ours"]
    each = f", {duration(statistics.median(ours) / number)} each"
    rows = [
        Row.of_times(
            what + each,
            "a program by hand, `requests` and `ElementTree`, the same Libcloud objects",
            Comparison(ours, times["by hand"]),
            _OF_A_PROGRAM_BY_HAND if number >= _LEAST_FOR_THE_GOAL else None,
        ),
        Row.of_times(
            f"is the server a bottleneck? {number:,} machines",
            "the same bytes, received and thrown away",
            Comparison(ours, times["wire"]),
        ),
    ]
    if "pyone" in times:
        rows.insert(0, Row.of_times(what + each, "`pyone`", Comparison(ours, times["pyone"]), _OF_PYONE))
    return rows


def _peaks(server: BareServer, number: int, with_pyone: bool) -> dict[str, float]:
    contestants = ["list_nodes", "iterate_nodes", *(["ask_pyone"] if with_pyone else [])]
    return {name: _peak(server, name, machines=number) for name in contestants}


def _peak(server: BareServer, name: str, **kind: int) -> float:
    return peak_of(__name__, name, server.url(machines=1), server.url(**kind))


def _rows_of_peaks(number: int, peaks: dict[str, float]) -> list[Row]:
    ours = peaks["list_nodes"]
    what = f"peak memory of `list_nodes`, {number:,} machines, {amount(ours / number)} each"
    rows = []
    if "ask_pyone" in peaks:
        theirs = peaks["ask_pyone"]
        goal = _OF_PYONES_MEMORY if number >= _LEAST_FOR_THE_GOAL else None
        rows.append(
            Row(
                what,
                amount(ours),
                f"`pyone`: {amount(theirs)}",
                *ratio(ours / theirs, goal),
            )
        )
    iterating = peaks["iterate_nodes"]
    what = f"peak memory of `ex_iterate_nodes`, {number:,} machines, none kept"
    return [*rows, Row(what, amount(iterating), f"`list_nodes`: {amount(ours)}", *ratio(iterating / ours))]


def _long_xml(server: BareServer) -> Row:
    """Does memory grow with the XML? The same nodes, out of four times as many bytes."""
    number = 5000
    usual = _peak(server, "list_nodes", machines=number)
    long = _peak(server, "list_nodes", machines=number, long=1)
    what = f"peak memory of `list_nodes`, {number:,} machines with 10,000 more characters of XML each"
    return Row(what, amount(long), f"the same without: {amount(usual)}", *ratio(long / usual, 1.1))


def _plot_of_times(times: dict[int, dict[str, list[float]]]) -> Plot:
    names = {"this package": "ours", "pyone": "pyone", "by hand: requests, ElementTree": "by hand"}
    lines = {
        label: [(number, statistics.median(found[name])) for number, found in times.items() if name in found]
        for label, name in names.items()
    }
    return Plot("benchmark-machines-time.svg", "list_nodes, one location", "machines", "seconds", lines)


def _plot_of_peaks(peaks: dict[int, dict[str, float]]) -> Plot:
    names = {"list_nodes": "list_nodes", "pyone": "ask_pyone", "ex_iterate_nodes": "iterate_nodes"}
    lines = {
        label: [(number, max(0.1, found[name] / (1 << 20))) for number, found in peaks.items() if name in found]
        for label, name in names.items()
    }
    return Plot("benchmark-machines-memory.svg", "peak memory, one location", "machines", "MiB", lines)
