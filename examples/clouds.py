"""Which cloud an example runs on: the one argument is the word ``sandbox`` or the name of a configuration file."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stratuslab_libcloud.config.user import DEFAULT_FILE


@contextmanager
def configuration() -> Iterator[Path]:
    """The configuration file that the command line asks for, with a sandbox behind it if need be."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument(
        "cloud", help=f"'sandbox', or the name of a configuration file such as {DEFAULT_FILE}", metavar="CLOUD"
    )
    cloud = parser.parse_args().cloud
    if cloud != "sandbox":
        yield Path(cloud)
        return
    with sandboxes() as config:
        yield config


@contextmanager
def sandboxes() -> Iterator[Path]:
    """A configuration file with two sandboxes as its clouds, and a new key pair to enter their machines with."""
    import asyncssh

    from stratuslab_libcloud.sandbox import Sandbox

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        key = folder / "id_ed25519"
        pair = asyncssh.generate_private_key("ssh-ed25519", "example")
        pair.write_private_key(key)
        pair.write_public_key(key.with_suffix(".pub"))
        config = folder / "stratuslab-user.cfg"
        for section, name in (("default", "Sandbox One"), ("second", "Sandbox Two")):
            sandbox = stack.enter_context(Sandbox())
            sandbox.write_config(
                config, section=section, public_key_file=key.with_suffix(".pub"), name=name, country="Loopback"
            )
        yield config
