"""What is recorded of requests."""

from __future__ import annotations

import time

import pytest
import requests

from stratuslab_libcloud.sandbox import ManualClock, Sandbox

from ..conftest import ALICE, CALL, ask, compute, http_connection


def test_the_most_connections_at_once_are_known(sandbox: Sandbox) -> None:
    connections = [http_connection(sandbox) for _ in range(5)]
    for connection in connections:
        ask(connection)
    assert sandbox.requests.most_connections == sandbox.requests.connections == 5
    for connection in connections:
        connection.close()


def test_what_is_recorded(sandbox: Sandbox, http: requests.Session) -> None:
    http.post(compute(sandbox), data=CALL, auth=ALICE)
    http.get(f"{sandbox.disks_url}/pswd/disks/abc", auth=ALICE)
    http.get(f"{sandbox.disks_url}/pswd/disks/", auth=("alice", "wrong"))
    http.get(f"{sandbox.marketplace_url}/metadata")
    first = sandbox.requests[0]
    assert (first.service, first.verb, first.path) == ("compute", "POST", "/one-proxy/pswd/xmlrpc")
    assert (first.user, first.status, first.bytes_received) == ("alice", 200, len(CALL))
    assert first.bytes_sent > 0
    assert sandbox.requests.operations == [
        "one.vmpool.info",
        "GET /disks/{uuid}",
        "GET /disks",
        "GET /metadata",
    ]
    assert [request.status for request in sandbox.requests] == [200, 404, 401, 200]
    assert [request.user for request in sandbox.requests] == ["alice", "alice", "", ""]


def test_when_it_was_and_how_long_it_took(sandbox: Sandbox, http: requests.Session, clock: ManualClock) -> None:
    begun = time.perf_counter()
    for _ in range(3):
        http.get(sandbox.marketplace_url)
        clock.advance(60)
    assert [clock.now() - request.time for request in sandbox.requests] == pytest.approx([180, 120, 60])
    assert 0 < sum(request.seconds for request in sandbox.requests) < time.perf_counter() - begun


def test_the_last_of_them(sandbox: Sandbox, http: requests.Session) -> None:
    for path in ("marketplace", "marketplace/metadata", "pdisk/pswd/disks"):
        http.get(f"{sandbox.url}/{path}")
    assert list(sandbox.requests.last(2)) == [sandbox.requests[1], sandbox.requests[2]]
    assert len(sandbox.requests.last(10)) == 3


def test_the_record_can_be_cleared(sandbox: Sandbox, http: requests.Session) -> None:
    http.get(sandbox.marketplace_url)
    sandbox.requests.clear()
    assert len(sandbox.requests) == 0
