"""Commands in this process, on the sandbox."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from stratus_commands import registry, running
from stratuslab_libcloud.sandbox import Pace, Sandbox

DEFAULT_FILE = ".stratuslab/stratuslab-user.cfg"


class Result(NamedTuple):
    """What a command ended with and printed."""

    status: int
    out: str
    err: str


RunCommand = Callable[..., Result]


def module_of(name: str) -> registry.CommandModule:
    """The module of a command, by its name without ``stratus-``."""
    [found] = [command for command in registry.COMMANDS if command.name == f"stratus-{name}"]
    return found.load()


@pytest.fixture
def run_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """Runs a command by its name without ``stratus-``; `stdin` is what it can read there."""

    def run(name: str, *arguments: object, stdin: str = "") -> Result:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        module = module_of(name)
        try:
            status = running.main(module.parser(f"stratus-{name}"), module.run, [str(each) for each in arguments])
        except SystemExit as end:
            status = int(end.code or 0)
        return Result(status, *capsys.readouterr())

    return run


@pytest.fixture
def home_config(clean_environment: Path, sandbox: Sandbox, key_file: Path) -> Path:
    """The configuration file at home, with the sandbox as its cloud, and without port translation."""
    file = clean_environment / DEFAULT_FILE
    file.parent.mkdir(mode=0o700)
    sandbox.write_config(file, public_key_file=key_file)
    lines = file.read_text().splitlines()
    file.write_text("\n".join(line for line in lines if not line.startswith("port_translation")) + "\n")
    return file


@pytest.fixture
def opennebula_config(home_config: Path, key_file: Path) -> Iterator[Path]:
    """The configuration file at home, with an OpenNebula of today as its cloud."""
    home_config.unlink()
    with Sandbox(kind="opennebula", pace=Pace.with_boot_seconds(0.1), guests=False) as sandbox:
        yield sandbox.write_config(home_config, public_key_file=key_file)
