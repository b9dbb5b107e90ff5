"""The command ``stratus-show-image``: shows all that is known of images."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stratus_commands import images, options, running, tables
from stratus_commands.connection import Connection
from stratus_commands.failures import UsageError
from stratus_commands.parsing import CommandParser

if TYPE_CHECKING:
    from libcloud.compute.base import NodeImage

NAME = "stratus-show-image"


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "image-id ...",
        "Show what the Marketplace says of images; on an OpenNebula, what it says of its images.",
        f"{prog} IRXgP7fshFSiRIqA9Bsg7Kn9qK-",
    )
    options.add_config(parser)
    options.add_format(parser)
    parser.add_argument(
        "-i", "--image", action="append", default=[], dest="named", metavar="IMAGE", help="the same as image-id"
    )
    parser.add_argument("images", nargs="*", metavar="image-id", help="the images to show")
    options.add_marketplace(parser)
    options.add_endpoint(parser)
    options.add_credentials(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Show the images.

    :return: the exit status
    """
    wanted = [*arguments.named, *arguments.images]
    if not wanted:
        raise UsageError("Please specify the image to show")
    with images.connect_to_marketplace(arguments) as connection:
        rows = [images.row_of(image) for image in _found(connection, wanted)]
    if arguments.format:
        print(tables.as_format(arguments.format, images.ALL_COLUMNS, rows))
    else:
        sys.stdout.writelines(f"{line}\n" for row in rows for line in images.in_full(row))
    return 0


def _found(connection: Connection, wanted: Sequence[str]) -> list[NodeImage]:
    """The images; one of the Marketplace as each of its endorsers describes it, the newest entry first.

    :raises NotFoundError: there is no such image
    """
    from stratuslab_libcloud import StratusLabNodeDriver

    driver = connection.driver
    if not isinstance(driver, StratusLabNodeDriver):
        return [driver.get_image(image, connection.section) for image in wanted]
    entries = driver.list_images(connection.section, ex_all_endorsers=True)
    entries.sort(key=lambda image: image.extra["endorsed"], reverse=True)
    found: list[NodeImage] = []
    for identifier in wanted:
        # One that is not listed is asked for alone: the answer says why.
        found += [each for each in entries if each.id == identifier] or [
            driver.get_image(identifier, connection.section)
        ]
    return found


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
