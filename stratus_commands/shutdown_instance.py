"""The command ``stratus-shutdown-instance``: shuts virtual machines down."""

from __future__ import annotations

import sys
from argparse import Namespace

from stratus_commands import ending, running
from stratus_commands.parsing import CommandParser

NAME = "stratus-shutdown-instance"


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "vm-id ...",
        "Shutdown one or more virtual machines: their operating systems end them, and the disks of those that were "
        "started with --save are saved. The vm-id arguments are the identifiers of the VM instances to shutdown.",
        f"{prog} 7 8",
    )
    ending.add_options(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Shut down the machines."""
    ending.end_machines(arguments, "Shutdown", lambda connection, node: connection.driver.ex_shutdown_node(node))
    return 0


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
