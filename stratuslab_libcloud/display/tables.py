"""Lists of a cloud's things as tables: text at a terminal, HTML in a notebook."""

from __future__ import annotations

import html
import io
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stratuslab_libcloud.display.columns import Columns, columns_of
from stratuslab_libcloud.display.dependency import importing_rich
from stratuslab_libcloud.display.printable import is_terminal, printable
from stratuslab_libcloud.errors import InvalidArgumentError, MissingDependencyError

if TYPE_CHECKING:
    from rich.table import Table as RichTable

_EMPTY = "Nothing to show: the list is empty."
_NO_LIMIT = 1_000_000
_NUMBERS = frozenset({"CPUS", "RAM, MiB", "DISK, GB", "SIZE, GB", "PRICE"})
_STYLES = {
    **dict.fromkeys(("running", "available", "inuse", "in-use", "READY", "USED", "USED_PERS"), "green"),
    **dict.fromkeys(("error", "ERROR"), "red"),
    **dict.fromkeys(("pending", "starting", "stopping", "creating", "LOCKED"), "yellow"),
}


def show(things: Iterable[Any]) -> Table:
    """A list of nodes, sizes, images, volumes, snapshots, locations or key pairs of any Libcloud driver as a table.

    ``print(show(...))`` prints text; the last line of a cell in a notebook is shown as HTML; ``rich.print(show(...))``
    prints colours where the terminal has some.

    :param things: all of one kind, such as ``driver.list_nodes()``; one alone will do
    :return: the table; nothing is printed
    :raises InvalidArgumentError: when these are no such things, or are of several kinds
    """
    rows = list(things) if isinstance(things, Iterable) else [things]
    if not rows:
        return Table((), ())
    return Table(*_cells(_columns_of_all(rows), rows))


def _columns_of_all(things: Sequence[Any]) -> Columns:
    """The columns of several objects of one kind."""
    columns = _columns_of_one(things[0])
    for thing in things:
        if _columns_of_one(thing) is not columns:
            kinds = f"a {type(things[0]).__name__} and a {type(thing).__name__}"
            raise InvalidArgumentError(f"show takes things of one kind at a time, not {kinds}: call it for each kind")
    return columns


def _columns_of_one(thing: object) -> Columns:
    columns = columns_of(thing)
    if columns is None:
        strange = f"{thing!r} ({type(thing).__name__})"
        raise InvalidArgumentError(f"show takes nodes, sizes, images, volumes or the like; {strange} is none of these")
    return columns


def _cells(columns: Columns, things: Sequence[Any]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The names of the columns in which something stands, and what stands in each row."""
    texts = {name: [_text(find(thing)) for thing in things] for name, find in columns.items()}
    filled = {name: column for name, column in texts.items() if any(column)}
    return tuple(filled), tuple(zip(*filled.values(), strict=True))


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else printable(value)


@dataclass(frozen=True, repr=False)
class Table:
    """What `show` returns.

    :param columns: their names
    :param rows: of each row a text a column; nothing in them steers a terminal
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        """The table as text: as wide as the terminal, or, where the output goes elsewhere, as it needs to be.

        :raises MissingDependencyError: when rich is not installed
        """
        if not self.rows:
            return _EMPTY
        with importing_rich("show"):
            from rich.console import Console

        width = shutil.get_terminal_size().columns if is_terminal(sys.stdout) else _NO_LIMIT
        # A notebook's console would show what it is to return.
        console = Console(file=io.StringIO(), width=width, color_system=None, force_jupyter=False, legacy_windows=False)
        with console.capture() as captured:
            console.print(self.__rich__())
        return "\n".join(line.rstrip() for line in captured.get().splitlines())

    def __repr__(self) -> str:
        """The same, for an interactive Python; a notebook asks for it besides the HTML."""
        try:
            return str(self)
        except MissingDependencyError as error:
            return f"<Table of {len(self.rows)} rows; {error}>"

    def __rich__(self) -> RichTable | str:
        """For rich's own ``print`` and consoles."""
        if not self.rows:
            return _EMPTY
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for name in self.columns:
            table.add_column(Text(name), justify="right" if name in _NUMBERS else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*(Text(text, _style(name, text)) for name, text in zip(self.columns, row, strict=True)))
        return table

    def _repr_html_(self) -> str:
        """For notebooks."""
        if not self.rows:
            return f"<p>{_EMPTY}</p>"
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in self.columns)
        rows = ("".join(f"<td>{html.escape(text)}</td>" for text in row) for row in self.rows)
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _style(column: str, text: str) -> str:
    return _STYLES.get(text, "") if column == "STATE" else ""
