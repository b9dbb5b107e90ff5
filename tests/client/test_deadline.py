"""Asking until a deadline."""

from __future__ import annotations

import time

import pytest

from stratuslab_libcloud.client.deadline import Deadline
from stratuslab_libcloud.client.http.cancellation import Cancellation
from stratuslab_libcloud.errors import Call, PermissionDeniedError, ServiceError, ServiceUnavailableError

CALL = Call("here", "compute", "look", "http://example.org/")


def failing(*errors: ServiceError) -> tuple[list[str], object]:
    """What fails as often as there are errors, and then answers; and the list of its calls."""
    calls: list[str] = []

    def look() -> str:
        calls.append("asked")
        if len(calls) <= len(errors):
            raise errors[len(calls) - 1]
        return "answer"

    return calls, look


def test_a_service_is_asked_until_it_answers() -> None:
    calls, look = failing(ServiceUnavailableError("down", CALL), ServiceUnavailableError("down", CALL))
    assert Deadline(10).ask(look) == "answer"  # type: ignore[arg-type]
    assert len(calls) == 3


def test_a_service_that_refuses_the_user_is_asked_only_once() -> None:
    calls, look = failing(PermissionDeniedError("no", CALL))
    with pytest.raises(PermissionDeniedError):
        Deadline(10).ask(look)  # type: ignore[arg-type]
    assert len(calls) == 1


def test_after_the_deadline_the_last_error_is_raised() -> None:
    error = ServiceUnavailableError("down", CALL)
    _, look = failing(*[error] * 1000)
    started = time.monotonic()
    with pytest.raises(ServiceUnavailableError) as caught:
        Deadline(0.5).ask(look)  # type: ignore[arg-type]
    assert caught.value is error
    assert time.monotonic() - started < 2


def test_an_attempt_leaves_time_to_find_out_its_result() -> None:
    deadline = Deadline(30)
    assert 0 < deadline.time_for_an_attempt() < deadline.left() <= 30
    assert Deadline(0).left() == 0


def test_a_cancelled_thread_makes_no_pause() -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with cancellation.on_this_thread():
        assert not Deadline(30).pause()
