"""What the state of a cloud begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from ipaddress import IPv4Network
from pathlib import Path

from stratuslab_libcloud.sandbox.http.server import KeepAlive
from stratuslab_libcloud.sandbox.state.clock import Clock
from stratuslab_libcloud.sandbox.state.pace import Pace
from stratuslab_libcloud.sandbox.state_file import StateFile


@dataclass(frozen=True)
class StateOptions:
    """The arguments of `Sandbox` that are about its state, and how long connections are kept."""

    clock: Clock
    pace: Pace
    users: Mapping[str, str] | None = None
    public_network: IPv4Network | None = None
    version: str | None = None
    machine_limit: int | None = None
    start_seconds: float = 0
    images: Sequence[str] | None = None
    entries: Path | None = None
    empty_marketplace: bool = False
    state_file: StateFile | None = None
    keep_alive: KeepAlive | None = None

    def refuse(self, kind: str, *names: str) -> None:
        """Refuse options that a kind of cloud does not have.

        :raises ValueError: if one is given
        """
        defaults = {field.name: field.default for field in fields(self)}
        for name in names:
            if getattr(self, name) != defaults[name]:
                raise ValueError(f"a sandbox of the kind {kind!r} has no {name!r}")
