"""Lists: who sees what, in which order, in which form."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import xmlrpc.client

import pytest

from stratuslab_libcloud.sandbox import ManualClock, Sandbox

from .conftest import SMALL, Call, raw


@pytest.fixture
def machines(ask: Call, clock: ManualClock) -> list[int]:
    """Four machines of alice, the second one done, and one of bob."""
    numbers = [int(ask("one.vm.allocate", f"{SMALL} MARK=m{n} LABELS=l{n}", True)) for n in range(4)]
    ask("one.vm.action", "terminate", numbers[1])
    numbers.append(int(ask("one.vm.allocate", SMALL, True, user="bob")))
    return numbers


def ids(pool: str) -> list[int]:
    return [int(thing.findtext("ID", "")) for thing in ET.fromstring(pool)]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ((-3, -1, -1, -1), [3, 2, 0]),
        ((-3, -1, -1, -2), [3, 2, 1, 0]),
        ((-3, -1, -1, 6), [1]),
        ((-3, -1, -1, 3), []),
        ((-2, -1, -1, -2), [3, 2, 1, 0]),
        ((-1, -1, -1, -1), [3, 2, 0]),
        ((2, -1, -1, -1), [3, 2, 0]),
        ((3, -1, -1, -1), []),
        ((-3, 2, -1, -1), [3, 2]),
        ((-3, 0, 2, -2), [2, 1, 0]),
        ((-3, 0, -2, -2), [3, 2]),
        ((-3, 2, -2, -2), [1, 0]),
        ((-3, 4, -2, -2), []),
    ],
)
def test_filters_ranges_pages_and_states(
    ask: Call, machines: list[int], arguments: tuple[int, ...], found: list[int]
) -> None:
    assert ids(ask("one.vmpool.info", *arguments)) == found
    assert ids(ask("one.vmpool.infoextended", *arguments)) == found


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [((-5, -1, -1, -1), "Incorrect filter_flag"), ((-3, -1, -1, -3), "Incorrect filter_flag, state")],
)
def test_what_is_no_filter(refusal: Call, arguments: tuple[int, ...], reason: str) -> None:
    assert refusal("one.vmpool.info", *arguments) == (reason, 4096)


@pytest.mark.parametrize("method", ["one.vmpool.info", "one.vmpool.infoextended"])
def test_all_four_integers_are_mandatory(call: Call, method: str) -> None:
    with pytest.raises(xmlrpc.client.Fault, match="Not enough parameters") as caught:
        call("alice", method, -3, -1, -1)
    assert caught.value.faultCode == -501


def test_machines_that_have_ended_stay_for_ever(ask: Call, clock: ManualClock, machines: list[int]) -> None:
    clock.advance(10**8)
    assert ids(ask("one.vmpool.info", -3, -1, -1, 6)) == [1]
    assert ids(ask("one.vmpool.infoset", "1", False)) == [1]
    assert ET.fromstring(ask("one.vm.info", 1)).findtext("STATE") == "6"


def test_pages_shift_when_machines_come_and_ranges_do_not(ask: Call, machines: list[int]) -> None:
    before = [ids(ask("one.vmpool.info", -3, *page, -2)) for page in ((0, -2), (0, 2))]
    ask("one.vm.allocate", SMALL, True)
    after = [ids(ask("one.vmpool.info", -3, *page, -2)) for page in ((0, -2), (0, 2))]
    assert (before, after) == ([[3, 2], [2, 1, 0]], [[5, 3], [2, 1, 0]])


def test_an_administrator_sees_all(ask: Call, machines: list[int]) -> None:
    assert ids(ask("one.vmpool.info", -2, -1, -1, -1, user="oneadmin")) == [4, 3, 2, 0]


def test_the_filter_of_the_group_shows_too_much_on_older_releases(
    ask: Call, refusal: Call, machines: list[int], release: str
) -> None:
    assert ids(ask("one.vmpool.infoextended", -4, -1, -1, -1)) == {"6.10": [4, 3, 2, 0], "7.4": [3, 2, 0]}[release]
    assert refusal("one.vm.info", machines[4])[1] == 512


def test_a_set_of_machines(ask: Call, machines: list[int]) -> None:
    asked = "3,1,99999,4,x"
    assert ids(ask("one.vmpool.infoset", asked, False)) == [3, 1]
    assert "<MARK>" not in ask("one.vmpool.infoset", asked, False)
    assert "<MARK>" in ask("one.vmpool.infoset", asked, True)


def test_what_is_left_out_in_lists(ask: Call, machines: list[int]) -> None:
    short, full = ask("one.vmpool.info", -3, -1, -1, -1), ask("one.vmpool.infoextended", -3, -1, -1, -1)
    for element in ("PERMISSIONS", "MARK", "PREV_STATE", "AUTOMATIC_REQUIREMENTS"):
        assert f"<{element}>" not in short
        assert f"<{element}>" in full
    assert "<LABELS><![CDATA[l3]]></LABELS>" in short


@pytest.mark.parametrize("release", ["6.10"], indirect=True)
def test_without_a_database_for_it_nothing_is_searched(refusal: Call, release: str) -> None:
    reason = "JSON query search is not supported by the SQL backend"
    assert refusal("one.vmpool.info", -3, -1, -1, -1, "VM.NAME=small") == (reason, 8192)


@pytest.mark.parametrize("release", ["7.4"], indirect=True)
@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("VM.USER_TEMPLATE.MARK=m3", [3]),
        ("VM.USER_TEMPLATE.MARK=m", [3, 2, 0]),
        ("VM.USER_TEMPLATE.MARK=m&VM.USER_TEMPLATE.LABELS=l0", [0]),
        ("l2", [2]),
        ("VM.NAME=SMALL", []),
        ("", [3, 2, 0]),
    ],
)
def test_searching(ask: Call, machines: list[int], search: str, found: list[int], release: str) -> None:
    assert ids(ask("one.vmpool.info", -3, -1, -1, -1, search)) == found


@pytest.mark.parametrize("release", ["7.4"], indirect=True)
def test_a_search_for_nothing_but_an_equals_sign_ends_the_daemon(sandbox: Sandbox, release: str) -> None:
    with pytest.raises(ConnectionError):
        raw(sandbox, "alice:secret", "one.vmpool.info", -3, -1, -1, -1, "=")
    with pytest.raises(ConnectionRefusedError):
        raw(sandbox, "alice:secret", "one.system.version")


def test_a_list_is_up_to_date_after_each_change(ask: Call, clock: ManualClock, running: int) -> None:
    def listed() -> str:
        return str(ask("one.vmpool.info", -3, -1, -1, -1))

    seen = {listed()}
    for method, *arguments in (
        ("one.vm.attach", running, "DISK=[TYPE=fs,SIZE=1]"),
        ("one.vm.attachnic", running, "NIC=[NETWORK_ID=0]"),
        ("one.vm.rename", running, "another"),
        ("one.vm.update", running, "LABELS=x", 1),
        ("one.vm.lock", running, 3),
        ("one.vm.unlock", running),
        ("one.vm.resize", running, "MEMORY=1"),
        ("one.vm.action", "poweroff", running),
    ):
        ask(method, *arguments)
        clock.advance(10)
        now = listed()
        assert now not in seen or method == "one.vm.unlock"
        seen.add(now)


def test_networks_show_ones_own_leases(ask: Call, running: int) -> None:
    ask("one.vm.allocate", f"{SMALL} NIC=[NETWORK_ID=0]", True, user="bob")
    network = ET.fromstring(ask("one.vn.info", 0))
    assert network.findtext("USED_LEASES") == "2"
    assert [lease.findtext("VM") for lease in network.iterfind("AR_POOL/AR/LEASES/LEASE")] == [str(running)]
    pool = ET.fromstring(ask("one.vnpool.info", -2, -1, -1))
    allocated = pool.findtext("VNET[NAME='public']/AR_POOL/AR/ALLOCATED", "").split()
    assert [int(number) - 0x1000000000 for number in allocated[1::2]] == [0, 1]


def test_addresses_are_given_out_in_the_releases_order(ask: Call, release: str) -> None:
    def position() -> int:
        number = ask("one.vm.allocate", f"{SMALL} NIC=[NETWORK_ID=1]", True)
        address = ET.fromstring(ask("one.vm.info", number)).findtext("TEMPLATE/NIC/IP", "")
        ask("one.vm.action", "terminate", number)
        return int(address.rpartition(".")[2]) - 10

    assert [position(), position(), position()] == {"6.10": [0, 0, 0], "7.4": [0, 1, 2]}[release]


def test_what_an_ordinary_user_sees_of_the_rest(ask: Call, refusal: Call, running: int) -> None:
    assert ask("one.hostpool.info") == "<HOST_POOL></HOST_POOL>"
    assert ask("one.clusterpool.info") == "<CLUSTER_POOL></CLUSTER_POOL>"
    assert refusal("one.acl.info") == ("User [2] : Not authorized to perform MANAGE ACL.", 512)
    assert ask("one.acl.info", user="oneadmin") == "<ACL_POOL></ACL_POOL>"
    groups = ET.fromstring(ask("one.secgrouppool.info", -2, -1, -1))
    assert [group.findtext("NAME") for group in groups] == ["web", "default"]
    group = ET.fromstring(ask("one.secgroup.info", 0))
    assert [number.text for number in group.iterfind("UPDATED_VMS/ID")] == [str(running)]
    assert "DEFAULT_DEVICE_PREFIX" in ask("one.system.config")
    assert ask("one.vm.monitoring", running) == "<MONITORING_DATA></MONITORING_DATA>"
    for method in ("monitoring", "accounting", "showback"):
        assert ask(f"one.vmpool.{method}", -3, -1, -1).startswith("<")
