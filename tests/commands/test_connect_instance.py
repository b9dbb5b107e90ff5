"""stratus-connect-instance, with the system's ssh and the sandbox's machines."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from libcloud.compute.base import NodeImage

from stratus_commands import secure_shell
from stratus_commands.failures import CommandError
from stratus_commands.secure_shell import Target, run_session
from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.sandbox import Sandbox

from .conftest import DEFAULT_FILE, RunCommand

COMMAND = Path(sys.executable).with_name("stratus-connect-instance")
SSH = shutil.which("ssh")

pytestmark = pytest.mark.skipif(SSH is None, reason="ssh is not installed")


@pytest.fixture(autouse=True)
def ssh_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``ssh`` be the system's, with nothing of the user's own: no configuration, known hosts or agent."""
    folder = tmp_path / "bin"
    folder.mkdir()
    options = f"-F none -o UserKnownHostsFile={tmp_path}/known_hosts -o IdentitiesOnly=yes"
    (folder / "ssh").write_text(f'#!/bin/sh\nexec {SSH} {options} "$@"\n')
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The public half of a key pair whose name `strip('.pub')` would damage."""
    private = tmp_path / "pub.key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(private)], check=True)
    return private.with_name("pub.key.pub")


@pytest.fixture
def home_config(clean_environment: Path, sandbox: Sandbox, key_file: Path) -> Path:
    """As the sandbox writes it: where machines cannot have a port 22 of their own, it translates ports."""
    file = clean_environment / DEFAULT_FILE
    file.parent.mkdir(mode=0o700)
    return sandbox.write_config(file, public_key_file=key_file)


@pytest.fixture
def driver(home_config: Path) -> StratusLabNodeDriver:
    return StratusLabNodeDriver()


@pytest.fixture
def machine(driver: StratusLabNodeDriver) -> str:
    return start(driver)


def start(driver: StratusLabNodeDriver, **options: object) -> str:
    """The id of a running machine."""
    image = next(image for image in driver.list_images() if image.name == "ttylinux")
    node = driver.create_node("n", None, NodeImage(image.id, image.id, driver), **options)  # type: ignore[arg-type]
    [(node, _)] = driver.wait_until_running([node], ssh_interface="public_ips" if node.public_ips else "private_ips")
    return node.id


def connect(*arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
    words = [str(COMMAND), *map(str, arguments)]
    return subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=50, check=False)


@pytest.mark.parametrize("status", [0, 3, 255])
def test_the_exit_status_is_the_remote_one(machine: str, status: int) -> None:
    said = connect(machine, stdin=f"echo hello from the machine; exit {status}\n")
    assert (said.returncode, said.stdout) == (status, "hello from the machine\n")
    assert "does not answer" not in said.stderr


def test_two_machines(driver: StratusLabNodeDriver, machine: str) -> None:
    said = connect(machine, start(driver), stdin="echo ok; exit 4\n")
    assert (said.returncode, said.stdout) == (0, "ok\n")


def test_another_key(machine: str, key_file: Path, tmp_path: Path, driver: StratusLabNodeDriver) -> None:
    assert connect("-k", tmp_path / "pub.key", machine, stdin="echo ok\n").stdout == "ok\n"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    said = connect("-k", tmp_path / "other", machine)
    assert (said.returncode, said.stdout) == (255, "")
    assert "Permission denied" in said.stderr
    assert said.stderr.count("Permission denied") == 1


def test_verbose_says_what_is_called(machine: str, tmp_path: Path) -> None:
    said = connect("-v", machine, stdin="echo ok\n").stdout
    called = "-o ConnectTimeout=5 -o StrictHostKeyChecking=no -o NumberOfPasswordPrompts=3"
    assert re.fullmatch(rf"Calling: ssh -p \d+ {called} -i {tmp_path}/pub.key root@127[\d.]+\nok\n", said)


def test_at_a_terminal(machine: str) -> None:
    with pexpect.spawn(str(COMMAND), [machine], encoding="utf-8", timeout=30) as terminal:
        terminal.expect_exact("# ")
        terminal.sendline("echo hel''lo")
        terminal.expect_exact("hello\r\n")
        terminal.sendline("exit 3")
        terminal.expect_exact(pexpect.EOF)
    assert terminal.exitstatus == 3


def test_through_a_gateway(driver: StratusLabNodeDriver, sandbox: Sandbox, clean_environment: Path) -> None:
    machine = start(driver, ex_network="local")
    service = sandbox.compute_url.split("/")[2]
    options = ("--pat-enable", "--pat-service-host", service, "--pat-gateway-host", "127.0.0.1")
    said = connect(*options, machine, stdin="echo through the gateway; exit 5\n")
    assert (said.returncode, said.stdout) == (5, "through the gateway\n")
    with (clean_environment / DEFAULT_FILE).open("a") as file:
        file.write(f"port_translation = true\npat_service_host = {service}\npat_gateway_host = 127.0.0.1\n")
    assert connect(machine, stdin="exit 6\n").returncode == 6


def test_a_machine_that_does_not_answer_is_tried_again(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        target = Target("127.0.0.1", closed.getsockname()[1], "/nonexistent")
        assert run_session(target, pauses=(0.01, 0.01)) == 255
    assert capfd.readouterr().err.count("Connection refused") == 3


def test_without_ssh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="there is no ssh on this computer"):
        run_session(Target("127.0.0.1", 1, "k"))


def test_a_session_that_a_signal_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Target, "command", lambda _: ["sh", "-c", "kill -TERM $$"])
    assert run_session(Target("127.0.0.1", 1, "k")) == 143


def test_pauses_are_short() -> None:
    assert sum(secure_shell._PAUSES) < 10


@pytest.mark.parametrize(
    ("words", "status", "problem"),
    [
        ([], 2, "Please specify the vm-id"),
        (["4711"], 1, "4711"),
        (["-k", "/nonexistent", "0"], 2, "Private key `/nonexistent` does not exist"),
    ],
)
@pytest.mark.usefixtures("home_config")
def test_no_such_machine(run_command: RunCommand, words: list[str], status: int, problem: str) -> None:
    said = run_command("connect-instance", *words)
    assert (said.status, said.out) == (status, "")
    assert problem in said.err


@pytest.mark.usefixtures("home_config")
def test_a_machine_that_has_ended_is_not_looked_for_at_its_old_address(
    driver: StratusLabNodeDriver, machine: str, run_command: RunCommand
) -> None:
    """Which another machine has by now."""
    driver.ex_get_node(machine).destroy()
    assert start(driver) != machine
    ended = run_command("connect-instance", machine)
    assert (ended.status, ended.out) == (1, "")
    assert f"Error: machine {machine} has ended" in ended.err


@pytest.mark.usefixtures("home_config")
def test_all_machines_are_looked_for_before_the_first_session(
    machine: str, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secure_shell, "run_session", pytest.fail)
    refused = run_command("connect-instance", machine, "hostname")
    assert refused.status == 1
    assert "hostname" in refused.err
