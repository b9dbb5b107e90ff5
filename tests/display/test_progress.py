"""`show_progress`: lines at a terminal, silence elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from stratuslab_libcloud import Progress, show_progress
from stratuslab_libcloud.errors import MissingDependencyError

from .conftest import at_a_terminal

PROGRAM = """
import sys
import stratuslab_libcloud
from stratuslab_libcloud import Progress

with stratuslab_libcloud.show_progress() as show:
    show(Progress("creating machines", 1, 3, "machines", "machine 7 was created"))
    show(Progress("creating machines", 3, 3, "machines"))
    show(Progress("uploading \\x1b[2J[red]disk", 3_000_000, 12_000_000, "bytes", "a\\x07 detail " + "long " * 100))
    show(Progress("downloading", 5_000_000, None, "bytes"))
    show(Progress("creating machines", 1, 2, "machines"))
    {more}
"""


def shown(output: str) -> list[str]:
    """The lines that stay on the terminal at the end."""
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\0", output)
    return [line.strip() for line in re.split(r"[\r\n\0]+", last) if line.strip()]


def test_a_terminal_shows_a_line_for_each_call() -> None:
    output = at_a_terminal(PROGRAM.replace("{more}", "print('printed meanwhile')"), 100)
    text = " ".join(shown(output))
    for words in ("3 of 3 machines", "3.0 MB of 12.0 MB", "5.0 MB", "1 of 2 machines", "printed meanwhile"):
        assert words in text
    assert r"uploading \x1b[2J[red]disk" in re.sub(r"\s*\x1b\[[0-9;?]+[A-Za-z]", "", output).replace("\r\n", "")
    assert "\x1b[2J" not in output
    assert "\x07" not in output
    assert output.count("\x1b[?25l") == output.count("\x1b[?25h") == 1  # the cursor is there again


def test_no_color() -> None:
    program = PROGRAM.replace("{more}", "")
    colours = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|9[0-7])[;m]")
    assert colours.search(at_a_terminal(program, 100))
    assert not colours.search(at_a_terminal(program, 100, NO_COLOR="1"))


def test_an_error_leaves_the_terminal_in_order() -> None:
    output = at_a_terminal("try:" + PROGRAM.replace("{more}", "1 / 0").replace("\n", "\n    ")
                           + "\nexcept ZeroDivisionError:\n    print('failed')", 100)  # fmt: skip
    assert output.rstrip().endswith("failed")
    assert output.count("\x1b[?25l") == output.count("\x1b[?25h") == 1


def test_what_is_printed_into_a_pipe_meanwhile_gets_there(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The display is on the standard error output; the standard output goes elsewhere."""
    file = tmp_path_factory.mktemp("output") / "file"
    output = at_a_terminal(
        f"import sys\nsys.stdout = open({str(file)!r}, 'w')" + PROGRAM.replace("{more}", "print('into the file')"), 100
    )
    assert file.read_text() == "into the file\n"
    assert "into the file" not in output


def test_elsewhere_nothing_is_shown() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{more}", "print('rich' in sys.modules)")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    with show_progress() as show:  # no terminal
        show(Progress("a task", 1, 2, "steps"))
    monkeypatch.setattr("stratuslab_libcloud.display.progress.is_terminal", lambda stream: True)
    with pytest.raises(MissingDependencyError, match="show_progress needs rich"), show_progress():
        pass
