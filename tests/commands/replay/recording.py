"""Recorded runs of commands: one JSON object a line, as the samples have them and our own recording does."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One run of a command.

    :param number: its place among all runs of the recording; some may have been left out
    :param argv: the command's name and its arguments
    :param environment: what was set besides the usual
    :param typed: on standard input
    :param status: the exit status
    :param output: on standard output
    :param errors: on standard error
    :param requests: what the services were asked, one line each
    :param templates: of the machines that were started
    """

    number: int
    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    typed: str
    status: int
    output: str
    errors: str
    requests: Sequence[str] = ()
    templates: Sequence[str] = ()

    @property
    def command(self) -> str:
        """The command's name."""
        return self.argv[0]

    @property
    def machines(self) -> dict[int, str]:
        """The templates of the machines that were started, by their numbers."""
        asked = (re.search(r"one\.vm\.info\([^,]*, (\d+)\)", request) for request in self.requests)
        started = dict.fromkeys(int(found[1]) for found in asked if found)
        return dict(zip(started, self.templates, strict=False))

    @property
    def verbosity(self) -> int:
        """How many ``-v`` there are, less the ``-q``."""
        words = [word for word in self.argv[1:] if word.startswith("-") and set(word[1:]) in ({"v"}, {"q"})]
        letters = "".join(words).replace("-", "")
        return letters.count("v") - letters.count("q") - ("--quiet" in self.argv) + ("--verbose" in self.argv)


def read(file: Path) -> list[Run]:
    """All runs of a recording, in their order."""
    return [_run(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def read_text(file: Path) -> Run:
    """A run that was recorded as text, with headings ``=== ...``; the file's name begins with its number."""
    parts = re.split(r"^=== (\w[\w ]*)(?: \(.*\))?\n", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    number, _, name = file.stem.partition("-")
    return Run(
        number=int(number),
        name=name,
        argv=shlex.split(found["command"]),
        environment={},
        typed="",
        status=int(found["exit code"]),
        output=found["stdout"],
        errors=found["stderr"],
        requests=found["requests"].splitlines(),
    )


def _run(record: Mapping[str, object]) -> Run:
    return Run(
        number=record["n"],  # type: ignore[arg-type]  # a recording has what it should
        name=record["name"],  # type: ignore[arg-type]
        argv=record["argv"],  # type: ignore[arg-type]
        environment=record["env"],  # type: ignore[arg-type]
        typed=record["stdin"],  # type: ignore[arg-type]
        status=record["rc"],  # type: ignore[arg-type]
        output=record["stdout"],  # type: ignore[arg-type]
        errors=record["stderr"],  # type: ignore[arg-type]
        requests=record.get("requests", ()),  # type: ignore[arg-type]
        templates=record.get("templates", ()),  # type: ignore[arg-type]
    )
