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

    :ivar level: how many ``-v`` there were, less the ``-q``
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.level: int = arguments.verbose - arguments.quiet

    @property
    def is_quiet(self) -> bool:
        """Whether only results are printed."""
        return self.level < STEPS

    def title(self, text: str) -> None:
        """What begins now, in a frame."""
        if self.level >= STEPS:
            rule = ":" * (len(text) + 6)
            print(f"\n {rule}\n :: {text} ::\n {rule}", flush=True)

    def step(self, text: str) -> None:
        """A step of it."""
        if self.level >= STEPS:
            print(f" :: {text}", flush=True)

    def detail(self, text: str) -> None:
        """What belongs to a step."""
        if self.level >= STEPS:
            print(f"\t{text}", flush=True)

    def verbose(self, text: str) -> None:
        """What is only of interest with ``-v``."""
        if self.level >= ALL:
            print(text, flush=True)

    def warning(self, text: str) -> None:
        """Something that the user may not expect."""
        if self.level >= WARNINGS:
            print(f"  [WARNING] {text}", flush=True)

    def result(self, text: str) -> None:
        """What the command was run for."""
        print(text, flush=True)


def has_colours(stream: TextIO) -> bool:
    """Whether a stream is a terminal that shows colours, and its user wants them (``NO_COLOR``)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_error(problem: object) -> None:
    """Say on standard error why a command failed."""
    word = "\033[31mError:\033[0m" if has_colours(sys.stderr) else "Error:"
    print(f"{word} {problem}", file=sys.stderr)
