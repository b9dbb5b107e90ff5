"""Machines from templates: what replaces what."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import xmlrpc.client

import pytest

from stratuslab_libcloud.sandbox import ManualClock, Sandbox

from ...opennebula.conftest import Call, document

KIND = "Error allocating a new virtual machine template."


def instantiate(ask: Call, extra: str = "", name: str = "x") -> ET.Element:
    """The document of a machine made from the template 0."""
    return document(ask, ask("one.template.instantiate", 0, name, True, extra, False))


def test_a_machine_is_what_the_template_says(ask: Call) -> None:
    machine = instantiate(ask)
    template, user_template = machine.find("TEMPLATE"), machine.find("USER_TEMPLATE")
    assert template is not None
    assert user_template is not None
    assert [template.findtext(name) for name in ("CPU", "MEMORY", "VCPU", "TEMPLATE_ID")] == ["1", "256", "1", "0"]
    assert template.findtext("DISK/SIZE") == "1500"
    assert (user_template.findtext("LABELS"), user_template.findtext("LOGO")) == ("tpl", "images/debian.png")
    assert machine.findtext("UNAME") == "alice"


def test_the_key_of_the_user_is_put_in(ask: Call) -> None:
    ask("one.user.update", 2, 'SSH_PUBLIC_KEY="ssh-ed25519 ALICE"', 1)
    assert instantiate(ask).findtext("TEMPLATE/CONTEXT/SSH_PUBLIC_KEY") == "ssh-ed25519 ALICE"


@pytest.mark.parametrize(
    ("extra", "path", "texts"),
    [
        ("MEMORY=512 CPU=2", "TEMPLATE/MEMORY", ["512"]),
        ('CONTEXT=[SSH_PUBLIC_KEY="x"]', "TEMPLATE/CONTEXT/NETWORK", []),
        ("<T><CONTEXT><NETWORK>YES</NETWORK></CONTEXT></T>", "TEMPLATE/CONTEXT/SSH_PUBLIC_KEY", []),
        ("DISK=[IMAGE_ID=1]", "TEMPLATE/DISK/IMAGE_ID", ["1"]),
        ("NIC=[NETWORK_ID=1] NIC=[NETWORK_ID=2]", "TEMPLATE/NIC/NETWORK_ID", ["1", "2"]),
        ("NIC=[]", "TEMPLATE/NIC", []),
        ("DISK=[]", "TEMPLATE/DISK", []),
        ("LABELS=mine MARK=m-1", "USER_TEMPLATE/LABELS", ["mine"]),
        ('NAME="zzz"', "NAME", ["x"]),
        ("OS=[ARCH=i686]", "TEMPLATE/OS/ARCH", ["i686"]),
    ],
)
def test_an_attribute_replaces_all_of_its_name(ask: Call, extra: str, path: str, texts: list[str]) -> None:
    assert [found.text for found in instantiate(ask, extra).iterfind(path)] == texts


def test_a_machine_without_a_name_gets_the_templates_and_a_number(ask: Call) -> None:
    machine = instantiate(ask, name="")
    assert machine.findtext("NAME") == f"small-{machine.findtext('ID')}"


def test_how_many_arguments_it_takes(call: Call, release: str) -> None:
    for arguments in ((0, "y"), (0, "y", True, "MEMORY=512"), (0, "y", True, "", False)):
        assert call("alice", "one.template.instantiate", *arguments)[0]
    if release == "7.4":
        assert call("alice", "one.template.instantiate", 0, "y", True)[0]
    else:
        with pytest.raises(xmlrpc.client.Fault, match="Not enough parameters"):
            call("alice", "one.template.instantiate", 0, "y", True)
    with pytest.raises(xmlrpc.client.Fault, match="Not enough parameters"):
        call("alice", "one.template.instantiate", 0)


@pytest.mark.parametrize(
    ("arguments", "reason", "code"),
    [
        ((0, 'bad"name', True, "", False), f"{KIND} Invalid NAME, char '\"' is not allowed", 16384),
        ((0, "x", True, "MEMORY=abc", False), f"{KIND} MEMORY attribute must be a positive integer value.", 16384),
        ((999, "x", True, "", False), "Error getting virtual machine template [999].", 1024),
        (
            (0, "x", True, 'NIC=[NETWORK_ID=0,MAC="02:00:00:00:00:09"]', False),
            "User [2] : User Template includes a restricted attribute NIC.",
            512,
        ),
    ],
)
def test_what_is_refused(refusal: Call, arguments: tuple[object, ...], reason: str, code: int) -> None:
    assert refusal("one.template.instantiate", *arguments) == (reason, code)


def test_what_is_restricted_is_free_in_a_template_of_the_administrator(sandbox: Sandbox, ask: Call) -> None:
    mac = "02:00:7f:00:00:64"
    sandbox.opennebula.networks[0].ranges[0].mac = 0x02007F000000
    text = f'NAME=mac CPU=1 MEMORY=1 NIC=[NETWORK_ID=0,MAC="{mac}"] CONTEXT=[FILES="/etc/motd"] CPU_COST=1'
    number = ask("one.template.allocate", text, user="oneadmin")
    ask("one.template.chmod", number, 1, 1, 0, 1, 0, 0, 1, 0, 0, user="oneadmin")
    machine = document(ask, ask("one.template.instantiate", number, "x", True, "MEMORY=2", False))
    assert machine.findtext("TEMPLATE/NIC/MAC") == mac
    assert machine.findtext("TEMPLATE/CONTEXT/FILES") == "/etc/motd"


def test_user_inputs_are_neither_insisted_on_nor_filled_in(ask: Call) -> None:
    number = ask(
        "one.template.allocate", 'NAME=asks CPU=1 MEMORY=1 USER_INPUTS=[PW="M|password|Password",N="O|number|n||3"]'
    )
    machine = document(ask, ask("one.template.instantiate", number, "x", True, "", False))
    assert machine.find("USER_TEMPLATE/PW") is None
    assert machine.find("USER_TEMPLATE/N") is None
    assert machine.findtext("USER_TEMPLATE/USER_INPUTS/PW") == "M|password|Password"


def test_what_a_persistent_machine_leaves_behind_when_it_is_refused(ask: Call, refusal: Call) -> None:
    reason = f"{KIND} DISK 0: SIZE attribute is not supported for persistent image [3]."
    assert refusal("one.template.instantiate", 0, "mine", True, "", True) == (reason, 16384)
    assert "<NAME>mine</NAME>" in ask("one.templatepool.info", -3, -1, -1)
    assert "<NAME>mine-disk-0</NAME>" in ask("one.imagepool.info", -3, -1, -1)


def test_a_persistent_machine_has_disks_of_its_own(ask: Call, clock: ManualClock) -> None:
    template_id = ask("one.template.allocate", "NAME=mine CPU=1 MEMORY=1 DISK=[IMAGE_ID=0] DISK=[IMAGE_ID=1]")
    machine_id = ask("one.template.instantiate", template_id, "kept", False, "", True)
    disks = document(ask, machine_id).findall("TEMPLATE/DISK")
    assert [(disk.findtext("IMAGE"), disk.findtext("PERSISTENT")) for disk in disks] == [
        ("kept-disk-0", "YES"),
        ("rescue", None),
    ]


def test_templates_are_made_changed_and_removed(ask: Call, refusal: Call, call: Call) -> None:
    number = ask("one.template.allocate", "NAME=mine CPU=1 MEMORY=1")
    reason = f"{KIND} NAME is already taken by TEMPLATE {number}."
    assert refusal("one.template.allocate", "NAME=mine CPU=1") == (reason, 16384)
    assert refusal("one.template.allocate", "NAME=x CPU_COST=1")[1] == 512
    assert not call("bob", "one.template.info", number)[0]
    ask("one.template.chmod", number, 1, 1, 0, 1, 0, 0, 1, 0, 0)
    assert call("bob", "one.template.info", number, True)[0]
    ask("one.template.update", number, "MEMORY=2 LABELS=a", 1)
    ask("one.template.rename", number, "yours")
    assert refusal("one.template.rename", number, "a/b")[1] == 2048
    template = ET.fromstring(ask("one.template.info", number))
    assert template.findtext("NAME") == "yours"
    assert {e.tag: e.text for e in template.iterfind("TEMPLATE/*")} == {"CPU": "1", "LABELS": "a", "MEMORY": "2"}
    ask("one.template.delete", number)
    assert refusal("one.template.info", number)[1] == 1024


def test_groups_that_may_not_create_anything(sandbox: Sandbox, ask: Call, refusal: Call) -> None:
    group_id = ask("one.group.allocate", "bare", user="oneadmin")
    ask("one.user.allocate", "carol", "carolpw", "core", [group_id], user="oneadmin")
    for method, kind, *arguments in (
        ("one.vm.allocate", "VM", "CPU=1 MEMORY=1"),
        ("one.template.instantiate", "VM", 0, "x", False, ""),
        ("one.template.allocate", "TEMPLATE", "NAME=x"),
        ("one.image.allocate", "IMAGE", "NAME=x SIZE=1", 100),
    ):
        reason = f"User [4] : Not authorized to perform CREATE {kind}."
        assert refusal(method, *arguments, user="carol") == (reason, 512)
