"""What a deployment is told of the cloud in which it starts a machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class PortTranslation(Protocol):
    """A service that knows which port of a gateway leads to which port of a machine."""

    def ports(self, machine_id: int) -> Mapping[int, int]:
        """The gateway's port for each port of a machine that has one.

        :raises ServiceError: the service cannot be asked, or its answer not be understood
        """

    def close(self) -> None:
        """Close the idle connections."""


@dataclass(frozen=True)
class Gateway:
    """A host through which a cloud's machines are reached, and the service that knows its ports."""

    host: str
    service: PortTranslation


@dataclass(frozen=True)
class DeployTarget:
    """Where a machine is started, and how it is reached.

    :param location: the location's id, for messages
    :param public_keys: what the machine gets: lines as in ``authorized_keys``
    :param public_keys_origin: where these come from, for messages
    :param private_key_file: the configured file that may have the private half
    :param gateway: the cloud's, if it has one
    :param private_will_do: whether a machine without a public address is reached at a private one
    """

    location: str
    public_keys: str
    public_keys_origin: str
    private_key_file: Path
    gateway: Gateway | None = None
    private_will_do: bool = False
