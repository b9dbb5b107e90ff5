"""The sandbox as a whole: starting, stopping, and its own bugs."""

from __future__ import annotations

import http.client
import socket
import threading
import time
import warnings
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
import requests
from requests.exceptions import ConnectionError

from stratuslab_libcloud.sandbox import DEFAULT_USERS, Fault, FaultKind, Sandbox, SandboxError
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template

from .conftest import ALICE, CALL, USERS, compute, images


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


def test_it_starts_once(sandbox: Sandbox) -> None:
    with pytest.raises(RuntimeError, match="running already"):
        sandbox.start()


def test_a_sandbox_can_be_started_again(http: requests.Session) -> None:
    sandbox = Sandbox(users=USERS, boot_seconds=0)
    for number in range(2):
        with sandbox:
            sandbox.machines.allocate("alice", parse_template("CPU=1"))
            assert http.post(compute(sandbox), data=CALL, auth=ALICE).text.count("&lt;VM&gt;") == number + 1


def test_many_sandboxes_know_nothing_of_each_other(http: requests.Session) -> None:
    with ExitStack() as stack:
        sandboxes = [stack.enter_context(Sandbox(users=USERS, boot_seconds=0)) for _ in range(5)]
        for count, sandbox in enumerate(sandboxes):
            for _ in range(count):
                sandbox.machines.allocate("alice", parse_template("CPU=1"))
        for count, sandbox in enumerate(sandboxes):
            answer = http.post(compute(sandbox), data=CALL, auth=ALICE)
            assert answer.text.count("&lt;VM&gt;") == count
        assert len({str(sandbox.state.networks["public"].addresses) for sandbox in sandboxes}) == 5


def test_a_bug_in_the_sandbox_is_raised(monkeypatch: pytest.MonkeyPatch, http: requests.Session) -> None:
    sandbox = Sandbox(users=USERS).start()
    monkeypatch.setattr(type(sandbox.disks), "owned_by", lambda self, user: 1 / 0)
    assert http.get(f"{sandbox.disks_url}/pswd/disks", auth=ALICE).status_code == 500
    with pytest.raises(SandboxError, match="ZeroDivisionError"):
        sandbox.check()
    with pytest.raises(SandboxError):
        sandbox.stop()


def test_a_sandbox_with_a_bug_does_not_hide_the_tests_own_failure(http: requests.Session) -> None:
    def test_that_fails() -> None:
        with Sandbox(users=USERS) as sandbox:
            sandbox.disks.owned_by = None  # type: ignore[method-assign, assignment]
            http.get(f"{sandbox.disks_url}/pswd/disks", auth=ALICE)
            raise KeyError

    with pytest.raises(KeyError):
        test_that_fails()


def test_nothing_is_warned_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Sandbox() as sandbox, requests.Session() as session:
            session.get(sandbox.marketplace_url)


def test_out_of_reach_is_refused_and_over_afterwards(sandbox: Sandbox, http: requests.Session) -> None:
    images(sandbox, http)
    with sandbox.out_of_reach():
        for _ in range(3):
            with pytest.raises(ConnectionError, match=r"refused|Connection aborted"):
                images(sandbox, http)
        address = urlsplit(sandbox.url)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address.hostname or "", address.port or 0))
    assert images(sandbox, http).status_code == 200


def test_a_sandbox_can_end_while_it_is_out_of_reach(http: requests.Session) -> None:
    sandbox = Sandbox().start()
    sandbox.faults.add(Fault(FaultKind.REFUSE, seconds=60))
    with pytest.raises(ConnectionError):
        images(sandbox, http)
    with sandbox.out_of_reach():
        started = time.monotonic()
        sandbox.stop()
        assert time.monotonic() - started < 2


def test_passwords_are_different_each_time() -> None:
    first, second = Sandbox(), Sandbox()
    assert list(first.users) == list(DEFAULT_USERS)
    passwords = [*first.users.values(), *second.users.values()]
    passwords += [s.state.accounts.password(name) for s in (first, second) for name in ("oneadmin", "pdisk")]
    assert len(set(passwords)) == 8
    assert min(len(password) for password in passwords) > 20
