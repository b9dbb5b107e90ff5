"""Runs a command in this process as a shell would: its arguments, environment, standard streams, and exit status."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from stratus_commands import running
from stratus_commands.registry import COMMANDS

INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR")


NOT_FOUND = 127
"""What a shell ends with where there is no such command."""


class Outcome(NamedTuple):
    """What a command ended with, and what it printed."""

    status: int
    output: str
    errors: str


def run(argv: Sequence[str], environment: Mapping[str, str], typed: str, folder: Path) -> Outcome:
    """Run a command of this distribution.

    Programs that it starts, such as ssh, have the same standard streams.

    :param argv: its name and its arguments
    :param environment: all of it, but for `INHERITED`
    :param typed: on standard input
    :param folder: the current directory
    """
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    with ExitStack() as closing:
        files = [closing.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", newline="")) for _ in range(3)]
        files[0].write(typed)
        files[0].seek(0)
        with (
            _environment({**kept, **environment}),
            _current_directory(folder),
            _logging_restored(),
            _standard_streams(files),
        ):
            status = _status_of(argv)
        return Outcome(status, *(_content(file) for file in files[1:]))


def _status_of(argv: Sequence[str]) -> int:
    command = next((command for command in COMMANDS if command.name == argv[0]), None)
    if command is None:
        sys.stderr.write(f"{argv[0]}: command not found\n")
        return NOT_FOUND
    module = command.load()
    try:
        status: object = running.main(module.parser(argv[0]), module.run, argv[1:])
    except SystemExit as end:
        status = end.code
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    return status if isinstance(status, int) else int(status is not None)


def _content(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _current_directory(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _logging_restored() -> Iterator[None]:
    """What a command sets up for its log ends with it, and the sandbox, which is another process, has its own."""
    root = logging.getLogger()
    logging.getLogger("stratuslab_libcloud.sandbox").propagate = False
    before = root.level, list(root.handlers)
    root.handlers.clear()
    try:
        yield
    finally:
        root.setLevel(before[0])
        root.handlers[:] = before[1]


@contextmanager
def _standard_streams(files: Sequence[IO[str]]) -> Iterator[None]:
    """Put files in the place of the standard streams, for Python and for the programs that are started."""
    streams = sys.stdin, sys.stdout, sys.stderr
    for stream in streams[1:]:
        stream.flush()
    saved = [os.dup(number) for number in range(3)]
    try:
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        with ExitStack() as closing:
            modes = ("r", "w", "w")
            opened = [
                closing.enter_context(open(number, mode, encoding="utf-8", closefd=False))
                for number, mode in enumerate(modes)
            ]
            sys.stdin, sys.stdout, sys.stderr = opened
            try:
                yield
            finally:
                sys.stdin, sys.stdout, sys.stderr = streams
    finally:
        for number, descriptor in enumerate(saved):
            os.dup2(descriptor, number)
            os.close(descriptor)
