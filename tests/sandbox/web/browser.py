"""A real browser, Chromium of the distribution, driven by Selenium."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WAIT_SECONDS = 10
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
    "--force-prefers-reduced-motion",
    "--lang=en-US",
    "--no-proxy-server",
)


class Browser:
    """One window, which is emptied for each test.

    :param profile: an empty folder
    """

    def __init__(self, profile: Path) -> None:
        webdriver = pytest.importorskip("selenium.webdriver", reason="Selenium is not installed.")
        browser = next(filter(None, map(shutil.which, _NAMES)), None)
        driver = shutil.which("chromedriver")
        if browser is None or driver is None:
            pytest.skip("There is no Chromium with its chromedriver: the page is only tested over HTTP.")
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        for flag in (*_FLAGS, *sandbox, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver: Any = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        self.window()

    def window(self, width: int = 1280, height: int = 900, *, dark: bool = False) -> None:
        """Be so large, and light or dark."""
        self._command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._command("Emulation.setEmulatedMedia", features=features)

    def open(self, url: str) -> None:
        """Open a page in a new history."""
        self.driver.get("about:blank")
        self.driver.get(url)

    def look(self, url: str) -> None:
        """Open a sandbox's page, and wait until it shows the cloud."""
        self.open(url)
        self.wait(lambda: self.status() == "live" and self.has("#machines"))

    def run(self, script: str, *arguments: object) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition: Callable[[], object]) -> None:
        """Wait until something is so.

        :raises TimeoutException: if it is not so in time
        """
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.wait import WebDriverWait

        wait = WebDriverWait(self.driver, WAIT_SECONDS, 0.02, [StaleElementReferenceException])
        wait.until(lambda _: condition())

    def find(self, selector: str) -> Any:
        """The element, once it is there."""
        self.wait(lambda: self.has(selector))
        return self.driver.find_element("css selector", selector)

    def has(self, selector: str) -> bool:
        return bool(self.run("return document.querySelector(arguments[0])", selector))

    def text(self, selector: str) -> str:
        return str(self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector))

    def status(self) -> str:
        """What the page says of its connection."""
        return self.text("#connection")

    def focus(self) -> str:
        """The identifier or the name of the element that has the focus."""
        return str(self.run("const a = document.activeElement; return a.id || a.name || a.tagName"))

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def after_updates(self, number: int = 2) -> None:
        """Wait until the page has been brought up to date so many times more."""
        self.run(
            "window.updates = 0; document.addEventListener('htmx:after:swap', () => { window.updates += 1; });"
            "document.body.dispatchEvent(new Event('look-again'));"
        )
        self.wait(lambda: self.run("return window.updates") >= number)

    def picture(self, file: Path, width: int, height: int) -> None:
        """Write what is seen, in the format that the name of the file says."""
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        picture = self._command(
            "Page.captureScreenshot",
            format=file.suffix[1:],
            clip=clip,
            **({"quality": 88} if file.suffix == ".webp" else {}),
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(picture["data"]))

    def complaints(self) -> list[str]:
        """What the browser has complained of since the last time."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]

    def close(self) -> None:
        self.driver.quit()

    def _command(self, name: str, **parameters: object) -> Any:
        return self.driver.execute_cdp_cmd(name, parameters)
