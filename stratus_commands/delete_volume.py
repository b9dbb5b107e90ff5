"""The command ``stratus-delete-volume``: deletes volumes."""

from __future__ import annotations

import sys
from argparse import Namespace

from stratus_commands import options, running, volumes
from stratus_commands.failures import CommandError
from stratus_commands.parsing import CommandParser

NAME = "stratus-delete-volume"


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "volume-uuid ...",
        "Delete a persistent volume (disk) or volumes. The volume-uuid arguments are the unique identifiers of volumes "
        "to remove.",
        f"{prog} 0a1b2c3d-0000-4000-8000-0123456789ab",
    )
    options.add_config(parser)
    parser.add_argument("uuids", nargs="*", metavar="volume-uuid", help="the volumes")
    volumes.add_service(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Delete the volumes, up to the first that cannot be deleted.

    :return: the exit status
    """
    if not arguments.uuids:
        raise CommandError("Please provide at least one persistent disk UUID to delete")
    with volumes.connect_to_disks(arguments) as connection:
        for uuid in [volumes.checked_id(connection, written) for written in arguments.uuids]:
            connection.driver.destroy_volume(volumes.find(connection, uuid))
            print(f"DELETED {uuid}", flush=True)
    return 0


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
