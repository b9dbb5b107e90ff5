"""Connections: how long they are kept, and when they are refused."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import time
from urllib.parse import urlsplit

import pytest
import requests
from requests.exceptions import ConnectionError

from stratuslab_libcloud.sandbox import Fault, FaultKind, KeepAlive, Sandbox

from ..conftest import ALICE, CALL, allocate, ask, compute, http_connection, images


def test_a_refusal_lasts_for_its_time(sandbox: Sandbox, http: requests.Session) -> None:
    sandbox.faults.add(Fault(FaultKind.REFUSE, "marketplace", count=1, seconds=0.3))
    with pytest.raises(ConnectionError):
        images(sandbox, http)
    refused = False
    deadline = time.monotonic() + 5
    while True:
        assert time.monotonic() < deadline
        try:
            allocate(sandbox, http)
        except ConnectionError as error:
            refused |= "refused" in str(error)
        else:
            if refused:
                break
        time.sleep(0.01)


@pytest.mark.parametrize(("number", "seconds"), [(0, 1.0), (1, 0.0), (1, -1.0), (1, float("inf"))])
def test_connections_cannot_be_kept_for_nothing(number: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="a connection is kept for"):
        KeepAlive(number, seconds)


def test_a_kept_connection_is_closed_without_a_word_after_some_requests(http: requests.Session) -> None:
    with Sandbox(keep_alive=KeepAlive(requests=3)) as sandbox:
        connection = http_connection(sandbox)
        for _ in range(3):
            assert ask(connection).getheader("Connection") is None
        with pytest.raises((http_errors, OSError)):
            ask(connection)
        connection.close()


def test_an_idle_connection_is_closed(http: requests.Session) -> None:
    with Sandbox(keep_alive=KeepAlive(idle_seconds=0.1)) as sandbox:
        connection = http_connection(sandbox)
        ask(connection)
        assert connection.sock is not None
        connection.sock.settimeout(5)
        assert connection.sock.recv(1) == b""
        connection.close()


http_errors = http.client.HTTPException


def test_half_a_request_is_ignored(sandbox: Sandbox) -> None:
    address = urlsplit(sandbox.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=5) as connection:
        connection.sendall(
            b"POST /pdisk/pswd/disks HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YWxpY2U6c2VjcmV0\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\nsize=1"
        )
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert len(sandbox.disks) == 0


def test_connections_are_kept_and_fast(sandbox: Sandbox, http: requests.Session) -> None:
    started = time.monotonic()
    for _ in range(50):
        assert http.post(compute(sandbox), data=CALL, auth=ALICE).status_code == 200
        assert http.get(f"{sandbox.marketplace_url}/metadata").status_code == 200
    # 44 ms an answer is what it costs when head and body wait for each other's acknowledgement.
    assert time.monotonic() - started < 100 * 0.03
    assert sandbox.requests.connections == 1


@pytest.mark.parametrize(
    "line",
    [
        "Content-Length: \u00b2",
        "Content-Length: -1",
        "Content-Length: 1e3",
        f"Content-Length: {10**23}",
        "Authorization: Basic \u00e9\u00e9\u00e9\u00e9",
    ],
)
def test_odd_requests_get_a_400(line: str) -> None:
    with Sandbox() as sandbox, contextlib.closing(connect_to(sandbox)) as connection:
        request = f"GET /pdisk/pswd/disks HTTP/1.1\r\nHost: 127.0.0.1\r\n{line}\r\n\r\n"
        connection.sendall(request.encode("latin-1"))
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("target", ["http://[::1/pdisk", "//[/x", "*", "http://"])
def test_odd_targets_are_no_bug_of_the_sandbox(target: str) -> None:
    with Sandbox() as sandbox, contextlib.closing(connect_to(sandbox)) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/marketplace/metadata", "200 OK"),
        ("/marketplace/metadata/none", "404 Not Found"),
        ("/pdisk/pswd/disks", "401 Unauthorized"),
        ("/one-proxy/cert/xmlrpc", "403 Forbidden"),
        ("/RPC2", "405 Method Not Allowed"),
        ("/nowhere", "404 Not Found"),
        ("/marketplace/metadata/faulty/a@example.org/2014-06-01T10:00:00Z", "503 Service Unavailable"),
    ],
)
def test_reason_phrases_are_written_as_servers_write_them(sandbox: Sandbox, path: str, line: str) -> None:
    operation = "GET /metadata/{id}/{email}/{created}"
    sandbox.faults.add(Fault(FaultKind.STATUS, "marketplace", operation, status=503))
    with contextlib.closing(connect_to(sandbox)) as connection:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/xml, */*\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        answer = connection.makefile("rb").read().decode()
    assert answer.startswith(f"HTTP/1.1 {line}\r\n")
    assert line in answer.partition("\r\n\r\n")[2] or "503" not in line


def test_an_unknown_status_has_a_phrase_too(sandbox: Sandbox, http: requests.Session) -> None:
    sandbox.faults.add(Fault(FaultKind.STATUS, "marketplace", status=599))
    assert images(sandbox, http).reason == "Unknown"


def tls_answer(sandbox: Sandbox, *headers: str) -> bytes:
    """All that comes over a connection with TLS whose end has to be announced."""
    context = ssl.create_default_context(cafile=str(sandbox.ca_file))
    with (
        connect_to(sandbox) as connection,
        context.wrap_socket(connection, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as secure,
    ):
        secure.sendall(
            "\r\n".join(["GET /marketplace/metadata HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode()
        )
        return b"".join(iter(lambda: secure.recv(65536), b""))


def test_the_end_of_a_tls_connection_is_announced() -> None:
    with Sandbox(tls=True) as sandbox:
        assert tls_answer(sandbox, "Connection: close").startswith(b"HTTP/1.1 200 OK\r\n")
    with Sandbox(tls=True, keep_alive=KeepAlive(requests=1)) as sandbox:
        assert tls_answer(sandbox).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_tls_connection_that_is_lost_ends_without_a_word() -> None:
    with Sandbox(tls=True) as sandbox:
        sandbox.faults.add(Fault(FaultKind.CUT))
        with pytest.raises((ssl.SSLEOFError, ConnectionError)):
            tls_answer(sandbox)


def connect_to(sandbox: Sandbox) -> socket.socket:
    address = urlsplit(sandbox.url)
    return socket.create_connection((address.hostname or "", address.port or 0), timeout=5)
