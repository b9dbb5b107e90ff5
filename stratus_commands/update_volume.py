"""The command ``stratus-update-volume``: changes what is known of a volume."""

from __future__ import annotations

import sys
from argparse import Namespace

from stratus_commands import options, running, volumes
from stratus_commands.failures import CommandError, UsageError
from stratus_commands.parsing import CommandParser

NAME = "stratus-update-volume"

_TYPES = {
    "machine-image-origin": "original machine image",
    "machine-image-live": "live machine image",
    "data-image-origin": "original data image",
    "data-image-live": "live data image",
    "data-image-raw-readonly": "raw read-only data image",
    "data-image-raw-read-write": "raw read-write data image",
}


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "volume-uuid",
        "Update the metadata for a given persistent volume (disk). The volume-uuid is the unique identifier for the "
        "volume to update.",
        f"{prog} --tag 'old data' --public 0a1b2c3d-0000-4000-8000-0123456789ab",
    )
    options.add_config(parser)
    parser.add_argument("-t", "--tag", metavar="NAME", help="Tag of the volume; it may be empty")
    volumes.add_visibility(parser, None)
    add_types(parser)
    parser.add_argument("uuids", nargs="*", metavar="volume-uuid", help="the volume")
    volumes.add_service(parser)
    return parser


def add_types(parser: CommandParser) -> None:
    """What a volume is for."""
    for name, words in _TYPES.items():
        kind = name.upper().replace("-", "_")
        parser.add_argument(f"--{name}", dest="kind", action="store_const", const=kind, help=f"Flag as {words}")


def run(arguments: Namespace) -> int:
    """Change the volume; without a change, nothing is asked.

    :return: the exit status
    """
    if not arguments.uuids:
        raise CommandError("Please provide the UUID of the persistent disk to update")
    if len(arguments.uuids) > 1:
        raise CommandError("Only one disk UUID can be specified")
    tag = volumes.checked_tag(arguments.tag)
    if tag is None and arguments.visibility is None and arguments.kind is None:
        return 0
    with volumes.connect_to_disks(arguments) as connection:
        from stratuslab_libcloud import StratusLabNodeDriver

        driver = connection.driver
        if not isinstance(driver, StratusLabNodeDriver):
            raise UsageError("Volumes of an OpenNebula have neither visibility nor type, and keep their names")
        volume = volumes.named(connection, arguments.uuids[0])
        driver.ex_update_volume(volume, tag, ex_visibility=arguments.visibility, ex_type=arguments.kind)
    return 0


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
