"""What others' tools say of the page: axe-core of its accessibility, the W3C's checker (vnu) of its HTML.

They are in `checkers/node_modules` once ``npm install`` was run in `checkers`, as ``make checkers`` does.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import requests

from .browser import Browser
from .conftest import address, token
from .scenes import SCENES

MODULES = Path(__file__).parent / "checkers" / "node_modules"
AXE = MODULES / "axe-core" / "axe.min.js"
VNU = MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"

RUN_AXE = """
const done = arguments[arguments.length - 1];
const said = (results) => results.map((found) => `${found.id}: ${found.nodes.map((node) => node.html).join(" ")}`);
axe.run(document, {resultTypes: ["violations", "incomplete"]}).then(
  (results) => done([said(results.violations), said(results.incomplete)]));
"""
SHOW_ALL = """
for (const element of document.querySelectorAll(".scroll, .bar, thead th")) {
  element.style.cssText = "max-height: none; height: auto; overflow: visible; position: static";
}
for (const life of [...document.querySelectorAll("details")].slice(0, 3)) life.open = true;
"""


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not here: make checkers")
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (400, False)])
@pytest.mark.parametrize("scene", SCENES)
def test_the_accessibility_checker_finds_nothing(browser: Browser, scene: str, width: int, dark: bool) -> None:
    browser.window(width, 900, dark=dark)
    with SCENES[scene]() as sandbox:
        browser.look(sandbox.page_url)
        browser.find("#pause").click()
        browser.run(SHOW_ALL)
        browser.run(AXE.read_text(encoding="utf-8"))
        violations, unclear = browser.driver.execute_async_script(RUN_AXE)
    assert violations == []
    # The contrast of what is scrolled out of sight cannot be measured; on a narrow screen, that is some of each table.
    assert unclear == [] or width == 400


@pytest.mark.skipif(not VNU.is_file(), reason="vnu-jar is not here: make checkers")
@pytest.mark.skipif(shutil.which("java") is None, reason="vnu needs Java, which is not installed.")
def test_the_html_checker_finds_nothing(tmp_path: Path) -> None:
    for name, scene in SCENES.items():
        with scene() as sandbox:
            shell = requests.get(address(sandbox), timeout=5).text
            headers = {"X-Sandbox-Token": token(sandbox)}
            contents = requests.get(f"{address(sandbox)}/cloud", headers=headers, timeout=5).text
        empty, end = shell.index("<noscript>"), shell.index("</main>")
        (tmp_path / f"{name}.html").write_text(shell[:empty] + contents + shell[end:], encoding="utf-8")
    (tmp_path / "shell.html").write_text(shell, encoding="utf-8")
    checked = subprocess.run(
        ["java", "-jar", VNU, "--format", "json", "--stdout", *tmp_path.iterdir()],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    found = json.loads(checked.stdout)["messages"]
    assert [
        f"{message['message']} {message.get('extract')}" for message in found if not is_htmx(message["message"])
    ] == []


def is_htmx(message: str) -> bool:
    """Whether a checker complains of an attribute of htmx, which HTML does not know."""
    return message.startswith("Attribute “hx-") and "not allowed on element" in message
