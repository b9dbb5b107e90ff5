"""Where SSH keys are when the user's settings do not say it."""

from __future__ import annotations

import os
from pathlib import Path

from stratuslab_libcloud.config import values

_USUAL = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
"""Private keys as ``ssh-keygen`` names them, the best kind first."""


def usual_private_key() -> Path:
    """The first usual key file that is there; if none is, the one that ``ssh-keygen`` would make today."""
    return _first([values.path(name) for name in _USUAL])


def usual_public_key() -> Path:
    """As `usual_private_key`, for the public half."""
    return _first([values.path(f"{name}.pub") for name in _USUAL])


def private_half(public_key: Path) -> Path:
    """The private key file that belongs to a public one."""
    return Path(os.fspath(public_key).removesuffix(".pub"))


def _first(files: list[Path]) -> Path:
    return next((file for file in files if file.is_file()), files[0])
