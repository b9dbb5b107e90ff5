"""Recorded runs of the original stratus-create-image and stratus-run-cluster, run again and compared."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from stratuslab_libcloud.sandbox import Sandbox

from .conftest import DEFAULT_FILE, RunCommand

AGREE = (
    "404-create-image",
    "406-create-image-no-shutdown",
    "407-create-image-broken",
    "408-create-image-no-title",
    "409-run-cluster",
    "410-run-cluster-user",
    "411-run-cluster-one",
    "414-run-cluster-no-image",
)
DIFFER = {
    "405-create-image-scripts": "the script is written to the machine's /tmp, and run",
    "412-run-cluster-master": "--master-vmid 0 was taken for no machine: it is the master now",
    "413-run-cluster-own-type": "instance types of the configuration file are known",
}
"""Recorded runs that end otherwise on purpose."""

IMAGES = {"No_yF2GuU7qXq90XiD345FBwj1O", "IgvFsKZjT3xo4h-UqvgY2iHwTVf"}
BROKEN = "CFF6irq-_YTd16syFS_xgBTB5j7"


@pytest.fixture
def home(clean_environment: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which the recorded script is, and a configuration with the recorded instance type at home."""
    file = clean_environment / DEFAULT_FILE
    file.parent.mkdir(mode=0o700)
    sandbox.write_config(file)
    file.write_text(file.read_text() + "\n[instance_types]\nbig.memory = (2, 2048, 0)\n")
    (clean_environment / "hello.sh").write_text("#!/bin/sh\necho hello\n")
    monkeypatch.chdir(clean_environment)
    return clean_environment


def section(text: str, name: str) -> str:
    """A part of a recording."""
    found = re.search(rf"^=== {name}.*\n((?:(?!=== ).*\n)*)", text, re.MULTILINE)
    assert found is not None
    return found[1]


def with_placeholders(text: str) -> str:
    """Numbers of machines and addresses, which differ from run to run."""
    text = re.sub(r"\b127\.\d+\.\d+\.\d+", "ADDRESS", text)
    return re.sub(r"vm ID: \d+", "vm ID: N", text).rstrip("\n")


def again(sandbox: Sandbox, recorded: str, run_command: RunCommand) -> tuple[int, str, str]:
    """Run the command of a recording, with images of this sandbox."""
    images = {entry.title: entry.identifier for entry in sandbox.entries.select()}
    here = {BROKEN: images["Broken boot"], **dict.fromkeys(IMAGES, images["Ubuntu 14.04 server"])}
    command, *words = (here.get(word, word) for word in shlex.split(section(recorded, "command")))
    return run_command(command.removeprefix("stratus-"), *words)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", AGREE)
def test_runs_that_agree(real_samples: Path, sandbox: Sandbox, run_command: RunCommand, name: str) -> None:
    recorded = (real_samples / "commands" / f"{name}.txt").read_text()
    status, out, err = again(sandbox, recorded, run_command)
    assert with_placeholders(out) == with_placeholders(section(recorded, "stdout"))
    assert status == int(section(recorded, "exit code"))
    # What went wrong on the machines does not any more; what is an error is still said, in one form for all.
    recorded_error = re.search(r"\[ERROR\] (.*)", section(recorded, "stderr"))
    if recorded_error:
        assert re.sub(r"id=\d+", "", with_placeholders(err)) == re.sub(
            r"id=\d+", "", with_placeholders(f"Error: {recorded_error[1]}")
        )
    elif status == 2:
        assert err.split() == section(recorded, "stderr").split()
    else:
        assert err == ""


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", DIFFER)
def test_runs_that_end_otherwise_on_purpose(
    real_samples: Path, sandbox: Sandbox, run_command: RunCommand, name: str
) -> None:
    recorded = (real_samples / "commands" / f"{name}.txt").read_text()
    if "master" in name:
        image = next(entry.identifier for entry in sandbox.entries.select() if entry.title == "Ubuntu 14.04 server")
        assert run_command("run-instance", "-q", image).status == 0
    status, out, err = again(sandbox, recorded, run_command)
    assert (status, err) == (0, ""), DIFFER[name]
    expected = section(recorded, "stdout")
    if name == "405-create-image-scripts":
        before, _, after = with_placeholders(expected).partition("\n :: Shutting down machine")
        assert with_placeholders(out).startswith(before)
        assert after == ""
        assert with_placeholders(out).endswith("\n :: Shutting down machine")
    elif name == "412-run-cluster-master":
        changed = expected.replace("\n.\n", "\n.\n.\n", 1).replace(
            "\tMaster is 127.93.0.10\n", "\tMaster is 127.93.0.3\n\tWorker: 127.93.0.10\n"
        )
        assert with_placeholders(out) == with_placeholders(changed)
    else:
        assert "Unknown instance type" in expected
        assert out.count("Public ip: ") == 2


def test_all_recordings_are_here(real_samples: Path) -> None:
    found = {file.stem for file in (real_samples / "commands").glob("4*.txt")}
    assert {name for name in found if "create-image" in name or "run-cluster" in name} == {*AGREE, *DIFFER}
