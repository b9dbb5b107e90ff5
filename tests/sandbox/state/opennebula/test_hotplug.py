"""What changes about a machine while it exists, with the states that it passes and what is refused."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from stratuslab_libcloud.sandbox import ManualClock, Sandbox

from ...opennebula.conftest import (
    POWEROFF,
    RUNNING,
    SMALL,
    SUSPENDED,
    UNDEPLOYED,
    Call,
    document,
    passed_states,
    states,
)


@pytest.fixture
def volume(ask: Call, clock: ManualClock) -> int:
    """A persistent volume of 10 MB."""
    number = int(ask("one.image.allocate", "NAME=data-1 TYPE=DATABLOCK PERSISTENT=YES SIZE=10", 100))
    clock.advance(10)
    return number


@pytest.fixture
def attached(ask: Call, clock: ManualClock, running: int, volume: int) -> int:
    """The volume, attached to the running machine as its disk 2."""
    ask("one.vm.attach", running, f"DISK=[IMAGE_ID={volume}]")
    clock.advance(10)
    return volume


def off(ask: Call, clock: ManualClock, machine_id: int, action: str = "poweroff") -> None:
    ask("one.vm.action", action, machine_id)
    clock.advance(10)


def disks(ask: Call, machine_id: int) -> dict[str, ET.Element]:
    """The disks of a machine, by number."""
    found = document(ask, machine_id).findall("TEMPLATE/DISK")
    return {disk.findtext("DISK_ID", ""): disk for disk in found}


def image_state(ask: Call, image_id: int) -> str:
    return ET.fromstring(ask("one.image.info", image_id)).findtext("STATE", "")


def test_attaching_shows_in_the_document_at_once(ask: Call, clock: ManualClock, running: int, volume: int) -> None:
    assert ask("one.vm.attach", running, f"DISK=[IMAGE_ID={volume}]") == running
    disk = disks(ask, running)["2"]
    assert (disk.findtext("ATTACH"), disk.findtext("TARGET")) == ("YES", "sdb")
    assert passed_states(ask, clock, running) == [(3, 17), RUNNING]
    assert disks(ask, running)["2"].find("ATTACH") is None
    assert image_state(ask, volume) == "8"


def test_attaching_to_a_machine_that_is_off(ask: Call, clock: ManualClock, running: int, volume: int) -> None:
    off(ask, clock, running)
    ask("one.vm.attach", running, f"<TEMPLATE><DISK><IMAGE_ID>{volume}</IMAGE_ID></DISK></TEMPLATE>")
    assert passed_states(ask, clock, running) == [(3, 33), POWEROFF]
    ask("one.vm.detach", running, 2)
    assert passed_states(ask, clock, running) == [(3, 34), POWEROFF]
    assert image_state(ask, volume) == "1"


def test_detaching(ask: Call, refusal: Call, clock: ManualClock, running: int, attached: int, release: str) -> None:
    assert ask("one.vm.detach", running, 2) == running
    assert disks(ask, running)["2"].findtext("ATTACH") == "YES"
    assert refusal("one.vm.detach", running, 2)[0] == (f"Could not detach disk from VM {running}, wrong state HOTPLUG.")
    assert refusal("one.image.delete", attached)[0] == "Cannot delete image. There are 1 VMs using it."
    clock.advance(10)
    assert list(disks(ask, running)) == ["0"]
    missing = {
        "6.10": "Could not detach disk with DISK_ID {}, it does not exist.",
        "7.4": "VM disk does not exist",
    }
    for number in (2, 1):  # 1 is the context
        assert refusal("one.vm.detach", running, number) == (missing[release].format(number), 2048)


def test_also_the_root_disk_of_a_running_machine_is_detached(ask: Call, clock: ManualClock, running: int) -> None:
    ask("one.vm.detach", running, 0)
    clock.advance(10)
    assert not disks(ask, running)


def test_numbers_of_disks_are_not_used_again(ask: Call, clock: ManualClock, running: int, attached: int) -> None:
    ask("one.vm.detach", running, 2)
    clock.advance(10)
    ask("one.vm.attach", running, f"DISK=[IMAGE_ID={attached}]")
    assert list(disks(ask, running)) == ["0", "3"]


@pytest.mark.parametrize("operation", ["attach", "detach"])
def test_what_a_driver_fails_is_undone_without_a_word(
    sandbox: Sandbox, ask: Call, clock: ManualClock, running: int, volume: int, operation: str
) -> None:
    sandbox.opennebula.drivers.fail(operation)
    ask("one.vm.attach", running, f"DISK=[IMAGE_ID={volume}]")
    clock.advance(10)
    if operation == "detach":
        ask("one.vm.detach", running, 2)
        clock.advance(10)
    assert states(ask, running) == RUNNING
    assert list(disks(ask, running)) == (["0"] if operation == "attach" else ["0", "2"])
    assert image_state(ask, volume) == ("1" if operation == "attach" else "8")
    assert document(ask, running).find("USER_TEMPLATE/ERROR") is None


def test_attaching_while_something_is_under_way(ask: Call, refusal: Call, running: int, volume: int) -> None:
    ask("one.vm.attach", running, f"DISK=[IMAGE_ID={volume}]")
    reason = f"Could not attach a new disk to VM {running}, wrong state HOTPLUG."
    assert refusal("one.vm.attach", running, "DISK=[IMAGE_ID=0]") == (reason, 2048)
    reason = f'Error performing action "terminate-hard": Could not terminate VM {running}, wrong state HOTPLUG.'
    assert refusal("one.vm.action", "terminate-hard", running) == (reason, 2048)


@pytest.mark.parametrize(
    ("disk", "reason"),
    [
        ("IMAGE_ID=999", "Image with ID: 999 does not exist"),
        ("IMAGE_ID=0,TARGET=sda", "Target sda is already in use."),
        ("IMAGE_ID={attached}", "Cannot acquire image {attached}, it is persistent and already in use"),
        ("IMAGE_ID={locked}", "Cannot acquire image {locked}, it is locked"),
        ("IMAGE_ID={disabled}", "Cannot acquire image {disabled}, it is in state: DISABLED"),
        ("IMAGE_ID={failed}", "Cannot acquire image {failed}, it is in state: ERROR"),
        ("IMAGE_ID={cloned}", "Cannot acquire image {cloned}, it is in state: CLONE"),
    ],
)
def test_what_cannot_be_attached(
    sandbox: Sandbox, ask: Call, refusal: Call, clock: ManualClock, running: int, attached: int, disk: str, reason: str
) -> None:
    def image(name: str) -> int:
        return int(ask("one.image.allocate", f"NAME={name} TYPE=DATABLOCK SIZE=1 PERSISTENT=YES", 100))

    sandbox.opennebula.drivers.fail("mkfs")
    numbers = {"attached": attached, "failed": image("failed"), "disabled": image("disabled"), "cloned": image("c")}
    clock.advance(10)
    ask("one.image.enable", numbers["disabled"], False)
    ask("one.image.clone", numbers["cloned"], "copy")
    numbers["locked"] = image("locked")
    assert refusal("one.vm.attach", running, f"DISK=[{disk.format(**numbers)}]") == (reason.format(**numbers), 2048)
    assert states(ask, running) == RUNNING


def test_a_volume_of_somebody_else(ask: Call, refusal: Call, clock: ManualClock, running: int) -> None:
    number = ask("one.image.allocate", "NAME=v TYPE=DATABLOCK SIZE=1", 100, user="bob")
    clock.advance(10)
    reason = f"User [2] : Not authorized to perform USE IMAGE [{number}]."
    assert refusal("one.vm.attach", running, f"DISK=[IMAGE_ID={number}]") == (reason, 512)


@pytest.mark.parametrize(
    ("disk", "target", "size"),
    [
        ("IMAGE_ID=0,TARGET=vdz", "vdz", "1024"),
        ("IMAGE_ID=0,DEV_PREFIX=vd", "vda", "1024"),
        ("TYPE=fs,SIZE=100,FORMAT=raw", "sdb", "100"),
    ],
)
def test_devices(ask: Call, running: int, disk: str, target: str, size: str) -> None:
    ask("one.vm.attach", running, f"DISK=[{disk}]")
    found = disks(ask, running)["2"]
    assert (found.findtext("TARGET"), found.findtext("SIZE")) == (target, size)


def test_the_end_of_a_machine_sets_its_volume_free(ask: Call, clock: ManualClock, running: int, attached: int) -> None:
    off(ask, clock, running, "terminate-hard")
    assert image_state(ask, attached) == "1"
    assert ET.fromstring(ask("one.image.info", attached)).find("VMS/ID") is None


# NICs


def test_nics_are_attached_and_detached(ask: Call, refusal: Call, clock: ManualClock, running: int) -> None:
    ask("one.vm.attachnic", running, "NIC=[NETWORK_ID=0]")
    assert passed_states(ask, clock, running) == [(3, 25), RUNNING]
    nics = document(ask, running).findall("TEMPLATE/NIC")
    assert [nic.findtext("NIC_ID") for nic in nics] == ["0", "1", "2"]
    assert document(ask, running).findtext("TEMPLATE/CONTEXT/ETH2_IP") == nics[2].findtext("IP")
    ask("one.vm.detachnic", running, 2)
    assert passed_states(ask, clock, running) == [(3, 25), RUNNING]
    assert document(ask, running).find("TEMPLATE/CONTEXT/ETH2_IP") is None
    assert refusal("one.vm.detachnic", running, 2) == ("NIC with NIC_ID 2 does not exist.", 2048)
    off(ask, clock, running)
    ask("one.vm.attachnic", running, "NIC=[NETWORK_ID=0]")
    assert passed_states(ask, clock, running) == [(3, 65), POWEROFF]


def test_an_alias_goes_with_its_nic(
    sandbox: Sandbox, ask: Call, refusal: Call, clock: ManualClock, running: int
) -> None:
    for parent in ("NIC1", "NIC1", "NIC0"):
        ask("one.vm.attachnic", running, f"NIC_ALIAS=[NETWORK_ID=0,PARENT={parent}]")
        clock.advance(10)
    template = document(ask, running).find("TEMPLATE")
    assert template is not None
    aliases = [(a.findtext("NAME"), a.findtext("ALIAS_ID")) for a in template.iterfind("NIC_ALIAS")]
    assert aliases == [("NIC1_ALIAS2", "0"), ("NIC1_ALIAS3", "1"), ("NIC0_ALIAS4", "0")]
    assert [nic.findtext("ALIAS_IDS") for nic in template.iterfind("NIC")] == ["4", "2,3"]
    assert len(ET.fromstring(ask("one.vmpool.info", -3, -1, -1, -1)).findall("VM/TEMPLATE/NIC")) == 5
    ask("one.vm.detachnic", running, 2)
    clock.advance(10)
    ask("one.vm.detachnic", running, 1)
    clock.advance(10)
    template = document(ask, running).find("TEMPLATE")
    assert template is not None
    assert [a.findtext("NAME") for a in template.iterfind("NIC_ALIAS")] == ["NIC0_ALIAS4"]
    assert len(sandbox.opennebula.networks[0].ranges[0].leases) == 2
    assert refusal("one.vm.attachnic", running, "NIC_ALIAS=[NETWORK_ID=0,PARENT=NIC9]")[1] == 2048


@pytest.mark.parametrize("operation", ["attachnic", "detachnic"])
def test_nics_that_a_driver_fails(
    sandbox: Sandbox, ask: Call, clock: ManualClock, running: int, operation: str
) -> None:
    sandbox.opennebula.drivers.fail(operation)
    ask("one.vm.attachnic", running, "NIC=[NETWORK_ID=0]")
    clock.advance(10)
    if operation == "detachnic":
        ask("one.vm.detachnic", running, 2)
        clock.advance(10)
    nics = document(ask, running).findall("TEMPLATE/NIC")
    assert len(nics) == (2 if operation == "attachnic" else 3)
    assert all(nic.find("ATTACH") is None for nic in nics)


# Capacity


def test_resizing(ask: Call, refusal: Call, clock: ManualClock, running: int) -> None:
    ask("one.vm.resize", running, "MEMORY=64 CPU=0.2 VCPU=1", True)
    assert passed_states(ask, clock, running) == [(3, 66), RUNNING]
    template = document(ask, running).find("TEMPLATE")
    assert template is not None
    assert [template.findtext(name) for name in ("MEMORY", "CPU", "VCPU")] == ["64", "0.2", "1"]
    assert "<MEMORY>64</MEMORY>" in ask("one.vmpool.info", -3, -1, -1, -1)
    off(ask, clock, running)
    ask("one.vm.resize", running, "MEMORY=128")
    assert states(ask, running) == POWEROFF
    assert document(ask, running).findtext("TEMPLATE/MEMORY") == "128"
    text, code = refusal("one.vm.resize", running, "MEMORY=999999999", False)
    assert (text[:37], code) == ("Not enough memory: 1023999998976/2684", 2048)
    assert refusal("one.vm.resize", running, "CPU=1000")[1] == 2048
    assert refusal("one.vm.resize", running, "MEMORY=x")[1] == 8192


def test_a_machine_that_starts_cannot_be_resized(ask: Call, refusal: Call, clock: ManualClock) -> None:
    machine_id = ask("one.vm.allocate", SMALL, False)
    clock.advance(1.5)
    assert refusal("one.vm.resize", machine_id, "MEMORY=1") == ("Resize is not available for state PROLOG", 2048)


def test_disks_grow_only(
    ask: Call, refusal: Call, clock: ManualClock, running: int, attached: int, release: str
) -> None:
    result = {"6.10": 2, "7.4": running}[release]
    assert ask("one.vm.diskresize", running, 2, "3000") == result
    assert passed_states(ask, clock, running) == [(3, 62), RUNNING]
    assert disks(ask, running)["2"].findtext("SIZE") == "3000"
    assert ET.fromstring(ask("one.image.info", attached)).findtext("SIZE") == "3000"
    reason = "New disk size has to be greater than current one"
    assert refusal("one.vm.diskresize", running, 0, "100") == (reason, 2048)
    assert refusal("one.vm.diskresize", running, 0, "many")[1] == 2048
    assert refusal("one.vm.diskresize", running, 9, "100")[1] == 2048
    off(ask, clock, running)
    ask("one.vm.diskresize", running, 0, "2000")
    assert passed_states(ask, clock, running) == [(3, 63), POWEROFF]


# Saving disks


@pytest.mark.parametrize(
    ("action", "passed"),
    [
        (None, [(3, 26), RUNNING]),
        ("poweroff", [(3, 27), POWEROFF]),
        ("suspend", [(3, 28), SUSPENDED]),
        ("undeploy", [(3, 67), UNDEPLOYED]),
        ("stop", [(3, 68), (4, 0)]),
    ],
)
def test_saving_a_disk_as_an_image(
    ask: Call, clock: ManualClock, running: int, action: str | None, passed: list[tuple[int, int]]
) -> None:
    if action:
        off(ask, clock, running, action)
    number = ask("one.vm.disksaveas", running, 0, "golden", "", -1)
    assert image_state(ask, number) == "4"
    assert passed_states(ask, clock, running) == passed
    image = ET.fromstring(ask("one.image.info", number))
    assert [image.findtext(name) for name in ("STATE", "TYPE", "PERSISTENT", "SIZE")] == ["1", "0", "0", "1024"]
    saved = {name: image.findtext(f"TEMPLATE/SAVED_{name}_ID") for name in ("VM", "DISK", "IMAGE")}
    assert saved == {"VM": str(running), "DISK": "0", "IMAGE": "0"}


def test_what_cannot_be_saved(ask: Call, refusal: Call, clock: ManualClock, running: int) -> None:
    missing = ("Cannot use DISK. DISK does not exist.", 8192)
    assert refusal("one.vm.disksaveas", running, 55, "g", "", -1) == missing
    assert refusal("one.vm.disksaveas", running, 1, "g", "", -1) == missing
    assert refusal("one.vm.disksaveas", running, 0, "g", "NOTHING", -1)[1] == 8192
    number = ask("one.vm.disksaveas", running, 0, "g", "DATABLOCK", -1)
    clock.advance(10)
    assert ET.fromstring(ask("one.image.info", number)).findtext("TYPE") == "2"
    reason = f"Error allocating a new image. NAME is already taken by IMAGE {number}."
    assert refusal("one.vm.disksaveas", running, 0, "g", "", -1) == (reason, 16384)
    held = ask("one.vm.allocate", f"{SMALL} DISK=[IMAGE_ID=0]", True)
    reason = "VM has to be RUNNING, POWEROFF or SUSPENDED to save disks."
    assert refusal("one.vm.disksaveas", held, 0, "h", "", -1) == (reason, 8192)


def test_a_disk_that_could_not_be_saved(sandbox: Sandbox, ask: Call, clock: ManualClock, running: int) -> None:
    sandbox.opennebula.drivers.fail("saveas")
    number = ask("one.vm.disksaveas", running, 0, "golden", "", -1)
    clock.advance(10)
    assert image_state(ask, number) == "5"
    assert states(ask, running) == RUNNING


def test_saved_disks_are_persistent_if_the_user_wants_that(ask: Call, clock: ManualClock, running: int) -> None:
    ask("one.user.update", 2, "OPENNEBULA=[DEFAULT_IMAGE_PERSISTENT=YES]", 1)
    number = ask("one.vm.disksaveas", running, 0, "golden", "", -1)
    assert ET.fromstring(ask("one.image.info", number)).findtext("PERSISTENT") == "1"


# Snapshots


def test_snapshots_of_a_volume(
    ask: Call, refusal: Call, clock: ManualClock, running: int, attached: int, release: str
) -> None:
    for number, name in enumerate(("vsnap1", "vsnap2")):
        assert ask("one.vm.disksnapshotcreate", running, 2, name) == number
        assert passed_states(ask, clock, running) == [(3, 57), RUNNING]
    snapshots = document(ask, running).find("SNAPSHOTS")
    assert snapshots is not None
    assert snapshots.findtext("DISK_ID") == "2"
    assert [(s.findtext("ID"), s.findtext("ACTIVE")) for s in snapshots.iterfind("SNAPSHOT")] == [
        ("0", None),
        ("1", "YES"),
    ]
    reason = f"Could not revert to disk snapshot for VM {running}, wrong state RUNNING."
    assert refusal("one.vm.disksnapshotrevert", running, 2, 0) == (reason, 2048)
    reason = "Cannot delete snapshot 0 for persistent disk images"
    assert refusal("one.vm.disksnapshotdelete", running, 2, 0) == (reason, 2048)
    assert ask("one.vm.disksnapshotrename", running, 2, 1, "nn") == running
    off(ask, clock, running)
    assert ask("one.vm.disksnapshotrevert", running, 2, 0) == running
    assert passed_states(ask, clock, running) == [(3, 52), POWEROFF]
    ask("one.vm.detach", running, 2)
    clock.advance(10)
    image = ET.fromstring(ask("one.image.info", attached))
    names = [(s.findtext("NAME"), s.findtext("ACTIVE")) for s in image.iterfind("SNAPSHOTS/SNAPSHOT")]
    assert names == [("vsnap1", "YES"), ("nn", None)]
    assert refusal("one.image.clone", attached, "copy") == ("Cannot clone images with snapshots", 2048)
    assert refusal("one.image.persistent", attached, False)[1] == 8192
    assert refusal("one.image.snapshotdelete", attached, 0) == ("Cannot delete the active snapshot", 2048)
    assert refusal("one.image.snapshotdelete", attached, 7) == ("Snapshot does not exist", 2048)
    assert ask("one.image.snapshotdelete", attached, 1) == {"6.10": 1, "7.4": attached}[release]
    assert refusal("one.image.snapshotflatten", attached, 0)[0] == "Cannot flatten snapshot in state LOCKED"
    clock.advance(10)
    assert ask("one.image.snapshotrevert", attached, 0) == {"6.10": 0, "7.4": attached}[release]
    clock.advance(10)
    image = ET.fromstring(ask("one.image.info", attached))
    assert [s.findtext("ID") for s in image.iterfind("SNAPSHOTS/SNAPSHOT")] == ["0"]


def test_snapshots_of_a_root_disk(ask: Call, refusal: Call, clock: ManualClock, running: int, release: str) -> None:
    for _ in range(2):
        ask("one.vm.disksnapshotcreate", running, 0, "s")
        clock.advance(10)
    assert disks(ask, running)["0"].findtext("DISK_SNAPSHOT_TOTAL_SIZE") == "2048"
    assert refusal("one.vm.disksnapshotdelete", running, 0, 1) == ("Cannot delete the active snapshot", 2048)
    assert refusal("one.vm.disksnapshotdelete", running, 0, 0) == ("Cannot delete snapshot with children", 2048)
    off(ask, clock, running)
    ask("one.vm.disksnapshotrevert", running, 0, 0)
    clock.advance(10)
    assert ask("one.vm.disksnapshotdelete", running, 0, 1) == {"6.10": 1, "7.4": running}[release]
    assert passed_states(ask, clock, running) == [(3, 53), POWEROFF]
    assert disks(ask, running)["0"].findtext("DISK_SNAPSHOT_TOTAL_SIZE") == "1024"
    ask("one.vm.disksnapshotcreate", running, 0, "t")
    assert passed_states(ask, clock, running) == [(3, 51), POWEROFF]
    assert refusal("one.vm.disksnapshotcreate", running, 9, "t")[1] == 2048


def test_snapshots_of_the_machine(ask: Call, refusal: Call, clock: ManualClock, running: int, release: str) -> None:
    nothing = {"6.10": -1, "7.4": running}[release]
    assert ask("one.vm.snapshotcreate", running, "sys1") == 0
    assert passed_states(ask, clock, running) == [(3, 24), RUNNING]
    assert ask("one.vm.snapshotcreate", running, "") == 1
    clock.advance(10)
    assert ask("one.vm.snapshotrevert", running, 0) == nothing
    clock.advance(10)
    snapshots = document(ask, running).findall("TEMPLATE/SNAPSHOT")
    found = [(s.findtext("NAME"), s.findtext("ACTIVE")) for s in snapshots]
    assert found == [("sys1", "YES"), ("snapshot-1", "NO")]
    assert ask("one.vm.snapshotdelete", running, 0) == nothing
    clock.advance(10)
    assert len(document(ask, running).findall("TEMPLATE/SNAPSHOT")) == 1
    assert refusal("one.vm.snapshotdelete", running, 0)[1] == 2048
    off(ask, clock, running)
    assert refusal("one.vm.snapshotcreate", running, "x")[1] == 2048
