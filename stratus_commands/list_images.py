"""The command ``stratus-list-images``: lists the images that machines can start from."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stratus_commands import images, options, running, tables
from stratus_commands.connection import Connection
from stratus_commands.failures import UsageError
from stratus_commands.parsing import CommandParser
from stratus_commands.tables import Row

if TYPE_CHECKING:
    from libcloud.compute.base import NodeImage

NAME = "stratus-list-images"

_OF_MARKETPLACE = ("os", "arch", "endorser", "kind", "name", "latest")
_SEARCHED = ("id", "title", "description", "tag", "os", "os_version", "creator", "publisher")


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "",
        "List the images of the Marketplace, the newest entries first; on an OpenNebula, its images.",
        f"{prog} --os Ubuntu --text server --latest",
    )
    options.add_config(parser)
    options.add_format(parser)
    parser.add_argument("--os", metavar="NAME", help="only those with this operating system, such as Ubuntu")
    parser.add_argument("-a", "--arch", metavar="ARCH", help="only those for this architecture, such as x86_64")
    parser.add_argument("--kind", choices=("machine", "disk"), help="only those of machines, or only those of data")
    parser.add_argument("-e", "--endorser", metavar="EMAIL", help="only those that this person endorsed")
    parser.add_argument("--name", metavar="TITLE", help="only those with this title")
    parser.add_argument(
        "--text", metavar="TEXT", help="only those whose title, description, system or creator contains this text"
    )
    parser.add_argument("--latest", action="store_true", help="of several images with one title only the newest")
    options.add_marketplace(parser)
    options.add_endpoint(parser)
    options.add_credentials(parser)
    return parser


def run(arguments: Namespace) -> int:
    """List the images.

    :return: the exit status
    """
    with images.connect_to_marketplace(arguments) as connection:
        rows = [images.row_of(image) for image in _chosen(connection, arguments)]
    rows = [row for row in rows if _contains(row, arguments.text or "")]
    if arguments.format:
        print(tables.as_format(arguments.format, images.COLUMNS, rows))
    else:
        sys.stdout.writelines(f"{line}\n" for row in rows for line in images.in_short(row))
    return 0


def _chosen(connection: Connection, arguments: Namespace) -> Sequence[NodeImage]:
    from stratuslab_libcloud import OpenNebulaNodeDriver

    driver = connection.driver
    if isinstance(driver, OpenNebulaNodeDriver):
        given = [f"--{name}" for name in _OF_MARKETPLACE if getattr(arguments, name)]
        if given:
            raise UsageError(
                f"{given[0]} is for the Marketplace, which an OpenNebula does not have; --text is for both"
            )
        return driver.list_images(connection.section)
    found = driver.list_images(
        connection.section,
        ex_os=arguments.os,
        ex_architecture=arguments.arch,
        ex_endorser=arguments.endorser,
        ex_kind=arguments.kind,
        ex_name=arguments.name,
        ex_latest=arguments.latest,
        ex_all_endorsers=not arguments.latest,
    )
    return sorted(found, key=lambda image: image.extra["endorsed"], reverse=True)


def _contains(row: Row, text: str) -> bool:
    return any(text.lower() in str(row[name] or "").lower() for name in _SEARCHED)


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
