"""The sandbox as a whole: starting and stopping, what it records, and what it writes."""

from __future__ import annotations

import http.client
import socket
import threading
import time
import warnings
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from stratuslab_libcloud.sandbox import Machine, ManualClock, Pace, Sandbox, SandboxError
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template

CALL = xmlrpc.client.dumps(("", -3, -1, -1, -1), "one.vmpool.info")
ALICE = ("alice", "secret")


def compute(sandbox: Sandbox) -> str:
    return sandbox.compute_url.replace("/xmlrpc", "/pswd/xmlrpc")


def test_all_services_are_behind_one_port(sandbox: Sandbox) -> None:
    assert sandbox.compute_url == f"{sandbox.url}/one-proxy/xmlrpc"
    assert sandbox.disks_url == f"{sandbox.url}/pdisk"
    assert sandbox.marketplace_url == f"{sandbox.url}/marketplace"


def test_a_stopped_sandbox_does_not_answer() -> None:
    with Sandbox() as sandbox:
        url = sandbox.marketplace_url
        assert requests.get(url, timeout=5).status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url


def test_it_stops_with_connections_open_and_leaves_no_thread() -> None:
    before = threading.active_count()
    sandbox = Sandbox().start()
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc)
    connection.request("GET", "/marketplace")
    connection.getresponse().read()
    started = time.monotonic()
    sandbox.stop()
    connection.close()
    assert time.monotonic() - started < 2
    assert threading.active_count() == before


def test_a_limit_is_none_below_nothing() -> None:
    with pytest.raises(ValueError, match="0 or more, not -1"):
        Sandbox(machine_limit=-1)


def test_it_starts_once(sandbox: Sandbox) -> None:
    with pytest.raises(RuntimeError, match="running already"):
        sandbox.start()


def test_a_sandbox_can_be_started_again(http: requests.Session) -> None:
    sandbox = Sandbox(boot_seconds=0)
    for number in range(2):
        with sandbox:
            sandbox.machines.allocate("alice", parse_template("CPU=1"))
            assert http.post(compute(sandbox), data=CALL, auth=ALICE).text.count("&lt;VM&gt;") == number + 1


def test_half_a_request_is_none(sandbox: Sandbox) -> None:
    address = urlsplit(sandbox.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=5) as connection:
        connection.sendall(
            b"POST /pdisk/pswd/disks HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YWxpY2U6c2VjcmV0\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\nsize=1"
        )
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert len(sandbox.disks) == 0


def test_many_sandboxes_know_nothing_of_each_other(http: requests.Session) -> None:
    with ExitStack() as stack:
        sandboxes = [stack.enter_context(Sandbox(boot_seconds=0)) for _ in range(5)]
        for count, sandbox in enumerate(sandboxes):
            for _ in range(count):
                sandbox.machines.allocate("alice", parse_template("CPU=1"))
        for count, sandbox in enumerate(sandboxes):
            answer = http.post(compute(sandbox), data=CALL, auth=ALICE)
            assert answer.text.count("&lt;VM&gt;") == count
        assert len({str(sandbox.state.networks["public"].addresses) for sandbox in sandboxes}) == 5


def test_connections_are_kept_and_fast(sandbox: Sandbox, http: requests.Session) -> None:
    started = time.monotonic()
    for _ in range(50):
        assert http.post(compute(sandbox), data=CALL, auth=ALICE).status_code == 200
        assert http.get(f"{sandbox.marketplace_url}/metadata").status_code == 200
    # 44 ms an answer is what it costs when head and body wait for each other's acknowledgement.
    assert time.monotonic() - started < 100 * 0.03
    assert sandbox.requests.connections == 1


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


def test_the_record_can_be_cleared(sandbox: Sandbox, http: requests.Session) -> None:
    http.get(sandbox.marketplace_url)
    sandbox.requests.clear()
    assert len(sandbox.requests) == 0


def test_a_bug_in_the_sandbox_surfaces(monkeypatch: pytest.MonkeyPatch, http: requests.Session) -> None:
    sandbox = Sandbox().start()
    monkeypatch.setattr(type(sandbox.disks), "owned_by", lambda self, user: 1 / 0)
    assert http.get(f"{sandbox.disks_url}/pswd/disks", auth=ALICE).status_code == 500
    with pytest.raises(SandboxError, match="ZeroDivisionError"):
        sandbox.check()
    with pytest.raises(SandboxError):
        sandbox.stop()


def test_a_sandbox_with_a_bug_does_not_hide_the_tests_own_failure(http: requests.Session) -> None:
    def test_that_fails() -> None:
        with Sandbox() as sandbox:
            sandbox.disks.owned_by = None  # type: ignore[method-assign, assignment]
            http.get(f"{sandbox.disks_url}/pswd/disks", auth=ALICE)
            raise KeyError

    with pytest.raises(KeyError):
        test_that_fails()


def test_machines_created_by_many_threads_are_all_there(sandbox: Sandbox, oned: Any) -> None:
    def create(_: int) -> int:
        with requests.Session() as session:
            call = xmlrpc.client.dumps(("", "CPU=1"), "one.vm.allocate")
            (values,), _method = xmlrpc.client.loads(session.post(compute(sandbox), data=call, auth=ALICE).content)
            return int(values[1])

    with ThreadPoolExecutor(16) as pool:
        numbers = list(pool.map(create, range(100)))
    assert sorted(numbers) == list(range(100))


def test_a_thousand_machines_start_quickly() -> None:
    sandbox = Sandbox(boot_seconds=0)
    started = time.monotonic()
    for _ in range(1000):
        sandbox.machines.allocate("alice", parse_template('CPU=1 NIC=[NETWORK="local",NETWORK_UNAME=oneadmin]'))
    assert all(machine.is_running for machine in sandbox.machines)
    assert time.monotonic() - started < 5


def test_the_usual_pace_is_under_two_seconds(clock: ManualClock) -> None:
    sandbox = Sandbox(clock=clock)
    machine = sandbox.machines.allocate("alice", parse_template("CPU=1"))
    assert not machine.is_running
    clock.advance(2)
    assert machine.is_running


def test_each_step_can_have_its_own_time(clock: ManualClock) -> None:
    sandbox = Sandbox(clock=clock, pace=Pace(pending=0, prolog=0, boot=100))
    machine = sandbox.machines.allocate("alice", parse_template("CPU=1"))
    assert machine.lcm_state.name == "BOOT"
    clock.advance(99)
    assert machine.lcm_state.name == "BOOT"
    clock.advance(1)
    assert machine.is_running


class Listener:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.news: list[tuple[str, int]] = []
        self.told = threading.Event()

    def machine_running(self, machine: Machine) -> None:
        self.news.append(("running", machine.id))
        self.told.set()

    def machine_gone(self, machine: Machine) -> None:
        self.news.append(("gone", machine.id))


def test_listeners_are_told_when_machines_come_and_go(sandbox: Sandbox, clock: ManualClock) -> None:
    listener = Listener()
    sandbox.state.listen(listener)
    for _ in range(2):
        sandbox.machines.allocate("alice", parse_template("CPU=1"))
    clock.advance(10)
    assert listener.news == [("running", 0), ("running", 1)]
    sandbox.machines.act("alice", 1, "finalize")
    sandbox.machines.act("alice", 0, "suspend")
    clock.advance(10)
    sandbox.machines.act("alice", 0, "resume")
    clock.advance(10)
    sandbox.machines.act("alice", 0, "shutdown")
    assert listener.news[2:] == [("gone", 1), ("gone", 0), ("running", 0), ("gone", 0)]


def test_listeners_are_told_without_anybody_looking() -> None:
    listener = Listener()
    with Sandbox(boot_seconds=0.1) as sandbox:
        sandbox.state.listen(listener)
        sandbox.machines.allocate("alice", parse_template("CPU=1"))
        assert listener.told.wait(5)


def test_nothing_is_warned_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Sandbox() as sandbox, requests.Session() as session:
            session.get(sandbox.marketplace_url)
