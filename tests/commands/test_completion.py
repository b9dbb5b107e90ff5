"""Completion by real shells: a key is pressed, and what the shell writes is read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from stratus_commands import registry
from stratuslab_libcloud.sandbox import Sandbox

from .conftest import RunCommand

EXECUTABLES = Path(sys.executable).parent
PROMPT = "READY> "
CLEAR_LINE = "\x05\x15"  # to its end, and delete all before it
SHELLS = ("bash", "zsh", "fish")
STARTS = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}
PREPARES = {
    "bash": ["source <(stratus completion bash)"],
    "zsh": ["autoload -U compinit; compinit -u", "source <(stratus completion zsh)"],
}

Complete = Callable[[str], str]


@pytest.fixture(params=[shell for shell in SHELLS if shutil.which(shell)])
def complete(request: pytest.FixtureRequest, clean_environment: Path) -> Iterator[Complete]:
    """What a shell makes of the beginning of a command line when the tabulator key is pressed twice."""
    environment = {
        "HOME": str(clean_environment),
        "PATH": f"{EXECUTABLES}:{os.environ['PATH']}",
        "PS1": PROMPT,
        "TERM": "dumb",
    }
    if request.param == "fish":
        yield lambda line: completed_by_fish(line, environment)
        return
    terminal = pexpect.spawn(
        request.param, STARTS[request.param], env=environment, encoding="utf-8", timeout=20, dimensions=(200, 200)
    )
    for line in PREPARES[request.param]:
        terminal.expect_exact(PROMPT)
        terminal.sendline(line)

    def press(line: str) -> str:
        terminal.expect_exact(PROMPT)
        terminal.send(f"{line}\t\t")
        terminal.sendline(f"{CLEAR_LINE}echo the end")
        terminal.expect("\r\nthe end\r\n")
        return str(terminal.before)

    yield press
    terminal.close(force=True)


def completed_by_fish(line: str, environment: dict[str, str]) -> str:
    """What fish offers; it has a command for this, and redraws its prompt too often to be read."""
    script = f"stratus completion fish | source; complete -C '{line}'"
    said = subprocess.run(
        ["fish", "--no-config", "-c", script], env=environment, capture_output=True, text=True, timeout=20, check=True
    )
    return said.stdout


def test_words_of_stratus(complete: Complete) -> None:
    assert "volume" in complete("stratus vol")
    said = complete("stratus volume ")
    assert all(word in said for word in ("create", "list", "update", "delete", "attach", "detach"))
    assert "describe" not in said
    assert "--version" in complete("stratus --ver")
    assert "detach" in complete("stratus volume det")


def test_options(complete: Complete) -> None:
    assert "--pdisk-endpoint" in complete("stratus volume create --pdisk-e")
    assert "--pdisk-endpoint" in complete("stratus-create-volume --pdisk-e")
    said = complete("stratus-describe-volumes --format ")
    assert all(word in said for word in ("table", "json", "csv"))
    assert "machine-image-origin" in complete("stratus-update-volume --machine-image-o")


def test_sections_of_the_file(complete: Complete, clean_environment: Path, sandbox: Sandbox) -> None:
    file = clean_environment / ".stratuslab" / "stratuslab-user.cfg"
    file.parent.mkdir(mode=0o700)
    sandbox.write_config(file, section="nightly", public_key_file="key.pub")
    assert "nightly" in complete("stratus describe -S nig")
    sandbox.write_config(clean_environment / "other.cfg", section="weekly", public_key_file="key.pub")
    assert "weekly" in complete("stratus describe -c ~/other.cfg --user-config-section we")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_for_all_commands(run_command: RunCommand, shell: str) -> None:
    status, out, err = run_command("completion", shell)
    assert (status, err) == (0, "")
    assert all(command.name in out for command in registry.COMMANDS)


def test_a_shell_is_needed(run_command: RunCommand) -> None:
    assert run_command("completion").status == 2
    assert run_command("completion", "cmd").status == 2


def test_without_argcomplete(run_command: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "argcomplete.shell_integration", None)
    status, out, err = run_command("completion", "bash")
    assert (status, out) == (1, "")
    assert err == "Error: completion needs argcomplete: pip install 'stratuslab-libcloud-drivers[cli]>=26'\n"
