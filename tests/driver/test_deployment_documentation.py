"""``docs/guides/deployment.md``: its programs run one after the other, on sandboxes and with a new key."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest

from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.guests.key_pair import make_key_pair

PAGE = (Path(__file__).parents[2] / "docs" / "guides" / "deployment.md").read_text("utf-8")
PROGRAMS = [text for text in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "ssh_interface" not in text]


def test_its_programs_run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "stratuslab_libcloud.deployment")  # the page does the same, and this is undone
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    config = tmp_path / ".stratuslab" / "stratuslab-user.cfg"
    config.parent.mkdir()
    names: dict[str, Any] = {}
    with Sandbox(boot_seconds=0) as one, Sandbox(boot_seconds=0) as two:
        key = make_key_pair(config)
        for section, sandbox in (("default", one), ("lal", one), ("grnet", two)):
            sandbox.write_config(config, section=section, public_key_file=key)
        for program in PROGRAMS:
            exec(program, names)
        said = capsys.readouterr().out
        assert "0 hello from " in said
        assert "greeting = hello" in said
        assert names["results"] == [number**2 for number in range(20)]
        assert names["driver"].list_nodes() == []
