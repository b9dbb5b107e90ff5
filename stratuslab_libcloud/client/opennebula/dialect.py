"""How OpenNebula's XML-RPC differs from one kind of cloud to another."""

from __future__ import annotations

from dataclasses import dataclass

from stratuslab_libcloud.client.opennebula.states import StateNames


@dataclass(frozen=True)
class Dialect:
    """What a kind of cloud wants in the calls of `Compute`.

    :param kill: the action of ``one.vm.action`` that ends a machine at once
    :param shutdown: the action that lets a machine's operating system shut down
    :param states: the names of its states
    """

    kill: str
    shutdown: str
    states: StateNames
