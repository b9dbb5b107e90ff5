"""Ending threads that wait."""

from __future__ import annotations

import threading
import time

from stratuslab_libcloud.client.http import cancellation
from stratuslab_libcloud.client.http.cancellation import Cancellation


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
