"""The command ``stratus-upload-metadata``: publishes the signed description of an image."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from stratus_commands import metadata, options, running
from stratus_commands.failures import UsageError
from stratus_commands.images import connect_to_marketplace
from stratus_commands.output import Output
from stratus_commands.parsing import CommandParser

NAME = "stratus-upload-metadata"


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "metadata-file",
        "Uploads metadata about a machine or disk image to the Marketplace. The metadata-file argument is the signed "
        "metadata file to upload.",
        f"{prog} CentOS-6.5-x86_64-base-1.0.xml",
    )
    options.add_config(parser)
    parser.add_argument("files", nargs="*", metavar="metadata-file", help="the file")
    options.add_marketplace(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Publish the entry.

    :return: the exit status
    """
    if len(arguments.files) != 1:
        raise UsageError("Only one metadata file can be uploaded" if arguments.files else "Missing metadata file")
    file = Path(arguments.files[0])
    if not file.is_file():
        raise UsageError(f"Image manifest does not exist: {file}")
    output = Output(arguments)
    with connect_to_marketplace(arguments) as connection, metadata.marketplace_of(connection) as marketplace:
        output.result(metadata.publish(marketplace, metadata.read(file), output))
    return 0


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
