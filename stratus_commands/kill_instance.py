"""The command ``stratus-kill-instance``: stops virtual machines."""

from __future__ import annotations

import sys
from argparse import Namespace

from stratus_commands import ending, running
from stratus_commands.parsing import CommandParser

NAME = "stratus-kill-instance"


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "vm-id ...",
        "Stop one or more virtual machines and release their associated resources. The vm-id arguments are the "
        "identifiers of the VM instances to stop.",
        f"{prog} 7 8",
    )
    ending.add_options(parser)
    return parser


def run(arguments: Namespace) -> int:
    """Stop the machines."""
    ending.end_machines(arguments, "Kill", lambda connection, node: connection.driver.destroy_node(node))
    return 0


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
