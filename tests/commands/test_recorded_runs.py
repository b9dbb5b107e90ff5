"""Recorded runs of the original commands, and a recording of our own of the same form: run again, and compared.

Each run has to end as it did, and print what it printed, but for the deliberate differences in `replay.differences`.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from stratus_commands import secure_shell
from tests.commands.replay.own_scene import OWN
from tests.commands.replay.playing import Result, play
from tests.commands.replay.recording import read, read_text
from tests.commands.replay.report import section, write, written_section
from tests.commands.replay.samples_scene import SAMPLES
from tests.commands.replay.terminal import read_session, run_session
from tests.commands.replay.world import World

IMAGE = "IgvFsKZjT3xo4h-UqvgY2iHwTVf"
AS_TEXT = ("407-create-image-broken", "409-run-cluster", "410-run-cluster-user", "414-run-cluster-no-image")


def said(results: list[Result]) -> str:
    return "\n".join(f"{result.run.number} {result.run.name}: {result.problem}" for result in results)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that does not answer is tried again at once."""
    monkeypatch.setattr(secure_shell, "time", SimpleNamespace(sleep=lambda _seconds: None))


@pytest.mark.timeout(180)
def test_our_own_recording(documents: Path, tmp_path: Path) -> None:
    results = play(read(documents / "commands" / "recorded.jsonl"), OWN, tmp_path)
    assert len(results) > 60
    assert not (wrong := [result for result in results if result.problem]), said(wrong)


@pytest.mark.timeout(180)
def test_the_recording_of_the_original(real_samples: Path, tmp_path: Path) -> None:
    folder = real_samples / "commands"
    runs = [*read(folder / "captures.jsonl"), *(read_text(folder / f"{name}.txt") for name in AS_TEXT)]
    results = play(sorted(runs, key=lambda run: run.number), SAMPLES, tmp_path)
    assert not (wrong := [result for result in results if result.problem]), said(wrong)
    if os.environ.get("WRITE_RECORDED_RUNS"):
        write(results)
    assert written_section() == section(results), "WRITE_RECORDED_RUNS=1 lets this test write it"


@pytest.mark.parametrize(
    ("recording", "status"),
    [("401-tty-hash-password", 0), ("402-tty-connect", 3), ("403-tty-run-password-prompt", 0)],
)
def test_recordings_at_a_terminal(real_samples: Path, tmp_path: Path, recording: str, status: int) -> None:
    session = read_session((real_samples / "commands" / f"{recording}.txt").read_text(encoding="utf-8"))
    with World(SAMPLES, tmp_path) as world:
        world.prepare(1)
        world.start(IMAGE)
        command = " ".join([world.values.here(session.command), *world.ways_in(session.command.split()[0])])
        ended, screen = run_session(session._replace(command=command), world.environment, world.work)
        assert ended == status
        assert world.values.agree(session.screen, screen), f"{screen}\ninstead of:\n{session.screen}"
