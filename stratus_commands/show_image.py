"""The command ``stratus-show-image``: shows all that is known of images."""

from __future__ import annotations

import sys
from argparse import Namespace

from stratus_commands import images, options, running, tables
from stratus_commands.failures import UsageError
from stratus_commands.parsing import CommandParser

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
        raise UsageError("Please specify an image")
    with images.connect_to_marketplace(arguments) as connection:
        rows = [images.row_of(connection.driver.get_image(image, connection.section)) for image in wanted]
    if arguments.format:
        print(tables.as_format(arguments.format, images.ALL_COLUMNS, rows))
    else:
        sys.stdout.writelines(f"{line}\n" for row in rows for line in images.in_full(row))
    return 0


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
