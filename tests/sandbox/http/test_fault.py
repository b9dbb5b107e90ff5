"""Faults that are written in one line."""

from __future__ import annotations

import pytest

from stratuslab_libcloud.sandbox import Fault, FaultKind


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("compute:one.vm.allocate:reset-after:0.3", Fault(FaultKind.RESET_AFTER, "compute", "one.vm.allocate", 0.3)),
        ("::delay::0.5", Fault(FaultKind.DELAY, seconds=0.5)),
        ("disks:GET *:status:1:502", Fault(FaultKind.STATUS, "disks", "GET *", status=502)),
        ("*:*:cut", Fault(FaultKind.CUT)),
    ],
)
def test_faults_can_be_written_in_a_line(text: str, fault: Fault) -> None:
    assert Fault.parse(text) == fault


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is wanted, not ''"),
        ("compute:delay", "SERVICE:OPERATION:KIND"),
        ("a:b:c:d:e:f", "SERVICE:OPERATION:KIND"),
        ("::explosion", "there is no fault 'explosion'; choose one of: delay, no-answer"),
        ("::delay:2", "between 0 and 1, not 2"),
        ("::delay:x", "a number is wanted, not 'x'"),
        ("::delay::-1", "seconds are a number, 0 or more"),
        ("::status::42", "an HTTP status is between 100 and 599"),
        ("::status:1:inf", "a number is wanted, not 'inf'"),
    ],
)
def test_faults_that_cannot_be_read(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Fault.parse(text)
