"""How far calls are, at a terminal: a line a call, which moves on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stratuslab_libcloud.display.dependency import importing_rich
from stratuslab_libcloud.display.printable import is_terminal, printable

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from stratuslab_libcloud.driver.progress import Progress


@contextmanager
def show_progress() -> Iterator[Callable[[Progress], None]]:
    """Show at the terminal, on the standard error output, how far calls are::

        with stratuslab_libcloud.show_progress() as show:
            driver.wait_until_running(nodes, ex_progress=show)

    Where the standard error output is no terminal, nothing is shown. ``NO_COLOR`` is honoured.

    :return: a context manager for the value of `ex_progress`, of one call or of several
    :raises MissingDependencyError: when there is a terminal, and rich is not installed
    """
    if not is_terminal(sys.stderr):
        yield lambda progress: None
        return
    with _new_display() as display:
        yield _Lines(display)


def _new_display() -> RichProgress:
    with importing_rich("show_progress"):
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress
        from rich.table import Column

    shortened = Column(no_wrap=True, overflow="ellipsis", ratio=1)
    return RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[amount]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}", markup=False, style="dim", table_column=shortened),
        console=Console(stderr=True, highlight=False),
        # What is printed meanwhile is written above the lines, unless it goes elsewhere, as into a pipe.
        redirect_stdout=is_terminal(sys.stdout),
        expand=True,
    )


class _Lines:
    """A line for each task that is told."""

    def __init__(self, display: RichProgress) -> None:
        self._display = display
        self._lines: dict[str, TaskID] = {}

    def __call__(self, progress: Progress) -> None:
        if progress.task not in self._lines:
            self._lines[progress.task] = self._display.add_task(printable(progress.task), amount="", detail="")
        self._display.update(
            self._lines[progress.task],
            completed=progress.done,
            total=progress.total,
            amount=_amount(progress),
            detail=printable(progress.detail),
        )
        if progress.done == progress.total:
            del self._lines[progress.task]  # another call of the same kind gets another line


def _amount(progress: Progress) -> str:
    from rich.filesize import decimal

    if progress.unit == "bytes":
        done = decimal(int(progress.done))
        return done if progress.total is None else f"{done} of {decimal(int(progress.total))}"
    total = "" if progress.total is None else f" of {progress.total:g}"
    return f"{progress.done:g}{total} {progress.unit}"
