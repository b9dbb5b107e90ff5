"""The command ``stratus-describe-volumes``: shows volumes."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stratus_commands import options, running, tables, volumes
from stratus_commands.connection import Connection
from stratus_commands.failures import CommandError
from stratus_commands.parsing import CommandParser
from stratus_commands.tables import Column, Row

if TYPE_CHECKING:
    from libcloud.compute.base import StorageVolume

NAME = "stratus-describe-volumes"

COLUMNS = tuple(Column(name, name) for name in ("id", "tag", "size", "owner", "count", "identifier"))
"""Of the formats for programs; a size is in GiB, and the count is that of the machines that use the volume."""

_PLAIN = ("count", "owner", "tag", "size")
_MADE_OF_SOMETHING = ("count", "tag", "owner", "identifier", "size")
"""The order in which 14.06 shows what is known of a volume, without and with an identifier."""

Filter = tuple[str, re.Pattern[str]]


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "[volume-uuid ...]",
        "Describe the persistent volumes (disks) with the given identifiers, or all of the user's.",
        f"{prog} --filter tag:^grid- --format csv",
    )
    options.add_config(parser)
    options.add_format(parser)
    parser.add_argument(
        "-f",
        "--filter",
        action="append",
        default=[],
        dest="filters",
        metavar="NAME:VALUE",
        help="Show only volumes with a matching property: its name (uuid, tag, size, owner, count or identifier), and "
        "a regular expression that its value contains. Of several, all have to match",
    )
    parser.add_argument("uuids", nargs="*", metavar="volume-uuid", help="the volumes to show; parts of a UUID will do")
    volumes.add_service(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Show the volumes.

    :return: the exit status
    """
    filters = [_filter(*text.partition(":")[::2]) for text in arguments.filters]
    wanted = [_filter("uuid", written) for written in arguments.uuids]
    with volumes.connect_to_disks(arguments) as connection:
        rows = [_row(volume) for volume in _all(connection)]
    chosen = [row for row in rows if _fits(row, filters) and (not wanted or any(_fits(row, [f]) for f in wanted))]
    if arguments.format:
        print(tables.as_format(arguments.format, COLUMNS, chosen))
    else:
        print("\n".join(_lines(chosen)))
    return 0


def _all(connection: Connection) -> Sequence[StorageVolume]:
    from stratuslab_libcloud import StratusLabNodeDriver

    driver = connection.driver
    if isinstance(driver, StratusLabNodeDriver):
        return driver.list_volumes(connection.section, ex_all=True)
    return driver.list_volumes(connection.section)


def _row(volume: StorageVolume) -> Row:
    extra: Mapping[str, Any] = volume.extra or {}
    return {
        "id": volume.id,
        "tag": volume.name,
        "size": volume.size,
        "owner": extra["owner"],
        "count": extra.get("use_count", len(extra["attachments"] or ())),
        "identifier": _identifier(extra),
    }


def _identifier(extra: Mapping[str, Any]) -> str | None:
    """What the volume was made of; by the marks of this package it was made of nothing."""
    if extra.get("snapshot_of"):
        return f"snapshot:{extra['snapshot_of']}"
    found: str | None = extra.get("marketplace_id")
    return found


def _texts(row: Row) -> dict[str, str]:
    """The properties of a volume as the disk service writes them."""
    texts = {name: "" if value is None else str(value) for name, value in row.items()}
    return {**texts, "uuid": texts["id"], "size": f"{row['size']:,}"}


def _filter(name: str, value: str) -> Filter:
    try:
        return name, re.compile(value.strip())
    except re.error as error:
        raise CommandError(f"{value.strip()!r} is not a regular expression: {error}") from None


def _fits(row: Row, filters: Sequence[Filter]) -> bool:
    texts = _texts(row)
    return all(texts.get(name) and pattern.search(texts[name]) for name, pattern in filters)


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        yield "No disk to show"
    for row in rows:
        texts = _texts(row)
        yield f":: DISK {row['id']}"
        yield from (f"\t{name}: {texts[name]}" for name in (_MADE_OF_SOMETHING if row["identifier"] else _PLAIN))


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
