"""Run with the Python of a fresh environment into which the package was installed: is everything there that should be?

It needs nothing but what the package itself requires, so it is a program and not one of the tests.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.metadata import entry_points, version
from importlib.util import find_spec
from pathlib import Path

from libcloud.compute.providers import get_driver

import stratuslab_libcloud


def main() -> None:
    package = Path(stratuslab_libcloud.__file__).parent
    assert "site-packages" in package.parts, package
    assert version("stratuslab-libcloud-drivers") == stratuslab_libcloud.__version__
    web = ("templates/page.html", "static/page.js", "static/htmx-4.0.1.min.js", "static/htmx-LICENSE.txt")
    for name in ("py.typed", "stratuslab-user.cfg.ref", *(f"sandbox/web/{file}" for file in web)):
        assert (package / name).is_file(), name

    from stratuslab.libcloud.compute_driver import StratusLabNodeDriver

    [entry_point] = entry_points(group="libcloud.compute", name="stratuslab")
    assert entry_point.load() is StratusLabNodeDriver is get_driver("stratuslab")
    assert not (package.parent / "stratuslab" / "__init__.py").exists()
    [plugin] = entry_points(group="pytest11", name="stratuslab")
    assert find_spec(plugin.module), plugin

    manual = Path(sys.prefix, "share", "man", "man1")
    commands = [
        each.name for each in entry_points(group="console_scripts") if each.value.startswith("stratus_commands.")
    ]
    for name in (command for command in commands if command != "stratuslab-sandbox"):
        assert (manual / f"{name}.1").is_file(), name

    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "stratuslab-user.cfg"
        command = Path(sys.executable).with_name("stratus-copy-config")
        subprocess.run([command, "-c", config], check=True, capture_output=True)
        listing = subprocess.run(
            [Path(sys.executable).with_name("stratus"), "--help"], check=True, capture_output=True, text=True
        )
        assert "describe" in listing.stdout
        driver = get_driver("stratuslab")("default", stratuslab_user_config=config)
        assert len(driver.list_sizes()) >= 7

    sandbox = subprocess.run(
        [Path(sys.executable).with_name("stratuslab-sandbox"), "--help"], check=False, capture_output=True, text=True
    )
    assert "stratuslab-libcloud-drivers[sandbox]" in sandbox.stderr, sandbox.stderr
    sys.stdout.write(f"{stratuslab_libcloud.__version__} in {package}: complete\n")


if __name__ == "__main__":
    main()
