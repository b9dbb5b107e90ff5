"""stratus-prepare-context: the file that it writes."""

from __future__ import annotations

import base64
import gzip
import random
from pathlib import Path

import pytest

from .conftest import RunCommand


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key_file: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "script.sh").write_text("#!/bin/sh\necho hello\n")
    return tmp_path


def values(folder: Path) -> dict[str, str]:
    lines = (folder / "cloud-init.txt").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line)


def test_keys_and_a_script(run_command: RunCommand, folder: Path, key_file: Path) -> None:
    assert run_command("prepare-context", f"ssh,{key_file}", "x-shellscript,script.sh") == (0, "", "")
    assert list(values(folder)) == ["CONTEXT_METHOD", "CLOUD_INIT_AUTHORIZED_KEYS", "CLOUD_INIT_USER_DATA"]
    assert base64.b64decode(values(folder)["CLOUD_INIT_AUTHORIZED_KEYS"]) == key_file.read_bytes()
    document = gzip.decompress(base64.b64decode(values(folder)["CLOUD_INIT_USER_DATA"])).decode()
    assert "echo hello" in document
    assert 'filename="script.sh"' in document
    assert (folder / "cloud-init.txt").read_text().endswith("\n\n")


def test_user_data_as_it_is(run_command: RunCommand, folder: Path) -> None:
    assert run_command("prepare-context", "none,script.sh").status == 0
    assert list(values(folder)) == ["CONTEXT_METHOD", "CLOUD_INIT_USER_DATA"]
    sent = gzip.decompress(base64.b64decode(values(folder)["CLOUD_INIT_USER_DATA"]))
    assert sent == (folder / "script.sh").read_bytes()


def test_nothing(run_command: RunCommand, folder: Path) -> None:
    assert run_command("prepare-context", "-v").out == "cloud-init.txt was written\n"
    assert (folder / "cloud-init.txt").read_text() == "CONTEXT_METHOD=cloud-init\n"


@pytest.mark.parametrize(
    ("pair", "problem"),
    [
        ("x-shellscript,missing.sh", "missing.sh, named by cloud_init, cannot be read: No such file or directory"),
        ("x-shellscript", "'x-shellscript' is not of the form mimetype,file"),
        ("x-shell,script.sh", "x-shellscript"),
    ],
)
def test_what_cannot_be_used(run_command: RunCommand, folder: Path, pair: str, problem: str) -> None:
    status, out, err = run_command("prepare-context", pair)
    assert (status, out) == (1, "")
    assert problem in err
    assert not (folder / "cloud-init.txt").exists()


def test_too_much(run_command: RunCommand, folder: Path) -> None:
    (folder / "big.sh").write_text("".join(random.Random(1).choices("0123456789abcdef", k=60000)))
    status, out, err = run_command("prepare-context", "x-shellscript,big.sh")
    assert (status, out) == (1, "")
    assert "at most 16384" in err
