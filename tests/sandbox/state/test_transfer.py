"""The disks that machines start with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stratuslab_libcloud.sandbox import Machine, ManualClock, Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template
from stratuslab_libcloud.sandbox.state.disk import Disk, DiskFields, DiskType

Start = Callable[..., Machine]


@pytest.fixture
def start(sandbox: Sandbox, clock: ManualClock) -> Start:
    """Creates a machine of alice's with disks from these sources, and waits until it runs or has failed."""

    def start(*sources: str) -> Machine:
        template = parse_template("".join(f'DISK=[SOURCE="{source}"]' for source in sources))
        machine = sandbox.machines.allocate("alice", template)
        clock.advance(10)
        return machine

    return start


def identifier_of(sandbox: Sandbox, title: str) -> str:
    return next(entry for entry in sandbox.entries if entry.title == title).identifier


def test_a_machines_root_disk_is_a_copy_that_stays_behind(sandbox: Sandbox, clock: ManualClock, start: Start) -> None:
    machine = start(f"{sandbox.marketplace_url}/metadata/{identifier_of(sandbox, 'Fedora 20 cloud')}")
    assert machine.is_running
    (copy,) = sandbox.disks.owned_by("alice")
    assert copy.identifier.startswith("snapshot:")
    sandbox.machines.act("alice", machine.id, "finalize")
    clock.advance(10)
    assert sandbox.disks.owned_by("alice") == []
    left = sandbox.disks.get(copy.uuid)
    assert left is not None
    assert left.quarantine


@pytest.mark.parametrize(
    ("title", "message"),
    [("Broken boot", "Error deploying virtual machine: "), ("Broken prolog", "Error executing image transfer")],
)
def test_broken_images_fail(sandbox: Sandbox, start: Start, title: str, message: str) -> None:
    machine = start(f"https://x.example/metadata/{identifier_of(sandbox, title)}")
    assert machine.state.name == "FAILED"
    assert machine.template.vectors("ERROR")[0]["MESSAGE"].startswith(message)


def test_an_image_that_the_marketplace_does_not_know_fails(sandbox: Sandbox, start: Start) -> None:
    machine = start(f"{sandbox.marketplace_url}/metadata/AAAAAAAAAAAAAAAAAAAAAAAAAAA")
    assert machine.state.name == "FAILED"


@pytest.mark.parametrize("source", ["/images/of/the/site.img", "no image", "A" * 27])
def test_a_source_that_is_neither_an_image_nor_a_disk_fails(sandbox: Sandbox, start: Start, source: str) -> None:
    machine = start(source)
    assert (machine.state.name, machine.history[-1].running) == ("FAILED", [0, 0])
    assert machine.template.vectors("ERROR")[0]["MESSAGE"] == (
        f"Error executing image transfer script: the source '{source}' is neither an image of a Marketplace nor a disk"
    )
    assert start("https://x.example/a.img").is_running


def test_a_machine_starts_with_a_disk_and_gives_it_back(sandbox: Sandbox, clock: ManualClock, start: Start) -> None:
    uuid = sandbox.disks.create("alice", DiskFields(size=1)).uuid
    machine = start("https://x.example/a.img", f"pdisk:{sandbox.disks_url}/{uuid}")
    assert [(mount.vm_id, mount.device) for mount in sandbox.disks.mounts(uuid)] == [(str(machine.id), "static")]
    sandbox.machines.act("alice", machine.id, "finalize")
    clock.advance(10)
    assert sandbox.disks.mounts(uuid) == []


@pytest.mark.parametrize("what", ["missing", "private", "origin"])
def test_a_machine_fails_when_it_cannot_have_its_disk(sandbox: Sandbox, start: Start, what: str) -> None:
    uuid = {
        "missing": lambda: "00000000-0000-0000-0000-000000000000",
        "private": lambda: sandbox.disks.create("bob", DiskFields(size=1)).uuid,
        "origin": lambda: sandbox.disks.create("alice", DiskFields(size=1, type=DiskType.MACHINE_IMAGE_ORIGIN)).uuid,
    }[what]()
    machine = start("https://x.example/a.img", f"pdisk:h/{uuid}")
    assert machine.state.name == "FAILED"
    assert uuid in machine.template.vectors("ERROR")[0]["MESSAGE"]


def test_what_was_attached_to_a_killed_machine_is_free(sandbox: Sandbox, clock: ManualClock, start: Start) -> None:
    machine = start()
    uuid = sandbox.disks.create("alice", DiskFields(size=1)).uuid
    node = machine.history[-1].host.name
    sandbox.disks.attach("alice", uuid, node=node, vm_id=str(machine.id), register_only=False)
    sandbox.machines.act("alice", machine.id, "finalize")
    clock.advance(10)
    sandbox.disks.delete("alice", uuid)


# Saved machines

CREATE_IMAGE = "CREATOR_NAME=Jane,CREATOR_EMAIL=jane@example.org,NEWIMAGE_TITLE=Mine,NEWIMAGE_COMMENT=changed"


@pytest.fixture
def save(sandbox: Sandbox, clock: ManualClock) -> Callable[..., Machine]:
    """Creates a machine that is to be saved, and lets it end."""

    def save(title: str = "Ubuntu 14.04 web server", *, more: str = "", action: str = "shutdown") -> Machine:
        source = f"{sandbox.marketplace_url}/metadata/{identifier_of(sandbox, title)}"
        machine = sandbox.machines.allocate(
            "alice",
            parse_template(
                f"DISK=[SOURCE={source},SAVE=yes,DRIVER=qcow2,TARGET=sda] CREATE_IMAGE=[{CREATE_IMAGE}{more}]"
            ),
        )
        clock.advance(10)
        sandbox.machines.act("alice", machine.id, action)
        clock.advance(10)
        return machine

    return save


def saved_disks(sandbox: Sandbox) -> list[Disk]:
    """Those of images that were made of machines."""
    return [d for d in sandbox.disks.owned_by("alice") if d.type == DiskType.MACHINE_IMAGE_ORIGIN]


@pytest.mark.parametrize("action", ["shutdown", "cancel"])
def test_an_image_is_made_of_a_machine_that_ends(sandbox: Sandbox, save: Any, clock: ManualClock, action: str) -> None:
    machine = save(action=action)
    assert machine.state.name == "DONE"
    (disk,) = saved_disks(sandbox)
    (entry,) = (entry for entry in sandbox.entries.select() if entry.title == "Mine")
    assert (entry.identifier, entry.locations) == (disk.identifier, (f"pdisk:{sandbox.disks_url}/{disk.uuid}",))
    assert (entry.description, entry.os, entry.os_version, entry.size) == ("changed", "Ubuntu", "14.04", 3 * 2**30)
    for text in ("<slterms:inbound-port>443<", "<slterms:disks-bus>scsi<", "<dcterms:format>qcow2<", ">Jane<"):
        assert text in entry.document
    assert sandbox.entries.select(where="pdisk") == [entry]
    clock.advance(2 * 86400)
    assert entry not in sandbox.entries.select()


def test_a_killed_machine_is_not_saved(sandbox: Sandbox, save: Any) -> None:
    count = len(sandbox.entries)
    save(action="finalize")
    assert (len(sandbox.entries), saved_disks(sandbox)) == (count, [])


def test_each_saved_image_is_another_one_and_can_be_started(sandbox: Sandbox, save: Any, start: Start) -> None:
    save("ttylinux")
    save("ttylinux")
    first, second = (disk.identifier for disk in saved_disks(sandbox))
    assert first != second
    machine = start(f"{sandbox.marketplace_url}/metadata/{first}")
    assert machine.is_running
    assert not sandbox.state.transfer.behaviour_of(machine).sftp
    theirs = sandbox.machines.allocate("bob", machine.template.copy())
    sandbox.clock.advance(10)  # type: ignore[attr-defined]  # it is a ManualClock
    assert "is private" in theirs.template.vectors("ERROR")[0]["MESSAGE"]


def test_another_marketplace_is_not_told(sandbox: Sandbox, save: Any, caplog: pytest.LogCaptureFixture) -> None:
    save(more=",NEWIMAGE_MARKETPLACE=https://marketplace.example.org/")
    assert len(saved_disks(sandbox)) == 1
    assert [entry for entry in sandbox.entries if entry.title == "Mine"] == []
    assert "https://marketplace.example.org is not told" in caplog.text
    save(more=f",NEWIMAGE_MARKETPLACE={sandbox.marketplace_url}/")
    assert [entry.title for entry in sandbox.entries if entry.title == "Mine"] == ["Mine"]


def test_a_machine_without_a_root_disk_of_its_own_cannot_be_saved(sandbox: Sandbox, clock: ManualClock) -> None:
    template = f"DISK=[SOURCE=https://x.example/metadata/{'A' * 27},SAVE=yes] CREATE_IMAGE=[{CREATE_IMAGE}]"
    machine = sandbox.machines.allocate("alice", parse_template(template))
    clock.advance(10)
    sandbox.machines.act("alice", machine.id, "shutdown")
    clock.advance(10)
    assert machine.state.name == "FAILED"
    assert "there is no root disk to be saved" in machine.template.vectors("ERROR")[0]["MESSAGE"]


@pytest.mark.parametrize("template", ["SAVE=no", "TYPE=block"])
def test_nothing_is_saved_that_was_not_to_be(sandbox: Sandbox, clock: ManualClock, template: str) -> None:
    source = f"{sandbox.marketplace_url}/metadata/{identifier_of(sandbox, 'ttylinux')}"
    machine = sandbox.machines.allocate(
        "alice", parse_template(f"DISK=[SOURCE={source},{template}] CREATE_IMAGE=[{CREATE_IMAGE}]")
    )
    clock.advance(10)
    sandbox.machines.act("alice", machine.id, "shutdown")
    clock.advance(10)
    assert machine.state.name == "DONE"
    assert saved_disks(sandbox) == []
