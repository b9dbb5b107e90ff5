"""Ending threads that wait."""

from __future__ import annotations

import socket
import threading
import time

from stratuslab_libcloud.client.http import cancellation
from stratuslab_libcloud.client.http.cancellation import Cancellation


def test_cancel_ends_a_thread_that_waits_on_a_socket() -> None:
    here, there = socket.socketpair()
    token, waiting, received = Cancellation(), threading.Event(), []

    def wait() -> None:
        with token.covering(here):
            waiting.set()
            received.append(here.recv(1))

    thread = threading.Thread(target=wait, daemon=True)
    with here, there:
        thread.start()
        assert waiting.wait(10)
        token.cancel()
        thread.join(10)
    assert received == [b""]


def test_a_socket_that_comes_too_late_is_shut_down_as_well() -> None:
    token = Cancellation()
    token.cancel()
    here, there = socket.socketpair()
    with here, there, token.covering(here):
        assert here.recv(1) == b""


def test_a_socket_that_is_not_covered_any_more_is_left_open() -> None:
    token = Cancellation()
    here, there = socket.socketpair()
    with here, there:
        with token.covering(here):
            pass
        token.cancel()
        there.sendall(b"x")
        assert here.recv(1) == b"x"


def test_the_current_cancellation_is_that_of_the_innermost_block() -> None:
    outer, inner = Cancellation(), Cancellation()
    assert cancellation.current() is None
    with outer.on_this_thread():
        with inner.on_this_thread():
            assert cancellation.current() is inner
        assert cancellation.current() is outer
    assert cancellation.current() is None


def test_cancel_ends_a_pause() -> None:
    token = Cancellation()
    timer = threading.Timer(0.05, token.cancel)
    started = time.monotonic()
    with token.on_this_thread():
        timer.start()
        assert not cancellation.pause(30)
    assert token.is_cancelled
    assert time.monotonic() - started < 10


def test_a_pause_without_cancellation_is_followed_by_an_attempt() -> None:
    assert cancellation.pause(0)
    with Cancellation().on_this_thread():
        assert cancellation.pause(0)
