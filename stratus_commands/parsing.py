"""Parsers of commands: argparse, with what the scripts of 14.06 rely on.

Completion, manual pages and the pages of the documentation are made from the same parsers.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, NoReturn

COMPLETION = "_ARGCOMPLETE"
"""The variable with which a shell runs a command to ask what may come next on its command line (argcomplete)."""

_USUAL_WIDTH = 80


class Given(NamedTuple):
    """A setting that an option gives.

    :param option: as the user wrote it, for messages
    :param text: the value; ``repr()`` leaves it out, since it may be a password
    """

    option: str
    text: str

    def __repr__(self) -> str:
        return f"Given({self.option})"


class CommandParser(argparse.ArgumentParser):
    """The parser of one command.

    As with 14.06, options may follow arguments, long ones may be shortened, and the value of an option may begin with
    a hyphen.

    :param prog: the command's name
    :param arguments: what stands after the options, as the usage shows it
    :param description: what the command does
    :param example: command lines, with which ``--help`` ends
    """

    def __init__(self, prog: str, arguments: str, description: str, example: str) -> None:
        super().__init__(
            prog,
            usage=f"%(prog)s [options] {arguments}".rstrip(),
            description=description,
            epilog=f"Example:\n  {example}",
            formatter_class=_HelpFormatter,
            add_help=False,
        )
        self._positionals.title, self._optionals.title = "Arguments", "Options"
        self.example = example
        self.set_defaults(settings={})

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Read the arguments.

        :raises SystemExit: with status 2, if one is wrong; with 0 after ``--help`` and ``--version``
        """
        words = list(self._with_values_joined(arguments))
        if words[-1:] == ["--"]:
            words.pop()  # argparse knows it only where arguments may follow
        parsed, unknown = self.parse_known_intermixed_args(words)
        if unknown:
            self.refuse(f"unrecognized arguments: {' '.join(unknown)}{self._meant_instead_of(unknown)}")
        return parsed

    def refuse(self, problem: object) -> NoReturn:
        """End the command with its usage and a problem.

        :raises SystemExit: with status 2
        """
        self.error(str(problem))

    def _meant_instead_of(self, unknown: Sequence[str]) -> str:
        """The question whether a mistyped option was to be another one; empty if there is none like it."""
        import difflib

        options = (option for action in self._actions for option in action.option_strings)
        known = [option[2:] for option in options if option.startswith("--")]
        for word in unknown:
            name = word.partition("=")[0].removeprefix("--")
            close = difflib.get_close_matches(name, known, 1) if word.startswith("--") else []
            if close:
                return f"; did you mean '--{close[0]}' instead of '--{name}'?"
        return ""

    def _with_values_joined(self, arguments: Sequence[str]) -> Iterator[str]:
        """The arguments, with the values that begin with a hyphen joined to their options."""
        words = iter(arguments)
        for word in words:
            if word == "--":
                yield word
                yield from words
                return
            if self._takes_the_next(word):
                value = next(words, None)
                if value is not None and value.startswith("-") and value != "-":
                    word = f"{word}={value}" if word.startswith("--") else f"{word}{value}"
                    value = None
                yield word
                if value is not None:
                    yield value
            else:
                yield word

    def _takes_the_next(self, word: str) -> bool:
        """Whether a word is an option whose value is the next one."""
        if not word.startswith("-") or "=" in word:
            return False
        matching = {
            id(action): action
            for action in self._actions
            for option in action.option_strings
            if option == word or (word.startswith("--") and len(word) > 2 and option.startswith(word))
        }
        exact = [action for action in matching.values() if word in action.option_strings]
        chosen = exact or list(matching.values())
        return len(chosen) == 1 and chosen[0].nargs is None


class _HelpFormatter(argparse.HelpFormatter):
    """Help in the form that 14.06 had."""

    def __init__(self, prog: str, **arguments: Any) -> None:
        super().__init__(prog, max_help_position=24, width=_width_of_terminal() - 2, **arguments)

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        """The usage, as the first thing of the help and of messages."""
        super().add_usage(usage, actions, groups, "Usage: " if prefix is None else prefix)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, action.dest.upper())
        return ", ".join(
            f"{option}={value}" if option.startswith("--") else f"{option} {value}" for option in action.option_strings
        )

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """An example keeps its lines; other text is filled."""
        return text if "\n" in text else super()._fill_text(text, width, indent)


def _width_of_terminal() -> int:
    """As `shutil` has it, which takes longer to import than all the rest of the help."""
    try:
        return int(os.environ.get("COLUMNS", 0)) or os.get_terminal_size().columns or _USUAL_WIDTH
    except (ValueError, OSError):
        return _USUAL_WIDTH


class _StoreSetting(argparse.Action):
    """Keeps the value of an option as that of a key of the configuration file."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        text = str(self.const if self.nargs == 0 else values)
        namespace.settings = {**namespace.settings, self.dest: Given(option or self.dest, text)}


def add_setting(
    group: argparse._ActionsContainer,
    key: str,
    *options: str,
    help: str,
    metavar: str = "",
    type: Callable[[str], Any] = str,
    flag: str | None = None,
) -> None:
    """Add an option that stands for a key of the configuration file, and comes before it.

    :param group: where it is shown
    :param key: of the configuration file
    :param options: its names
    :param metavar: what stands for its value in the help
    :param type: checks and converts the value
    :param flag: the key's value, for an option that has none of its own
    """
    if flag is not None:
        group.add_argument(
            *options, action=_StoreSetting, dest=key, nargs=0, const=flag, default=argparse.SUPPRESS, help=help
        )
    else:
        group.add_argument(
            *options,
            action=_StoreSetting,
            dest=key,
            metavar=metavar,
            type=type,
            default=argparse.SUPPRESS,
            help=help,
        )
