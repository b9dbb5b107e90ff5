"""`ex_create_nodes` and `ex_destroy_nodes`, against the same requests by as many bare sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import requests
from libcloud.compute.base import NodeImage

from benchmarks.clouds import driver_for
from benchmarks.measuring import compare
from benchmarks.report import Findings, Row
from benchmarks.rows.creating import IMAGE, KEY, SESSION, TEMPLATE, bare_session
from benchmarks.server import BareServer
from stratuslab_libcloud.client.opennebula.xmlrpc import call_body

_NODES = 200
_CONNECTIONS = 4
_GOAL = 1.1

Parameters = Sequence[str | int]


def measure(server: BareServer, full: bool) -> Findings:
    """At a service that answers at once, and at one that takes its time."""
    findings = Findings()
    for delay in (0, 20):
        url = server.url(delay=delay)
        findings.rows += _rows(url, f"{_CONNECTIONS} connections, {delay} ms a request", rounds=3 if delay else 9)
    return findings


def _rows(url: str, surroundings: str, rounds: int) -> list[Row]:
    driver = driver_for(url, endpoint_connections=str(_CONNECTIONS), no_check_image_url="true")
    image = NodeImage(IMAGE, "image", driver)
    names = [f"machine {number}" for number in range(_NODES)]
    nodes = driver.ex_create_nodes(names, None, image, auth=KEY)
    sessions = [bare_session() for _ in range(_CONNECTIONS)]
    post = _poster(f"{url}/pswd/xmlrpc", sessions)

    def create_bare() -> None:
        post(("one.vm.allocate", TEMPLATE) for _ in names)
        post([("one.vmpool.info", -3, 0, _NODES - 1, -2)])

    def destroy_bare() -> None:
        post(("one.vm.action", "finalize", int(node.id)) for node in nodes)

    creating = compare(lambda: driver.ex_create_nodes(names, None, image, auth=KEY), create_bare, rounds)
    destroying = compare(lambda: driver.ex_destroy_nodes(nodes), destroy_bare, rounds)
    for session in sessions:
        session.close()
    against = f"the same requests by {_CONNECTIONS} bare `requests` sessions"
    return [
        Row.of_times(f"`ex_create_nodes` of {_NODES}, {surroundings}", against, creating, _GOAL),
        Row.of_times(f"`ex_destroy_nodes` of {_NODES}, {surroundings}", against, destroying, _GOAL),
    ]


def _poster(url: str, sessions: Sequence[requests.Session]) -> Callable[[Iterable[Parameters]], None]:
    """Sends calls, each by whichever session is free."""
    free: SimpleQueue[requests.Session] = SimpleQueue()
    for session in sessions:
        free.put(session)

    def post(call: Parameters) -> None:
        method, *parameters = call
        session = free.get()
        assert session.post(url, call_body(str(method), (SESSION, *parameters))).content
        free.put(session)

    def post_all(calls: Iterable[Parameters]) -> None:
        with ThreadPoolExecutor(len(sessions)) as threads:
            list(threads.map(post, calls))

    return post_all
