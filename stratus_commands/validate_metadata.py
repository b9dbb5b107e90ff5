"""The command ``stratus-validate-metadata``: checks the description of an image and its signature."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from stratus_commands import metadata, options, running
from stratus_commands.failures import CommandError, UsageError
from stratus_commands.output import Output
from stratus_commands.parsing import CommandParser

NAME = "stratus-validate-metadata"

_OF_THE_ENTRY = ("signature", "endorser", "identifier", "constraints")
"""The checks that decide; that it has expired, or is deprecated, does not make it invalid."""


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "metadata-file",
        "Validate the metadata description of a machine or disk image, and its signature. The metadata-file argument "
        "is the file containing the image metadata. Nothing is sent.",
        f"{prog} CentOS-6.5-x86_64-base-1.0.xml",
    )
    options.add_common(parser)
    parser.add_argument("files", nargs="*", metavar="metadata-file", help="the file")
    return parser


def run(arguments: Namespace) -> int:
    """Check the file; with ``-v``, say who signed it.

    :return: the exit status
    """
    from stratuslab_libcloud.client.stratuslab.metadata.verification import verify_entry
    from stratuslab_libcloud.errors import InvalidMetadataError

    if len(arguments.files) != 1:
        raise UsageError("Only one metadata file can be validated" if arguments.files else "Missing metadata file")
    file = Path(arguments.files[0])
    if not file.is_file():
        raise UsageError("Manifest file doesn't exist or is not a file")
    try:
        verification = verify_entry(metadata.read(file))
    except InvalidMetadataError as error:
        raise CommandError(f"Invalid: {file}\n{error}") from None
    problems = [problem for name in _OF_THE_ENTRY for problem in verification.check(name).problems]
    if problems:
        raise CommandError("\n".join([f"Invalid: {file}", *problems]))
    output = Output(arguments)
    for remark in (*verification.problems, *verification.warnings):
        output.note(f"{file}: {remark}")
    output.result(f"Valid: {file}")
    output.verbose(str(verification))
    return 0


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
