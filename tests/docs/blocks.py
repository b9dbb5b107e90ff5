"""The code blocks of the documents, as Sybil finds them, and how each language is run.

- ``python`` runs in the names that the blocks before it have left; one with test functions is a file for pytest.
- ``ini`` is a configuration file, or the part of one, that must be understood without a notice.
- ``console`` has what is typed after ``$``, and below it what is printed; ``...`` stands for any text. An address, a
  UUID, a date or a checksum stands for another one, and from then on for the same. What listens until Ctrl-C goes on
  until the page ends, unless ``^C`` is shown.
- ``text`` is not run.

A block that cannot run has a comment with the reason before it: ``<!--- skip: next "reason" -->``. What a page needs
and does not show stands in a comment as well: ``<!--- invisible-code-block: python``.
"""

from __future__ import annotations

import io
import logging
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from sybil import Document, Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.myst import CodeBlockParser, SkipParser

from stratuslab_libcloud.config import UserConfiguration
from stratuslab_libcloud.config.keys import OPENNEBULA, STRATUSLAB

ROOT = Path(__file__).parents[2]
HOME = "/home/jane"  # as the pages say it; here it is the test's own
LANGUAGES = {"python", "ini", "console", "text"}
_SERVERS = ("stratuslab-sandbox",)
_SECONDS = 60
_VALUE = re.compile(
    r"\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|127(?:\.\d+){3}|\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d|[0-9a-f]{32,})\b"
)
"""What is another one each time."""


class Console:
    """A terminal: its working directory and variables go from one command to the next.

    :param folder: where it begins
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state = folder / ".console"
        self._servers: list[subprocess.Popen[str]] = []
        self._values: dict[str, str] = {}  # what stands for what

    def run(self, block: str) -> str | None:
        """Run the commands of a block.

        :return: what is wrong, if something is
        """
        for command, expected in _commands(block):
            command = _VALUE.sub(lambda found: self._values.get(found[0], found[0]), command)
            printed, status = self._type(command, expected)
            if not self._matches(expected, printed) or status != 0:
                return f"$ {command}\nended with {status} and printed:\n{printed}\ninstead of:\n{expected}"
        return None

    def close(self) -> None:
        """End what still listens."""
        for server in self._servers:
            _interrupt(server)

    def _matches(self, expected: str, printed: str) -> bool:
        """Whether it was printed; nothing is expected where a page shows nothing."""
        if not expected:
            return True
        found = re.fullmatch(_pattern(expected, self._values), printed, re.DOTALL)
        if found:
            values = sorted(set(_VALUE.findall(expected)) - self._values.keys())
            self._values |= {value: found[f"value{number}"] for number, value in enumerate(values)}
        return found is not None

    def _type(self, command: str, expected: str) -> tuple[str, int]:
        is_server = command.split()[0] in _SERVERS and "--help" not in command and "--version" not in command
        kept = "" if is_server else f"; status=$?; {{ export -p; echo cd \\'$PWD\\'; }} > {self._state}; exit $status"
        line = f"[ ! -e {self._state} ] || . {self._state}; {'exec ' if is_server else ''}{command}{kept}"
        process = subprocess.Popen(
            ["bash", "-c", line],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        if not is_server:
            try:
                return process.communicate(timeout=_SECONDS)[0], process.returncode
            finally:
                process.kill()
        self._servers.append(process)
        pattern = _pattern(expected.removesuffix("^C\n"), self._values) if expected else ""
        printed = _printed_by(process, pattern)
        if expected.endswith("^C\n"):
            _interrupt(process)
            return f"{printed}^C\n", process.returncode
        return printed, process.poll() or 0


def _commands(block: str) -> list[tuple[str, str]]:
    """What is typed, and what is printed after each."""
    commands: list[tuple[str, str]] = []
    for line in re.sub(r"\\\n\s*", "", block).splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], ""))
        else:
            typed, printed = commands.pop()
            commands.append((typed, f"{printed}{line}\n"))
    return commands


def _pattern(expected: str, known: dict[str, str]) -> str:
    """A regular expression for what a page says is printed.

    :param known: what some of its values stand for
    """
    new = sorted(set(_VALUE.findall(expected)) - known.keys())
    seen: set[str] = set()
    pattern = ""
    for part in re.split(rf"({_VALUE.pattern}|\.\.\.)", expected.rstrip()):
        if part == "...":
            pattern += ".*?"
        elif part in known:
            pattern += re.escape(known[part])
        elif part in new:
            name = f"value{new.index(part)}"
            pattern += f"(?P={name})" if part in seen else rf"(?P<{name}>[\w.:-]+?)"
            seen.add(part)
        else:
            pattern += re.sub(r"(?:\\ )+", r"\\s+", re.escape(part))  # columns are as wide as their values
    return pattern + r"\s*"


def _printed_by(process: subprocess.Popen[str], pattern: str) -> str:
    """What a command prints that does not end by itself, when all has come that is expected."""
    lines: list[str] = []
    assert process.stdout is not None
    reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")), daemon=True)  # type: ignore[union-attr]
    reader.start()
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and process.poll() is None and not _has_come(lines, pattern):
        time.sleep(0.02)
    return "".join(lines)


def _has_come(lines: list[str], pattern: str) -> bool:
    return bool(lines) and (not pattern or re.fullmatch(pattern, "".join(lines), re.DOTALL) is not None)


def _interrupt(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    process.wait(_SECONDS)
    if process.stdout:
        process.stdout.close()


def run_python(example: Example) -> None:
    """A part of a program; or a file with tests, which `run_tests` runs."""
    if re.search(r"^(async )?def test_", example.parsed, re.MULTILINE):
        Path(f"test_line_{example.line}.py").write_text(example.parsed, encoding="utf-8")
    else:
        PythonEvaluator()(example)


def run_tests(folder: Path) -> str | None:
    """Run the tests that a page shows.

    :return: what is wrong, if something is
    """
    files = [*folder.glob("test_line_*.py")]
    if not files:
        return None
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", *map(str, files)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=2 * _SECONDS, check=False)
    return None if result.returncode == 0 else result.stdout + result.stderr


def read_ini(example: Example) -> str | None:
    """A configuration file, or sections of one."""
    text = str(example.parsed)
    if "[default]" not in text:
        text = f"[default]\nendpoint = cloud.example.org\nusername = jane\npassword = secret\n\n{text}"
    notices = _Notices()
    logger = logging.getLogger("stratuslab_libcloud.config")
    logger.addHandler(notices)
    try:
        for kind in (STRATUSLAB, OPENNEBULA) if "kind = opennebula" in text else (STRATUSLAB,):
            configuration = UserConfiguration.load(io.StringIO(text), environ={}, kind=kind)
            configuration.instance_types()
            for section in configuration.sections:
                if section != "default" or not re.search(r"^\[(?!default\])", text, re.MULTILINE):
                    configuration.cloud(section)
    finally:
        logger.removeHandler(notices)
    return "\n".join(notices.messages) or None


class _Notices(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def run_console(example: Example) -> str | None:
    """What is typed at a terminal."""
    console: Console = example.namespace["__console__"]
    return console.run(str(example.parsed).replace(HOME, os.environ["HOME"]))


def parse(page: Path) -> Document:
    """A page, and the blocks in it that can be run."""
    parsers = [CodeBlockParser("python", run_python), CodeBlockParser("ini", read_ini)]
    return Sybil([SkipParser(), *parsers, CodeBlockParser("console", run_console)]).parse(page)


STUBS = {
    # Nothing is installed by a test: that it could be is checked.
    "pip": f'exec {shlex.quote(sys.executable)} {shlex.quote(str(Path(__file__).with_name("pip_arguments.py")))} "$@"',
    "make": f'exec /usr/bin/env -u MAKEFLAGS make --dry-run --directory {shlex.quote(str(ROOT))} "$@" > /dev/null',
}


def write_stubs(folder: Path) -> None:
    """Programs that stand in for those whose work takes too long, or needs the network."""
    for name, script in STUBS.items():
        program = folder / name
        path = os.environ["PATH"]
        program.write_text(f"#!/bin/sh\nPATH={shlex.quote(path)}\n{script}\n")
        program.chmod(0o755)
