"""The Marketplace's listings as tables: eleven columns, searched, sorted and cut as DataTables asks for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from stratuslab_libcloud.sandbox.state.entries import Entry

_COLUMNS: tuple[Callable[[Entry], str | None], ...] = (
    lambda entry: "",
    lambda entry: entry.os,
    lambda entry: entry.os_version,
    lambda entry: entry.os_arch,
    lambda entry: entry.email,
    lambda entry: entry.kind,
    lambda entry: entry.created,
    lambda entry: entry.identifier,
    lambda entry: next(iter(entry.locations), None),
    lambda entry: entry.description,
    lambda entry: entry.title,
)
_CREATED_COLUMN = 6
_SEARCHED_COLUMNS = range(1, 6)


class BadSortingError(Exception):
    """A page was asked for without a direction to sort in."""


def row(entry: Entry) -> list[str]:
    """An entry's columns; what is missing is the text ``null``."""
    return ["null" if value is None else value for value in (column(entry) for column in _COLUMNS)]


def search(entries: Sequence[Entry], parameters: Mapping[str, str]) -> Sequence[Entry]:
    """The entries that ``sSearch``, for all columns, and ``sSearch_1`` to ``sSearch_5`` leave."""
    terms = parameters.get("sSearch", "").split()
    by_column = [(number, parameters.get(f"sSearch_{number}", "")) for number in _SEARCHED_COLUMNS]

    def fits(cells: Sequence[str]) -> bool:
        return all(any(_matches(term, cell) for cell in cells[1:]) for term in terms) and all(
            _matches(term, cells[number]) for number, term in by_column
        )

    return [entry for entry in entries if fits(row(entry))]


def arrange(entries: Sequence[Entry], parameters: Mapping[str, str]) -> Sequence[Entry]:
    """The page of the found entries that the parameters ask for; all of them if they ask for none.

    :raises BadSortingError: if ``sSortDir_0`` does not say which way to sort
    """
    found = search(entries, parameters)
    start, length = (parameters.get(name, "") for name in ("iDisplayStart", "iDisplayLength"))
    if not (start.isdigit() and length.isdigit()):
        return found
    direction = parameters.get("sSortDir_0")
    if direction not in ("asc", "desc"):
        raise BadSortingError
    column = _column(parameters.get("iSortCol_0", ""))
    found = sorted(found, key=lambda entry: column(entry) or "", reverse=direction == "desc")
    return found[int(start) : int(start) + int(length)]


def _column(number: str) -> Callable[[Entry], str | None]:
    is_known = number.isdigit() and 0 < int(number) < len(_COLUMNS)
    return _COLUMNS[int(number) if is_known else _CREATED_COLUMN]


def _matches(term: str, cell: str) -> bool:
    try:
        return re.search(term, cell, re.IGNORECASE) is not None
    except re.error:
        return False
