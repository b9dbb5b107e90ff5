"""What people at a terminal see, and what is not there in a pipe: prompts, colours, progress, Ctrl-C."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox

EXECUTABLES = Path(sys.executable).parent
RED, GREEN = "\x1b[31m", "\x1b[32m"


def at_terminal(command: str, *arguments: object, **environment: str) -> pexpect.spawn:
    """A command whose standard streams are all a terminal."""
    variables = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    return pexpect.spawn(
        str(EXECUTABLES / command),
        [str(argument) for argument in arguments],
        env={**variables, "TERM": "xterm", **environment},
        dimensions=(24, 100),
        encoding="utf-8",
        timeout=40,
    )


def said(terminal: pexpect.spawn) -> str:
    """All that a command prints until it ends."""
    terminal.expect_exact(pexpect.EOF)
    terminal.close()
    return str(terminal.before)


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def ubuntu(home_config: Path) -> str:
    images = StratusLabNodeDriver().list_images()
    return next(image.id for image in images if image.name == "Ubuntu 14.04 web server")


def test_progress_of_images_and_clusters(sandbox: Sandbox, clean_environment: Path) -> None:
    config = clean_environment / ".stratuslab" / "stratuslab-user.cfg"
    config.parent.mkdir(mode=0o700)
    sandbox.write_config(config)
    image = next(entry.identifier for entry in sandbox.entries.select() if entry.title == "Ubuntu 14.04 server")
    shown = said(at_terminal("stratus-run-cluster", "-n", 2, image))
    for text in ("logging in", "2 of 2 machines", "setting up workers", "1 of 1 machines", " :: Done!"):
        assert text in shown
    new = ("--title", "New", "--comment", "c", "--author", "Jane", "--author-email", "jane@example.org")
    shown = said(at_terminal("stratus-create-image", *new, "--wait", image))
    for text in ("deploying on machine 2", " :: Shutting down machine", "waiting"):
        assert text in shown


def test_a_password_is_asked_for_and_not_shown(home_config: Path, sandbox: Sandbox, ubuntu: str) -> None:
    [user, password] = next(iter(sandbox.users.items()))
    text = home_config.read_text()
    home_config.write_text(re.sub(r"(?m)^password.*\n", "", text))
    for words in ([], ["--password", "-"]):
        terminal = at_terminal("stratus-run-instance", *words, ubuntu)
        terminal.expect_exact("assword: ")
        asked = str(terminal.before)
        terminal.sendline(password)
        rest = said(terminal)
        assert terminal.exitstatus == 0
        assert password not in rest
        assert rest.startswith("\r\n\r\n ::::")
        assert " :: Done!\r\n" in rest
        if not words:
            assert asked == f"'{user}' at '{sandbox.compute_url}' p"


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colours(home_config: Path, ubuntu: str, environment: dict[str, str], coloured: bool) -> None:
    node = StratusLabNodeDriver().create_node("n", None, StratusLabNodeDriver().get_image(ubuntu))
    terminal = at_terminal("stratus-describe-instance", "-n", node.id, **environment)
    shown = said(terminal)
    assert (GREEN in shown) is coloured
    assert f"{node.id:4}Running   1 " in re.sub(r"\x1b\[\d+m", "", shown)
    terminal = at_terminal("stratus-describe-instance", "4711", **environment)
    assert said(terminal).startswith(f"{RED}Error:" if coloured else "Error:")
    assert terminal.exitstatus == 1


def test_there_are_no_colours_and_no_progress_in_a_pipe(home_config: Path, ubuntu: str) -> None:
    for command in (["stratus-run-instance", "-n", "3", ubuntu], ["stratus-describe-instance"]):
        piped = subprocess.run([EXECUTABLES / command[0], *command[1:]], capture_output=True, text=True, timeout=40)
        assert (piped.returncode, piped.stderr) == (0, "")
        assert "\x1b" not in piped.stdout


def test_progress(home_config: Path, ubuntu: str) -> None:
    shown = said(at_terminal("stratus-run-instance", "-n", 3, ubuntu))
    assert "creating machines" in shown
    assert "3 of 3 machines" in shown
    assert " :: Done!\r\n" in shown
    assert "creating machines" not in said(at_terminal("stratus-run-instance", "-q", "-n", 3, ubuntu))


def test_ctrl_c(sandbox: Sandbox, ubuntu: str) -> None:
    sandbox.faults.add(Fault(FaultKind.DELAY, "compute", "one.vm.allocate", seconds=20))
    terminal = at_terminal("stratus-run-instance", ubuntu)
    terminal.expect_exact(" :: Starting 1 machine\r\n")
    wait_for(lambda: sandbox.faults.active[0].happened)
    terminal.sendintr()
    shown = said(terminal)
    assert terminal.exitstatus == 130
    assert (
        "interrupted while machines were created at location 'default': created so far: none; others may be there: look"
        in shown
    )
    assert "\r\nInterrupted.\r\n" in shown
    assert "Traceback" not in shown


def test_ctrl_c_at_a_prompt(home_config: Path) -> None:
    terminal = at_terminal("stratus-describe-instance", "-p", "-")
    terminal.expect_exact(": ")
    terminal.sendintr()
    assert said(terminal).endswith("Interrupted.\r\n")
    assert terminal.exitstatus == 130


def test_a_name_does_not_steer_the_terminal(home_config: Path, ubuntu: str) -> None:
    driver = StratusLabNodeDriver()
    node = driver.create_node("gotcha\u202e\u009b", None, driver.get_image(ubuntu))
    shown = said(at_terminal("stratus-describe-instance", "-n", node.id, NO_COLOR="1"))
    assert "gotcha\\u202e\\x9b" in shown
    assert "\u202e" not in shown


def test_what_the_terminal_cannot_show_is_escaped(home_config: Path, ubuntu: str) -> None:
    driver = StratusLabNodeDriver()
    driver.create_node("caf\u00e9", None, driver.get_image(ubuntu))
    command = [EXECUTABLES / "stratus-describe-instance", "-n"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(command, env=environment, capture_output=True, timeout=40)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"caf\\xe9" in ended.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has it")
def test_a_full_disk_is_told(home_config: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [EXECUTABLES / "stratus-describe-instance"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=40
        )
    assert (ended.returncode, ended.stderr) == (1, "Error: No space left on device\n")


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="only Linux has it")
@pytest.mark.parametrize("command", [["stratus-run-instance"], ["stratus", "run"]])
def test_a_password_is_not_in_the_list_of_processes(sandbox: Sandbox, ubuntu: str, command: list[str]) -> None:
    sandbox.faults.add(Fault(FaultKind.DELAY, "compute", "one.vm.allocate", seconds=20))
    words = ["--password=s3cret-one", "--pdisk-password", "s3cret-two", ubuntu]
    terminal = at_terminal(command[0], *command[1:], *words)
    terminal.expect_exact(" :: Starting 1 machine\r\n")
    shown = Path(f"/proc/{terminal.pid}/cmdline").read_text().rstrip("\0")
    terminal.sendintr()
    said(terminal)
    assert shown == f"{' '.join(command)} --password=... --pdisk-password ... {ubuntu}"
