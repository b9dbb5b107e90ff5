"""How the command is shown in a list of processes, which every user of the computer can read."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module

from stratus_commands.connection import PASSWORDS


def hide_passwords(prog: str, words: Sequence[str], arguments: Namespace) -> None:
    """Show the command without the passwords of its options, where setproctitle is installed.

    :param prog: the command
    :param words: its arguments
    :param arguments: what was read from them
    """
    passwords = [given.text for key, given in arguments.settings.items() if key in PASSWORDS]
    secrets = [password for password in passwords if password not in ("", "-")]
    if not secrets:
        return
    try:
        set_title = import_module("setproctitle").setproctitle
    except ImportError:
        return
    title = " ".join([prog, *words])
    for secret in sorted(secrets, key=len, reverse=True):
        title = title.replace(secret, "...")
    set_title(title)
