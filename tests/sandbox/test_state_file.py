"""What survives a restart."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from stratuslab_libcloud.sandbox import ManualClock, Sandbox, VmState
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template
from stratuslab_libcloud.sandbox.state.disk import DiskFields, Visibility

from .conftest import wait_for

NIC = 'NIC=[NETWORK="public",NETWORK_UNAME=oneadmin]'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def sandbox_with(file: Path, clock: ManualClock, **options: object) -> Sandbox:
    return Sandbox(state_file=file, clock=clock, boot_seconds=3, **options)  # type: ignore[arg-type]


def test_machines_go_on_where_they_were(file: Path, clock: ManualClock) -> None:
    with sandbox_with(file, clock) as first:
        for _ in range(3):
            first.machines.allocate("alice", parse_template(f'NAME="a \\"name\\" {chr(10)}" {NIC}'))
        clock.advance(10)
        first.machines.act("alice", 0, "finalize")
        first.machines.act("alice", 1, "suspend")
        clock.advance(10)
        first.machines.allocate("bob", parse_template(NIC))
    with sandbox_with(file, clock) as second:
        assert [machine.state for machine in second.machines] == [
            VmState.DONE,
            VmState.SUSPENDED,
            VmState.ACTIVE,
            VmState.PENDING,
        ]
        for before, after in zip(first.machines, second.machines, strict=True):
            assert list(before.template) == list(after.template)
            assert before.history == after.history
            assert before.owner == after.owner
            assert before.life == after.life
        clock.advance(10)
        assert second.machines[3].is_running
        second.machines.act("alice", 1, "resume")
        clock.advance(10)
        assert second.machines[1].is_running


def test_addresses_stay_taken(file: Path, clock: ManualClock) -> None:
    with sandbox_with(file, clock) as first:
        address = first.machines.allocate("alice", parse_template(NIC)).nics[0]["IP"]
    with sandbox_with(file, clock) as second:
        assert second.machines[0].nics[0]["IP"] == address
        assert second.machines.allocate("alice", parse_template(NIC)).nics[0]["IP"] != address
        second.machines.act("alice", 0, "finalize")
        assert second.machines.allocate("alice", parse_template(NIC)).nics[0]["IP"] == address


def test_running_machines_are_told_to_listeners(file: Path, clock: ManualClock) -> None:
    with sandbox_with(file, clock) as first:
        first.machines.allocate("alice", parse_template(NIC))
        clock.advance(10)
    running = []

    class Listener:
        def machine_running(self, machine: object) -> None:
            running.append(machine)

        def machine_gone(self, machine: object) -> None:
            pass

    second = sandbox_with(file, clock)
    second.state.listen(Listener())
    with second:
        second.state.run_due_steps()
        assert running == [second.machines[0]]


def test_disks_and_mounts_stay(file: Path, clock: ManualClock) -> None:
    with sandbox_with(file, clock) as first:
        disk = first.disks.create("alice", DiskFields(size=7, tag="ü", visibility=Visibility.PUBLIC), b"\x00\xff")
        first.disks.attach("alice", disk.uuid, node="n", vm_id="3", register_only=True)
    with sandbox_with(file, clock) as second:
        assert second.disks.get(disk.uuid) == disk
        assert second.disks.mounts(disk.uuid) == first.disks.mounts(disk.uuid)
        assert second.disks.mounts_of_machine("3") == first.disks.mounts_of_machine("3")


def test_the_marketplace_stays_as_it_was(file: Path, clock: ManualClock) -> None:
    with sandbox_with(file, clock) as first:
        pass
    clock.advance(1000)
    with sandbox_with(file, clock, empty_marketplace=True) as second:
        assert set(second.entries) == set(first.entries)
        assert {entry.document for entry in second.entries} == {entry.document for entry in first.entries}
        assert second.entries.behaviours() == first.entries.behaviours()


def test_the_file_is_kept_while_the_sandbox_runs_and_is_private(file: Path) -> None:
    with Sandbox(state_file=file) as sandbox:
        sandbox.machines.allocate("alice", parse_template('NAME="soon"'))
        assert wait_for(lambda: file.exists() and "soon" in file.read_text())
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert {path.name for path in file.parent.iterdir()} == {file.name, f".{file.name}.lock"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"version": 99}',
        '{"version": 1}',
        '{"version": 1, "public_network": "x"}',
        '{"version": 1, "public_network": "127.1.2.0/24", "users": [], "entries": [{}]}',
        "no JSON",
        "\udcff",
        "[" * 100_000,
    ],
)
def test_another_file_is_not_touched(file: Path, content: str) -> None:
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=r"state\.json is not a file that this version"):
        Sandbox(state_file=file)
    assert file.read_bytes() == content.encode("utf-8", "surrogateescape")


def test_a_file_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no folder .*nowhere to keep a state file in"):
        Sandbox(state_file=tmp_path / "nowhere" / "state.json")
    with pytest.raises(ValueError, match="cannot be read: Is a directory"):
        Sandbox(state_file=tmp_path)


def test_a_file_that_cannot_be_written(file: Path) -> None:
    sandbox = Sandbox(state_file=file)
    (file.parent / f".{file.name}.lock").mkdir()
    with pytest.raises(ValueError, match=r"the state cannot be kept in .*: Is a directory"):
        sandbox.start()
    assert not file.exists()


def test_one_sandbox_at_a_time_has_the_file(file: Path) -> None:
    with Sandbox(state_file=file) as first:
        with pytest.raises(ValueError, match="another sandbox that is running keeps its state in"):
            Sandbox(state_file=file).start()
        first.machines.allocate("alice", parse_template("CPU=1"))
    with Sandbox(state_file=file) as second:
        assert len(second.machines) == 1


def test_nothing_that_another_has_kept_is_lost(file: Path) -> None:
    first = Sandbox(state_file=file)
    with Sandbox(state_file=file) as second:
        second.machines.allocate("alice", parse_template("CPU=1"))
    kept = file.read_text()
    with pytest.raises(ValueError, match=r"another sandbox has kept its state in .* in the meantime"):
        first.start()
    assert file.read_text() == kept


def test_a_sandbox_goes_on_with_its_own_file(file: Path) -> None:
    sandbox = Sandbox(state_file=file)
    for number in range(2):
        with sandbox:
            assert len(sandbox.machines) == number
            sandbox.machines.allocate("alice", parse_template("CPU=1"))


def test_one_that_was_killed_blocks_nobody(file: Path) -> None:
    program = (
        "import os, signal, sys; from stratuslab_libcloud.sandbox import Sandbox; "
        "Sandbox(state_file=sys.argv[1]).start(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(file)], check=False)
    assert done.returncode == -signal.SIGKILL
    with Sandbox(state_file=file):
        pass
