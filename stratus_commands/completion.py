"""The command ``stratus-completion``: prints what lets a shell complete the commands."""

from __future__ import annotations

import sys
from argparse import Namespace

from stratus_commands import options, registry, running
from stratus_commands.failures import INSTALL, CommandError
from stratus_commands.parsing import CommandParser

NAME = "stratus-completion"


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "shell",
        "Print the script with which a shell completes these commands: bash, zsh or fish. The shell has to read it "
        "when it starts, from its own configuration file.",
        f"{prog} bash >> ~/.bashrc",
    )
    options.add_common(parser)
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell that is to complete")
    return parser


def run(arguments: Namespace) -> int:
    """Print the script.

    :return: the exit status
    """
    try:
        from argcomplete.shell_integration import shellcode
    except ImportError:
        raise CommandError(f"completion needs argcomplete: {INSTALL}") from None
    print(shellcode(["stratus", *(command.name for command in registry.COMMANDS)], shell=arguments.shell))
    return 0


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
