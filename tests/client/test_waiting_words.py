"""What a call is waiting for, told to whoever wants to know."""

from __future__ import annotations

import threading

import pytest

from stratuslab_libcloud.client import waiting_words


def test_it_is_told_within_only_and_to_the_nearest() -> None:
    outer: list[str] = []
    inner: list[str] = []
    waiting_words.tell("before")
    with waiting_words.told_to(outer.append):
        waiting_words.tell("machine 7: hotplug")
        with waiting_words.told_to(inner.append):
            waiting_words.tell("image 3: locked")
        waiting_words.tell("machine 7: running")
    waiting_words.tell("after")
    assert (outer, inner) == (["machine 7: hotplug", "machine 7: running"], ["image 3: locked"])


def test_it_is_of_one_thread() -> None:
    heard: list[str] = []
    with waiting_words.told_to(heard.append):
        other = threading.Thread(target=waiting_words.tell, args=("of another thread",))
        other.start()
        other.join()
    assert heard == []


def test_an_exception_of_the_listener_ends_the_waiting_and_the_listening() -> None:
    def fail(words: str) -> None:
        raise RuntimeError(words)

    with pytest.raises(RuntimeError, match="machine 7"), waiting_words.told_to(fail):
        waiting_words.tell("machine 7: hotplug")
    waiting_words.tell("nobody listens")
