"""Answers that are not sent, or not as a whole."""

from __future__ import annotations

import http.client
import time
import xmlrpc.client
from urllib.parse import urlsplit

import pytest
import requests
from requests.exceptions import ChunkedEncodingError, ConnectionError, ReadTimeout

from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox

from ..conftest import ALLOCATE, allocate, has_seen, images, wait_for


@pytest.mark.parametrize(("kind", "carried_out"), [(FaultKind.RESET_BEFORE, 0), (FaultKind.RESET_AFTER, 1)])
def test_resets_leave_done_or_undone(
    sandbox: Sandbox, http: requests.Session, kind: FaultKind, carried_out: int
) -> None:
    with sandbox.faults.during(Fault(kind)), pytest.raises(ConnectionError, match="reset by peer"):
        allocate(sandbox, http)
    assert len(sandbox.machines) == carried_out
    assert (sandbox.requests[0].status, sandbox.requests[0].fault) == (0, kind.value)


@pytest.mark.parametrize(("kind", "carried_out"), [(FaultKind.NO_ANSWER, 0), (FaultKind.NO_ANSWER_AFTER, 1)])
def test_no_answer_lasts_until_the_client_gives_up(
    sandbox: Sandbox, http: requests.Session, kind: FaultKind, carried_out: int
) -> None:
    with sandbox.faults.during(Fault(kind)), pytest.raises(ReadTimeout):
        allocate(sandbox, http, timeout=0.2)
    assert len(sandbox.machines) == carried_out


def test_a_delay(sandbox: Sandbox, http: requests.Session) -> None:
    started = time.monotonic()
    with sandbox.faults.during(Fault(FaultKind.DELAY, seconds=0.2)):
        assert images(sandbox, http).status_code == 200
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("tls", [False, True])
def test_an_answer_that_is_cut(tls: bool, http: requests.Session) -> None:
    with Sandbox(tls=tls) as sandbox:
        http.verify = str(sandbox.ca_file) if tls else True
        with sandbox.faults.during(Fault(FaultKind.CUT)), pytest.raises((ChunkedEncodingError, ConnectionError)):
            images(sandbox, http)


def test_a_drip_is_slow_but_whole(sandbox: Sandbox, http: requests.Session) -> None:
    drip = Fault(FaultKind.DRIP, seconds=0.001)
    started = time.monotonic()
    with sandbox.faults.during(drip):
        answer = allocate(sandbox, http)
    assert time.monotonic() - started > 0.2
    assert xmlrpc.client.loads(answer.content)[0][0][0] is True


def test_a_sandbox_stops_while_answers_are_held_back() -> None:
    faults = (FaultKind.NO_ANSWER, FaultKind.DELAY, FaultKind.DRIP)
    sandbox = Sandbox().start()
    clients = []
    for number, kind in enumerate(faults):
        sandbox.faults.add(Fault(kind, "compute", seconds=60, count=1))
        connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc)
        headers = {"Authorization": "Basic YWxpY2U6c2VjcmV0"}
        connection.request("POST", "/one-proxy/pswd/xmlrpc", ALLOCATE, headers)
        clients.append(connection)
        assert wait_for(has_seen(sandbox, number + 1))
    started = time.monotonic()
    sandbox.stop()
    assert time.monotonic() - started < 2
    for connection in clients:
        connection.close()
