"""What every command has: --help, exit statuses, errors, Ctrl-C, closed pipes, and how fast it starts."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from argparse import Namespace
from importlib.metadata import entry_points, version
from pathlib import Path

import hypothesis
import hypothesis.strategies
import pytest

from stratus_commands import registry, running
from stratus_commands.failures import CommandError, UsageError
from stratus_commands.options import add_config
from stratus_commands.output import Output
from stratus_commands.parsing import CommandParser, add_setting
from stratuslab_libcloud.errors import InvalidArgumentError

from .conftest import RunCommand

EXECUTABLES = Path(sys.executable).parent


def a_parser() -> CommandParser:
    parser = CommandParser("stratus-try", "[thing ...]", "Tries things.", "stratus-try it")
    add_config(parser)
    add_setting(parser, "password", "-p", "--password", metavar="TEXT", help="a password")
    add_setting(parser, "is_local_ip", "--local-ip", flag="true", help="a flag")
    parser.add_argument("--pair", nargs=2)
    parser.add_argument("-n", "--number", type=int)
    parser.add_argument("things", nargs="*")
    return parser


def run_with(outcome: BaseException | int, *arguments: str) -> int:
    def run(arguments: Namespace) -> int:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return running.main(a_parser(), run, arguments)


# -- The arguments


def test_options_may_follow_arguments_be_shortened_and_begin_with_a_hyphen() -> None:
    parsed = a_parser().parse(["a", "-qqq", "--num=3", "b", "-v", "--pass", "-x-", "c", "--", "-d"])
    assert parsed.things == ["a", "b", "c", "-d"]
    assert (parsed.verbose, parsed.quiet, parsed.number) == (1, 3, 3)
    assert parsed.settings["password"].text == "-x-"


@hypothesis.given(hypothesis.strategies.text(min_size=1).filter(lambda text: "\0" not in text))
def test_a_password_may_be_any_text(password: str) -> None:
    for words in (["-p", password], ["--password", password], [f"--password={password}"], ["a", "--pass", password]):
        assert a_parser().parse(words).settings["password"].text == password


@pytest.mark.parametrize("words", [["-p", "-secret"], ["-p-secret"], ["--password=-secret"], ["--pas", "-secret"]])
def test_a_password_may_begin_with_a_hyphen(words: list[str]) -> None:
    assert a_parser().parse(words).settings["password"].text == "-secret"


def test_a_single_hyphen_is_a_value_and_two_are_not() -> None:
    assert a_parser().parse(["-p", "-"]).settings["password"].text == "-"
    assert a_parser().parse(["-n", "-1"]).number == -1


def test_each_parse_has_settings_of_its_own() -> None:
    parser = a_parser()
    assert set(parser.parse(["-p", "x", "--local-ip"]).settings) == {"password", "is_local_ip"}
    assert parser.parse([]).settings == {}


def test_a_password_is_in_no_repr() -> None:
    assert "secret" not in repr(a_parser().parse(["-p", "secret"]))


@pytest.mark.parametrize("words", [["--unknown"], ["-n", "x"], ["-p"], ["--pair", "x"]])
def test_wrong_arguments_show_the_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_with(0, *words)
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Usage: stratus-try [options] [thing ...]\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--vrebose"], "unrecognized arguments: --vrebose; did you mean '--verbose' instead of '--vrebose'?\n"),
        (["x", "-y", "--confg=f"], "--confg=f; did you mean '--config' instead of '--confg'?\n"),
        (["--elephant", "-x"], "unrecognized arguments: --elephant -x\n"),
    ],
)
def test_a_mistyped_option_is_known_by_its_likeness(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run_with(0, *words)
    assert capsys.readouterr().err.endswith(said)


# -- What a command ends with


@pytest.mark.parametrize("status", [0, 1, 7])
def test_the_status_is_the_commands(status: int) -> None:
    assert run_with(status) == status


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CommandError("it is so"), "it is so"),
        (InvalidArgumentError("a value"), "a value"),
        (FileNotFoundError(2, "No such file or directory", "x.txt"), "x.txt: No such file or directory"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_what_went_wrong_is_told_in_one_line(error: Exception, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_with(error) == 1
    assert capsys.readouterr() == ("", f"Error: {said}\n")
    assert run_with(error, "-qq") == 1
    assert capsys.readouterr() == ("", f"Error: {said}\n")
    assert run_with(error, "-qqq") == 1
    assert capsys.readouterr() == ("", "")
    assert run_with(error, "-vvv") == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_fault_of_the_program_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run_with(ZeroDivisionError())


def test_an_argument_that_cannot_be_used_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_with(UsageError("no such thing"))
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith("stratus-try: error: no such thing\n")


def test_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_with(KeyboardInterrupt()) == 130
    assert capsys.readouterr() == ("", "\nInterrupted.\n")


def test_output_that_nobody_reads_is_no_traceback(home_config: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [EXECUTABLES / "stratus-describe-instance"], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=30
        )
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_levels(capsys: pytest.CaptureFixture[str]) -> None:
    def said(*words: str) -> str:
        output = Output(a_parser().parse(words))
        for say in (output.title, output.step, output.detail, output.verbose, output.warning, output.result):
            say(say.__name__)
        return capsys.readouterr().out

    normal = "\n :::::::::::\n :: title ::\n :::::::::::\n :: step\n\tdetail\n"
    assert said() == f"{normal}  [WARNING] warning\nresult\n"
    assert said("-v") == f"{normal}verbose\n  [WARNING] warning\nresult\n"
    assert said("-q") == "  [WARNING] warning\nresult\n"
    assert said("-qq") == "result\n"
    assert said("-qqq") == "result\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), ["warning", "error"]),
        (("-q",), ["warning", "error"]),
        (("-qq",), ["error"]),
        (("-qqq",), []),
        (("-v",), ["info", "warning", "error"]),
        (("-vv",), ["debug", "info", "warning", "error"]),
    ],
)
def test_the_librarys_log_is_on_standard_error(
    words: tuple[str, ...], said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    log = logging.getLogger("stratuslab_libcloud.test")

    def run(arguments: Namespace) -> int:
        for name in ("debug", "info", "warning", "error"):
            getattr(log, name)(name)
        return 0

    before = log.parent.handlers[:] if log.parent else []
    assert running.main(a_parser(), run, words) == 0
    assert capsys.readouterr() == ("", "".join(f"{name.upper()}: {name}\n" for name in said))
    assert log.parent is not None
    assert log.parent.handlers == before


# -- Each command


@pytest.mark.parametrize("command", registry.COMMANDS, ids=lambda command: command.name)
def test_help_ends_with_an_example(command: registry.Command, run_command: RunCommand) -> None:
    status, out, err = run_command(command.name.removeprefix("stratus-"), "--help")
    assert (status, err) == (0, "")
    assert out.startswith(f"Usage: {command.name} ")
    assert f"\n\nExample:\n  {command.name}" in out


_IMPORTED = """
import json, sys
before = set(sys.modules)
from stratus_commands import registry
[command] = [command for command in registry.COMMANDS if command.name == sys.argv[1]]
try:
    command.load().parser(command.name).parse(["--help"])
except SystemExit:
    print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.mark.parametrize("command", registry.COMMANDS, ids=lambda command: command.name)
def test_help_imports_next_to_nothing(command: registry.Command) -> None:
    said = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{_IMPORTED}", command.name],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = json.loads(said.stdout.splitlines()[-1])
    slow = ("libcloud", "stratuslab_libcloud", "requests", "importlib.metadata", "logging", "rich", "asyncio", "ssl")
    assert [name for name in imported if name in slow or name.startswith("libcloud.")] == []
    assert [name for name in imported if name.startswith("stratus_commands.")] != []


def test_each_command_is_an_executable() -> None:
    scripts = {script.name: script.value for script in entry_points(group="console_scripts")}
    for command in registry.COMMANDS:
        module = command.name.removeprefix("stratus-").replace("-", "_")
        assert scripts[command.name] == f"stratus_commands.{module}:main"


@pytest.mark.parametrize("command", registry.COMMANDS, ids=lambda command: command.name)
def test_each_executable_says_its_version(command: registry.Command) -> None:
    said = subprocess.run([EXECUTABLES / command.name, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"{version('stratuslab-libcloud-drivers')}\n"


# -- All commands as one


def stratus(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([EXECUTABLES / "stratus", *words], capture_output=True, text=True, timeout=30, check=False)


def test_stratus_lists_the_commands() -> None:
    for words in ((), ("--help",), ("help",)):
        said = stratus(*words)
        assert (said.returncode, said.stderr) == (0, "")
        for command in registry.COMMANDS:
            assert f"\n  {command.words} " in said.stdout


@pytest.mark.parametrize("words", [("describe",), ("describe-instance",)])
def test_stratus_runs_them(home_config: Path, words: tuple[str, ...]) -> None:
    said = stratus(*words, "-n")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("id  state")
    for asked in ((*words, "--help"), ("help", *words)):
        assert stratus(*asked).stdout.startswith("Usage: stratus describe [options]")


def test_stratus_does_not_know_others() -> None:
    said = stratus("descrbe")
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.endswith("stratus: error: there is no command 'descrbe'; did you mean 'describe'?\n")
    assert stratus("--unknown").returncode == 2
    for words in (["volume"], ["volume", "lst"], ["volume", "--help"], ["help", "volume"]):
        said = stratus(*words)
        assert (said.returncode, said.stdout) == (2, "")
        assert "stratus: error: which command of 'volume'? There are: volume create, volume list, " in said.stderr


def test_the_words_of_commands_are_different() -> None:
    words = [command.words for command in registry.COMMANDS]
    assert len(set(words)) == len(words)
    for command in registry.COMMANDS:
        assert registry.find([*command.words.split(), "-x"]) == (command, ["-x"])
        assert registry.find([command.name.removeprefix("stratus-"), "-x"]) == (command, ["-x"])
