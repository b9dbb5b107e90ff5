"""PyONE, OpenNebula's own client, lives on the sandbox: what it cannot read, the sandbox writes wrongly."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from typing import Any

import pyone
import pytest
from pyone import bindings

from stratuslab_libcloud.sandbox import ManualClock, Sandbox

from .conftest import session

ANYTHING = {"TEMPLATE", "USER_TEMPLATE", "MONITORING"}
"""Elements that can have anything in them."""
MISSING = {"AR/IP6", "AR/PREFIX_LENGTH"}
"""Elements that real daemons send, and that the schemas do not have."""
VOLUME = {"NAME": "data", "TYPE": "DATABLOCK", "SIZE": "10", "PERSISTENT": "YES"}
TEMPLATE = {
    "TEMPLATE": {
        "NAME": "web",
        "CPU": "0.5",
        "MEMORY": "512",
        "DISK": {"IMAGE_ID": "0"},
        "NIC": [{"NETWORK_ID": "0"}, {"NETWORK_ID": "1"}],
        "CONTEXT": {"NETWORK": "YES", "SSH_PUBLIC_KEY": "ssh-ed25519 AAAA"},
        "MARK": "a <b> & c",
    }
}


def unknown_elements(element: ET.Element, read: Any) -> list[str]:
    """The elements of a document that are not in OpenNebula's schemas, of which PyONE's classes are made."""
    if element.tag in ANYTHING or not hasattr(read, "gds_collector_"):
        return []
    unknown = []
    positions: Counter[str] = Counter()
    for child in element:
        inner = getattr(read, child.tag, None)
        if not hasattr(read, child.tag) and f"{element.tag}/{child.tag}" not in MISSING:
            unknown.append(f"{element.tag}/{child.tag}")
        elif isinstance(inner, list):
            unknown += unknown_elements(child, inner[positions[child.tag]])
            positions[child.tag] += 1
        else:
            unknown += unknown_elements(child, inner)
    return unknown


@pytest.fixture(autouse=True)
def all_elements_are_in_the_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each document that PyONE reads in a test has only elements that it knows."""
    read = bindings.parseString

    def strict(text: bytes, silence: bool = False) -> Any:
        document, element = read(text, silence), ET.fromstring(text)
        if element.find("VM/PERMISSIONS") is None:
            assert unknown_elements(element, document) == []
        else:  # The schema of pools is that of abridged machines.
            for machine in element:
                strict(ET.tostring(machine))
        return document

    monkeypatch.setattr(bindings, "parseString", strict)


def state(one: pyone.OneServer, machine_id: int) -> tuple[int, int]:
    machine = one.vm.info(machine_id)
    return machine.STATE, machine.LCM_STATE


def test_a_whole_life(one: pyone.OneServer, clock: ManualClock) -> None:
    machine_id = one.vm.allocate(TEMPLATE, False)
    assert state(one, machine_id) == (1, 0)
    clock.advance(10)
    machine = one.vm.info(machine_id)
    assert (machine.STATE, machine.LCM_STATE, machine.UNAME) == (3, 3, "alice")
    assert machine.USER_TEMPLATE["MARK"] == "a <b> & c"
    assert [nic["NETWORK"] for nic in machine.TEMPLATE["NIC"]] == ["public", "private"]
    assert machine.HISTORY_RECORDS.HISTORY[0].HOSTNAME == "host01"

    volume = one.image.allocate(
        {"TEMPLATE": {"NAME": "data", "TYPE": "DATABLOCK", "SIZE": "10", "PERSISTENT": "YES"}}, 100
    )
    assert one.image.info(volume).STATE == 4
    clock.advance(10)
    one.vm.attach(machine_id, {"TEMPLATE": {"DISK": {"IMAGE_ID": str(volume)}}})
    assert state(one, machine_id) == (3, 17)
    clock.advance(10)
    assert [machine_id] == one.image.info(volume).VMS.ID
    one.vm.disksnapshotcreate(machine_id, 2, "before")
    clock.advance(10)
    assert one.vm.info(machine_id).SNAPSHOTS[0].SNAPSHOT[0].NAME == "before"
    assert one.image.info(volume).SNAPSHOTS.SNAPSHOT[0].NAME == "before"
    one.vm.detach(machine_id, 2)
    clock.advance(10)
    one.vm.attachnic(machine_id, {"TEMPLATE": {"NIC_ALIAS": {"NETWORK_ID": "0", "PARENT": "NIC1"}}})
    clock.advance(10)
    assert one.vm.info(machine_id).TEMPLATE["NIC_ALIAS"]["PARENT"] == "NIC1"

    for action, expected in (("poweroff", (8, 0)), ("resume", (3, 3)), ("suspend", (5, 0)), ("resume", (3, 3))):
        assert one.vm.action(action, machine_id) == machine_id
        clock.advance(10)
        assert state(one, machine_id) == expected
    golden = one.vm.disksaveas(machine_id, 0, "golden", "", -1)
    clock.advance(10)
    assert one.image.info(golden).TEMPLATE["SAVED_VM_ID"] == str(machine_id)
    one.vm.schedadd(machine_id, {"TEMPLATE": {"SCHED_ACTION": {"ACTION": "terminate-hard", "TIME": "+3600"}}})
    assert one.vm.info(machine_id).TEMPLATE["SCHED_ACTION"]["ACTION"] == "terminate-hard"
    one.vm.lock(machine_id, 2, False)
    assert one.vm.info(machine_id).LOCK.LOCKED == 2
    one.vm.unlock(machine_id)
    one.vm.action("terminate-hard", machine_id)
    clock.advance(10)
    assert state(one, machine_id) == (6, 0)
    one.image.delete(golden)
    clock.advance(10)
    with pytest.raises(pyone.OneNoExistsException, match=r"Error getting image"):
        one.image.info(golden)


def test_a_machine_from_a_template(one: pyone.OneServer, clock: ManualClock) -> None:
    template = next(t for t in one.templatepool.info(-2, -1, -1).VMTEMPLATE if t.NAME == "small")
    machine_id = one.template.instantiate(template.ID, "mine", False, {"MEMORY": "512"}, False)
    clock.advance(10)
    machine = one.vm.info(machine_id)
    assert (machine.NAME, machine.TEMPLATE["MEMORY"], machine.TEMPLATE["TEMPLATE_ID"]) == ("mine", "512", "0")


def test_all_pools(one: pyone.OneServer, clock: ManualClock) -> None:
    machine_id = one.vm.allocate(TEMPLATE, False)
    clock.advance(10)
    assert [vm.ID for vm in one.vmpool.info(-3, -1, -1, -1).VM] == [machine_id]
    assert [vm.ID for vm in one.vmpool.infoextended(-3, -1, -1, -1).VM] == [machine_id]
    assert [vm.ID for vm in one.vmpool.infoset(str(machine_id), True).VM] == [machine_id]
    assert {image.NAME for image in one.imagepool.info(-2, -1, -1).IMAGE} == {"debian12", "rescue", "alma9"}
    assert {network.NAME for network in one.vnpool.info(-2, -1, -1).VNET} == {"public", "private", "six"}
    assert machine_id == one.vn.info(1).AR_POOL.AR[0].LEASES.LEASE[0].VM
    assert {store.TYPE for store in one.datastorepool.info().DATASTORE} == {0, 1, 2}
    assert one.datastore.info(100).NAME == "images"
    assert {group.NAME for group in one.secgrouppool.info(-2, -1, -1).SECURITY_GROUP} == {"default", "web"}
    assert [machine_id] == one.secgroup.info(0).UPDATED_VMS.ID
    assert one.zonepool.info().ZONE[0].NAME == "OpenNebula"
    assert one.hostpool.info().HOST == []
    assert one.clusterpool.info().CLUSTER == []
    assert one.template.info(0).NAME == "small"


def test_users_and_quotas(sandbox: Sandbox, one: pyone.OneServer) -> None:
    admin = pyone.OneServer(sandbox.compute_url, session=session(sandbox, "oneadmin"))
    admin.user.quota(2, {"TEMPLATE": {"VM": {"VMS": "2"}}})
    one.user.login("alice", "", 3600, -1)
    me = one.user.info(-1)
    assert (me.NAME, me.VM_QUOTA.VM[0].VMS) == ("alice", "2")
    assert me.LOGIN_TOKEN[0].EGID == -1
    assert [user.NAME for user in one.userpool.info().USER] == ["alice"]
    assert one.group.info(-1).NAME == "users"
    assert [group.NAME for group in one.grouppool.info().GROUP] == ["users"]
    assert len(admin.userpool.info().USER) == 4


def test_its_errors(sandbox: Sandbox, one: pyone.OneServer) -> None:
    with pytest.raises(pyone.OneNoExistsException):
        one.vm.info(99)
    with pytest.raises(pyone.OneInternalException):
        one.vm.allocate("CPU=1", False)
    with pytest.raises(pyone.OneAuthorizationException):
        one.user.info(0)
    machine_id = one.vm.allocate("CPU=1 MEMORY=1", True)
    with pytest.raises(pyone.OneActionException):
        one.vm.action("poweroff", machine_id)
    with pytest.raises(pyone.OneApiException):
        one.vmpool.info(-9, -1, -1, -1)
    with pytest.raises(pyone.OneAuthenticationException):
        pyone.OneServer(sandbox.compute_url, session="alice:wrong").vm.info(0)
    with pytest.raises(pyone.OneException):
        one.image.allocate("NAME= TYPE=OS SIZE=1", 100)


def test_all_that_is_done_with_a_machine(one: pyone.OneServer, clock: ManualClock) -> None:
    machine_id = one.vm.allocate(TEMPLATE, True)
    assert state(one, machine_id) == (2, 0)
    for action, expected in (
        ("release", (3, 3)),
        ("reboot", (3, 3)),
        ("reboot-hard", (3, 3)),
        ("stop", (4, 0)),
        ("resume", (3, 3)),
        ("undeploy", (9, 0)),
        ("resume", (3, 3)),
        ("poweroff-hard", (8, 0)),
    ):
        assert one.vm.action(action, machine_id) == machine_id
        state(one, machine_id)  # Each document on the way can be read, too.
        clock.advance(0.05)
        one.vmpool.info(-3, -1, -1, -1)
        clock.advance(10)
        assert state(one, machine_id) == expected
    one.vm.resize(machine_id, {"MEMORY": "1024", "CPU": "1", "VCPU": "2"}, True)
    one.vm.diskresize(machine_id, 0, "3000")
    clock.advance(10)
    one.vm.updateconf(machine_id, {"TEMPLATE": {"CONTEXT": {"FOO": "bar"}}}, 1)
    one.vm.rename(machine_id, "renamed")
    one.vm.update(machine_id, {"TEMPLATE": {"LABELS": "a,b"}}, 1)
    clock.advance(10)
    machine = one.vm.info(machine_id)
    assert (machine.NAME, machine.USER_TEMPLATE["LABELS"], machine.TEMPLATE["MEMORY"]) == ("renamed", "a,b", "1024")
    assert (machine.TEMPLATE["DISK"]["SIZE"], machine.TEMPLATE["CONTEXT"]["FOO"]) == ("3000", "bar")
    one.vm.action("resume", machine_id)
    clock.advance(10)
    one.vm.detachnic(machine_id, 1)
    clock.advance(10)
    assert one.vm.info(machine_id).TEMPLATE["NIC"]["NETWORK"] == "public"
    one.vm.snapshotcreate(machine_id, "whole")
    clock.advance(10)
    assert one.vm.info(machine_id).TEMPLATE["SNAPSHOT"][0]["NAME"] == "whole"
    one.vm.monitoring(machine_id)
    one.vmpool.monitoring(-3, 0)
    one.vmpool.accounting(-3, -1, -1)
    one.vmpool.showback(-3, -1, -1, -1, -1)
    assert [vm.ID for vm in one.vmpool.infoextended(-3, 0, -100, -2).VM] == [machine_id]


def test_machines_that_failed(sandbox: Sandbox, one: pyone.OneServer, clock: ManualClock) -> None:
    sandbox.opennebula.drivers.fail("deploy")
    failed = one.vm.allocate(TEMPLATE, False)
    waiting = one.vm.allocate({"TEMPLATE": {**TEMPLATE["TEMPLATE"], "CPU": "1000"}}, False)
    clock.advance(10)
    assert (state(one, failed), state(one, waiting)) == ((3, 36), (1, 0))
    assert "DEPLOY" in one.vm.info(failed).USER_TEMPLATE["ERROR"]
    assert one.vm.info(waiting).USER_TEMPLATE["SCHED_MESSAGE"]
    assert {vm.ID for vm in one.vmpool.info(-3, -1, -1, -1).VM} == {failed, waiting}


def test_the_life_of_an_image(one: pyone.OneServer, clock: ManualClock) -> None:
    volume = one.image.allocate({"TEMPLATE": VOLUME}, 100)
    assert one.image.info(volume).STATE == 4
    clock.advance(10)
    copy = one.image.clone(volume, "copy", -1)
    assert (one.image.info(volume).STATE, one.image.info(copy).STATE) == (6, 4)
    clock.advance(10)
    one.image.persistent(copy, True)
    one.image.enable(copy, False)
    assert (one.image.info(copy).PERSISTENT, one.image.info(copy).STATE) == (1, 3)
    one.image.enable(copy, True)
    one.image.rename(copy, "renamed")
    one.image.update(copy, {"TEMPLATE": {"LABELS": "a"}}, 1)
    one.image.chtype(copy, "OS")
    one.image.chmod(copy, -1, -1, -1, 1, -1, -1, -1, -1, -1)
    image = one.image.info(copy)
    assert (image.NAME, image.TYPE, image.TEMPLATE["LABELS"], image.PERMISSIONS.GROUP_U) == ("renamed", 0, "a", 1)
    machine_id = one.vm.allocate(TEMPLATE, False)
    clock.advance(10)
    one.vm.attach(machine_id, {"TEMPLATE": {"DISK": {"IMAGE_ID": str(volume), "TARGET": "vdc"}}})
    clock.advance(10)
    one.vm.disksnapshotcreate(machine_id, 2, "first")
    clock.advance(10)
    one.vm.disksnapshotcreate(machine_id, 2, "second")
    clock.advance(10)
    one.vm.action("poweroff", machine_id)
    clock.advance(10)
    one.vm.disksnapshotrevert(machine_id, 2, 0)
    clock.advance(10)
    with pytest.raises(pyone.OneActionException, match="using it"):
        one.image.delete(volume)
    one.vm.detach(machine_id, 2)
    clock.advance(10)
    one.image.snapshotdelete(volume, 1)
    clock.advance(10)
    assert [each.NAME for each in one.image.info(volume).SNAPSHOTS.SNAPSHOT] == ["first"]
    for number in (volume, copy):
        one.image.delete(number)
    clock.advance(10)
    assert not {volume, copy} & {image.ID for image in one.imagepool.info(-3, -1, -1).IMAGE}


def test_the_life_of_a_template(one: pyone.OneServer, clock: ManualClock) -> None:
    number = one.template.allocate(TEMPLATE)
    one.template.rename(number, "renamed")
    one.template.update(number, {"TEMPLATE": {"LABELS": "a"}}, 1)
    one.template.chmod(number, -1, -1, -1, 1, -1, -1, -1, -1, -1)
    template = one.template.info(number)
    assert (template.NAME, template.TEMPLATE["LABELS"], template.PERMISSIONS.GROUP_U) == ("renamed", "a", 1)
    machine_id = one.template.instantiate(number, "", True, {"TEMPLATE": {"MEMORY": "64"}}, False)
    assert f"renamed-{machine_id}" == one.vm.info(machine_id).NAME
    one.template.delete(number)
    with pytest.raises(pyone.OneNoExistsException):
        one.template.info(number)
