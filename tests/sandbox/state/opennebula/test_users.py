"""Users, groups, tokens and quotas."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from stratuslab_libcloud.sandbox import ManualClock, Sandbox

from ...opennebula.conftest import SMALL, Call, raw

ME = ("one.user.info", -1)


def test_a_token_stands_in_for_the_password(sandbox: Sandbox, ask: Call, clock: ManualClock) -> None:
    token = ask("one.user.login", "alice", "", 3600, -1)
    assert len(token) == 64
    assert raw(sandbox, f"alice:{token}", *ME)[0]
    assert not raw(sandbox, f"bob:{token}", *ME)[0]
    clock.advance(3601)
    assert raw(sandbox, f"alice:{token}", *ME)[1:3] == [
        "[one.user.info] User couldn't be authenticated, aborting call.",
        256,
    ]


def test_tokens_of_all_kinds(sandbox: Sandbox, ask: Call, clock: ManualClock) -> None:
    assert ask("one.user.login", "alice", "mytoken123", 600) == "mytoken123"
    forever = ask("one.user.login", "alice", "", -1, 1)
    me = ET.fromstring(ask(*ME))
    shown = [(t.findtext("TOKEN"), t.findtext("EGID")) for t in me.iterfind("LOGIN_TOKEN")]
    assert shown == [("mytoken123", "-1"), (forever, "1")]
    clock.advance(10**9)
    assert raw(sandbox, f"alice:{forever}", *ME)[0]
    assert ask("one.user.login", "alice", "", 0, -1) == ""
    assert not raw(sandbox, f"alice:{forever}", *ME)[0]


def test_tokens_of_others(ask: Call, refusal: Call) -> None:
    reason = "User [2] : Not authorized to perform MANAGE USER [3]."
    assert refusal("one.user.login", "bob", "", 600, -1) == (reason, 512)
    assert ask("one.user.login", "bob", "", 600, -1, user="oneadmin")
    assert refusal("one.user.login", "nobody", "", 600, -1)[1] == 1024


def test_a_user_sees_only_itself(ask: Call, refusal: Call) -> None:
    assert ET.fromstring(ask(*ME)).findtext("NAME") == "alice"
    reason = "User [2] : Not authorized to perform USE USER [0]."
    assert refusal("one.user.info", 0) == (reason, 512)
    assert refusal("one.user.info", 77) == ("Error getting user [77].", 1024)
    assert [u.findtext("NAME") for u in ET.fromstring(ask("one.userpool.info")).iterfind("USER")] == ["alice"]
    everybody = ET.fromstring(ask("one.userpool.info", user="oneadmin"))
    assert [u.findtext("NAME") for u in everybody.iterfind("USER")] == ["oneadmin", "serveradmin", "alice", "bob"]


def test_groups(ask: Call, refusal: Call) -> None:
    group = ET.fromstring(ask("one.group.info", -1))
    assert (group.findtext("NAME"), [i.text for i in group.iterfind("USERS/ID")]) == ("users", ["2", "3"])
    assert refusal("one.group.info", 0)[1] == 512
    assert refusal("one.group.info", 77)[1] == 1024
    assert [g.findtext("NAME") for g in ET.fromstring(ask("one.grouppool.info")).iterfind("GROUP")] == ["users"]
    assert refusal("one.group.allocate", "lab")[1] == 512
    assert ask("one.group.allocate", "lab", user="oneadmin") == 100


def test_users_are_added_by_administrators(sandbox: Sandbox, ask: Call, refusal: Call) -> None:
    assert refusal("one.user.allocate", "carol", "pw", "core", [])[1] == 512
    assert ask("one.user.allocate", "carol", "pw", "core", [], user="oneadmin") == 4
    assert refusal("one.user.allocate", "carol", "pw", "core", [], user="oneadmin")[1] == 16384
    assert ET.fromstring(raw(sandbox, "carol:pw", *ME)[1]).findtext("GNAME") == "users"


def test_updating_oneself(ask: Call, refusal: Call) -> None:
    ask("one.user.update", 2, 'SSH_PUBLIC_KEY="ssh-ed25519 ALICE alice@x"', 1)
    me = ET.fromstring(ask(*ME))
    assert {e.tag for e in me.iterfind("TEMPLATE/*")} == {"SSH_PUBLIC_KEY", "TOKEN_PASSWORD"}
    assert refusal("one.user.update", 3, "A=b", 1)[1] == 512


@pytest.mark.parametrize(
    ("limits", "first", "second", "resource"),
    [
        ("VM=[VMS=1]", SMALL, SMALL, "1 reached for VMS quota in VM"),
        ("VM=[RUNNING_VMS=1]", SMALL, SMALL, "1 reached for RUNNING_VMS quota in VM"),
        ("VM=[CPU=0.7]", SMALL, SMALL, "0.7 reached for CPU quota in VM"),
        ("VM=[MEMORY=1000]", SMALL, SMALL, "1000 reached for MEMORY quota in VM"),
        (
            "VM=[SYSTEM_DISK_SIZE=1500]",
            f"{SMALL} DISK=[IMAGE_ID=0]",
            f"{SMALL} DISK=[TYPE=fs,SIZE=1000]",
            "1500 reached for SYSTEM_DISK_SIZE quota in VM",
        ),
        (
            "NETWORK=[ID=0,LEASES=1] VM=[VMS=1]",
            f"{SMALL} NIC=[NETWORK_ID=0]",
            f"{SMALL} NIC=[NETWORK_ID=0]",
            "1 reached for LEASES quota in NETWORK with ID: 0",
        ),
        (
            "IMAGE=[ID=0,RVMS=1]",
            f"{SMALL} DISK=[IMAGE_ID=0]",
            f"{SMALL} DISK=[IMAGE_ID=0]",
            "1 reached for RVMS quota in IMAGE with ID: 0",
        ),
    ],
)
def test_quotas_of_machines(ask: Call, refusal: Call, limits: str, first: str, second: str, resource: str) -> None:
    ask("one.user.quota", 2, limits, user="oneadmin")
    machine_id = ask("one.vm.allocate", first, True)
    reason = f"User [2] : user [2] limit of {resource}."
    assert refusal("one.vm.allocate", second, True) == (reason, 512)
    ask("one.vm.allocate", second, True, user="bob")
    ask("one.vm.action", "terminate-hard", machine_id)
    ask("one.vm.allocate", second, True)


def test_quotas_of_groups(ask: Call, refusal: Call) -> None:
    ask("one.group.quota", 1, "VM=[VMS=1]", user="oneadmin")
    ask("one.vm.allocate", SMALL, True)
    reason = "User [3] : group [1] limit of 1 reached for VMS quota in VM."
    assert refusal("one.vm.allocate", SMALL, True, user="bob") == (reason, 512)
    ask("one.group.quota", 1, "VM=[VMS=-2]", user="oneadmin")
    ask("one.vm.allocate", SMALL, True, user="bob")


def test_quotas_of_images(ask: Call, refusal: Call, clock: ManualClock) -> None:
    ask("one.user.quota", 2, "DATASTORE=[ID=100,IMAGES=1,SIZE=20]", user="oneadmin")
    template = "TYPE=DATABLOCK SIZE={} NAME={}"
    reason = "User [2] : user [2] limit of 20 reached for SIZE quota in DATASTORE with ID: 100."
    assert refusal("one.image.allocate", template.format(30, "v"), 100) == (reason, 512)
    number = ask("one.image.allocate", template.format(10, "v"), 100)
    reason = "User [2] : user [2] limit of 1 reached for IMAGES quota in DATASTORE with ID: 100."
    assert refusal("one.image.allocate", template.format(1, "w"), 100) == (reason, 512)
    clock.advance(10)
    assert refusal("one.image.clone", number, "x") == (reason, 512)


def test_quotas_of_changes(ask: Call, refusal: Call, clock: ManualClock, running: int) -> None:
    ask(
        "one.user.quota",
        2,
        "VM=[MEMORY=600,SYSTEM_DISK_SIZE=1500] NETWORK=[ID=0,LEASES=1] DATASTORE=[ID=100,SIZE=20]",
        user="oneadmin",
    )
    for method, resource, *arguments in (
        ("one.vm.resize", "600 reached for MEMORY quota in VM", "MEMORY=700"),
        ("one.vm.attach", "1500 reached for SYSTEM_DISK_SIZE quota in VM", "DISK=[TYPE=fs,SIZE=1000]"),
        ("one.vm.attach", "1500 reached for SYSTEM_DISK_SIZE quota in VM", "DISK=[IMAGE_ID=0]"),
        ("one.vm.attachnic", "1 reached for LEASES quota in NETWORK with ID: 0", "NIC=[NETWORK_ID=0]"),
        ("one.vm.disksaveas", "20 reached for SIZE quota in DATASTORE with ID: 100", 0, "g", "", -1),
    ):
        reason = f"User [2] : user [2] limit of {resource}."
        assert refusal(method, running, *arguments) == (reason, 512)
    ask("one.vm.resize", running, "MEMORY=100")


def test_a_quota_at_resume_is_another_error(ask: Call, refusal: Call, clock: ManualClock, running: int) -> None:
    ask("one.vm.action", "poweroff", running)
    clock.advance(10)
    ask("one.user.quota", 2, "VM=[RUNNING_VMS=1]", user="oneadmin")
    ask("one.vm.allocate", SMALL, True)
    reason = "user [2] limit of 1 reached for RUNNING_VMS quota in VM"
    assert refusal("one.vm.action", "resume", running) == (reason, 2048)


def test_quotas_in_documents(ask: Call, refusal: Call) -> None:
    assert ET.fromstring(ask(*ME)).find("VM_QUOTA/VM") is None
    ask("one.vm.allocate", f"{SMALL} NIC=[NETWORK_ID=0]", True)
    me = ET.fromstring(ask(*ME))
    assert me.find("VM_QUOTA/VM") is None
    assert (me.findtext("NETWORK_QUOTA/NETWORK/LEASES"), me.findtext("NETWORK_QUOTA/NETWORK/LEASES_USED")) == (
        "-1",
        "1",
    )
    ask("one.user.quota", 2, "VM=[VMS=2]", user="oneadmin")
    quota = ET.fromstring(ask(*ME)).find("VM_QUOTA/VM")
    assert quota is not None
    assert [quota.findtext(name) for name in ("VMS", "VMS_USED", "CPU", "CPU_USED")] == ["2", "1", "-1", "0.50"]
    reason = "User [2] : Not authorized to perform ADMIN USER [2]."
    assert refusal("one.user.quota", 2, "VM=[VMS=9]") == (reason, 512)
    assert refusal("one.group.quota", 1, "VM=[VMS=9]")[1] == 512
    assert "<DEFAULT_USER_QUOTAS>" in ask("one.userquota.info")
    assert "<DEFAULT_GROUP_QUOTAS>" in ask("one.groupquota.info")


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ("VM=[VMS=x]", "Negative limit or bad format in quota VMS = x"),
        ("VM=[VMS=-3]", "Negative limit or bad format in quota VMS = -3"),
        ("NETWORK=[LEASES=1]", "Wrong ID in the quota of NETWORK: ''"),
        ("DATASTORE=[ID=z,SIZE=1]", "Wrong ID in the quota of DATASTORE: 'z'"),
    ],
)
def test_what_is_no_quota(refusal: Call, limits: str, reason: str) -> None:
    assert refusal("one.user.quota", 2, limits, user="oneadmin") == (reason, 8192)
