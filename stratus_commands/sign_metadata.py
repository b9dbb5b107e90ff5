"""The command ``stratus-sign-metadata``: endorses and signs the description of an image."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from stratus_commands import metadata, options, running
from stratus_commands.failures import UsageError
from stratus_commands.output import Output
from stratus_commands.parsing import CommandParser

NAME = "stratus-sign-metadata"


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "metadata-file",
        "Sign the given metadata description of a machine or disk image. The metadata-file argument is the file "
        "containing the metadata to sign.",
        f"{prog} --p12-cert jane.p12 --p12-password - --email jane@example.org CentOS-6.5-x86_64-base-1.0.xml",
    )
    options.add_config(parser)
    parser.add_argument("files", nargs="*", metavar="metadata-file", help="the file")
    parser.add_argument("--output", metavar="FILE", help="signed metadata file (same as input; input moved to *.orig)")
    metadata.add_signature(parser, "email address if not in certificate")
    return parser


def run(arguments: Namespace) -> int:
    """Sign the file.

    :return: the exit status
    """
    if len(arguments.files) != 1:
        raise UsageError("Only one metadata file can be signed" if arguments.files else "Missing metadata file")
    file = Path(arguments.files[0])
    if not file.is_file():
        raise UsageError("Metadata file doesn't exist or is not a file")
    output = Output(arguments)
    content = metadata.signed(metadata.read(file), metadata.credentials(arguments), arguments)
    target = metadata.replace(file, content, arguments.output, output)
    output.verbose(f"Metadata file successfully signed: {target}")
    return 0


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
