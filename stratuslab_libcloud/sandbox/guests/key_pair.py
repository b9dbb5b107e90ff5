"""SSH keys for users of the sandbox, so that they do not have to use their own."""

from __future__ import annotations

import os
from pathlib import Path

import asyncssh


def make_key_pair(beside: Path) -> Path:
    """Make a pair of keys next to a file, unless it exists already.

    :param beside: the file; the names of the keys' files begin with its name
    :return: the public key's file; the private key's has the same name without ``.pub``
    :raises OSError: if they cannot be written, or read
    :raises ValueError: if the private key's file exists, but has no private key in it
    """
    private = beside.with_name(f"{beside.stem}-key")
    public = private.with_name(f"{private.name}.pub")
    if not private.exists():
        key = asyncssh.generate_private_key("ssh-ed25519", comment="stratuslab-sandbox")
        descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 -- a descriptor, not a path
            file.write(key.export_private_key())
        public.write_bytes(key.export_public_key())
    elif not public.exists():
        public.write_bytes(asyncssh.read_private_key(private).export_public_key())
    return public


def read_authorized_keys(file: Path) -> asyncssh.SSHAuthorizedKeys:
    """The public keys in a file that has one a line.

    :raises OSError: if it cannot be read
    :raises ValueError: if no line of it is a public key
    """
    # asyncssh takes ASCII only, but comments may have other characters. They are not needed.
    return asyncssh.import_authorized_keys(file.read_text(encoding="ascii", errors="ignore"))
