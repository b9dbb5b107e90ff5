"""The machines of today's OpenNebula: which calls are made, and waiting for what a call only starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stratuslab_libcloud.client.exactly_once import create_machine
from stratuslab_libcloud.client.opennebula import machine_changes
from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud
from stratuslab_libcloud.client.opennebula.machine import VISIBLE, Selection
from stratuslab_libcloud.client.opennebula.machine_changes import Change, act
from stratuslab_libcloud.errors import (
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    ServiceTimeoutError,
    ServiceUnavailableError,
)


def machine(status: str, inside: str = "", machine_id: int = 7) -> str:
    """A document: ``3/18`` is STATE and LCM_STATE."""
    state, lcm_state = status.split("/")
    return f"<VM><ID>{machine_id}</ID><STATE>{state}</STATE><LCM_STATE>{lcm_state}</LCM_STATE>{inside}</VM>"


def in_turn(*answers: Any) -> Any:
    """One answer after the other; the last one again and again."""

    def each() -> Iterator[Any]:
        yield from answers
        while True:
            yield answers[-1]

    answer = each()
    return lambda *_: next(answer)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_changes, "BEGINNING_SECONDS", 0.2)


def test_lists(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    """All four integers are mandatory; the filter -4 is never used."""
    pool = f"<VM_POOL>{machine('3/3', '<PERMISSIONS/>')}</VM_POOL>"
    scripted_daemon.answers |= {"one.vmpool.info": pool, "one.vmpool.infoextended": pool}
    assert [found.status for found in one.compute.machines()] == ["RUNNING"]
    one.compute.machines(Selection(whose=VISIBLE, is_full=True))
    one.compute.machines_since(8)
    assert scripted_daemon.calls == [
        ("one.vmpool.info", -3, -1, -1, -1),
        ("one.vmpool.infoextended", -2, -1, -1, -1),
        ("one.vmpool.infoextended", -3, 8, -1, -2),
    ]


def test_certain_machines_by_one_request(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    scripted_daemon.answers["one.vmpool.infoset"] = f"<VM_POOL>{machine('3/3')}{machine('6/0', machine_id=0)}</VM_POOL>"
    assert {key: found.status for key, found in one.compute.certain_machines([7, 0, 7]).items()} == {  # type: ignore[union-attr]
        7: "RUNNING",
        0: "DONE",
    }
    assert scripted_daemon.calls == [("one.vmpool.infoset", "7,0", True)]


def test_machines_that_a_set_leaves_out_silently(one: OpenNebulaCloud, scripted_daemon: Any, refused: Any) -> None:
    scripted_daemon.answers["one.vmpool.infoset"] = f"<VM_POOL>{machine('3/3')}</VM_POOL>"
    scripted_daemon.answers["one.vm.info"] = refused(1024, "[one.vm.info] Error getting virtual machine [99].")
    assert isinstance(one.compute.certain_machines([7, 99])[99], NotFoundError)


def test_certain_machines_of_5_4(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    import xmlrpc.client

    scripted_daemon.answers["one.vmpool.infoset"] = xmlrpc.client.Fault(-506, "Method 'one.vmpool.infoset' not defined")
    scripted_daemon.answers["one.vmpool.info"] = f"<VM_POOL>{machine('3/3')}{machine('3/3', machine_id=8)}</VM_POOL>"
    assert set(one.compute.certain_machines([7, 8])) == {7, 8}


def test_full_lists_of_5_4(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    """Before 5.8, vmpool.info is full, and infoextended is not there."""
    import xmlrpc.client

    scripted_daemon.answers["one.vmpool.infoextended"] = xmlrpc.client.Fault(-506, "Method not defined")
    scripted_daemon.answers["one.vmpool.info"] = f"<VM_POOL>{machine('3/3', '<PERMISSIONS/>')}</VM_POOL>"
    assert [found.is_full for found in one.compute.machines_since(7)] == [True]


def test_marks_in_5_8_0(one: OpenNebulaCloud, scripted_daemon: Any, refused: Any) -> None:
    """vmpool.info is abridged there, and infoextended is not there yet: without the mark a machine would be doubled."""
    import xmlrpc.client

    mark = "<PERMISSIONS/><USER_TEMPLATE><LIBCLOUD_MARK>m</LIBCLOUD_MARK></USER_TEMPLATE>"
    scripted_daemon.answers |= {
        "one.vmpool.infoextended": xmlrpc.client.Fault(-506, "Method not defined"),
        "one.vmpool.info": f"<VM_POOL>{machine('3/3', machine_id=8)}{machine('3/3')}</VM_POOL>",
        "one.vm.info": lambda number: machine("3/3", mark if number == 7 else "<PERMISSIONS/>", number),
    }
    assert [(found.id, found.mark) for found in one.compute.machines_since(7)] == [(8, None), (7, "m")]
    assert create_machine(one.compute, lost_once(one, 9), "m", 5) == 7
    scripted_daemon.answers["one.vm.info"] = refused(512, "Not authorized")
    with pytest.raises(PermissionDeniedError):
        one.compute.machines_since(7)


def lost_once(one: OpenNebulaCloud, then: int) -> Callable[[float], int]:
    """A creation whose first reply is lost, and which gives this ID at the second attempt."""
    attempts: list[float] = []

    def allocate(seconds: float) -> int:
        attempts.append(seconds)
        if len(attempts) > 1:
            return then
        lost = ServiceUnavailableError("the connection was lost", one.compute.asked("one.vm.allocate"))
        lost.outcome_unknown = True
        raise lost

    return allocate


def test_creating_and_the_simple_calls(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    scripted_daemon.answers |= {
        f"one.vm.{name}": 7 for name in ("rename", "update", "schedadd", "allocate", "disksaveas", "disksnapshotcreate")
    } | {"one.template.instantiate": 0}
    assert one.compute.allocate("<TEMPLATE/>", hold=True) == 7
    assert one.compute.allocate("<TEMPLATE/>") == 7
    assert one.compute.instantiate(0, "n", "<TEMPLATE/>", hold=True) == 0
    one.compute.rename(7, "n")
    one.compute.update(7, {"LABELS": "a"})
    one.compute.schedule(7, "terminate-hard", 3600)
    assert one.compute.start_save_as(7, 0, "golden") == 7
    assert one.compute.start_disk_snapshot(7, 2, "s") == 7
    assert scripted_daemon.calls == [
        ("one.vm.allocate", "<TEMPLATE/>", True),
        ("one.vm.allocate", "<TEMPLATE/>"),
        ("one.template.instantiate", 0, "n", True, "<TEMPLATE/>", False),
        ("one.vm.rename", 7, "n"),
        ("one.vm.update", 7, 'LABELS="a"', 1),
        ("one.vm.schedadd", 7, 'SCHED_ACTION=[ACTION="terminate-hard",TIME="+3600"]'),
        ("one.vm.disksaveas", 7, 0, "golden", "", -1),
        ("one.vm.disksnapshotcreate", 7, 2, "s"),
    ]


def test_what_starts_a_change(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    names = ("attach", "detach", "diskresize", "attachnic", "detachnic", "disksnapshotrevert", "resize")
    scripted_daemon.answers |= {f"one.vm.{name}": 7 for name in names}
    one.compute.start_attach(7, {"IMAGE_ID": 0})
    one.compute.start_detach(7, 2)
    one.compute.start_disk_resize(7, 2, 3000)
    one.compute.start_attach_nic(7, {"NIC": {"NETWORK_ID": 0}})
    one.compute.start_detach_nic(7, 0)
    one.compute.start_disk_revert(7, 2, 0)
    one.compute.start_resize(7, {"MEMORY": 64})
    assert scripted_daemon.calls == [
        ("one.vm.attach", 7, "<TEMPLATE><DISK><IMAGE_ID>0</IMAGE_ID></DISK></TEMPLATE>"),
        ("one.vm.detach", 7, 2),
        ("one.vm.diskresize", 7, 2, "3000"),
        ("one.vm.attachnic", 7, "NIC=[NETWORK_ID=0]"),
        ("one.vm.detachnic", 7, 0),
        ("one.vm.disksnapshotrevert", 7, 2, 0),
        ("one.vm.resize", 7, "MEMORY=64", True),
    ]


def test_the_old_state_may_still_be_there_right_after_true(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    """terraform #132, #301, #302: poweroff, 3/3, 3/18, 8/0."""
    scripted_daemon.answers |= {
        "one.vm.action": 7,
        "one.vm.info": in_turn(machine("3/3"), machine("3/18"), machine("8/0")),
    }
    assert act(one.compute, 7, "poweroff", ("POWEROFF",), 5).status == "POWEROFF"
    assert scripted_daemon.calls.count(("one.vm.action", "poweroff", 7)) == 1


@pytest.mark.parametrize("states", [("3/18", "3/3"), ("3/3",)])
def test_an_action_that_fails_silently(one: OpenNebulaCloud, scripted_daemon: Any, states: tuple[str, ...]) -> None:
    scripted_daemon.answers |= {"one.vm.action": 7, "one.vm.info": in_turn(*map(machine, states))}
    with pytest.raises(ConflictError, match="did not poweroff and become POWEROFF; it is RUNNING"):
        act(one.compute, 7, "poweroff", ("POWEROFF",), 5)


def test_the_reason_of_a_failure(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    reason = "<USER_TEMPLATE><ERROR>no space left</ERROR></USER_TEMPLATE>"
    scripted_daemon.answers |= {
        "one.vm.action": 7,
        "one.vm.info": in_turn(machine("9/0"), machine("3/31"), machine("3/50", reason)),
    }
    with pytest.raises(ConflictError, match="it is PROLOG_UNDEPLOY_FAILURE: no space left"):
        act(one.compute, 7, "resume", ("RUNNING",), 5)


def test_a_busy_machine_is_asked_again(one: OpenNebulaCloud, scripted_daemon: Any, refused: Any) -> None:
    """IM #463: HOTPLUG at delete."""
    busy = refused(2048, '[one.vm.action] Error performing action "terminate-hard": wrong state HOTPLUG.')
    scripted_daemon.answers |= {
        "one.vm.action": in_turn(busy, busy, 7),
        "one.vm.info": in_turn(machine("3/17"), machine("3/17"), machine("3/12"), machine("3/11"), machine("6/0")),
    }
    one.compute.kill(7)
    assert scripted_daemon.calls.count(("one.vm.action", "terminate-hard", 7)) == 3


def test_a_machine_that_stays_busy(one: OpenNebulaCloud, scripted_daemon: Any, refused: Any) -> None:
    scripted_daemon.answers |= {"one.vm.action": refused(2048, "wrong state PROLOG"), "one.vm.info": machine("3/1")}
    with pytest.raises(ConflictError, match=r"machine 7 is still PROLOG after 0\.5 seconds"):
        act(one.compute, 7, "terminate-hard", ("DONE",), 0.5)


def test_a_state_that_does_not_permit_it(one: OpenNebulaCloud, scripted_daemon: Any, refused: Any) -> None:
    scripted_daemon.answers |= {
        "one.vm.action": refused(2048, "not available for state HOLD"),
        "one.vm.info": machine("2/0"),
    }
    with pytest.raises(ConflictError, match="not available for state HOLD"):
        act(one.compute, 7, "reboot", ("RUNNING",), 5)
    assert len(scripted_daemon.calls) == 2


def test_a_change_that_takes_too_long(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    scripted_daemon.answers |= {"one.vm.action": 7, "one.vm.info": machine("3/18")}
    with pytest.raises(ServiceTimeoutError, match="still SHUTDOWN_POWEROFF after"):
        act(one.compute, 7, "poweroff", ("POWEROFF",), 0.5)


def test_a_locked_machine(one: OpenNebulaCloud, scripted_daemon: Any, refused: Any) -> None:
    """512, Not authorized to perform MANAGE: LOCK in the document says why."""
    scripted_daemon.answers |= {
        "one.vm.action": refused(512, "[one.vm.action] User [2] : Not authorized to perform MANAGE VM [7]."),
        "one.vm.info": machine("3/3", "<LOCK><LOCKED>1</LOCKED></LOCK>"),
    }
    with pytest.raises(PermissionDeniedError, match="the machine is locked"):
        act(one.compute, 7, "poweroff", ("POWEROFF",), 5)


def test_a_lost_reply_to_a_change_that_was_made(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    attempts: list[float] = []

    def lose_the_first(seconds: float) -> None:
        attempts.append(seconds)
        if len(attempts) == 1:
            lost = ServiceUnavailableError("the connection was lost", one.compute.asked("one.vm.attach"))
            lost.outcome_unknown = True
            raise lost

    scripted_daemon.answers["one.vm.info"] = in_turn(machine("3/17"), machine("3/3", "<TEMPLATE><DISK/></TEMPLATE>"))
    change = Change(one.compute, 7, "one.vm.attach", "attach", lose_the_first, lambda seen: bool(seen.disks), 5)
    assert change.make()[0].disks
    assert len(attempts) == 1
    scripted_daemon.answers["one.vm.info"] = machine("3/3")
    attempts.clear()
    again = Change(one.compute, 7, "one.vm.attach", "attach", lose_the_first, lambda _: len(attempts) > 1, 5)
    again.make()
    assert len(attempts) == 2


def test_ending_what_never_was(one: OpenNebulaCloud, scripted_daemon: Any, refused: Any) -> None:
    scripted_daemon.answers["one.vm.action"] = refused(1024, "Error getting virtual machine [7].")
    with pytest.raises(NotFoundError):
        one.compute.kill(7)


def test_a_machine_that_does_not_obey_is_ended_again(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    scripted_daemon.answers |= {
        "one.vm.action": 7,
        "one.vm.info": in_turn(machine("3/12"), machine("3/3"), machine("3/12"), machine("6/0")),
    }
    one.compute.kill(7)
    assert scripted_daemon.calls.count(("one.vm.action", "terminate-hard", 7)) == 2
