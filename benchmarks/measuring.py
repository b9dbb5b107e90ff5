"""Timing side by side: contestants take turns, so that a busy moment of the machine hits all of them."""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Contestant = Callable[[], object]


@dataclass(frozen=True)
class Comparison:
    """What some rounds took.

    :param ours: seconds, round by round
    :param theirs: seconds, in the same rounds
    """

    ours: Sequence[float]
    theirs: Sequence[float]

    @property
    def our_median(self) -> float:
        return statistics.median(self.ours)

    @property
    def their_median(self) -> float:
        return statistics.median(self.theirs)

    @property
    def ratios(self) -> list[float]:
        """Ours to theirs, round by round."""
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """The ratios' quartiles."""
        if len(self.ours) < 4:
            return min(self.ratios), max(self.ratios)
        first, _, third = statistics.quantiles(self.ratios, n=4)
        return first, third


def side_by_side(contestants: Mapping[str, Contestant], rounds: int, warm_up: bool = True) -> dict[str, list[float]]:
    """Let each run once a round, in an order that alternates.

    What a contestant returns is kept until its time has been taken. What lived before does not count: the garbage
    collector is told to leave it alone.

    :return: the seconds of each, round by round
    """
    if warm_up:
        for run in contestants.values():
            run()
    gc.collect()
    gc.freeze()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        for name, run in sorted(contestants.items(), reverse=bool(number % 2)):
            seconds[name].append(seconds_of(run))
    gc.unfreeze()
    return seconds


def compare(ours: Contestant, theirs: Contestant, rounds: int) -> Comparison:
    """Time two contestants."""
    seconds = side_by_side({"ours": ours, "theirs": theirs}, rounds)
    return Comparison(seconds["ours"], seconds["theirs"])


def seconds_of(run: Contestant) -> float:
    """What a run takes."""
    gc.collect()
    begin = time.perf_counter()
    result = run()
    seconds = time.perf_counter() - begin
    del result
    return seconds


_PEAK = """
import importlib, json, re, sys

def peak():
    with open("/proc/self/status") as status:
        return 1024 * int(re.search("VmHWM:\\s*([0-9]+) kB", status.read())[1])

module, name, small, url = sys.argv[1:]
run = getattr(importlib.import_module(module), name)
run(small)()
before = peak()
kept = run(url)()
print(json.dumps({"bytes": peak() - before}))
"""


def peak_of(module: str, name: str, small: str, url: str) -> float:
    """By how much a call lets a fresh process grow at its largest, beyond what a small one like it needed before.

    :param module: where the function is
    :param name: the function that takes an address and returns the call
    :param small: the address for the small one
    :param url: the address for the one that is measured; what it returns is kept
    :return: bytes of resident memory (Linux's ``VmHWM``; `getrusage` begins with what the parent process had)
    """
    return in_fresh_process(_PEAK, module, name, small, url)["bytes"]


def in_fresh_process(program: str, *arguments: str) -> dict[str, float]:
    """Run a program in an interpreter of its own; the last line that it prints is JSON."""
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
