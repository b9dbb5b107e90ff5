"""stratus-copy-config: the reference file in its place."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata, resources
from pathlib import Path

import pytest

from stratus_commands import running
from stratus_commands.copy_config import parser, run
from stratuslab_libcloud.config import UserConfiguration

REFERENCE = resources.files("stratuslab_libcloud").joinpath("stratuslab-user.cfg.ref").read_bytes()


def main(arguments: list[str]) -> int:
    return running.main(parser(), run, arguments)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_file_at_home(clean_environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0

    file = clean_environment / ".stratuslab" / "stratuslab-user.cfg"
    assert file.read_bytes() == REFERENCE
    assert mode(file) == 0o600
    assert mode(file.parent) == 0o700
    assert list(file.parent.iterdir()) == [file]
    assert capsys.readouterr() == ("", "")
    assert UserConfiguration.load().cloud("default").compute.url.startswith("https://")


@pytest.mark.parametrize("option", ["-c", "--config"])
def test_a_file_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    file = tmp_path / "new" / "folder" / "a.cfg"

    assert main([option, str(file), "-v"]) == 0

    assert file.read_bytes() == REFERENCE
    assert str(file) in capsys.readouterr().out


def test_a_file_that_is_there_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.cfg"
    file.write_text("mine")

    assert main(["-c", str(file)]) == 1

    captured = capsys.readouterr()
    assert file.read_text() == "mine"
    assert captured.out == ""
    assert captured.err == f"Error: won't overwrite file ({file}); use --force to overwrite\n"


@pytest.mark.parametrize("more", [[], ["--force"]])
def test_a_folder_is_named_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]) -> None:
    assert main(["-c", str(tmp_path), *more]) == 1
    problem = f"{tmp_path} is a folder; --config names the file to write, such as {tmp_path}/stratuslab-user.cfg"
    assert capsys.readouterr().err == f"Error: {problem}\n"
    assert list(tmp_path.iterdir()) == []


def test_force_overwrites_whatever_is_there(tmp_path: Path) -> None:
    file = tmp_path / "a.cfg"
    file.write_text("not even [a configuration")
    file.chmod(0o644)

    assert main(["--force", "-c", str(file)]) == 0

    assert file.read_bytes() == REFERENCE
    assert mode(file) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_one(tmp_path: Path) -> None:
    file, link = tmp_path / "a.cfg", tmp_path / "link.cfg"
    file.write_text("mine")
    link.symlink_to(file)

    assert main(["-c", str(link)]) == 1
    assert main(["--force", "-c", str(link)]) == 0

    assert link.is_symlink()
    assert file.read_bytes() == REFERENCE


def test_where_nothing_can_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()

    assert main(["-c", str(tmp_path / "file" / "a.cfg")]) == 1

    errors = capsys.readouterr().err
    assert "a.cfg cannot be written: " in errors
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file"]


def test_quiet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-q", "-c", str(tmp_path / "a.cfg")]) == 0
    assert capsys.readouterr().out == ""


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])

    assert caught.value.code == 0
    assert capsys.readouterr().out.strip() == metadata.version("stratuslab-libcloud-drivers")


def test_as_a_command(clean_environment: Path) -> None:
    command = [sys.executable, "-m", "stratus_commands.copy_config", "-v"]

    first, second = (
        subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=False) for _ in range(2)
    )

    assert (first.returncode, first.stderr) == (0, "")
    assert (second.returncode, second.stdout) == (1, "")
    assert str(clean_environment) in first.stdout


def test_without_a_home_no_folder_of_that_name_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as for a user who is not in the password file
    assert main([]) == 1
    assert (
        "the home directory of ~/.stratuslab/stratuslab-user.cfg is not known; --config names"
        in capsys.readouterr().err
    )
    assert list(tmp_path.iterdir()) == []
