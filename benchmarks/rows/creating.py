"""Creating and destroying machines in several threads, against the same requests made by bare sessions."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import requests
from libcloud.compute.base import NodeAuthSSHKey, NodeImage

from benchmarks.clouds import driver_for
from benchmarks.measuring import compare
from benchmarks.report import Findings, Row
from benchmarks.server import BareServer
from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.client.opennebula.xmlrpc import call_body

_NODES = 200
_THREADS = 8
_GOAL = 1.3
KEY = NodeAuthSSHKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJpYUQ5cGqPZCTHGkPK0Y2mKSEW7mGIdLOnBO0XBLvLK jane@laptop\n")
IMAGE = "https://example.org/images/ubuntu.img"
SESSION = "alice:secret"

# Of the same length as what the driver sends.
TEMPLATE = "x" * 700


def measure(server: BareServer, full: bool) -> Findings:
    """At a service that answers at once, where both keep a core busy, and at one that takes its time."""
    kinds = [{"delay": 0, "connections": _THREADS}, {"delay": 0, "connections": 4}, {"delay": 20, "connections": 4}]
    return Findings(rows=[_row(server, **kind) for kind in kinds])


def _row(server: BareServer, delay: int, connections: int) -> Row:
    url = server.url(delay=delay)
    driver = driver_for(url, endpoint_connections=str(connections), no_check_image_url="true")
    sessions = [bare_session() for _ in range(connections)]
    times = compare(_by_the_driver(driver), _by_sessions(f"{url}/pswd/xmlrpc", sessions), rounds=3 if delay else 9)
    for session in sessions:
        session.close()
    what = f"{_NODES} creates and destroys in {_THREADS} threads, {connections} connections, {delay} ms a request"
    return Row.of_times(what, f"the same requests by {connections} bare `requests` sessions", times, _GOAL)


def _by_the_driver(driver: StratusLabNodeDriver) -> Callable[[], object]:
    image = NodeImage(IMAGE, "image", driver)

    def create_and_destroy(number: int) -> None:
        driver.create_node(f"machine {number}", None, image, auth=KEY).destroy()

    return lambda: _in_threads(create_and_destroy)


def _by_sessions(url: str, sessions: list[requests.Session]) -> Callable[[], object]:
    """The same three requests, by whichever session is free."""
    free: SimpleQueue[requests.Session] = SimpleQueue()
    for session in sessions:
        free.put(session)

    def create_and_destroy(number: int) -> None:
        for method, *parameters in (
            ("one.vm.allocate", TEMPLATE),
            ("one.vm.info", number),
            ("one.vm.action", "finalize", number),
        ):
            session = free.get()
            assert session.post(url, call_body(method, (SESSION, *parameters))).content
            free.put(session)

    return lambda: _in_threads(create_and_destroy)


def bare_session() -> requests.Session:
    session = requests.Session()
    session.auth = ("alice", "secret")
    session.headers["Content-Type"] = "text/xml"
    return session


def _in_threads(work: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(work, range(_NODES)))
