"""`list_images` with more and more entries, against a program by hand."""

from __future__ import annotations

from benchmarks.by_hand import said
from benchmarks.clouds import BareClient, driver_for, program_by_hand
from benchmarks.measuring import Comparison, compare, peak_of
from benchmarks.report import Findings, Plot, Row, amount, ratio
from benchmarks.rows.machines import Lister
from benchmarks.server import BareServer

_GOAL = 0.8
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
        against = "a program by hand, `requests` and `ElementTree`, the same Libcloud objects"
        findings.rows.append(Row.of_times(what, against, found, _GOAL))
    findings.rows.append(_peak(server, max(_ROUNDS)))
    lines = {
        "this package": [(number, found.our_median) for number, found in times.items()],
        "by hand: requests, ElementTree": [(number, found.their_median) for number, found in times.items()],
    }
    findings.plots.append(Plot("benchmark-images.svg", "list_images", "entries", "seconds", lines))
    return findings


def _times(url: str, rounds: int) -> Comparison:
    driver = driver_for(url)
    by_hand = program_by_hand(url, driver)
    assert said(driver.list_images()) == said(by_hand.list_images())
    return compare(driver.list_images, by_hand.list_images, rounds)


def _peak(server: BareServer, number: int) -> Row:
    client = BareClient(server.url(images=number))
    document = len(client.images())
    client.close()
    peak = peak_of(__name__, "list_images", server.url(images=1), server.url(images=number))
    what = f"peak memory of `list_images`, {number:,} entries, {amount(peak / number)} each"
    return Row(what, amount(peak), f"the document: {amount(document)}", *ratio(peak / document))
