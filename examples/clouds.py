"""Which cloud an example runs on: the one argument is the word ``sandbox`` or the name of a configuration file."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from libcloud.compute.base import NodeLocation

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.config.source import DEFAULT_FILE
from stratuslab_libcloud.driver.stratuslab.images import StratusLabImage


@contextmanager
def configuration() -> Iterator[Path]:
    """The configuration file that the command line asks for, with a sandbox behind it if need be."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument(
        "cloud", help=f"'sandbox', or the name of a configuration file such as {DEFAULT_FILE}", metavar="CLOUD"
    )
    cloud = parser.parse_args().cloud
    if cloud != "sandbox":
        if not Path(cloud).expanduser().is_file():
            parser.error(f"there is no file {cloud}")
        yield Path(cloud).expanduser()
        return
    with sandboxes() as config:
        yield config


@contextmanager
def sandboxes() -> Iterator[Path]:
    """A configuration file with sandboxes as its clouds, two StratusLab clouds and an OpenNebula, and a new key pair to
    enter their machines with."""
    from stratuslab_libcloud.sandbox import Sandbox
    from stratuslab_libcloud.sandbox.guests.key_pair import make_key_pair

    with ended_by_sigterm(), ExitStack() as stack:
        config = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "stratuslab-user.cfg"
        public_key = make_key_pair(config)
        for section, name in (("default", "Sandbox One"), ("second", "Sandbox Two")):
            sandbox = stack.enter_context(Sandbox())
            sandbox.write_config(config, section=section, public_key_file=public_key, name=name, country="Loopback")
        opennebula = stack.enter_context(Sandbox(kind="opennebula"))
        opennebula.write_config(config, section="opennebula", public_key_file=public_key, name="An OpenNebula")
        yield config


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM raise `SystemExit`, so that the sandboxes remove their files."""

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second one does not disturb the removing
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def image_with(os: str, driver: StratusLabNodeDriver, location: NodeLocation | None = None) -> StratusLabImage:
    """The first image with that operating system."""
    images = driver.list_images(location)
    found = next((image for image in images if image.extra["os"].lower() == os.lower()), None)
    if found is None:
        known = ", ".join(sorted({image.extra["os"] for image in images})) or "none at all"
        sys.exit(f"The Marketplace has no image with {os}; choose one of: {known}.")
    return found
