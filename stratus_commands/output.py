"""What commands print, and how much of it: ``-q`` and ``-v`` say it.

Steps, warnings and results go to standard output, where the scripts of 14.06 look for them; errors to standard error.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TextIO

ALL, STEPS, WARNINGS, ERRORS = 1, 0, -1, -2
"""The lowest level at which something is printed; each ``-v`` raises the level from 0, and each ``-q`` lowers it."""


class Output:
    """What one run of a command prints.

    :param arguments: of the command
    :param prints_steps: whether steps, warnings and results are printed, as they are not beside ``--format``
    :ivar level: how many ``-v`` there were, less the ``-q``
    """

    def __init__(self, arguments: argparse.Namespace, *, prints_steps: bool = True) -> None:
        self.level: int = arguments.verbose - arguments.quiet
        self._prints = prints_steps

    @property
    def is_quiet(self) -> bool:
        """Whether only results are printed."""
        return self.level < STEPS

    def title(self, text: str) -> None:
        """What begins now, in a frame."""
        if self._shows(STEPS):
            rule = ":" * (len(text) + 6)
            print(f"\n {rule}\n :: {text} ::\n {rule}", flush=True)

    def step(self, text: str) -> None:
        """A step of it."""
        if self._shows(STEPS):
            print(f" :: {text}", flush=True)

    def detail(self, text: str) -> None:
        """What belongs to a step."""
        if self._shows(STEPS):
            print(f"\t{text}", flush=True)

    def line(self, text: str) -> None:
        """A line in no form of its own."""
        if self._shows(STEPS):
            print(text, flush=True)

    def dot(self) -> None:
        """That something has come which was waited for."""
        self.line(".")

    def verbose(self, text: str) -> None:
        """What is only of interest with ``-v``."""
        if self._shows(ALL):
            print(text, flush=True)

    def warning(self, text: str) -> None:
        """Something that the user may not expect."""
        if self._shows(WARNINGS):
            print(f"  [WARNING] {text}", flush=True)

    def note(self, text: str) -> None:
        """Something that is good to know, on standard error: a script that reads the output does not expect it."""
        if self.level >= WARNINGS:
            print(f"  [WARNING] {text}", file=sys.stderr)

    def information(self, text: str) -> None:
        """What became of a step."""
        if self._shows(STEPS):
            print(text, flush=True)

    def result(self, text: str) -> None:
        """What the command was run for."""
        if self._prints:
            print(text, flush=True)

    def _shows(self, level: int) -> bool:
        return self._prints and self.level >= level


def has_colours(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal that shows colours, and its user wants them (``NO_COLOR``)."""
    return (
        stream is not None and stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def print_error(problem: object) -> None:
    """Say on standard error why a command failed."""
    word = "\033[31mError:\033[0m" if has_colours(sys.stderr) else "Error:"
    print(f"{word} {problem}", file=sys.stderr)
