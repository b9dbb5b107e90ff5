"""A StratusLab cloud: the compute proxy, the disk service, the Marketplace, and port translation."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from stratuslab_libcloud.sandbox.addresses import Addresses, StratusLabAddresses
from stratuslab_libcloud.sandbox.cloud import Cloud, ServerOptions
from stratuslab_libcloud.sandbox.compute.service import ComputeService
from stratuslab_libcloud.sandbox.disks.service import DiskService
from stratuslab_libcloud.sandbox.guests.port_translation import PortTranslationService
from stratuslab_libcloud.sandbox.guests.ssh_access import SshAccess, stratuslab_guest
from stratuslab_libcloud.sandbox.http.certificates import CertificateAuthority
from stratuslab_libcloud.sandbox.http.faults import Faults
from stratuslab_libcloud.sandbox.http.request_record import RequestRecord
from stratuslab_libcloud.sandbox.http.server import HttpServer
from stratuslab_libcloud.sandbox.http.service import Service
from stratuslab_libcloud.sandbox.kinds import STRATUSLAB
from stratuslab_libcloud.sandbox.marketplace.catalogue import add_catalogue, add_images
from stratuslab_libcloud.sandbox.marketplace.entry_files import load_entries
from stratuslab_libcloud.sandbox.marketplace.saved_images import saved_entry
from stratuslab_libcloud.sandbox.marketplace.service import MarketplaceService
from stratuslab_libcloud.sandbox.state.state import State
from stratuslab_libcloud.sandbox.state.vm import Machine
from stratuslab_libcloud.sandbox.state_options import StateOptions

if TYPE_CHECKING:
    from stratuslab_libcloud.sandbox.web.cloud_view import CloudView

SERVICES: Sequence[type[Service]] = (ComputeService, DiskService, MarketplaceService, PortTranslationService)


def new_state(options: StateOptions) -> State:
    """The state of a new cloud: the saved one, or else with images in the Marketplace.

    :raises ValueError: if one of the files cannot be used, or an option is another kind's
    """
    options.refuse(STRATUSLAB, "version")
    if options.images is not None and (options.entries is not None or options.empty_marketplace):
        raise ValueError("the Marketplace has either 'images', or 'entries', or nothing with 'empty_marketplace'")
    state = State(
        clock=options.clock,
        pace=options.pace,
        make_entry=saved_entry,
        passwords=options.users,
        public_network=options.public_network,
        machine_limit=options.machine_limit,
        start_seconds=options.start_seconds,
    )
    if options.state_file and options.state_file.has_state:
        options.state_file.restore(state)
    elif options.images is not None:
        add_images(state.entries, options.images, options.clock.now())
    elif options.entries is not None:
        load_entries(state.entries, options.entries)
    elif not options.empty_marketplace:
        add_catalogue(state.entries, options.clock.now())
    return state


class StratusLabCloud(Cloud):
    """Serves the state of a StratusLab cloud."""

    def __init__(self, state: State, options: ServerOptions, requests: RequestRecord, faults: Faults) -> None:
        super().__init__(options, requests, faults)
        self._state = state

    def view(self, addresses: Addresses) -> CloudView:
        """What the page shows of it."""
        from stratuslab_libcloud.sandbox.web.stratuslab_view import StratusLabView

        return StratusLabView(self._state, addresses.services)

    def _serve(
        self, authority: CertificateAuthority | None, closing: ExitStack
    ) -> tuple[HttpServer, StratusLabAddresses]:
        access = self._open_guests(closing) if self._options.guests else None
        server, port_server = self._start_servers(access, authority, closing)
        addresses = StratusLabAddresses(
            self._url(server),
            authority.file if authority else None,
            f"http://127.0.0.1:{port_server.port}" if port_server else None,
        )
        self._state.marketplace_url = addresses.marketplace
        self._state.disks_url = addresses.disks
        return server, addresses

    def _open_guests(self, closing: ExitStack) -> SshAccess[Machine]:
        access = SshAccess[Machine](lambda m: stratuslab_guest(m, sftp=self._state.transfer.behaviour_of(m).sftp))
        closing.callback(access.stop)
        self._state.listen(access)
        return access

    def _start_servers(
        self, access: SshAccess[Machine] | None, authority: CertificateAuthority | None, closing: ExitStack
    ) -> tuple[HttpServer, HttpServer | None]:
        """The server of all services, and that of port translation, which may be the same."""
        services: list[Service] = [
            ComputeService(self._state),
            DiskService(self._state),
            MarketplaceService(self._state),
        ]
        ports: list[Service] = [PortTranslationService(access)] if access else []
        context = authority.server_context() if authority else None
        server = self._start([*services, *ports], closing, port=self._options.port, ssl_context=context)
        if not ports:
            return server, None
        # Port translation is asked over plain HTTP, also beside services with TLS.
        return server, self._start(ports, closing) if authority else server
