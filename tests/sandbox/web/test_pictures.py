"""Pictures of the page, as the documents have them: `make pictures` puts them there."""

from __future__ import annotations

from pathlib import Path

import pytest

from .browser import Browser
from .scenes import SCENES

FOLDER = Path(__file__).parents[3] / "build" / "pictures"
LARGEST = 120_000


@pytest.mark.parametrize(
    ("name", "scene", "height", "dark"),
    [("quiet", "quiet", 900, False), ("busy", "busy", 900, False), ("faults", "failing", 760, True)],
)
def test_pictures(browser: Browser, name: str, scene: str, height: int, dark: bool) -> None:
    file = FOLDER / f"sandbox-{name}.webp"
    browser.window(1280, height, dark=dark)
    with SCENES[scene]() as sandbox:
        browser.look(sandbox.page_url)
        browser.picture(file, 1280, height)
    assert file.read_bytes()[8:12] == b"WEBP"
    assert 20_000 < file.stat().st_size < LARGEST
