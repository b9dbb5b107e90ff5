"""The ports of a gateway at which machines of the local network are reached."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from stratus_commands.failures import CommandError

if TYPE_CHECKING:
    from stratus_commands.connection import Connection
    from stratuslab_libcloud.client.stratuslab.port_translation import PortTranslationService
    from stratuslab_libcloud.config import PortTranslation

_SECONDS = 10.0


def translation_of(connection: Connection) -> PortTranslation | None:
    """The gateway of a cloud, if it is to be used.

    :raises UsageError: an OpenNebula, which has none, is to use one
    """
    if connection.is_opennebula:
        return None if connection.settings.find("port_translation") is None else connection.stratuslab.port_translation
    return connection.stratuslab.port_translation


def ports_of(connection: Connection, machine_ids: list[str]) -> dict[str, dict[int, int]]:
    """The gateway's port for each translated port of machines; for all machines, if none are named.

    :raises CommandError: the service cannot be asked
    """
    from stratuslab_libcloud.client.stratuslab.port_translation import PortTranslationService
    from stratuslab_libcloud.errors import ServiceError

    service = PortTranslationService.of(connection.stratuslab, _SECONDS)
    if service is None:
        return {}
    with closing(service):
        try:
            return _asked(service, machine_ids)
        except ServiceError as error:
            raise CommandError(f"Couldn't get port translation: {error}") from error


def _asked(service: PortTranslationService, machine_ids: list[str]) -> dict[str, dict[int, int]]:
    if not machine_ids:
        return service.all_ports()
    return {machine_id: service.ports(int(machine_id)) for machine_id in machine_ids}
