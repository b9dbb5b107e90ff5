"""How OpenNebula's XML-RPC differs from one kind of cloud to another."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Dialect:
    """What a kind of cloud wants in the calls of `Compute`.

    :param session: the session string, the first parameter of each call; it can contain a password
    :param kill: the action of ``one.vm.action`` that ends a machine at once
    :param shutdown: the action that lets a machine's operating system shut down
    """

    session: str = field(repr=False)
    kill: str
    shutdown: str
