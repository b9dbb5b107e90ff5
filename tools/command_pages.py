"""Write a page of the documentation and a manual page for each command, both made from its parser.

    python tools/command_pages.py           write docs/commands/*.md and man/*.1
    python tools/command_pages.py --check   say which of them are not up to date

The manual pages are argparse-manpage's. `tests/commands/test_pages.py` checks that all are up to date.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from argparse_manpage.manpage import Manpage

from stratus_commands import registry, stratus
from stratus_commands.parsing import CommandParser

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "commands"
MANUAL = ROOT / "man"
SITE = "https://github.com/StratusLab/libcloud-drivers"

_ALL = "all commands as one"
_EXIT_STATUS = (
    ("0", "It did what it was asked to do."),
    ("1", "It failed; standard error says why."),
    ("2", "The arguments are wrong; standard error says how."),
    ("130", "It was interrupted (Ctrl-C)."),
)
_FILES = (("~/.stratuslab/stratuslab-user.cfg", "The user's configuration file."),)


def parsers() -> Iterator[tuple[CommandParser, str, str]]:
    """The parser of each command, what it does in a few words, and its words after ``stratus``."""
    yield stratus.parser(), _ALL, ""
    for command in registry.COMMANDS:
        yield command.load().parser(command.name), command.summary, command.words


def files() -> Mapping[Path, str]:
    """All pages, by the files that they belong into."""
    # Both argparse and argparse-manpage break lines where the terminal ends.
    os.environ["COLUMNS"] = "80"
    pages = {}
    for parser, summary, words in parsers():
        pages[PAGES / f"{parser.prog}.md"] = page(parser, words)
        pages[MANUAL / f"{parser.prog}.1"] = manual_page(parser, summary, words)
    return pages


def page(parser: CommandParser, words: str) -> str:
    """A command's page of the documentation, in Markdown.

    :param words: with which ``stratus`` runs it
    """
    lines = [f"# {parser.prog}", "", *_description(parser), "", "```text", _usage(parser), "```", ""]
    if words:
        lines += [f"`stratus {words}` is the same command.", ""]
    for title, actions in _groups(parser):
        lines += [f"## {title}", ""]
        for names, explained in actions:
            lines += [f"{', '.join(f'`{name}`' for name in names)}", f": {_plain_markdown(explained)}", ""]
    return "\n".join([*lines, "## Example", "", "```text", parser.example, "```", ""])


def manual_page(parser: CommandParser, summary: str, words: str) -> str:
    """A command's manual page."""
    manual = _manual_parser(parser, words)
    made = Manpage(manual)
    made.date, made.manual, made.source = "", "StratusLab and OpenNebula clouds", "stratuslab-libcloud-drivers"
    made.description = summary
    # A line of text that begins with an apostrophe would be a request to roff.
    return re.sub(r"^'", r"\\&'", str(made), flags=re.MULTILINE)


def _manual_parser(parser: CommandParser, words: str) -> CommandParser:
    """The parser with what a manual page has besides."""
    same = [{"heading": "notes", "content": f"\\fBstratus {words}\\fR is the same command."}] if words else []
    others = "stratus" if words else "stratus\\-completion"
    parser.epilog = None
    parser._manpage = [  # type: ignore[attr-defined]  # where argparse-manpage looks for more sections
        {"heading": "examples", "content": "\n".join([".nf", _roff(parser.example), ".fi"])},
        {"heading": "exit status", "content": _tagged(_EXIT_STATUS)},
        {"heading": "files", "content": _tagged(_FILES)},
        *same,
        {"heading": "see also", "content": f".BR {others} (1)\n.PP\n{_roff(SITE)}"},
    ]
    return parser


def _description(parser: CommandParser) -> list[str]:
    """What the command does; that of ``stratus`` has a list of commands, which keeps its lines."""
    text, _, listed = (parser.description or "").partition("\n\n")
    lines = [" ".join(text.split())]
    return [*lines, "", "```text", listed, "```"] if listed else lines


def _usage(parser: CommandParser) -> str:
    return (parser.usage or "") % {"prog": parser.prog}


def _groups(parser: CommandParser) -> Iterator[tuple[str, list[tuple[list[str], str]]]]:
    """The groups of arguments that are not empty: a title, and the names and the help of each argument."""
    for group in parser._action_groups:
        actions = [
            (_names(action), action.help or "")
            for action in group._group_actions
            if action.help is not argparse.SUPPRESS
        ]
        if actions:
            yield (group.title or "").capitalize().replace("Pkcs12", "PKCS12"), actions


def _names(action: argparse.Action) -> list[str]:
    value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper())
    if not action.option_strings:
        return [str(action.metavar or action.dest)]
    if action.nargs == 0:
        return list(action.option_strings)
    return [f"{name}={value}" if name.startswith("--") else f"{name} {value}" for name in action.option_strings]


def _plain_markdown(text: str) -> str:
    """Text in which nothing is markup."""
    return re.sub(r"([*_`<\[\]])", r"\\\1", " ".join((text % {}).split()))


def _tagged(entries: tuple[tuple[str, str], ...]) -> str:
    return "\n".join(f".TP\n.B {_roff(name)}\n{_roff(text)}" for name, text in entries)


def _roff(text: str) -> str:
    return text.replace("\\", "\\\\").replace("-", "\\-")


def _outdated(wanted: Mapping[Path, str]) -> list[Path]:
    there = {*PAGES.glob("stratus*.md"), *MANUAL.glob("*.1")}
    differing = {file for file, text in wanted.items() if not file.exists() or file.read_text("utf-8") != text}
    return sorted(differing | (there - set(wanted)))


def main() -> int:
    """Write the pages, or check them.

    :return: the exit status: 1 if one is not up to date
    """
    parser = argparse.ArgumentParser(description="Write a page and a manual page for each command.")
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    wanted = files()
    outdated = _outdated(wanted)
    for file in outdated:
        print(file.relative_to(ROOT))
        if not arguments.check:
            file.parent.mkdir(exist_ok=True)
            file.write_text(wanted[file], encoding="utf-8") if file in wanted else file.unlink()
    return 1 if outdated and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
