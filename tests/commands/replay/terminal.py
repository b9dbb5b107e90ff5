"""A person at a terminal: what a document says was typed and printed is typed again, and compared."""

from __future__ import annotations

import ast
import io
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pexpect

_PROMPTS = r"\n([$#]) "


class Exchange(NamedTuple):
    """A line that was typed, and what was on the screen from then on until the next could be typed."""

    typed: str
    printed: str


def exchanges(text: str) -> Iterator[Exchange]:
    """What was typed in a recorded session, after the prompts ``$`` of a shell and ``#`` of a machine."""
    parts = re.split(r"^[$#] (.*)\n", text, flags=re.MULTILINE)
    for typed, printed in zip(parts[1::2], parts[2::2], strict=True):
        yield Exchange(typed, printed)


class Terminal:
    """A shell on a terminal.

    :param environment: of the shell
    :param folder: its current directory
    """

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._shell = pexpect.spawn(
            "bash",
            ["--norc", "--noprofile", "-i"],
            env={"TERM": "dumb", "PS1": "$ ", **environment},
            cwd=str(folder),
            encoding="utf-8",
            timeout=30,
            dimensions=(50, 250),
        )
        self._shell.expect_exact("$ ")

    def close(self) -> None:
        """End the shell."""
        self._shell.close(force=True)

    def type(self, line: str) -> str:
        """Type a line.

        :return: what is printed until the next can be typed
        """
        self._shell.sendline(line)
        self._shell.expect(_PROMPTS)
        _, _, printed = f"{self._shell.before}\n".replace("\r", "").partition(f"{line}\n")
        return printed


class Session(NamedTuple):
    """A command that was recorded at a terminal.

    :param typed: prompts, and what was typed after each
    :param screen: all that was on it at the end
    """

    command: str
    typed: Sequence[tuple[str, str]]
    status: int
    screen: str


def read_session(text: str) -> Session:
    """Read a recording at a terminal: a text with headings ``=== ...``."""
    parts = re.split(r"^=== ([a-z ]+)(?: \(.*\))?\n", text, flags=re.MULTILINE)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    return Session(
        found["command"].strip(), ast.literal_eval(found["typed"]), int(found["exit code"]), found["screen"].strip("\n")
    )


def run_session(session: Session, environment: Mapping[str, str], folder: Path) -> tuple[int, str]:
    """Run a recorded command at a terminal.

    :return: the exit status, and all that was on the screen
    """
    screen = io.StringIO()
    program, *arguments = shlex.split(session.command)
    with pexpect.spawn(
        program,
        arguments,
        env={"TERM": "dumb", **environment},
        cwd=str(folder),
        encoding="utf-8",
        timeout=30,
        dimensions=(50, 250),
    ) as terminal:
        terminal.logfile_read = screen
        for prompt, line in session.typed:
            terminal.expect_exact(prompt)
            terminal.send(line)
        terminal.expect_exact(pexpect.EOF)
    return terminal.exitstatus or 0, screen.getvalue().replace("\r", "").strip("\n")
