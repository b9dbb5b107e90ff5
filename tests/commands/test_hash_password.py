"""stratus-hash-password, without a terminal and on one."""

from __future__ import annotations

import sys
from pathlib import Path

import pexpect
import pytest

from .conftest import RunCommand

HASHES = "MD5:5ebe2294ecd0e0f08eab7690d2a6ee69\nCRYPT:jaqT/dF0mUWcw\n"


def test_from_standard_input(run_command: RunCommand) -> None:
    assert run_command("hash-password", stdin="jane\nsecret\nsecret\n") == (0, f"username:{HASHES}", "")


@pytest.mark.parametrize(("username", "salt"), [("j-a!ne", "ja"), ("é", ".."), ("x", "x.")])
def test_the_salt_is_of_the_name(run_command: RunCommand, username: str, salt: str) -> None:
    assert f"\nCRYPT:{salt}" in run_command("hash-password", stdin=f"{username}\nsecret\nsecret\n").out


def test_what_is_not_hashed_is_told(run_command: RunCommand) -> None:
    said = run_command("hash-password", stdin="jane\n123456789\n123456789\n")
    assert (said.status, said.err) == (0, "crypt uses only the first 8 bytes of a password.\n")
    assert (
        said.out.splitlines()[1] == run_command("hash-password", stdin="jane\n12345678\n12345678\n").out.splitlines()[1]
    )


@pytest.mark.parametrize(
    ("stdin", "status", "problem"),
    [
        ("jane\nsecret\nother\n", 1, "the two passwords are not the same"),
        ("", 1, "no username was given"),
        ("jane\n", 2, "No password was given for password"),
    ],
)
def test_what_cannot_be_hashed(run_command: RunCommand, stdin: str, status: int, problem: str) -> None:
    said = run_command("hash-password", stdin=stdin)
    assert said.status == status
    assert said.err.endswith(f"{problem}\n")
    assert "secret" not in said.err


def test_without_the_library(run_command: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "passlib.hash", None)
    said = run_command("hash-password", stdin="jane\nsecret\nsecret\n")
    assert (said.status, said.out) == (1, "")
    assert said.err == "Error: libpass is needed: pip install 'stratuslab-libcloud-drivers[cli]>=26'\n"


def test_at_a_terminal_the_password_is_not_shown() -> None:
    command = Path(sys.executable).with_name("stratus-hash-password")
    with pexpect.spawn(str(command), encoding="utf-8", timeout=20) as terminal:
        for prompt, answer in (("username:", "jane"), ("password:", "secret"), ("retype password:", "secret")):
            terminal.expect_exact(prompt)
            terminal.sendline(answer)
        terminal.expect_exact(HASHES.replace("\n", "\r\n"))
        terminal.expect_exact(pexpect.EOF)
        assert "secret" not in (terminal.before or "")
    assert terminal.exitstatus == 0
