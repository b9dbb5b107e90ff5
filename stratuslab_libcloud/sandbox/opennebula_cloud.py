"""An OpenNebula cloud of today: its daemon."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from stratuslab_libcloud.sandbox.addresses import Addresses, OpenNebulaAddresses
from stratuslab_libcloud.sandbox.cloud import Cloud, ServerOptions
from stratuslab_libcloud.sandbox.guests.opennebula_guest import guest_port, opennebula_guest
from stratuslab_libcloud.sandbox.guests.ssh_access import SshAccess
from stratuslab_libcloud.sandbox.http.certificates import CertificateAuthority
from stratuslab_libcloud.sandbox.http.faults import Faults
from stratuslab_libcloud.sandbox.http.request_record import RequestRecord
from stratuslab_libcloud.sandbox.http.server import HttpServer, KeepAlive
from stratuslab_libcloud.sandbox.http.service import Service
from stratuslab_libcloud.sandbox.kinds import OPENNEBULA
from stratuslab_libcloud.sandbox.opennebula.service import OpenNebulaService
from stratuslab_libcloud.sandbox.state.opennebula.cloud import OpenNebula
from stratuslab_libcloud.sandbox.state.opennebula.release import NEWEST
from stratuslab_libcloud.sandbox.state_options import StateOptions

if TYPE_CHECKING:
    from stratuslab_libcloud.sandbox.web.cloud_view import CloudView

SERVICES: Sequence[type[Service]] = (OpenNebulaService,)


def new_state(options: StateOptions) -> OpenNebula:
    """The state of a new cloud.

    :raises ValueError: if there is no such version, or an option is another kind's
    """
    options.refuse(
        OPENNEBULA, "machine_limit", "start_seconds", "entries", "empty_marketplace", "state_file", "keep_alive"
    )
    return OpenNebula(
        release=options.version or NEWEST,
        clock=options.clock,
        pace=options.pace,
        passwords=options.users,
        public_network=options.public_network,
        images=options.images,
    )


class OpenNebulaCloud(Cloud):
    """Serves the state of an OpenNebula cloud."""

    def __init__(self, state: OpenNebula, options: ServerOptions, requests: RequestRecord, faults: Faults) -> None:
        options = replace(
            options,
            keep_alive=KeepAlive(requests=1, idle_seconds=15.0),
            most_connections=15,
            ends_when_reset=state.release.ends_when_reset,
        )
        super().__init__(options, requests, faults)
        self._state = state

    def view(self, addresses: Addresses) -> CloudView:
        """What the page shows of it."""
        from stratuslab_libcloud.sandbox.web.opennebula_view import OpenNebulaView

        return OpenNebulaView(self._state, addresses.services)

    def _serve(
        self, authority: CertificateAuthority | None, closing: ExitStack
    ) -> tuple[HttpServer, OpenNebulaAddresses]:
        port = self._open_guests(closing) if self._options.guests else None
        context = authority.server_context() if authority else None
        service = OpenNebulaService(self._state)
        server = self._start([service], closing, port=self._options.port, ssl_context=context)
        return server, OpenNebulaAddresses(self._url(server), authority.file if authority else None, port)

    def _open_guests(self, closing: ExitStack) -> int:
        port = guest_port(self._state.public_network)
        access = SshAccess(opennebula_guest, port)
        closing.callback(access.stop)
        self._state.listen(access)
        return port
