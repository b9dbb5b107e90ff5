"""What failures mean, and when a request is sent again."""

from __future__ import annotations

import pytest
import urllib3

from stratuslab_libcloud.client.http.failures import (
    MAX_ATTEMPTS,
    MAX_ATTEMPTS_TO_CONNECT,
    MAX_PAUSE_SECONDS,
    RetryableFailure,
    connection_failure,
)
from stratuslab_libcloud.client.http.redaction import Redaction
from stratuslab_libcloud.errors import Call, ServiceTimeoutError, ServiceUnavailableError

CALL = Call("here", "disk", "look", "http://example.org/")
DOWN = ServiceUnavailableError("down", CALL)


def test_pauses_grow_up_to_a_limit() -> None:
    pauses = [RetryableFailure(DOWN).pause_before(attempt, True) for attempt in range(2, MAX_ATTEMPTS + 1)]
    assert all(pause is not None and 0 < pause <= MAX_PAUSE_SECONDS for pause in pauses)
    assert pauses[0] < pauses[-1]  # type: ignore[operator]


@pytest.mark.parametrize("most", [MAX_ATTEMPTS, MAX_ATTEMPTS_TO_CONNECT])
def test_there_is_a_last_attempt(most: int) -> None:
    failure = RetryableFailure(DOWN, max_attempts=most)
    assert failure.pause_before(most, True) is not None
    assert failure.pause_before(most + 1, True) is None


def test_a_write_is_only_repeated_when_the_service_did_not_execute_it() -> None:
    assert RetryableFailure(DOWN).pause_before(2, False) is None
    assert RetryableFailure(DOWN, not_executed=True).pause_before(2, False) is not None


def test_the_service_chooses_the_pause() -> None:
    assert RetryableFailure(ServiceUnavailableError("busy", CALL, 503, 7.0)).pause_before(2, True) == 7.0


def test_the_outcome_of_a_lost_connection_is_unknown() -> None:
    lost = connection_failure(
        urllib3.exceptions.ProtocolError("x", ConnectionResetError(104, "reset")), CALL, Redaction(), was_sent=True
    )
    assert isinstance(lost, RetryableFailure)
    assert lost.error.outcome_unknown
    assert not lost.not_executed


def test_a_timeout_is_not_repeated() -> None:
    late = connection_failure(TimeoutError("late"), CALL, Redaction(), was_sent=True)
    assert isinstance(late, ServiceTimeoutError)
    assert late.outcome_unknown


def test_before_anything_was_sent_the_service_cannot_have_executed_anything() -> None:
    reset = urllib3.exceptions.ProtocolError("x", ConnectionResetError(104, "reset"))
    lost = connection_failure(reset, CALL, Redaction(), was_sent=False)
    assert isinstance(lost, RetryableFailure)
    assert lost.not_executed
    assert not lost.error.outcome_unknown
    late = connection_failure(TimeoutError("late"), CALL, Redaction(), was_sent=False)
    assert isinstance(late, ServiceTimeoutError)
    assert not late.outcome_unknown
