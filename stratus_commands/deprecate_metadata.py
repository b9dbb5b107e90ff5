"""The command ``stratus-deprecate-metadata``: says in the Marketplace that an image should no longer be used."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from stratus_commands import metadata, options, running
from stratus_commands.failures import CommandError, UsageError
from stratus_commands.images import connect_to_marketplace
from stratus_commands.output import Output
from stratus_commands.parsing import CommandParser

if TYPE_CHECKING:
    from stratuslab_libcloud.client.stratuslab.metadata.credentials import SigningCredentials

NAME = "stratus-deprecate-metadata"

_REASON = "This image has been deprecated"


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "image-id",
        "Create a new metadata entry for the given image that deprecates the image. The reason for the deprecation "
        "should be given. The image-id argument is the identifier of the image to deprecate.",
        f"{prog} --email jane@example.org --reason 'has a security hole' IRXgP7fshFSiRIqA9Bsg7Kn9qK-",
    )
    options.add_config(parser)
    parser.add_argument("images", nargs="*", metavar="image-id", help="the image")
    parser.add_argument(
        "--created",
        default="",
        metavar="CREATED",
        help="date of metadata entry to be deprecated, latest entry will be deprecated if not provided",
    )
    parser.add_argument("--reason", default=_REASON, metavar="TEXT", help="Comment to append to deprecation")
    options.add_marketplace(parser)
    metadata.add_signature(parser, "email address of endorser of metadata entry")
    return parser


def run(arguments: Namespace) -> int:
    """Publish an entry that says it.

    :return: the exit status
    """
    from stratuslab_libcloud.client.stratuslab.metadata.changes import deprecated
    from stratuslab_libcloud.client.stratuslab.metadata.document import newest_entry

    if len(arguments.images) != 1:
        raise UsageError("Only one image can be deprecated" if arguments.images else "Missing image identifier")
    if not arguments.email:
        raise UsageError("Missing email address. Please provide email of endorser")
    output = Output(arguments)
    signer = metadata.credentials(arguments)
    _check_address(signer, arguments.email)
    with connect_to_marketplace(arguments) as connection, metadata.marketplace_of(connection) as marketplace:
        entry = marketplace.entry_document(arguments.images[0], arguments.email, arguments.created)
        content = metadata.signed(deprecated(newest_entry(entry), arguments.reason), signer, arguments)
        output.result(metadata.publish(marketplace, content, output))
    return 0


def _check_address(signer: SigningCredentials, email: str) -> None:
    """See that the new entry is the same endorser's; another one's would deprecate nothing.

    :raises CommandError: it would not be
    """
    if signer.email is not None and signer.email != email:
        raise CommandError(
            f"The certificate is that of {signer.email}, so the entry of {email} cannot be deprecated with it"
        )


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
