"""Creating machines: what is refused with which words and code, and what becomes of what was asked for."""

from __future__ import annotations

import pytest

from stratuslab_libcloud.sandbox import ManualClock, Sandbox
from stratuslab_libcloud.sandbox.state.opennebula.networks import AddressRange, Network
from stratuslab_libcloud.sandbox.state.template import Template

from ...opennebula.conftest import DONE, SMALL, Call, document, passed_states, states

WRONG_MEMORY = "MEMORY attribute must be a positive integer value."
WRONG_CPU = "CPU attribute must be a positive float or integer value."
NO_LEASE = "Cannot get IP/MAC lease from virtual network 0."
BASE = "NAME=a MEMORY=64 CPU=1 "
INTERNAL = [
    ("NAME=a", WRONG_MEMORY),
    ("NAME=a MEMORY=64", WRONG_CPU),
    ("NAME=a MEMORY=64 CPU=abc", WRONG_CPU),
    ("NAME=a MEMORY=64 CPU=0", WRONG_CPU),
    ("NAME=a MEMORY=64 CPU=1 VCPU=0", "VCPU attribute must be a positive integer value."),
    ("NAME=a MEMORY=0 CPU=1", WRONG_MEMORY),
    ("NAME=a MEMORY=1.5 CPU=1", WRONG_MEMORY),
    (BASE + "DISK=[IMAGE_ID=99]", "DISK 0: Image with ID: 99 does not exist"),
    (
        BASE + 'DISK=[IMAGE="debian12"]',
        "DISK 0: User 2 does not own an image with name: debian12 . Set IMAGE_UNAME or IMAGE_UID of owner in DISK.",
    ),
    (
        BASE + "DISK=[IMAGE_ID=0] DISK=[IMAGE_ID=0,SIZE=10]",
        "DISK 1: SIZE of 10MB is less than the image [0] size of 1024MB.",
    ),
    (BASE + "NIC=[NETWORK_ID=99]", "Virtual network with ID: 99 does not exist"),
    (
        BASE + "NIC=[NETWORK=public]",
        "User 2 does not own a network with name: public . Set NETWORK_UNAME or NETWORK_UID of owner in NIC.",
    ),
    (BASE + "NIC=[NETWORK_ID=0,IP=203.0.113.9]", NO_LEASE),
    (BASE + 'CONTEXT=[X="$(hostname)"]', "Error parsing: $(hostname). syntax error"),
    (BASE + "CONTEXT=[TOKEN=YES]", "Cannot make a TOKEN: there is no OneGate, ONEGATE_ENDPOINT was not set."),
    (f'NAME="{"n" * 129}" MEMORY=64 CPU=1', "Invalid NAME, max length is 128 chars"),
    ("<TEMPLATE><CPU>1</CPU><MEMORY>1</MEMORY><X>]]&gt;</X></TEMPLATE>", "Parse error."),
    ("<TEMPLATE><CPU>1</MEMORY></TEMPLATE>", "Parse error."),
]


@pytest.mark.parametrize(("template", "reason"), INTERNAL)
def test_a_template_that_is_refused(ask: Call, refusal: Call, template: str, reason: str) -> None:
    assert refusal("one.vm.allocate", template, True) == (reason, 8192)
    assert ask("one.vmpool.info", -2, -1, -1, -2) == "<VM_POOL></VM_POOL>"


@pytest.mark.parametrize("character", "&|:\\;/'#{}$<>\"")
def test_what_no_name_has(refusal: Call, character: str) -> None:
    name = character.replace('"', '\\"')
    reason = f"Invalid NAME, char '{character}' is not allowed"
    assert refusal("one.vm.allocate", f'NAME="x{name}y" MEMORY=64 CPU=1', True) == (reason, 8192)


@pytest.mark.parametrize("name", ["web-1 é (x)", "a=b", "n" * 128, "%i", "a,b"])
def test_what_names_can_be(ask: Call, name: str) -> None:
    machine_id = ask("one.vm.allocate", f'NAME="{name}" MEMORY=64 CPU=1', True)
    assert document(ask, machine_id).findtext("NAME") == name


def test_a_machine_without_a_name_gets_one(ask: Call) -> None:
    machine_id = ask("one.vm.allocate", "MEMORY=64 CPU=1", True)
    assert document(ask, machine_id).findtext("NAME") == f"one-{machine_id}"


def test_names_are_not_unique(ask: Call) -> None:
    assert ask("one.vm.allocate", SMALL) != ask("one.vm.allocate", SMALL)


@pytest.mark.parametrize("text", ["garbage", "X", '{"NAME":"j"}'])
def test_what_is_no_template(refusal: Call, text: str) -> None:
    reason, code = refusal("one.vm.allocate", text, True)
    assert reason.startswith("Parse error: syntax error, unexpected ")
    assert code == 8192


@pytest.mark.parametrize(
    ("attribute", "name"),
    [
        ('NIC=[NETWORK_ID=0,MAC="02:00:00:00:00:01"]', "MAC"),
        ('RAW=[TYPE=kvm,DATA="<x/>"]', "DATA"),
        ('CONTEXT=[FILES="/etc/passwd"]', "FILES"),
        ("USER_PRIORITY=1", "USER_PRIORITY"),
        ("CPU_COST=1", "CPU_COST"),
        ("PCI=[VENDOR=1]", "PCI"),
    ],
)
def test_restricted_attributes_are_the_administrators(
    sandbox: Sandbox, ask: Call, refusal: Call, attribute: str, name: str
) -> None:
    sandbox.opennebula.networks[0].ranges[0].mac = 0x020000000000
    reason = f"User [2] : VM Template includes a restricted attribute {name}."
    assert refusal("one.vm.allocate", BASE + attribute, True) == (reason, 512)
    ask("one.vm.allocate", BASE + attribute, True, user="oneadmin")


def test_less_than_no_memory(refusal: Call, release: str) -> None:
    expected = {"6.10": (f"User [2] : user [2] {WRONG_MEMORY}", 512), "7.4": (WRONG_MEMORY, 8192)}
    assert refusal("one.vm.allocate", "MEMORY=-5 CPU=1", True) == expected[release]


def test_a_template_that_is_too_large(refusal: Call) -> None:
    large = "x" * (9 * 1024 * 1024)
    assert refusal("one.vm.allocate", f'{SMALL} X="{large}"', True) == ("Error transforming the VM to XML.", 8192)


def test_an_image_of_somebody_else_by_its_owners_name(ask: Call) -> None:
    machine_id = ask("one.vm.allocate", BASE + "DISK=[IMAGE=debian12,IMAGE_UNAME=oneadmin]", True)
    assert document(ask, machine_id).findtext("TEMPLATE/DISK/IMAGE_ID") == "0"
    machine_id = ask("one.vm.allocate", BASE + "DISK=[IMAGE=debian12,IMAGE_UID=0]", True)
    assert document(ask, machine_id).findtext("TEMPLATE/DISK/IMAGE_ID") == "0"


def test_a_network_of_somebody_else_by_its_owners_name(ask: Call) -> None:
    machine_id = ask("one.vm.allocate", BASE + "NIC=[NETWORK=public,NETWORK_UNAME=oneadmin]", True)
    assert document(ask, machine_id).findtext("TEMPLATE/NIC/NETWORK_ID") == "0"


def test_an_image_that_one_may_not_use(ask: Call, refusal: Call, clock: ManualClock) -> None:
    image_id = ask("one.image.allocate", "NAME=v TYPE=DATABLOCK SIZE=1", 100, user="bob")
    clock.advance(10)
    reason = f"User [2] : Not authorized to perform USE IMAGE [{image_id}]."
    assert refusal("one.vm.allocate", f"{BASE} DISK=[IMAGE_ID={image_id}]", True) == (reason, 512)


def test_a_fixed_address_is_given_once(sandbox: Sandbox, ask: Call, refusal: Call) -> None:
    address = str(sandbox.opennebula.public_network[50])
    wanted = f"{BASE} NIC=[NETWORK_ID=0,IP={address}]"
    machine_id = ask("one.vm.allocate", wanted, True)
    assert document(ask, machine_id).findtext("TEMPLATE/NIC/IP") == address
    assert refusal("one.vm.allocate", wanted, True) == (NO_LEASE, 8192)
    ask("one.vm.action", "terminate-hard", machine_id)
    ask("one.vm.allocate", wanted, True)


def test_a_refused_machine_uses_its_number_up(ask: Call, refusal: Call) -> None:
    """Ids begin at 0 and have gaps."""
    assert ask("one.vm.allocate", SMALL, True) == 0
    refusal("one.vm.allocate", f"{BASE} NIC=[NETWORK_ID=99]", True)
    assert ask("one.vm.allocate", SMALL, True) == 2


def test_when_a_machine_was_created_and_when_it_booted(ask: Call, clock: ManualClock) -> None:
    """STIME is the creation, HISTORY/RSTIME the boot; ETIME is 0 while it is alive."""
    machine_id = ask("one.vm.allocate", SMALL, True)
    created = int(document(ask, machine_id).findtext("STIME", ""))
    clock.advance(100)
    ask("one.vm.action", "release", machine_id)
    clock.advance(10)
    machine = document(ask, machine_id)
    assert int(machine.findtext("STIME", "")) == created
    assert int(machine.findtext("HISTORY_RECORDS/HISTORY/RSTIME", "")) > created + 99
    assert machine.findtext("ETIME") == "0"


@pytest.mark.parametrize("action", [None, "hold", "terminate"])
def test_renaming_in_any_state(ask: Call, clock: ManualClock, action: str | None) -> None:
    machine_id = ask("one.vm.allocate", SMALL, False)
    if action:
        ask("one.vm.action", action, machine_id)
    assert ask("one.vm.rename", machine_id, "new") == machine_id
    assert document(ask, machine_id).findtext("NAME") == "new"


def test_what_a_refused_machine_took_is_free_again(
    sandbox: Sandbox, ask: Call, refusal: Call, clock: ManualClock
) -> None:
    image_id = ask("one.image.allocate", "NAME=v TYPE=DATABLOCK SIZE=1 PERSISTENT=YES", 100)
    clock.advance(10)
    refusal("one.vm.allocate", f"{BASE} DISK=[IMAGE_ID={image_id}] NIC=[NETWORK_ID=0] NIC=[NETWORK_ID=9]", True)
    assert not sandbox.opennebula.networks[0].ranges[0].leases
    assert not sandbox.opennebula.images.pool[image_id].machines


def test_an_address_that_the_scheduler_chooses_comes_with_the_host(ask: Call, clock: ManualClock) -> None:
    machine_id = ask("one.vm.allocate", f"{BASE} NIC=[NETWORK_MODE=auto]", False)
    assert document(ask, machine_id).find("TEMPLATE/NIC/IP") is None
    clock.advance(10)
    assert document(ask, machine_id).findtext("TEMPLATE/NIC/IP")


def test_addresses_of_a_static_range_of_ipv6(ask: Call) -> None:
    nic = document(ask, ask("one.vm.allocate", f"{BASE} NIC=[NETWORK_ID=2]", True)).find("TEMPLATE/NIC")
    assert nic is not None
    assert nic.findtext("IP6") == "2001:db8:0:2::10"
    assert nic.find("IP") is None


def test_security_groups_are_added_to_those_of_the_network_and_may_be_unknown(ask: Call) -> None:
    machine_id = ask("one.vm.allocate", f'{BASE} NIC=[NETWORK_ID=0,SECURITY_GROUPS="0,100,77"]', True)
    template = document(ask, machine_id).find("TEMPLATE")
    assert template is not None
    assert template.findtext("NIC/SECURITY_GROUPS") == "0,100,77"
    groups = [rule.findtext("SECURITY_GROUP_NAME") for rule in template.iterfind("SECURITY_GROUP_RULE")]
    assert groups == ["default", "default", "web", "web"]


def test_volatile_disks(ask: Call, refusal: Call) -> None:
    machine_id = ask("one.vm.allocate", f"{BASE} DISK=[SIZE=100,TYPE=swap] DISK=[SIZE=2000,TYPE=fs,FORMAT=raw]", True)
    disks = document(ask, machine_id).findall("TEMPLATE/DISK")
    assert [(d.findtext("TYPE"), d.findtext("SIZE"), d.findtext("TARGET")) for d in disks] == [
        ("swap", "100", "sda"),
        ("fs", "2000", "sdb"),
    ]
    assert refusal("one.vm.allocate", f"{BASE} DISK=[SIZE=x,TYPE=fs]", True)[1] == 8192
    assert refusal("one.vm.allocate", f"{BASE} DISK=[SIZE=1]", True)[1] == 8192


def test_a_larger_root_disk(ask: Call) -> None:
    disk = document(ask, ask("one.vm.allocate", f"{BASE} DISK=[IMAGE_ID=0,SIZE=5000]", True)).find("TEMPLATE/DISK")
    assert disk is not None
    assert (disk.findtext("SIZE"), disk.findtext("ORIGINAL_SIZE")) == ("5000", "1024")


def test_disks_of_other_devices(ask: Call) -> None:
    machine_id = ask(
        "one.vm.allocate",
        f"{BASE} DISK=[IMAGE_ID=0,DEV_PREFIX=vd] DISK=[IMAGE_ID=1] DISK=[IMAGE_ID=0,TARGET=vdc] CONTEXT=[A=b]",
        True,
    )
    template = document(ask, machine_id).find("TEMPLATE")
    assert template is not None
    assert [disk.findtext("TARGET") for disk in template.iterfind("DISK")] == ["vda", "hda", "vdc"]
    assert (template.findtext("CONTEXT/TARGET"), template.findtext("CONTEXT/DISK_ID")) == ("hdb", "3")


def test_a_machine_waits_for_an_image_that_is_not_ready(ask: Call, clock: ManualClock) -> None:
    image_id = ask("one.image.allocate", "NAME=v TYPE=DATABLOCK SIZE=1 PERSISTENT=YES", 100)
    machine_id = ask("one.vm.allocate", f"{BASE} DISK=[IMAGE_ID={image_id}]", False)
    assert passed_states(ask, clock, machine_id)[:2] == [(10, 0), (1, 0)]
    assert document(ask, machine_id).findtext("TEMPLATE/DISK/IMAGE_STATE") == "8"


def test_a_machine_whose_image_will_never_be_ready(sandbox: Sandbox, ask: Call, clock: ManualClock) -> None:
    sandbox.opennebula.drivers.fail("mkfs")
    image_id = ask("one.image.allocate", "NAME=v TYPE=DATABLOCK SIZE=1 PERSISTENT=YES", 100)
    machine_id = ask("one.vm.allocate", f"{BASE} DISK=[IMAGE_ID={image_id}]", True)
    assert passed_states(ask, clock, machine_id) == [(10, 0), (11, 0)]
    ask("one.vm.action", "terminate-hard", machine_id)
    assert states(ask, machine_id) == DONE


def test_a_persistent_image_is_for_one_machine(ask: Call, refusal: Call, clock: ManualClock) -> None:
    image_id = ask("one.image.allocate", "NAME=v TYPE=OS SIZE=1 PERSISTENT=YES", 100)
    wanted = f"{BASE} DISK=[IMAGE_ID={image_id}]"
    ask("one.vm.allocate", wanted, True)
    reason = f"DISK 0: Cannot acquire image {image_id}, it is persistent and already in use"
    assert refusal("one.vm.allocate", wanted, True) == (reason, 8192)
    clock.advance(10)
    assert refusal("one.vm.allocate", wanted, True) == (reason, 8192)


def test_a_machine_of_somebody_else(refusal: Call, running: int) -> None:
    reason = f"User [3] : Not authorized to perform USE VM [{running}]."
    assert refusal("one.vm.info", running, user="bob") == (reason, 512)
    reason = f"User [3] : Not authorized to perform MANAGE VM [{running}]."
    for method, *arguments in (
        ("one.vm.action", "terminate", running),
        ("one.vm.rename", running, "x"),
        ("one.vm.attach", running, "DISK=[IMAGE_ID=0]"),
        ("one.vm.update", running, "A=b", 1),
    ):
        assert refusal(method, *arguments, user="bob") == (reason, 512)


def test_what_only_administrators_may(ask: Call, refusal: Call, clock: ManualClock, running: int) -> None:
    reason = f"User [2] : Not authorized to perform ADMIN VM [{running}]."
    for method, *arguments in (
        ("one.vm.recover", running, 3),
        ("one.vm.deploy", running, 0, False, -1, ""),
        ("one.vm.migrate", running, 0, True, False, -1, 0),
        ("one.vm.chmod", running, 1, 1, 1, 0, 0, 0, 0, 0, 0),
    ):
        assert refusal(method, *arguments) == (reason, 512)
    ask("one.vm.recover", running, 3, user="oneadmin")
    assert passed_states(ask, clock, running)[-1] == DONE


def test_rights_can_be_given_to_the_group(ask: Call, call: Call, running: int) -> None:
    ask("one.vm.chmod", running, -1, -1, -1, 1, -1, -1, -1, -1, -1)
    assert call("bob", "one.vm.info", running)[0]
    assert not call("bob", "one.vm.action", "poweroff", running)[0]


@pytest.mark.parametrize("level", [1, 2])
def test_a_machine_that_is_locked(ask: Call, refusal: Call, running: int, level: int) -> None:
    ask("one.vm.lock", running, level, False)
    reason = f"User [2] : Not authorized to perform MANAGE VM [{running}]."
    assert refusal("one.vm.action", "terminate", running) == (reason, 512)
    lock = document(ask, running).find("LOCK")
    assert lock is not None
    assert (lock.findtext("LOCKED"), lock.findtext("OWNER")) == (str(level), "2")
    assert refusal("one.vm.unlock", running, user="bob")[1] == 512
    ask("one.vm.unlock", running)
    ask("one.vm.action", "terminate", running)


def test_a_lock_for_administering_stops_nobody_else(ask: Call, running: int) -> None:
    ask("one.vm.lock", running, 3)
    assert ask("one.vm.action", "poweroff", running) == running


def test_renaming(ask: Call, refusal: Call, running: int) -> None:
    assert ask("one.vm.rename", running, "new name") == running
    assert document(ask, running).findtext("NAME") == "new name"
    assert "<NAME>new name</NAME>" in ask("one.vmpool.info", -3, -1, -1, -1)
    assert refusal("one.vm.rename", running, "bad/name") == ("Invalid NAME, char '/' is not allowed", 2048)
    assert refusal("one.vm.rename", running, "") == ("Invalid NAME, it cannot be empty", 2048)


def test_updating_adds_or_replaces(ask: Call, running: int) -> None:
    ask("one.vm.update", running, 'MARK=a LABELS="z"', 1)
    user_template = document(ask, running).find("USER_TEMPLATE")
    assert user_template is not None
    assert {e.tag: e.text for e in user_template} == {"LABELS": "z", "MARK": "a"}
    assert "<LABELS><![CDATA[z]]></LABELS>" in ask("one.vmpool.info", -3, -1, -1, -1)
    ask("one.vm.update", running, "ONLY=1", 0)
    user_template = document(ask, running).find("USER_TEMPLATE")
    assert user_template is not None
    assert {e.tag: e.text for e in user_template} == {"ONLY": "1"}


def test_what_is_scheduled_is_done_then(ask: Call, refusal: Call, clock: ManualClock, running: int) -> None:
    assert ask("one.vm.schedadd", running, 'SCHED_ACTION=[ACTION="terminate-hard",TIME="+3600"]') == 0
    assert document(ask, running).findtext("TEMPLATE/SCHED_ACTION/DONE") == "-1"
    clock.advance(3580)
    assert states(ask, running) == (3, 3)
    clock.advance(60)
    assert states(ask, running) == DONE
    assert int(document(ask, running).findtext("TEMPLATE/SCHED_ACTION/DONE", "")) > 0
    assert refusal("one.vm.schedadd", running, 'SCHED_ACTION=[ACTION=stop,TIME="soon"]')[1] == 2048


def test_a_scheduled_action_that_comes_at_a_bad_time_says_so(ask: Call, clock: ManualClock) -> None:
    machine_id = ask("one.vm.allocate", f'{SMALL} SCHED_ACTION=[ACTION=poweroff,TIME="+1"]', True)
    clock.advance(2)
    message = document(ask, machine_id).findtext("TEMPLATE/SCHED_ACTION/MESSAGE", "")
    assert "not available for state HOLD" in message


def test_what_the_hypervisor_says(sandbox: Sandbox, ask: Call, running: int) -> None:
    sandbox.opennebula.machines.report(running, GUEST_IP="10.0.0.7", CPU="1.5")
    assert document(ask, running).findtext("MONITORING/GUEST_IP") == "10.0.0.7"
    listed = ask("one.vmpool.info", -3, -1, -1, -1)
    assert "<MONITORING><CPU><![CDATA[1.5]]></CPU></MONITORING>" in listed


def test_a_network_without_addresses_gives_none(sandbox: Sandbox, ask: Call) -> None:
    networks, admin = sandbox.opennebula.networks, sandbox.opennebula.users.named("oneadmin")
    ranges = [AddressRange(0, "ETHER", 10, 0x020012345678)]
    network = Network(id=networks.take_id(), owner=admin, name="dhcp", bridge="br9", template=Template(), ranges=ranges)
    networks.add(network)
    nic = document(ask, ask("one.vm.allocate", f"{BASE} NIC=[NETWORK_ID={network.id}]", True)).find("TEMPLATE/NIC")
    assert nic is not None
    assert nic.findtext("MAC") == "02:00:12:34:56:78"
    assert not [child.tag for child in nic if child.tag.startswith("IP")]


def test_unknown_machines(refusal: Call) -> None:
    for method, *arguments in (("one.vm.info", 7), ("one.vm.action", "stop", 7), ("one.vm.unlock", 7)):
        assert refusal(method, *arguments) == ("Error getting virtual machine [7].", 1024)
