"""SSH keys for those who try the sandbox, so that they need not use their own."""

from __future__ import annotations

import os
from pathlib import Path

import asyncssh


def make_key_pair(beside: Path) -> Path:
    """Make a pair of keys next to a file, unless it is there already.

    :param beside: the file whose name the keys' begin with
    :return: the public key's file; the private key's has the same name without ``.pub``
    """
    private = beside.with_name(f"{beside.stem}-key")
    public = private.with_name(f"{private.name}.pub")
    if not (private.exists() and public.exists()):
        key = asyncssh.generate_private_key("ssh-ed25519", comment="stratuslab-sandbox")
        descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 -- a descriptor, not a path
            file.write(key.export_private_key())
        public.write_bytes(key.export_public_key())
    return public
