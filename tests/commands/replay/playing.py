"""Plays a recording: each run in its order, on a cloud like the one that it was recorded on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.commands.replay.differences import DIFFERENCES
from tests.commands.replay.expectations import expectation, problem
from tests.commands.replay.recording import Run
from tests.commands.replay.running import run as run_command
from tests.commands.replay.templates import missing
from tests.commands.replay.world import Scene, World


class Result(NamedTuple):
    """What became of a run.

    :param reasons: of the deliberate differences that concern it
    :param problem: how it differs otherwise; "" if it agrees
    """

    run: Run
    reasons: Sequence[str]
    problem: str


def play(runs: Sequence[Run], scene: Scene, folder: Path) -> list[Result]:
    """Run all commands of a recording.

    :param folder: an empty one
    """
    with World(scene, folder) as world:
        return [_play_one(run, world) for run in runs]


def _play_one(run: Run, world: World) -> Result:
    world.prepare(run.number)
    argv = [*(world.values.here(word) for word in run.argv), *world.ways_in(run.command)]
    settings = {
        name: world.values.here(value)
        for name, value in run.environment.items()
        if name.startswith("STRATUSLAB_") or name == "HOME"
    }
    outcome = run_command(argv, {**world.environment, **settings}, world.values.here(run.typed), world.work)
    expected, differences = expectation(run, DIFFERENCES)
    found = problem(expected, outcome, world.values)
    if not (found or expected.status or any(difference.is_another_machine for difference in differences)):
        found = _problem_of_machines(run, world)
    for difference in differences:
        difference.afterwards(world, run)
    return Result(run, [difference.reason for difference in differences], found)


def _problem_of_machines(run: Run, world: World) -> str:
    """What the machines that were started lack of what the original sent; "" if that is nothing."""
    for number, recorded in run.machines.items():
        names = missing(recorded, world.template_of(number), world.values)
        if names:
            return f"the template of machine {number} differs in {', '.join(names)}"
    return ""
