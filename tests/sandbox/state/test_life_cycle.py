"""The life cycle of machines, as the compute service shows it."""

from __future__ import annotations

import pytest

from stratuslab_libcloud.sandbox import ManualClock, Sandbox

from ..conftest import TEMPLATE, Oned, info, ok, states

PENDING, HOLD, STOPPED, SUSPENDED, DONE, FAILED = (1, 0), (2, 0), (4, 0), (5, 0), (6, 0), (7, 0)


PROLOG, BOOT, RUNNING, SAVE_STOP, SAVE_SUSPEND, PROLOG_RESUME = (3, 1), (3, 2), (3, 3), (3, 5), (3, 6), (3, 9)


EPILOG_STOP, EPILOG, SHUTDOWN, CANCEL, CLEANUP = (3, 10), (3, 11), (3, 12), (3, 13), (3, 15)


def passed_states(oned: Oned, clock: ManualClock, machine_id: int) -> list[tuple[int, int]]:
    """The states from now on until nothing changes any more."""
    seen = [states(oned, machine_id)]
    for _ in range(100):
        clock.advance(0.1)
        now = states(oned, machine_id)
        if now != seen[-1]:
            seen.append(now)
    return seen


def test_a_machine_starts(oned: Oned, clock: ManualClock, machine_id: int) -> None:
    assert passed_states(oned, clock, machine_id) == [PENDING, PROLOG, BOOT, RUNNING]


def test_the_life_line_has_each_state_and_when_it_began(sandbox: Sandbox, oned: Oned, clock: ManualClock) -> None:
    started = clock.now()
    machine = sandbox.machines[ok(oned("alice", "one.vm.allocate", TEMPLATE))]
    clock.advance(10)
    oned("alice", "one.vm.action", "suspend", machine.id)
    clock.advance(10)
    assert [name for _, name in machine.life] == ["PENDING", "PROLOG", "BOOT", "RUNNING", "SAVE_SUSPEND", "SUSPENDED"]
    assert [moment - started for moment, _ in machine.life] == pytest.approx([0, 0.9, 1.8, 3, 10, 10.9])


@pytest.mark.parametrize(
    ("action", "passed"),
    [
        ("shutdown", [SHUTDOWN, EPILOG, DONE]),
        ("cancel", [CANCEL, EPILOG, DONE]),
        ("finalize", [CLEANUP, DONE]),
        ("suspend", [SAVE_SUSPEND, SUSPENDED]),
        ("stop", [SAVE_STOP, EPILOG_STOP, STOPPED]),
        ("resubmit", [CLEANUP, PENDING, PROLOG, BOOT, RUNNING]),
        ("reboot", [RUNNING]),
    ],
)
def test_what_can_be_done_to_a_running_machine(
    oned: Oned, clock: ManualClock, machine_id: int, action: str, passed: list[tuple[int, int]]
) -> None:
    clock.advance(10)
    assert oned("alice", "one.vm.action", action, machine_id) == [True, machine_id, 0]
    assert passed_states(oned, clock, machine_id) == passed


@pytest.mark.parametrize(
    ("before", "passed"),
    [("suspend", [BOOT, RUNNING]), ("stop", [PENDING, PROLOG_RESUME, BOOT, RUNNING])],
)
def test_what_was_stopped_goes_on(
    oned: Oned, clock: ManualClock, machine_id: int, before: str, passed: list[tuple[int, int]]
) -> None:
    clock.advance(10)
    ok(oned("alice", "one.vm.action", before, machine_id))
    clock.advance(10)
    ok(oned("alice", "one.vm.action", "resume", machine_id))
    assert passed_states(oned, clock, machine_id) == passed
    history = info(oned, machine_id).findall("HISTORY_RECORDS/HISTORY")
    assert [stay.findtext("REASON") for stay in history] == ["2", "0"]


def test_a_held_machine_waits(oned: Oned, clock: ManualClock, machine_id: int) -> None:
    ok(oned("alice", "one.vm.action", "hold", machine_id))
    assert passed_states(oned, clock, machine_id) == [HOLD]
    ok(oned("alice", "one.vm.action", "release", machine_id))
    assert passed_states(oned, clock, machine_id)[-1] == RUNNING


ALWAYS_WRONG = [False, "[VirtualMachineAction] Wrong state to perform action", 2048]


@pytest.mark.parametrize("action", ["shutdown", "cancel", "suspend", "stop", "resume", "release", "reboot"])
def test_what_cannot_be_done_to_a_pending_machine(oned: Oned, machine_id: int, action: str) -> None:
    assert oned("alice", "one.vm.action", action, machine_id) == ALWAYS_WRONG


@pytest.mark.parametrize("action", ["hold", "release", "resume", "restart"])
def test_what_cannot_be_done_to_a_running_machine(oned: Oned, clock: ManualClock, machine_id: int, action: str) -> None:
    clock.advance(10)
    assert oned("alice", "one.vm.action", action, machine_id) == ALWAYS_WRONG


@pytest.mark.parametrize("seconds", [0, 1, 2, 10])
def test_a_machine_can_be_killed_at_any_time_and_again(
    oned: Oned, clock: ManualClock, machine_id: int, seconds: float
) -> None:
    clock.advance(seconds)
    ok(oned("alice", "one.vm.action", "finalize", machine_id))
    clock.advance(10)
    assert states(oned, machine_id) == DONE
    assert oned("alice", "one.vm.action", "finalize", machine_id) == [True, machine_id, 0]
    assert oned("alice", "one.vm.action", "shutdown", machine_id) == ALWAYS_WRONG


@pytest.mark.parametrize("action", ["terminate", "poweroff", "foo", "Shutdown", ""])
def test_actions_that_do_not_exist(oned: Oned, machine_id: int, action: str) -> None:
    complaint = "[VirtualMachineAction] Internal error. Action result not defined"
    assert oned("alice", "one.vm.action", action, machine_id) == [False, complaint, 8192]


def test_machines_go_to_hosts_in_turn(sandbox: Sandbox, oned: Oned, clock: ManualClock) -> None:
    for _ in range(5):
        ok(oned("alice", "one.vm.allocate", TEMPLATE))
    clock.advance(10)
    hosts = [machine.history[-1].host.name for machine in sandbox.machines]
    assert hosts == [f"node{number}.example.org" for number in (1, 2, 3, 4, 1)]


def test_times_are_when_things_happened_not_when_one_looked(oned: Oned, clock: ManualClock, machine_id: int) -> None:
    created = int(info(oned, machine_id).findtext("STIME", ""))
    clock.advance(1000)
    started = int(info(oned, machine_id).findtext("HISTORY_RECORDS/HISTORY/RSTIME", ""))
    assert 1 <= started - created <= 3


def test_a_failed_machine_says_why_and_gives_its_address_back(sandbox: Sandbox, oned: Oned, clock: ManualClock) -> None:
    broken = next(entry for entry in sandbox.entries if entry.title == "Broken boot").identifier
    template = TEMPLATE.replace("BN1EEkPiBx87_uLj2-sdybSI-Xb", broken)
    failed = ok(oned("alice", "one.vm.allocate", template))
    assert passed_states(oned, clock, failed) == [PENDING, PROLOG, BOOT, FAILED]
    machine = info(oned, failed)
    assert "panics" in machine.findtext("TEMPLATE/ERROR/MESSAGE", "")
    assert machine.findtext("HISTORY_RECORDS/HISTORY/REASON") == "1"
    assert machine.findtext("ETIME") != "0"
    other = info(oned, ok(oned("alice", "one.vm.allocate", TEMPLATE)))
    assert other.findtext("TEMPLATE/NIC/IP") == machine.findtext("TEMPLATE/NIC/IP")
    ok(oned("alice", "one.vm.action", "resubmit", failed))
    assert states(oned, failed) == PENDING
    assert info(oned, failed).findtext("TEMPLATE/NIC/IP") != machine.findtext("TEMPLATE/NIC/IP")
