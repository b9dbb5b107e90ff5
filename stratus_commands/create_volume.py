"""The command ``stratus-create-volume``: makes a volume."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from stratus_commands import options, running, volumes
from stratus_commands.connection import Connection
from stratus_commands.failures import CommandError, UsageError
from stratus_commands.parsing import CommandParser

if TYPE_CHECKING:
    from libcloud.compute.base import StorageVolume

NAME = "stratus-create-volume"

_LARGEST = 1024


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog, "", "Create a new persistent volume (disk) with the given options.", f"{prog} --size 10 --tag 'my data'"
    )
    options.add_config(parser)
    parser.add_argument("-s", "--size", type=int, metavar="SIZE", help="Size of the volume in GiBs")
    parser.add_argument(
        "-t", "--tag", default="", metavar="NAME", help="Tag of the volume; on OpenNebula its name, which it needs"
    )
    parser.add_argument(
        "--cow",
        metavar="UUID",
        help="Create a copy on write volume of this machine image. The account of the disk service must be the "
        "service's own: --pdisk-username, --pdisk-password",
    )
    parser.add_argument("--rebase", metavar="UUID", help="Make a new origin of this live machine image")
    volumes.add_visibility(parser, "private")
    volumes.add_service(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Create the volume.

    :return: the exit status
    """
    volumes.checked_tag(arguments.tag, CommandError)
    if not (arguments.cow or arguments.rebase):
        _check_size(arguments.size)
    with volumes.connect_to_disks(arguments) as connection:
        print(f"DISK {_create(connection, arguments).id}")
    return 0


def _create(connection: Connection, arguments: Namespace) -> StorageVolume:
    from stratuslab_libcloud import OpenNebulaNodeDriver

    driver = connection.driver
    if isinstance(driver, OpenNebulaNodeDriver):
        if arguments.cow or arguments.rebase or arguments.visibility == "public":
            raise UsageError("--cow, --rebase and --public are for StratusLab's disk service, not for OpenNebula")
        return driver.create_volume(arguments.size, arguments.tag, connection.section)
    if arguments.cow:
        return driver.ex_copy_volume(volumes.find(connection, arguments.cow), arguments.tag)
    if arguments.rebase:
        return driver.ex_rebase_volume(volumes.find(connection, arguments.rebase))
    return driver.create_volume(arguments.size, arguments.tag, connection.section, ex_visibility=arguments.visibility)


def _check_size(size: int | None) -> None:
    if not size:
        raise CommandError("Missing mandatory -s/--size option")
    if not 0 < size <= _LARGEST:
        raise CommandError(f"Volume size must be a valid integer between 1 and {_LARGEST}")


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
