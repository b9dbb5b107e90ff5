"""No command prints a password, whatever goes wrong and however much it tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from stratus_commands import registry
from stratuslab_libcloud.sandbox import Sandbox

from .conftest import RunCommand

SECRET = "s3cret-of-mine"
IMAGE = "A" * 27


@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:9/xmlrpc", f"http://jane:{SECRET}@127.0.0.1:9/xmlrpc"])
@pytest.mark.parametrize(
    "words",
    [
        ("run-instance", IMAGE),
        ("describe-instance",),
        ("describe-instance", "7"),
        ("connect-instance", "7"),
        ("kill-instance", "7"),
        ("shutdown-instance", "7"),
    ],
    ids=" ".join,
)
def test_no_password_is_printed(
    run_command: RunCommand, home_config: Path, words: tuple[str, ...], endpoint: str | None
) -> None:
    where = ("--endpoint", endpoint) if endpoint else ()
    status, out, err = run_command(*words, "-vvv", "--password", SECRET, *where)
    assert status == 1
    assert "Traceback" in err
    assert SECRET not in out + err


def test_no_password_of_the_file_is_printed(run_command: RunCommand, home_config: Path, sandbox: Sandbox) -> None:
    passwords = sandbox.users.values()
    with home_config.open("a") as file:
        file.write(f"endpoints = {sandbox.compute_url} jane {SECRET}\n")
    for words in (("describe-instance", "-vvv"), ("describe-instance", "-m", "-vvv"), ("run-instance", "-l", "-vvv")):
        _, out, err = run_command(*words)
        assert not [password for password in (*passwords, SECRET) if password in out + err]


@pytest.mark.parametrize("command", registry.COMMANDS, ids=lambda command: command.name)
def test_each_password_can_be_read_from_standard_input(command: registry.Command) -> None:
    """No option for a password is without the hint that keeps it off the command line."""
    parser = command.load().parser(command.name)
    options = [action for action in parser._actions if "password" in action.dest]
    assert [action.dest for action in options if "'-'" not in (action.help or "")] == []
