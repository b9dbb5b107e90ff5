"""The disks that machines start with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stratuslab_libcloud.sandbox import Machine, ManualClock, Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template
from stratuslab_libcloud.sandbox.state.disk import DiskFields, DiskType

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


def test_a_machine_starts_with_a_disk_and_gives_it_back(sandbox: Sandbox, clock: ManualClock, start: Start) -> None:
    uuid = sandbox.disks.create("alice", DiskFields(size=1)).uuid
    machine = start("x", f"pdisk:{sandbox.disks_url}/{uuid}")
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
    machine = start("x", f"pdisk:h/{uuid}")
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
