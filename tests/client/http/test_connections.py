"""Connections whose timeout limits the time for a whole answer."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import requests
import urllib3

from stratuslab_libcloud.client.http import time_limit
from stratuslab_libcloud.client.http.cancellation import Cancellation
from stratuslab_libcloud.client.http.connections import TimeLimitedAdapter

Serve = Callable[[Callable[[socket.socket], None]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves one connection with a function, and returns the URL."""
    with contextlib.ExitStack() as stack:

        def serve(answer: Callable[[socket.socket], None]) -> str:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def run() -> None:
                with contextlib.suppress(OSError):
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(65536)
                        answer(connection)

            threading.Thread(target=run, daemon=True).start()
            return f"http://127.0.0.1:{listener.getsockname()[1]}/"

        yield serve


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """A session with the adapter."""
    with requests.Session() as session:
        session.mount("http://", TimeLimitedAdapter(1))
        yield session


def test_the_timeout_limits_the_whole_answer(serve: Serve, session: requests.Session) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connection.sendall(b".")
            time.sleep(0.02)

    url = serve(drip)
    started = time.monotonic()
    with time_limit.until(started + 0.5), pytest.raises((TimeoutError, urllib3.exceptions.TimeoutError)):
        session.get(url, stream=True).raw.read()
    assert time.monotonic() - started < 5


def test_headers_that_were_cut_off_are_not_an_answer(serve: Serve, session: requests.Session) -> None:
    url = serve(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"))
    with pytest.raises(requests.exceptions.ConnectionError):
        session.get(url, timeout=10)


def test_cancellation_ends_the_wait_for_an_answer(serve: Serve, session: requests.Session) -> None:
    cancellation, ended = Cancellation(), threading.Event()

    def cancel(_: socket.socket) -> None:
        cancellation.cancel()
        ended.wait(20)

    url = serve(cancel)
    started = time.monotonic()
    with cancellation.on_this_thread(), pytest.raises(requests.exceptions.ConnectionError):
        session.get(url, timeout=15)
    ended.set()
    assert time.monotonic() - started < 10
