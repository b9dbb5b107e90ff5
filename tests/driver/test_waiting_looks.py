"""Waiting, look by look: with looks and a clock of the test's own, so that no time passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from libcloud.compute.base import Node, NodeLocation
from libcloud.compute.types import NodeState

from stratuslab_libcloud.driver.nodes import LocatedNode
from stratuslab_libcloud.driver.progress import OnProgress, Progress
from stratuslab_libcloud.driver.waiting import until_gone, until_running
from stratuslab_libcloud.errors import (
    Call,
    InvalidArgumentError,
    MachineFailedError,
    NotFoundError,
    PermissionDeniedError,
    RefusedCredentialsError,
    ServiceError,
    ServiceTimeoutError,
    ServiceUnavailableError,
    WaitTimeoutError,
)
from stratuslab_libcloud.sandbox import ManualClock

HERE = NodeLocation("here", "Here", "FR", None)  # type: ignore[arg-type]  # nothing asks the driver
CALL = Call("here", "compute", "one.vmpool.info", "https://one.example.org")
Seen = LocatedNode | ServiceError


def node(number: int, status: str = "RUNNING", ips: Sequence[str] = ("192.0.2.1",), **extra: Any) -> LocatedNode:
    """A machine in one of the states ACTIVE, whose name is that of LCM_STATE, and PENDING, HOLD, DONE, FAILED."""
    states = {"RUNNING": NodeState.RUNNING, "PENDING": NodeState.PENDING, "HOLD": NodeState.PENDING}
    failed = NodeState.ERROR if status.endswith(("_FAILURE", "FAILED")) else NodeState.STARTING
    is_state = status in ("PENDING", "HOLD", "DONE", "FAILED")
    return LocatedNode(
        HERE,
        id=str(number),
        name=f"n{number}",
        state=NodeState.TERMINATED if status == "DONE" else states.get(status, failed),
        public_ips=list(ips),
        private_ips=[],
        driver=None,
        extra={
            "state": status if is_state else "ACTIVE",
            "lcm_state": "LCM_INIT" if is_state else status,
            "error": None,
            **extra,
        },
    )


def error(kind: type[ServiceError]) -> ServiceError:
    return kind("it failed", CALL)


class Looks:
    """Looks that show one after the other what is given; the last one again and again.

    :ivar asked: for each look, the ids that were asked for and how long it might take
    """

    def __init__(self, *seen: Sequence[Seen]) -> None:
        self._seen = list(seen)
        self.asked: list[tuple[list[str], float]] = []

    def __call__(self, nodes: Sequence[Node], seconds: float) -> Sequence[Seen]:
        self.asked.append(([str(each.id) for each in nodes], seconds))
        return self._seen.pop(0) if len(self._seen) > 1 else self._seen[0]


def wait(
    looks: Looks, count: int = 1, timeout: float = 10, progress: OnProgress = None
) -> list[tuple[Node, list[str]]]:
    nodes = [node(number, "PENDING") for number in range(count)]
    return until_running(nodes, looks, 5, timeout, "public_ips", True, ManualClock(), progress)


def test_only_those_that_do_not_run_yet_are_asked_about() -> None:
    """Each is the one that was seen when it ran."""
    ready = [node(0), node(1, ips=["192.0.2.2"]), node(2)]
    looks = Looks([node(0, "BOOT"), ready[1], node(2, "PROLOG")], [node(0, "BOOT"), ready[2]], [ready[0]])
    found = wait(looks, 3)
    assert [each for each, _ in found] == ready
    assert [ips for _, ips in found] == [["192.0.2.1"], ["192.0.2.2"], ["192.0.2.1"]]
    assert [ids for ids, _ in looks.asked] == [["0", "1", "2"], ["0", "2"], ["0"]]


def test_each_look_may_take_what_is_left_and_a_moment() -> None:
    looks = Looks([node(0, "BOOT")])
    with pytest.raises(WaitTimeoutError):
        wait(looks, timeout=1)
    seconds = [each for _, each in looks.asked]
    assert seconds[0] == pytest.approx(1.75)
    assert seconds[-1] == pytest.approx(0.75)
    assert seconds == sorted(seconds, reverse=True)


def test_at_the_time_limit_the_error_has_both_kinds_and_their_last_words() -> None:
    ready, late = node(0), node(1, "PENDING", sched_message="no host has room")
    with pytest.raises(
        WaitTimeoutError, match=r"^not running after 10 seconds: machine 1: pending \(no host"
    ) as caught:
        wait(Looks([ready, late], [late]), 2)
    assert (caught.value.ready, caught.value.nodes) == ([ready], [late])


def test_several_that_are_late_are_named_one_after_the_other() -> None:
    words = "machine 0: boot; machine 1: hold; machine 2: it runs, but has no address in public_ips"
    with pytest.raises(WaitTimeoutError, match=rf"^not running after 10 seconds: {words}$"):
        wait(Looks([node(0, "BOOT"), node(1, "HOLD"), node(2, ips=["2001:db8::1"])]), 3)


@pytest.mark.parametrize("kind", [ServiceUnavailableError, ServiceTimeoutError])
def test_a_cloud_that_does_not_answer_for_a_while(kind: type[ServiceError]) -> None:
    looks = Looks([error(kind)], [error(kind)], [node(0)])
    assert [each.state for each, _ in wait(looks)] == [NodeState.RUNNING]
    with pytest.raises(WaitTimeoutError, match=r"machine 0: it failed \(one\.vmpool\.info"):
        wait(Looks([error(kind)]))


def test_a_user_who_is_refused_once_and_not_again() -> None:
    """A daemon that is starting does not know its users; two refusals with a look between them are not two."""
    refused, boots = [error(RefusedCredentialsError)], [node(0, "BOOT")]
    wait(Looks(refused, [node(0)]))
    wait(Looks(refused, boots, refused, [node(0)]))
    with pytest.raises(RefusedCredentialsError):
        wait(Looks(refused, refused, [node(0)]))


def test_a_refusal_counts_for_its_machine_alone() -> None:
    refused, first, second = error(RefusedCredentialsError), node(0, "BOOT"), node(1, "BOOT")
    for looks in ([[refused, second], [first, refused]], [[first, refused], [refused, second]]):
        assert len(wait(Looks(*looks, [node(0), node(1)]), 2)) == 2


def test_a_machine_that_cannot_be_seen_does_not_hide_the_next_one() -> None:
    looks = Looks([error(ServiceUnavailableError), node(1)], [node(0)])
    assert [each.id for each, _ in wait(looks, 2)] == ["0", "1"]
    assert [ids for ids, _ in looks.asked] == [["0", "1"], ["0"]]


@pytest.mark.parametrize("kind", [PermissionDeniedError, NotFoundError])
def test_another_error_ends_it(kind: type[ServiceError]) -> None:
    with pytest.raises(kind):
        wait(Looks([error(kind)]))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("FAILED", r"has failed and will not run: no space left$"),
        ("BOOT_FAILURE", r"has failed \(boot_failure\) and will not run: no space left$"),
        ("DONE", r"has ended and will not run: no space left$"),
    ],
)
def test_a_machine_that_will_not_run(status: str, words: str) -> None:
    with pytest.raises(MachineFailedError, match=rf"^machine 0 \('n0'\) of location 'here' {words}") as caught:
        wait(Looks([node(0, status, error="no space\n left")]))
    assert isinstance(caught.value.node, LocatedNode)
    with pytest.raises(MachineFailedError, match=r"will not run: the cloud gives no reason$"):
        wait(Looks([node(0, status)]))


def test_until_they_are_gone() -> None:
    """Those that never were are gone, too."""
    looks = Looks([node(0), error(NotFoundError)], [node(0, "EPILOG")], [node(0, "DONE")])
    until_gone([node(0), node(1)], looks, 5, 10, ManualClock())
    assert [ids for ids, _ in looks.asked] == [["0", "1"], ["0"], ["0"]]
    clock = ManualClock()
    started = clock.now()
    with pytest.raises(WaitTimeoutError, match=r"^not gone after 10 seconds: machine 0: epilog$"):
        until_gone([node(0)], Looks([node(0, "EPILOG")]), 5, 10, clock)
    assert clock.now() - started == pytest.approx(10)
    with pytest.raises(PermissionDeniedError):
        until_gone([node(0)], Looks([error(PermissionDeniedError)]), 5, 10, ManualClock())


def test_nothing_is_looked_at_where_there_is_nothing_to_wait_for() -> None:
    looks = Looks([])
    assert until_running([], looks, 5, 10, "public_ips", True, ManualClock()) == []
    assert looks.asked == []


def test_arguments_that_are_none() -> None:
    looks = Looks([node(0)])
    with pytest.raises(InvalidArgumentError, match=r"^wait_until_running takes several nodes, such as \[node\], not <"):
        until_running(node(0), looks, 5, 10, "public_ips", True)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match=r"^ex_wait_until_gone takes several nodes"):
        until_gone(node(0), looks, 5, 10)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match=r"^ssh_interface must be public_ips or private_ips, not 'eth0'$"):
        until_running([node(0)], looks, 5, 10, "eth0", True)
    for arguments in ((-1, 10), (5, -1)):
        with pytest.raises(InvalidArgumentError, match="^wait_period " if arguments[0] < 0 else "^timeout "):
            until_running([node(0)], looks, *arguments, "public_ips", True)


def test_the_clock_and_the_longest_pause_are_the_callers() -> None:
    clock = ManualClock()
    started = clock.now()
    looks = Looks(*[[node(0, "BOOT")]] * 30)
    with pytest.raises(WaitTimeoutError):
        until_running([node(0)], looks, 0.1, 2, "public_ips", True, clock)
    assert clock.now() - started == pytest.approx(2)
    assert len(looks.asked) == pytest.approx(21, abs=1)


def test_a_caller_is_told_after_each_look() -> None:
    told: list[Progress] = []
    wait(Looks([node(0, "BOOT")], [node(0)]), progress=told.append)
    assert [(each.task, each.done, each.total, each.unit) for each in told] == [
        ("waiting until machines are running", 0, 1, "machines"),
        ("waiting until machines are running", 1, 1, "machines"),
    ]
    assert [each.detail for each in told] == ["machine 0: boot", ""]
    assert isinstance(told[0].subject, LocatedNode)
    wait(Looks([node(0, "BOOT"), node(1)], [node(0)]), 2, progress=told.append)
    assert [(each.done, each.total, each.subject) for each in told[2:]] == [(1, 2, None), (2, 2, None)]
    until_gone([node(0)], Looks([node(0, "DONE")]), 5, 10, ManualClock(), told.append)
    assert str(told[-1]) == "waiting until machines are gone: 1 of 1 machines"
