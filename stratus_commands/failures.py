"""What a command says and ends with."""

from __future__ import annotations

FAILED = 1
"""The exit status of a command that could not do what it was asked to do."""

INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells have it."""


INSTALL = "pip install 'stratuslab-libcloud-drivers[cli]>=26'"
"""How to install what only some commands need."""


class UsageError(Exception):
    """The arguments cannot be used: the command shows its usage, and ends with status 2."""


class CommandError(Exception):
    """The command cannot be carried out: it shows the message, and ends with status 1."""
