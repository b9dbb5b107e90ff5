"""Which state follows which, as the daemon shows it."""

from __future__ import annotations

import pytest

from stratuslab_libcloud.sandbox import ManualClock, Sandbox
from stratuslab_libcloud.sandbox.state.opennebula.machine import LcmState, VmState

from ...opennebula.conftest import (
    DONE,
    HOLD,
    PENDING,
    POWEROFF,
    RUNNING,
    SMALL,
    STOPPED,
    SUSPENDED,
    UNDEPLOYED,
    Call,
    document,
    passed_states,
    states,
)

START = [(3, 0), (3, 1), (3, 2), RUNNING]


def test_a_machine_starts(ask: Call, clock: ManualClock) -> None:
    machine_id = ask("one.vm.allocate", SMALL, False)
    assert passed_states(ask, clock, machine_id) == [PENDING, *START]


def test_the_life_line_has_each_state_and_when_it_began(
    sandbox: Sandbox, ask: Call, clock: ManualClock, running: int
) -> None:
    machine = sandbox.opennebula.machines.pool[running]
    ask("one.vm.action", "poweroff", running)
    clock.advance(10)
    names = [name for _, name in machine.life]
    assert names == ["CLONING", "PENDING", "LCM_INIT", "PROLOG", "BOOT", "RUNNING", "SHUTDOWN_POWEROFF", "POWEROFF"]
    times = [moment - machine.time for moment, _ in machine.life]
    assert times == sorted(times)
    assert times[:6] == pytest.approx([0, 0, 0.6, 0.9, 1.8, 3])


@pytest.mark.parametrize(
    ("action", "passed"),
    [
        ("terminate", [(3, 12), (3, 11), DONE]),
        ("terminate-hard", [(3, 12), (3, 11), DONE]),
        ("poweroff", [(3, 18), POWEROFF]),
        ("poweroff-hard", [(3, 18), POWEROFF]),
        ("suspend", [(3, 6), SUSPENDED]),
        ("stop", [(3, 5), (3, 10), STOPPED]),
        ("undeploy", [(3, 29), (3, 30), UNDEPLOYED]),
        ("undeploy-hard", [(3, 29), (3, 30), UNDEPLOYED]),
        ("reboot", []),
        ("reboot-hard", []),
    ],
)
def test_a_running_machine_is_still_seen_running_when_the_action_was_accepted(
    ask: Call, clock: ManualClock, running: int, action: str, passed: list[tuple[int, int]]
) -> None:
    assert ask("one.vm.action", action, running) == running
    assert passed_states(ask, clock, running) == [RUNNING, *passed]


@pytest.mark.parametrize(
    ("before", "passed"),
    [
        ("poweroff", [(3, 20), RUNNING]),
        ("suspend", [(3, 21), RUNNING]),
        ("stop", [PENDING, (3, 0), (3, 9), (3, 22), RUNNING]),
        ("undeploy", [PENDING, (3, 0), (3, 31), (3, 32), RUNNING]),
    ],
)
def test_what_was_stopped_is_resumed(
    ask: Call, clock: ManualClock, running: int, before: str, passed: list[tuple[int, int]]
) -> None:
    ask("one.vm.action", before, running)
    clock.advance(10)
    ask("one.vm.action", "resume", running)
    assert passed_states(ask, clock, running) == passed


@pytest.mark.parametrize(
    ("before", "action", "passed"),
    [
        ("poweroff", "terminate", [(3, 11), DONE]),
        ("suspend", "terminate-hard", [(3, 11), DONE]),
        ("undeploy", "terminate-hard", [(3, 11), DONE]),
        ("suspend", "stop", [(3, 10), STOPPED]),
        ("poweroff", "undeploy", [(3, 30), UNDEPLOYED]),
    ],
)
def test_what_is_off_goes_on_from_there(
    ask: Call, clock: ManualClock, running: int, before: str, action: str, passed: list[tuple[int, int]]
) -> None:
    ask("one.vm.action", before, running)
    clock.advance(10)
    ask("one.vm.action", action, running)
    assert passed_states(ask, clock, running) == passed


def test_a_machine_on_hold_waits_for_its_release(ask: Call, clock: ManualClock) -> None:
    machine_id = ask("one.vm.allocate", SMALL, True)
    assert passed_states(ask, clock, machine_id) == [HOLD]
    ask("one.vm.action", "release", machine_id)
    assert passed_states(ask, clock, machine_id) == [PENDING, *START]


def test_a_pending_machine_can_be_held_and_ended(ask: Call, clock: ManualClock) -> None:
    machine_id = ask("one.vm.allocate", SMALL, False)
    ask("one.vm.action", "hold", machine_id)
    ask("one.vm.action", "terminate", machine_id)
    assert passed_states(ask, clock, machine_id) == [DONE]
    assert ask("one.vm.action", "terminate", machine_id) == machine_id
    assert not document(ask, machine_id).findall("HISTORY_RECORDS/HISTORY")


@pytest.mark.parametrize("seconds", [1.0, 1.5, 2.5])
def test_a_machine_that_starts_cannot_be_ended(ask: Call, refusal: Call, clock: ManualClock, seconds: float) -> None:
    machine_id = ask("one.vm.allocate", SMALL, False)
    clock.advance(seconds)
    state = LcmState(states(ask, machine_id)[1]).name
    assert refusal("one.vm.action", "terminate-hard", machine_id) == (
        f'Error performing action "terminate-hard": Could not terminate VM {machine_id}, wrong state {state}.',
        2048,
    )


@pytest.mark.parametrize("action", ["resume", "release", "hold"])
def test_what_cannot_be_done_to_a_running_machine(refusal: Call, running: int, action: str) -> None:
    reason = f'Error performing action "{action}": This action is not available for state RUNNING'
    assert refusal("one.vm.action", action, running) == (reason, 2048)


@pytest.mark.parametrize("action", ["delete", "shutdown", "finalize", "foo", ""])
def test_the_actions_of_old_are_gone(refusal: Call, running: int, action: str) -> None:
    assert refusal("one.vm.action", action, running) == (f'Action "{action}" is not supported', 2048)


@pytest.mark.parametrize("action", ["resched", "unresched"])
def test_some_actions_are_the_administrators(refusal: Call, running: int, action: str) -> None:
    text, code = refusal("one.vm.action", action, running)
    assert (text, code) == (f"User [2] : Not authorized to perform ADMIN VM [{running}].", 512)


@pytest.mark.parametrize(
    ("operation", "action"),
    [("poweroff", "poweroff"), ("shutdown", "terminate"), ("cancel", "terminate-hard"), ("save", "suspend")],
)
def test_an_action_that_a_driver_fails_is_undone_without_a_word(
    sandbox: Sandbox, ask: Call, clock: ManualClock, running: int, operation: str, action: str
) -> None:
    sandbox.opennebula.drivers.fail(operation)
    ask("one.vm.action", action, running)
    passed = passed_states(ask, clock, running)
    assert len(passed) == 3
    assert passed[0] == passed[2] == RUNNING
    assert document(ask, running).find("USER_TEMPLATE/ERROR") is None


@pytest.mark.parametrize(("operation", "failure"), [("prolog", (3, 39)), ("deploy", (3, 36))])
def test_a_machine_that_does_not_start_says_why_and_can_be_ended(
    sandbox: Sandbox, ask: Call, clock: ManualClock, operation: str, failure: tuple[int, int]
) -> None:
    sandbox.opennebula.drivers.fail(operation)
    machine_id = ask("one.vm.allocate", SMALL, False)
    assert passed_states(ask, clock, machine_id)[-1] == failure
    error = document(ask, machine_id).findtext("USER_TEMPLATE/ERROR", "")
    assert f": {operation.upper()}: host01:small:dummy" in error
    ask("one.vm.action", "terminate-hard", machine_id)
    assert passed_states(ask, clock, machine_id) == [(3, 23), DONE]


@pytest.mark.parametrize(
    ("before", "after"),
    [("stop", (3, 48)), ("undeploy", (3, 47)), ("poweroff", POWEROFF), ("suspend", SUSPENDED)],
)
def test_a_machine_that_does_not_start_again(
    sandbox: Sandbox, ask: Call, clock: ManualClock, running: int, before: str, after: tuple[int, int]
) -> None:
    ask("one.vm.action", before, running)
    clock.advance(10)
    sandbox.opennebula.drivers.fail("deploy")
    ask("one.vm.action", "resume", running)
    assert passed_states(ask, clock, running)[-1] == after


def test_a_machine_that_no_host_has_room_for_waits_and_says_so(ask: Call, clock: ManualClock, release: str) -> None:
    machine_id = ask("one.vm.allocate", "CPU=1000 MEMORY=1", False)
    assert passed_states(ask, clock, machine_id) == [PENDING]
    listed = ask("one.vmpool.info", -3, -1, -1, -1)
    reason = {
        "6.10": "Cannot dispatch VM: No host with enough capacity to deploy the VM",
        "7.4": "[HOST] Not enough CPU on hosts: 0,1",
    }
    assert f": {reason[release]}]]" in listed


@pytest.mark.parametrize(
    ("requirement", "host"),
    [
        ("ID=1", "host02"),
        ('HOSTNAME="host01"', "host01"),
        ("CLUSTER_ID=0 & ID!=0", "host02"),
        ("ID=7", None),
        ("ID=7 | ID=0", "host01"),
        ("what is this", None),
    ],
)
def test_a_machine_says_which_hosts_it_wants(ask: Call, clock: ManualClock, requirement: str, host: str | None) -> None:
    requirement = requirement.replace('"', '\\"')
    machine_id = ask("one.vm.allocate", f'{SMALL} SCHED_REQUIREMENTS="{requirement}"', False)
    clock.advance(10)
    machine = document(ask, machine_id)
    assert machine.findtext("HISTORY_RECORDS/HISTORY/HOSTNAME") == host
    assert (machine.find("USER_TEMPLATE/SCHED_MESSAGE") is None) == (host is not None)


def test_a_machine_can_be_put_into_any_state(sandbox: Sandbox, ask: Call, running: int) -> None:
    for state in (*VmState, *LcmState):
        if state != VmState.ACTIVE:
            sandbox.opennebula.machines.put(running, state)
            assert sandbox.opennebula.machines.pool[running].exact_state == state


def test_an_unknown_machine_can_be_resumed(sandbox: Sandbox, ask: Call, clock: ManualClock, running: int) -> None:
    sandbox.opennebula.machines.put(running, LcmState.UNKNOWN)
    clock.advance(10)
    assert states(ask, running) == (3, 16)
    ask("one.vm.action", "resume", running)
    assert passed_states(ask, clock, running) == [(3, 19), RUNNING]


def test_the_history_says_what_was_done_and_by_whom(ask: Call, clock: ManualClock, running: int) -> None:
    for action in ("poweroff", "resume", "terminate-hard"):
        ask("one.vm.action", action, running)
        clock.advance(10)
    history = document(ask, running).findall("HISTORY_RECORDS/HISTORY")
    assert [(stay.findtext("ACTION"), stay.findtext("UID")) for stay in history] == [("19", "2"), ("28", "2")]
    assert all(int(stay.findtext("ETIME", "")) > int(stay.findtext("STIME", "")) for stay in history)
