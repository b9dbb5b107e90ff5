"""`wait_until_running`: what it asks, and how soon it notices, against Libcloud's own, which lists all machines."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from libcloud.compute.base import NodeDriver

from benchmarks.clouds import driver_for
from benchmarks.measuring import compare
from benchmarks.report import Findings, Row, amount, ratio
from benchmarks.sandboxes import sandboxes
from benchmarks.server import BareServer
from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.errors import WaitTimeoutError
from stratuslab_libcloud.sandbox import ManualClock, Sandbox

_MACHINES = 10_000
_MANY = 50
_BOOT_SECONDS = 5
_MOST_A_SECOND = 2.0


def measure(server: BareServer, full: bool) -> Findings:
    """Bytes that were read, requests, and time."""
    return Findings(rows=[*_one_of_many(server), _requests_for_many(server), *_looks(), _starting_many()])


def _one_of_many(server: BareServer) -> list[Row]:
    driver = driver_for(server.url(machines=_MACHINES))
    node = driver.ex_get_node("7")

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
    return [read, Row.of_times(f"{what}: time", against, compare(ours, libclouds, rounds=5))]


def _bytes_of(wait: Callable[[], object], server: BareServer) -> int:
    before = server.counters()
    wait()
    return (server.counters() - before).bytes_sent


def _requests_for_many(server: BareServer) -> Row:
    driver = driver_for(*[server.url(machines=_MANY)] * 2)
    nodes = driver.list_nodes()
    before = server.counters()
    driver.wait_until_running(nodes)
    asked = (server.counters() - before).requests
    what = f"requests of a look at {len(nodes)} machines of 2 locations"
    return Row(what, str(asked), f"one a machine: {len(nodes)}", f"{asked / len(nodes):.2f}", "2", asked <= 2)


def _looks() -> list[Row]:
    """How often it is looked at a machine that never runs, within three limits that are waited out at the same time."""
    limits = (10, 20, 30)
    with ThreadPoolExecutor(len(limits)) as threads:
        looks = list(threads.map(_looks_within, limits))
    rows = []
    for begin, end, before, after in zip((0, *limits), limits, (0, *looks), looks, strict=False):
        rate = (after - before) / (end - begin)
        what = f"requests a second for a machine that is waited for, second {begin} to {end}"
        rows.append(Row(what, f"{rate:.1f}", f"the limit: {_MOST_A_SECOND:g}", *ratio(rate / _MOST_A_SECOND, 1.0)))
    return rows


def _looks_within(seconds: int) -> int:
    with Sandbox(clock=ManualClock()) as sandbox, tempfile.TemporaryDirectory() as folder:
        driver = StratusLabNodeDriver(stratuslab_user_config=sandbox.write_config(Path(folder) / "waiting.cfg"))
        node = driver.create_node("n", None, driver.list_images()[0])
        sandbox.requests.clear()
        try:
            driver.wait_until_running([node], timeout=seconds)
        except WaitTimeoutError:
            return len(sandbox.requests) - 1  # the last look is at the limit
        raise AssertionError("a machine runs although its clock stands still")


def _starting_many() -> Row:
    """Starting many machines and waiting for all, against one."""
    with sandboxes(_BOOT_SECONDS) as [config]:
        driver = StratusLabNodeDriver(stratuslab_user_config=config)
        image = driver.list_images()[0]

        def start(number: int) -> None:
            nodes = driver.ex_create_nodes([f"machine {place}" for place in range(number)], None, image)
            driver.wait_until_running(nodes)
            driver.ex_destroy_nodes(nodes)

        times = compare(lambda: start(_MANY), lambda: start(1), rounds=3)
    what = f"{_MANY} machines by `ex_create_nodes`, each boots for {_BOOT_SECONDS} s, running and destroyed"
    return Row.of_times(what, "one", times, 1.1)
