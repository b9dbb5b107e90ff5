"""`list_images` with more and more entries, against a bare expat parser."""

from __future__ import annotations

from xml.parsers import expat

from benchmarks.clouds import BareClient, driver_for
from benchmarks.measuring import Comparison, compare, peak_of
from benchmarks.report import Findings, Plot, Row, amount, ratio
from benchmarks.rows.machines import Lister
from benchmarks.server import BareServer

_GOAL = 2.5
_ROUNDS = {20: 51, 1000: 21, 20_000: 5}


def list_images(url: str) -> Lister:
    """Lists the images of a Marketplace."""
    return driver_for(url).list_images


def measure(server: BareServer, full: bool) -> Findings:
    """Times for each number of entries, and what the longest list takes of memory."""
    findings = Findings()
    times = {number: _times(server.url(images=number), rounds) for number, rounds in _ROUNDS.items()}
    for number, found in times.items():
        what = f"`list_images`, {number:,} entries"
        against = "a bare connection, and `expat` without any handler"
        findings.rows.append(Row.of_times(what, against, found, _GOAL))
    findings.rows.append(_peak(server, max(_ROUNDS)))
    lines = {
        "this package": [(number, found.our_median) for number, found in times.items()],
        "bare expat": [(number, found.their_median) for number, found in times.items()],
    }
    findings.plots.append(Plot("benchmark-images.svg", "list_images", "entries", "seconds", lines))
    return findings


def _times(url: str, rounds: int) -> Comparison:
    client = BareClient(url)
    driver = driver_for(url)
    times = compare(driver.list_images, lambda: expat.ParserCreate().Parse(client.images(), True), rounds)
    client.close()
    return times


def _peak(server: BareServer, number: int) -> Row:
    client = BareClient(server.url(images=number))
    document = len(client.images())
    client.close()
    peak = peak_of(__name__, "list_images", server.url(images=1), server.url(images=number))
    what = f"peak memory of `list_images`, {number:,} entries, {amount(peak / number)} each"
    return Row(what, amount(peak), f"the document: {amount(document)}", *ratio(peak / document))
