"""Completion of a command line in a shell, made from the parsers of the commands by argcomplete.

The shell runs the command itself, with `parsing.COMPLETION` in its environment: the number of the word with which the
command begins. It reads what may come next.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any, NoReturn

from stratus_commands import registry
from stratus_commands.options import DEFAULT_FILE, add_common
from stratus_commands.parsing import COMPLETION, CommandParser


def complete(parser: argparse.ArgumentParser) -> NoReturn:
    """Tell the shell what may come next.

    :param parser: of the command
    :raises SystemExit: always, unless the process has ended at once
    """
    try:
        import argcomplete
    except ImportError:
        sys.exit(1)  # nobody would see a message
    for action in parser._actions:
        if action.dest == "section":
            action.completer = _sections  # type: ignore[attr-defined]  # where argcomplete looks for it
    argcomplete.autocomplete(parser, always_complete_options="long")
    sys.exit(1)


def complete_words(name: str) -> NoReturn:
    """Tell the shell what may come next after the name of the command of all commands, and some words.

    :param name: of that command
    :raises SystemExit: always, unless the process has ended at once
    """
    try:
        from argcomplete.lexers import split_line
    except ImportError:
        sys.exit(1)
    words = split_line(os.environ["COMP_LINE"], int(os.environ["COMP_POINT"]))[3][1:]
    found = registry.find(words)
    used = words if found is None else words[: len(words) - len(found[1])]
    os.environ[COMPLETION] = str(1 + len(used))
    if found is not None:
        complete(found[0].load().parser(name))
    complete(_words_after(name, words))


def _words_after(name: str, words: list[str]) -> CommandParser:
    """A parser of what may follow words that are not yet a command."""
    parser = CommandParser(name, "", "", "")
    if not words:
        add_common(parser)
    choices = parser.add_subparsers(parser_class=argparse.ArgumentParser)
    for command in registry.COMMANDS:
        of_command = command.words.split()
        following = of_command[len(words)] if of_command[: len(words)] == words else None
        if following and following not in choices.choices:
            choices.add_parser(following, help=command.summary if of_command[-1] == following else following)
    return parser


def _sections(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """The sections of the user's configuration file that can be a location."""
    import configparser
    from pathlib import Path

    content = configparser.RawConfigParser(strict=False, allow_no_value=True, default_section="")
    try:
        content.read(Path(parsed_args.config or DEFAULT_FILE).expanduser(), encoding="utf-8")
    except (OSError, UnicodeDecodeError, configparser.Error):
        return []
    return [name for name in content.sections() if name not in ("DEFAULT", "instance_types")]
