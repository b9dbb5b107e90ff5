"""The README as the package index shows it: there, nothing is beside it."""

from __future__ import annotations

import re
import runpy
from typing import Any

import pytest
import setuptools

from tests.docs.blocks import ROOT

FILES = "https://github.com/StratusLab/libcloud-drivers/blob/master/"
PICTURES = "https://raw.githubusercontent.com/StratusLab/libcloud-drivers/master/"


def test_links_and_pictures_lead_to_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", given.update)
    runpy.run_path(str(ROOT / "setup.py"))
    text = given["long_description"]
    pictures = re.findall(r"!\[[^]]*\]\(([^)]*)\)", text)
    links = re.findall(r"(?<!!)\[[^]]*\]\(([^)]*)\)", text)
    assert len(pictures) > 0
    assert len(links) > 20
    assert all(
        (ROOT / picture.removeprefix(PICTURES)).is_file() for picture in pictures if picture.startswith(PICTURES)
    )
    assert [picture for picture in pictures if not picture.startswith(PICTURES)] == []
    own = [link.removeprefix(FILES).partition("#")[0] for link in links if link.startswith(FILES)]
    assert [name for name in own if not (ROOT / name).is_file()] == []
    assert [link for link in links if not link.startswith(("https://", "http://"))] == []
