"""How far something is that takes its time, for people at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stratus_commands.failures import INSTALL
from stratus_commands.output import Output

if TYPE_CHECKING:
    from stratuslab_libcloud import Progress


@contextmanager
def progress(output: Output) -> Iterator[Callable[[Progress], object] | None]:
    """What the driver's calls are to be given as ``ex_progress``: a line on standard error that moves on.

    There is none in a pipe, with ``-q``, or where rich is not installed.
    """
    if output.is_quiet or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from contextlib import ExitStack

    from stratuslab_libcloud import show_progress
    from stratuslab_libcloud.errors import MissingDependencyError

    with ExitStack() as closing:
        show = None
        try:
            show = closing.enter_context(show_progress())
        except MissingDependencyError:
            output.verbose(f"Progress needs rich: {INSTALL}")
        yield show
