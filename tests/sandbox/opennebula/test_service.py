"""The daemon's protocol: HTTP, sessions, arguments, failures, faults."""

from __future__ import annotations

import re
import socket
import struct
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox

from ..conftest import wait_for
from .conftest import SMALL, Call, raw, session

VERSION = xmlrpc.client.dumps(("alice:secret",), "one.system.version").encode()


@pytest.fixture
def http() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def test_each_connection_is_closed_after_one_request(sandbox: Sandbox) -> None:
    address = urlsplit(sandbox.url)
    head = f"POST /RPC2 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\nContent-Length: {len(VERSION)}\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(head.encode() + VERSION)
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nConnection: close\r\n" in answer


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("POST", "/RPC2?x=1", 200),
        ("POST", "/", 404),
        ("POST", "/RPC2/", 404),
        ("POST", "/rpc2", 404),
        ("GET", "/RPC2", 405),
        ("HEAD", "/RPC2", 405),
        ("PUT", "/RPC2", 405),
        ("OPTIONS", "/RPC2", 200),
    ],
)
def test_only_one_path_is_served(sandbox: Sandbox, http: requests.Session, verb: str, path: str, status: int) -> None:
    assert http.request(verb, sandbox.url + path, data=VERSION, timeout=5).status_code == status


def test_the_release(ask: Call, release: str) -> None:
    assert ask("one.system.version") == f"{release}.0"


@pytest.mark.parametrize(
    "wrong", ["alice:wrong", "alice", "", "nobody:secret", ":secret", "alice:secret:more", "serveradmin:"]
)
def test_who_is_not_known_is_refused(sandbox: Sandbox, wrong: str) -> None:
    answer = raw(sandbox, wrong, "one.system.version")
    assert answer == [False, "[one.system.version] User couldn't be authenticated, aborting call.", 256, -1, -1]


def test_somebody_who_was_disabled_is_refused(sandbox: Sandbox, refusal: Call) -> None:
    sandbox.opennebula.users.named("alice").enabled = False
    assert refusal("one.system.version")[1] == 256


def test_names_of_users_are_as_the_database_compares_them(sandbox: Sandbox, release: str) -> None:
    assert raw(sandbox, "ALICE:secret", "one.system.version")[0] == (release == "7.4")


def test_a_failure_has_five_items_with_the_number_that_was_not_found(call: Call) -> None:
    assert call("alice", "one.vm.info", 99999) == [
        False,
        "[one.vm.info] Error getting virtual machine [99999].",
        1024,
        99999,
        -1,
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("one.vm.info",), -501, "Not enough parameters"),
        (("one.vm.info", "7"), -501, "Parameter that is supposed to be integer is not"),
        (("one.vm.info", True), -501, "Parameter that is supposed to be integer is not"),
        (("one.vm.allocate", SMALL, 1), -501, "Parameter that is supposed to be boolean is not"),
        (("one.vm.diskresize", 0, 0, 3000), -501, "Parameter that is supposed to be a string is not"),
        (("one.nosuch",), -506, "Method 'one.nosuch' not defined"),
        (("one.image.resize", 15, "20"), -506, "Method 'one.image.resize' not defined"),
        (("one.vm.allocate", "NAME=\N{PILE OF POO} CPU=1"), -503, "not in the Basic Multilingual Plane"),
    ],
)
def test_what_does_not_fit_a_method_is_a_fault(
    call: Call, running: int, arguments: tuple[object, ...], code: int, text: str
) -> None:
    if arguments[0] == "one.vm.diskresize":
        arguments = ("one.vm.diskresize", running, *arguments[2:])
    with pytest.raises(xmlrpc.client.Fault, match=re.escape(text)) as caught:
        call("alice", *arguments)
    assert caught.value.faultCode == code


def test_further_arguments_are_ignored(ask: Call, release: str) -> None:
    assert ask("one.system.version", 1, "x", False) == f"{release}.0"


@pytest.mark.parametrize("release", ["6.10", "7.4"], indirect=True)
def test_a_call_without_a_session(sandbox: Sandbox, release: str) -> None:
    with (
        xmlrpc.client.ServerProxy(sandbox.compute_url) as proxy,
        pytest.raises(xmlrpc.client.Fault) as caught,
    ):
        proxy.one.system.version()
    assert caught.value.faultCode == {"6.10": -501, "7.4": -500}[release]


def test_an_emoji_is_refused_also_as_a_reference(sandbox: Sandbox, http: requests.Session) -> None:
    body = xmlrpc.client.dumps(("alice:secret", "EMOJI"), "one.vm.allocate").replace("EMOJI", "&#128512;")
    assert "<i4>-503</i4>" in http.post(sandbox.compute_url, data=body, timeout=5).text


@pytest.mark.parametrize("body", [b"", b"<x/>", b"not XML", b"<methodCall/>", b"\xff\xfe"])
def test_what_is_no_call_is_a_fault(sandbox: Sandbox, http: requests.Session, body: bytes) -> None:
    answer = http.post(sandbox.compute_url, data=body, timeout=5)
    assert (answer.status_code, "<i4>-503</i4>" in answer.text) == (200, True)


def test_the_methods_can_be_listed_without_a_session(sandbox: Sandbox) -> None:
    with xmlrpc.client.ServerProxy(sandbox.compute_url) as proxy:
        methods = proxy.system.listMethods()
    assert {"one.vm.allocate", "one.vmpool.infoset", "system.listMethods"} <= set(methods)


def test_faults_are_for_its_methods(sandbox: Sandbox, call: Call) -> None:
    sandbox.faults.add(Fault(FaultKind.XMLRPC_FAULT, "opennebula", "one.vm.info"))
    with pytest.raises(xmlrpc.client.Fault, match="bad day"):
        call("alice", "one.vm.info", 0)
    with pytest.raises(ValueError, match=r"no operation 'one\.vm\.savedisk'"):
        sandbox.faults.add(Fault(FaultKind.DELAY, "opennebula", "one.vm.savedisk"))


def test_the_record_says_who_asked_for_what(sandbox: Sandbox, ask: Call) -> None:
    ask("one.vmpool.info", -3, -1, -1, -1)
    request = sandbox.requests[-1]
    assert (request.service, request.operation, request.user) == ("opennebula", "one.vmpool.info", "alice")


def test_answers_are_written_as_real_ones(
    sandbox: Sandbox, real_samples: Path, http: requests.Session, release: str
) -> None:
    text = (real_samples / f"opennebula-today/{release}-responses.txt").read_text()
    for title, (method, *arguments) in {
        "success with text": ("one.system.version",),
        "no such object": ("one.vm.info", 99999),
        "fault: too few parameters": ("one.vm.info",),
        "fault: unknown method": ("one.nosuch",),
    }.items():
        real = text.partition(f"##### {title}")[2].partition("\n\n")[2].partition("\n##### ")[0]
        body = xmlrpc.client.dumps((session(sandbox, "alice"), *arguments), method)
        answer = http.post(sandbox.compute_url, data=body, timeout=5)
        assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
        assert answer.text.strip() == real.strip()


def send(sandbox: Sandbox, *, reset: bool) -> None:
    """Send a creation and leave at once, by a reset or by closing the connection properly."""
    address = urlsplit(sandbox.url)
    body = xmlrpc.client.dumps(("alice:secret", SMALL), "one.vm.allocate").encode()
    head = f"POST /RPC2 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(head.encode() + body)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_http_basic_is_ignored_and_nothing_is_compressed(sandbox: Sandbox, http: requests.Session) -> None:
    """The session string alone says who asks."""
    headers = {"Accept-Encoding": "gzip", "Content-Type": "text/plain"}
    answer = http.post(sandbox.compute_url, data=VERSION, auth=("nobody", "x"), headers=headers, timeout=5)
    assert "<boolean>1</boolean>" in answer.text
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Server"].startswith("Xmlrpc-c_Abyss/")


def test_a_request_of_three_mebibytes_passes(ask: Call) -> None:
    large = "x" * (3 * 1024 * 1024)
    machine_id = ask("one.vm.allocate", f'{SMALL} X="{large}"', True)
    assert large in ask("one.vm.info", machine_id)


def test_a_request_that_did_not_arrive_whole_is_not_carried_out(sandbox: Sandbox) -> None:
    address = urlsplit(sandbox.url)
    body = xmlrpc.client.dumps(("alice:secret", SMALL), "one.vm.allocate").encode()
    head = f"POST /RPC2 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(head.encode() + body[:-1])
    assert raw(sandbox, "alice:secret", "one.system.version")[0]
    assert not sandbox.opennebula.machines.pool


def test_what_waits_for_a_place_is_carried_out_although_its_client_has_gone(sandbox: Sandbox) -> None:
    """So a lost reply says nothing: look, wait, look."""
    address = urlsplit(sandbox.url)
    with ExitStack() as open_connections:
        for _ in range(15):
            open_connections.enter_context(socket.create_connection((address.hostname, address.port)))
        send(sandbox, reset=False)
        assert not sandbox.opennebula.machines.pool
    assert wait_for(lambda: len(sandbox.opennebula.machines.pool) == 1)


def test_a_client_that_does_not_wait_gets_what_it_wanted(sandbox: Sandbox) -> None:
    send(sandbox, reset=False)
    assert wait_for(lambda: len(sandbox.opennebula.machines.pool) == 1)
    assert raw(sandbox, "alice:secret", "one.system.version")[0]


def is_up(sandbox: Sandbox) -> bool:
    try:
        return bool(raw(sandbox, "alice:secret", "one.system.version")[0])
    except ConnectionError:
        return False


def test_a_reset_ends_older_daemons(sandbox: Sandbox, release: str) -> None:
    if release == "6.10":
        # It has to arrive before the request is read, which takes more than one try.
        assert wait_for(lambda: not is_up(sandbox) or send(sandbox, reset=True) is not None)
    else:
        for _ in range(10):
            send(sandbox, reset=True)
        assert is_up(sandbox)


def test_the_sixteenth_connection_waits(sandbox: Sandbox) -> None:
    address = urlsplit(sandbox.url)
    with ExitStack() as open_connections:
        for _ in range(15):
            open_connections.enter_context(socket.create_connection((address.hostname, address.port)))
        with (
            socket.create_connection((address.hostname, address.port)) as late,
            ThreadPoolExecutor(1) as threads,
        ):
            head = f"POST /RPC2 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(VERSION)}\r\n\r\n"
            late.sendall(head.encode() + VERSION)
            answer = threads.submit(late.recv, 4096)
            with pytest.raises(TimeoutError):
                answer.result(0.5)
            open_connections.close()
            assert answer.result(5).startswith(b"HTTP/1.1 200 ")
