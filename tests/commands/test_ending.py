"""stratus-kill-instance and stratus-shutdown-instance on the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest
from libcloud.compute.base import NodeImage

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.sandbox import Sandbox

from .conftest import RunCommand

pytestmark = pytest.mark.usefixtures("home_config")

COMMANDS = {"kill-instance": "Kill", "shutdown-instance": "Shutdown"}


@pytest.fixture
def three(home_config: Path) -> list[str]:
    """The ids of three machines."""
    driver = StratusLabNodeDriver()
    image = next(image for image in driver.list_images() if image.name == "ttylinux")
    nodes = driver.ex_create_nodes(["a", "b", "c"], None, NodeImage(image.id, image.id, driver))
    return [node.id for node in nodes]


@pytest.mark.parametrize("command", COMMANDS)
def test_it_is_silent(run_command: RunCommand, sandbox: Sandbox, three: list[str], command: str) -> None:
    assert run_command(command, three[0], three[2]) == (0, "", "")
    assert [request.operation for request in sandbox.requests].count("one.vm.action") == 2
    assert run_command("describe-instance", "-n", three[1]).out.splitlines()[1].startswith(f"{three[1]}   Running")
    for number in (three[0], three[2]):
        assert run_command("describe-instance", "-n", number).out.splitlines()[1].split()[1] in ("Done", "Epilog")


@pytest.mark.parametrize("command", COMMANDS)
def test_verbose(run_command: RunCommand, three: list[str], command: str) -> None:
    name = COMMANDS[command]
    said = run_command(command, "-v", *three[:2]).out
    assert said == (
        f'Sending "{name}" request for instance {three[0]}.\n'
        f'Sending "{name}" request for instance {three[1]}.\n'
        f'"{name}" 2 VMs: {three[0]}, {three[1]}\n'
    )
    assert run_command(command, "-v", three[2]).out.endswith(f'"{name}" 1 VM: {three[2]}\n')


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("end", ["", "\n"])
def test_ids_in_a_file(
    run_command: RunCommand, sandbox: Sandbox, three: list[str], tmp_path: Path, command: str, end: str
) -> None:
    (tmp_path / "ids.txt").write_text("\n".join(three[:2]) + end)
    assert run_command(command, "-i", tmp_path / "ids.txt", three[2]) == (0, "", "")
    assert run_command("describe-instance", "-n").out.splitlines()[1].startswith(f"{three[2]} ")


@pytest.mark.parametrize("command", COMMANDS)
def test_what_cannot_be_done(run_command: RunCommand, three: list[str], tmp_path: Path, command: str) -> None:
    status, out, err = run_command(command)
    assert (status, out) == (2, "")
    assert err.endswith("error: Missing vm-id or input file (-i/--input)\n")
    status, out, err = run_command(command, "-i", tmp_path / "missing.txt")
    assert (status, out, err) == (1, "", f"Error: {tmp_path}/missing.txt: No such file or directory\n")
    (tmp_path / "empty.txt").write_text("\n")
    assert run_command(command, "-i", tmp_path / "empty.txt").err.endswith("empty.txt contains no vm-id\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert run_command(command, "-i", tmp_path / "binary").err.endswith("binary is not a file of vm-ids\n")
    for unknown in ("4711", "abc"):
        status, out, err = run_command(command, unknown)
        assert (status, out) == (1, "")
        assert unknown in err


@pytest.mark.parametrize("command", COMMANDS)
def test_another_users_machine(
    run_command: RunCommand, sandbox: Sandbox, three: list[str], home_config: Path, command: str
) -> None:
    other, password = list(sandbox.users.items())[1]
    status, out, err = run_command(command, "-u", other, "-p", password, three[0])
    assert (status, out) == (1, "")
    assert "Not authorized" in err or "not allowed" in err


def test_a_machine_that_has_been_killed_may_be_killed_again(run_command: RunCommand, three: list[str]) -> None:
    assert run_command("kill-instance", three[0]).status == 0
    assert run_command("kill-instance", three[0]) == (0, "", "")


def test_a_machine_that_does_not_run_is_not_shut_down(run_command: RunCommand, three: list[str]) -> None:
    run_command("kill-instance", three[0])
    status, out, err = run_command("shutdown-instance", three[0])
    assert (status, out) == (1, "")
    assert "must be running" in err
