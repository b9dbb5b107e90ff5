"""What commands that list print: the columns of 14.06, or tables, JSON and CSV with stable names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

Value = str | int | float | bool | None | list[str] | list[int] | dict[str, str]
Row = dict[str, Value]


class Column(NamedTuple):
    """A column of a listing.

    :param name: in JSON and CSV, where it does not change
    :param label: at its top, in a listing for people
    :param width: at least; it grows with its longest value, and one blank
    :param colours: of values at a terminal, by the numbers of ANSI's
    """

    name: str
    label: str
    width: int = 0
    colours: Mapping[str, int] = MappingProxyType({})


def as_columns(columns: Sequence[Column], rows: Sequence[Row], *, coloured: bool = False) -> list[str]:
    """The lines of a listing as 14.06 printed it: its header, and one for each row.

    :param coloured: whether values have the colours of their columns
    """
    texts = [[printable(row.get(column.name)) for column in columns] for row in rows]
    widths = [_width(column, [row[place] for row in texts]) for place, column in enumerate(columns[:-1])]
    widths.append(len(columns[-1].label))
    header = "".join(column.label.ljust(width) for column, width in zip(columns, widths, strict=True))
    return [header, *(_line(columns, line, widths, coloured) for line in texts)]


def as_format(form: str, columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """A listing for programs and spreadsheets, or as a table.

    :param form: ``table``, ``json`` or ``csv``
    :return: the text, without the last line break
    """
    if form == "json":
        return _as_json(columns, rows)
    if form == "csv":
        return _as_csv(columns, rows)
    named = [Column(column.name, column.name.upper(), len(column.name) + 1) for column in columns]
    return "\n".join(line.rstrip() for line in as_columns(named, rows))


def _as_json(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    import json

    chosen = [{column.name: row.get(column.name) for column in columns} for row in rows]
    return json.dumps(chosen, indent=2, ensure_ascii=False)


def _as_csv(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    writer.writerows([_text(row.get(column.name)) for column in columns] for row in rows)
    return text.getvalue().removesuffix("\n")


def _width(column: Column, texts: Sequence[str]) -> int:
    longest = max(map(len, texts), default=0)
    return longest + 1 if longest >= column.width else column.width


def _line(columns: Sequence[Column], texts: Sequence[str], widths: Sequence[int], coloured: bool) -> str:
    line = ""
    for column, text, width in zip(columns, texts, widths, strict=True):
        colour = column.colours.get(text) if coloured else None
        padded = text.ljust(width)
        line += f"\033[{colour}m{padded}\033[0m" if colour else padded
    return line


def printable(value: Value) -> str:
    """A value on one line, in which nothing steers a terminal."""
    text = _text(value)
    if text.isprintable():
        return text
    from stratuslab_libcloud.display import printable as display

    return display.printable(text)


def _text(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ",".join(f"{name}={text}" for name, text in value.items())
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
