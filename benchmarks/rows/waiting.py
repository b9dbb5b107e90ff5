"""`wait_until_running` for one machine of many, against Libcloud's own, which lists all of them."""

from __future__ import annotations

from collections.abc import Callable

from libcloud.compute.base import NodeDriver

from benchmarks.clouds import driver_for
from benchmarks.measuring import compare
from benchmarks.report import Findings, Row, amount
from benchmarks.server import BareServer

_MACHINES = 10_000


def measure(server: BareServer, full: bool) -> Findings:
    """Bytes that were read, and time."""
    driver = driver_for(server.url(machines=_MACHINES))
    node = driver.ex_get_node_details("7")

    def ours() -> object:
        return driver.wait_until_running([node])

    def libclouds() -> object:
        return NodeDriver.wait_until_running(driver, [node])

    our_bytes, their_bytes = (_bytes_of(wait, server) for wait in (ours, libclouds))
    what = f"`wait_until_running` for 1 of {_MACHINES:,} machines"
    against = "Libcloud's own"
    read = Row(
        f"{what}: bytes read", amount(our_bytes), f"{against}: {amount(their_bytes)}", f"{our_bytes / their_bytes:.5f}"
    )
    return Findings(rows=[read, Row.of_times(f"{what}: time", against, compare(ours, libclouds, rounds=5))])


def _bytes_of(wait: Callable[[], object], server: BareServer) -> int:
    before = server.counters()
    wait()
    return (server.counters() - before).bytes_sent
