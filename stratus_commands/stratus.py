"""The command ``stratus``: all commands as subcommands of one."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from stratus_commands import registry, running
from stratus_commands.options import add_common
from stratus_commands.parsing import COMPLETION, CommandParser

NAME = "stratus"
_DESCRIPTION = """\
Machines, volumes and images of a StratusLab or OpenNebula cloud. Each command
has a --help of its own, and is also an executable: 'stratus describe' is
'stratus-describe-instance'."""


def parser(prog: str = NAME) -> CommandParser:
    """The parser for what is no subcommand."""
    width = max(len(command.words) for command in registry.COMMANDS)
    listed = "\n".join(f"  {command.words:{width}}  {command.summary}" for command in registry.COMMANDS)
    parser = CommandParser(prog, "command ...", f"{_DESCRIPTION}\n\nCommands:\n{listed}", f"{prog} describe --help")
    add_common(parser)
    return parser


def main() -> int:
    """Run a subcommand; without one, show what there is.

    :return: its exit status
    """
    if COMPLETION in os.environ:
        from stratus_commands.completing import complete_words

        complete_words(NAME)
    words = sys.argv[1:]
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    found = registry.find(words)
    if not words:
        parser().print_help()
        return 0
    if found is None:
        _refuse(words)
    command, arguments = found
    module = command.load()
    sys.argv[1:] = arguments
    return running.main(module.parser(f"{NAME} {command.words}"), module.run)


def _refuse(words: list[str]) -> NoReturn:
    """``--help`` and ``--version``; anything else is an error."""
    own = parser()
    own.parse([word for word in words[:1] if word.startswith("-")])

    import difflib

    known = [command.words for command in registry.COMMANDS]
    begun = [command for command in known if command.startswith(f"{words[0]} ")]
    if begun:
        own.refuse(f"which command of '{words[0]}'? There are: {', '.join(begun)}")
    close = difflib.get_close_matches(" ".join(words[:2]), known, 1) or difflib.get_close_matches(words[0], known, 1)
    own.refuse(f"there is no command '{words[0]}'" + (f"; did you mean '{close[0]}'?" if close else ""))


if __name__ == "__main__":
    sys.exit(main())
