"""The compute service, asked with the standard library's XML-RPC."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import xmlrpc.client
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from stratuslab_libcloud.sandbox import ManualClock, Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template

from ..conftest import TEMPLATE, Oned, info, ok


def states(oned: Oned, machine_id: int) -> tuple[int, int]:
    machine = info(oned, machine_id)
    return int(machine.findtext("STATE", "")), int(machine.findtext("LCM_STATE", ""))


def listed(oned: Oned, *parameters: int, user: str = "alice") -> list[int]:
    pool = ET.fromstring(ok(oned(user, "one.vmpool.info", *parameters)))
    return [int(machine.findtext("ID", "")) for machine in pool]


# Creating


def test_a_machine_is_created_with_the_next_number(oned: Oned) -> None:
    assert oned("alice", "one.vm.allocate", TEMPLATE) == [True, 0, 0]
    assert oned("bob", "one.vm.allocate", TEMPLATE) == [True, 1, 0]


def test_the_address_is_known_at_once(sandbox: Sandbox, oned: Oned) -> None:
    machine = info(oned, ok(oned("alice", "one.vm.allocate", TEMPLATE)))
    assert machine.findtext("STATE") == "1"
    nic = machine.find("TEMPLATE/NIC")
    assert nic is not None
    address = ip_address(nic.findtext("IP", ""))
    assert address in ip_network("127.0.0.0/8")
    assert nic.findtext("MAC") == ":".join(f"{byte:02x}" for byte in b"\2\0" + address.packed)
    assert nic.findtext("NETWORK_ID") == "0"


@pytest.mark.parametrize(("network", "block"), [("local", "172.16.0.0/12"), ("private", "10.0.0.0/8")])
def test_the_other_networks(oned: Oned, network: str, block: str) -> None:
    machine = info(oned, ok(oned("alice", "one.vm.allocate", TEMPLATE.replace("public", network))))
    assert ip_address(machine.findtext("TEMPLATE/NIC/IP", "")) in ip_network(block)


def test_a_name_is_kept_or_made(oned: Oned) -> None:
    named = info(oned, ok(oned("alice", "one.vm.allocate", 'NAME="café & <b>"')))
    assert named.findtext("NAME") == named.findtext("TEMPLATE/NAME") == "café & <b>"
    unnamed = info(oned, ok(oned("alice", "one.vm.allocate", "")))
    assert unnamed.findtext("NAME") == unnamed.findtext("TEMPLATE/NAME") == "one-1"


def test_values_cannot_break_a_listing(oned: Oned) -> None:
    ok(oned("alice", "one.vm.allocate", 'A="]]></A><B>" 1X=y NAME="</VM>"'))
    assert listed(oned, -3, -1, -1, -1) == [0]
    assert info(oned, 0).findtext("TEMPLATE/A") == "]]></A><B>"


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        (
            "garbage",
            "Parse error: syntax error, unexpected $end, expecting EQUAL or EQUAL_EMPTY at line 1, columns 1:8",
        ),
        (
            "CPU=",
            "Parse error: syntax error, unexpected $end, expecting OBRACKET or STRING at line 1, columns 4:5",
        ),
        (
            "<VM><CPU>1</CPU><MEMORY>64</MEMORY></VM>",
            "Parse error: syntax error, unexpected VARIABLE, expecting EQUAL or EQUAL_EMPTY at line 1, columns 6:9",
        ),
        ('NIC=[NETWORK="nonet"]', "Could not get virtual network for VM."),
        ('NIC=[NETWORK="public"]', "Could not get virtual network for VM."),
        ('NIC=[NETWORK="public",NETWORK_UNAME=oneadmin,IP=10.0.0.1]', "Could not get virtual network for VM."),
        ('NIC=[NETWORK="public",NETWORK_UNAME=oneadmin,IP=nine]', "Could not get virtual network for VM."),
        ('DISK=[IMAGE="noimg"]', "Could not get disk image for VM."),
    ],
)
def test_what_cannot_be_created(oned: Oned, template: str, complaint: str) -> None:
    prefix = "[VirtualMachineAllocate] Error allocating a new virtual machine. "
    assert oned("alice", "one.vm.allocate", template) == [False, prefix + complaint, 8192]


def test_the_networks_are_oneadmins(oned: Oned) -> None:
    ok(oned("oneadmin", "one.vm.allocate", 'NIC=[NETWORK="public"]'))


def test_an_address_can_be_asked_for_once(sandbox: Sandbox, oned: Oned, clock: ManualClock) -> None:
    wanted = str(sandbox.state.networks["public"].addresses[77])
    template = f'NIC=[NETWORK="public",NETWORK_UNAME=oneadmin,IP="{wanted}"]'
    machine_id = ok(oned("alice", "one.vm.allocate", template))
    assert info(oned, machine_id).findtext("TEMPLATE/NIC/IP") == wanted
    assert oned("alice", "one.vm.allocate", template)[0] is False
    ok(oned("alice", "one.vm.action", "finalize", machine_id))
    clock.advance(10)
    ok(oned("alice", "one.vm.allocate", template))


def test_a_network_can_be_full(sandbox: Sandbox, oned: Oned) -> None:
    for _ in range(254):
        sandbox.machines.allocate("alice", parse_template(TEMPLATE))
    assert "Could not get virtual network" in oned("alice", "one.vm.allocate", TEMPLATE)[1]
    ok(oned("alice", "one.vm.action", "finalize", 100))
    assert info(oned, ok(oned("alice", "one.vm.allocate", TEMPLATE))).findtext("TEMPLATE/NIC/IP") == info(
        oned, 100
    ).findtext("TEMPLATE/NIC/IP")


def test_nothing_is_leased_to_a_machine_that_is_refused(sandbox: Sandbox, oned: Oned) -> None:
    nic = 'NIC=[NETWORK="public",NETWORK_UNAME=oneadmin]'
    assert oned("alice", "one.vm.allocate", f'{nic} NIC=[NETWORK="nonet"]')[0] is False
    machine = info(oned, ok(oned("alice", "one.vm.allocate", nic)))
    assert machine.findtext("TEMPLATE/NIC/IP") == str(sandbox.state.networks["public"].addresses[1])


def test_a_limit_on_machines() -> None:
    with Sandbox(machine_limit=2, boot_seconds=0) as sandbox:
        url = sandbox.compute_url.replace("://", "://alice:secret@").replace("/xmlrpc", "/pswd/xmlrpc")
        with xmlrpc.client.ServerProxy(url) as server:
            one: Any = server.one
            for _ in range(2):
                ok(one.vm.allocate("", "CPU=1"))
            success, text, code = one.vm.allocate("", "CPU=1")
            assert (success, code) == (False, 512)
            assert "limit of 2" in text
            ok(one.vm.action("", "finalize", 0))
            ok(one.vm.allocate("", "CPU=1"))


# Living


@pytest.fixture
def machine_id(oned: Oned) -> int:
    return int(ok(oned("alice", "one.vm.allocate", TEMPLATE)))


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


# Looking


@pytest.fixture
def four_machines(oned: Oned, clock: ManualClock) -> None:
    """0 and 2 are alice's, 1 and 3 are bob's; 2 is done, 3 pending, the others run."""
    for user in ("alice", "bob", "alice"):
        ok(oned(user, "one.vm.allocate", TEMPLATE))
    clock.advance(10)
    ok(oned("alice", "one.vm.action", "finalize", 2))
    clock.advance(10)
    ok(oned("bob", "one.vm.allocate", TEMPLATE))


@pytest.mark.usefixtures("four_machines")
@pytest.mark.parametrize(
    ("user", "parameters", "expected"),
    [
        ("alice", (-3, -1, -1, -1), [0]),
        ("alice", (-2, -1, -1, -1), [0]),
        ("alice", (-1, -1, -1, -1), [0]),
        ("alice", (2, -1, -1, -1), [0]),
        ("alice", (3, -1, -1, -1), []),
        ("alice", (-3, -1, -1, -2), [0, 2]),
        ("alice", (-3, -1, -1, 6), [2]),
        ("oneadmin", (-3, -1, -1, -2), []),
        ("oneadmin", (-2, -1, -1, -2), [0, 1, 2, 3]),
        ("oneadmin", (-2, -1, 1, -2), [0, 1, 2, 3]),
        ("oneadmin", (-2, 1, 2, -2), [1, 2]),
        ("oneadmin", (-2, 2, -1, -2), [2, 3]),
        ("oneadmin", (-2, 1, -5, -2), []),
        ("oneadmin", (-2, -3, -1, -2), [0, 1, 2, 3]),
        ("oneadmin", (-2, 2, 1, -2), []),
        ("oneadmin", (-2, -1, -1, 1), [3]),
        ("oneadmin", (-2, -1, -1, 3), [0, 1]),
        ("oneadmin", (3, -1, -1, -1), [1, 3]),
    ],
)
def test_listings(oned: Oned, user: str, parameters: tuple[int, ...], expected: list[int]) -> None:
    assert listed(oned, *parameters, user=user) == expected


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [((-4, -1, -1, -1), "Incorrect filter_flag"), ((-2, -1, -1, -9), "Incorrect filter_flag, state")],
)
def test_listings_that_do_not_exist(oned: Oned, parameters: tuple[int, ...], complaint: str) -> None:
    answer = oned("alice", "one.vmpool.info", *parameters)
    assert answer == [False, f"[VirtualMachinePoolInfo] {complaint}", 4096]


def test_a_listing_has_the_last_stay_only(oned: Oned, clock: ManualClock, machine_id: int) -> None:
    clock.advance(10)
    ok(oned("alice", "one.vm.action", "suspend", machine_id))
    clock.advance(10)
    ok(oned("alice", "one.vm.action", "resume", machine_id))
    clock.advance(10)
    pool = ET.fromstring(ok(oned("alice", "one.vmpool.info", -3, -1, -1, -1)))
    assert [stay.findtext("SEQ") for stay in pool.findall("VM/HISTORY_RECORDS/HISTORY")] == ["1"]
    assert len(info(oned, machine_id).findall("HISTORY_RECORDS/HISTORY")) == 2


def test_a_listing_shows_what_changed(oned: Oned, clock: ManualClock, machine_id: int) -> None:
    def listed_state() -> str | None:
        return ET.fromstring(ok(oned("alice", "one.vmpool.info", -3, -1, -1, -1))).findtext("VM/LCM_STATE")

    assert listed_state() == "0"
    clock.advance(10)
    assert listed_state() == "3"


def test_machines_of_others_are_not_shown(oned: Oned, machine_id: int) -> None:
    oned("bob", "one.vmpool.info", -3, -1, -1, -1)
    assert oned("bob", "one.vm.info", machine_id) == [
        False,
        "[VirtualMachineInfo] User [3] : Not authorized to perform USE VM [0].",
        512,
    ]
    assert oned("bob", "one.vm.action", "finalize", machine_id) == [
        False,
        "[VirtualMachineAction] User [3] : Not authorized to perform MANAGE VM [0].",
        512,
    ]


def test_a_machine_that_is_not_there(oned: Oned) -> None:
    text = "Error getting virtual machine [999]."
    assert oned("alice", "one.vm.info", 999) == [False, f"[VirtualMachineInfo] {text}", 1024]
    assert oned("alice", "one.vm.action", "foo", 999) == [False, f"[VirtualMachineAction] {text}", 1024]


def test_machine_minus_one_is_empty(oned: Oned) -> None:
    assert info(oned, -1).findtext("ID") == "-1"
