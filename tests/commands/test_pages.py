"""The pages of the documentation and the manual pages, which `tools/command_pages.py` makes from the parsers."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import command_pages
import pytest

from stratus_commands import registry

ROOT = Path(__file__).parents[2]
NAMES = ["stratus", *(command.name for command in registry.COMMANDS)]


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tool sets the width itself; this sets it back."""
    monkeypatch.setenv("COLUMNS", "200")


def test_all_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "command_pages.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), "run: python tools/command_pages.py"


def test_there_are_two_for_each_command() -> None:
    pages = command_pages.files()
    assert {file.name for file in pages} == {f"{name}{end}" for name in NAMES for end in (".md", ".1")}


def options() -> Iterator[tuple[str, str]]:
    for command in registry.COMMANDS:
        for action in command.load().parser(command.name)._actions:
            yield from ((command.name, option) for option in action.option_strings if option not in ("-h", "--help"))


def test_each_option_is_in_both() -> None:
    pages = {file.name: text for file, text in command_pages.files().items()}
    for name, option in options():
        assert re.search(rf"`{option}[ =`]", pages[f"{name}.md"]), (name, option)
        in_roff = option.replace("-", "\\-")
        assert f"\\fB{in_roff}\\fR" in pages[f"{name}.1"], (name, option)


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is what shows manual pages")
@pytest.mark.parametrize("name", NAMES)
def test_manual_pages_are_good_roff(name: str) -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", ROOT / "man" / f"{name}.1"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Example" not in done.stdout
    assert name in done.stdout.replace("\u2010", "-")


def test_what_is_not_up_to_date_is_named_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PAGES", "MANUAL"):
        monkeypatch.setattr(command_pages, name, tmp_path / name.lower())
    monkeypatch.setattr(command_pages, "ROOT", tmp_path)
    (tmp_path / "manual").mkdir()
    (tmp_path / "manual" / "stratus-gone.1").touch()

    monkeypatch.setattr(sys, "argv", ["command_pages.py", "--check"])
    assert command_pages.main() == 1
    assert not (tmp_path / "pages").exists()
    monkeypatch.setattr(sys, "argv", ["command_pages.py"])
    assert command_pages.main() == 0
    assert {file.name for file in (tmp_path / "manual").iterdir()} == {f"{name}.1" for name in NAMES}
    monkeypatch.setattr(sys, "argv", ["command_pages.py", "--check"])
    assert command_pages.main() == 0


def test_manual_pages_are_installed() -> None:
    assert '"share/man/man1" = ["man/*.1"]' in (ROOT / "pyproject.toml").read_text()
    assert "graft man" in (ROOT / "MANIFEST.in").read_text().splitlines()
