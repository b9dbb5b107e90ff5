"""The services of a cloud and how they are put together: which there are, and behind which ports."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from stratuslab_libcloud.sandbox.addresses import Addresses
from stratuslab_libcloud.sandbox.compute.service import ComputeService
from stratuslab_libcloud.sandbox.disks.service import DiskService
from stratuslab_libcloud.sandbox.guests.port_translation import PortTranslationService
from stratuslab_libcloud.sandbox.guests.ssh_access import SshAccess
from stratuslab_libcloud.sandbox.http.application import make_application
from stratuslab_libcloud.sandbox.http.certificates import CertificateAuthority
from stratuslab_libcloud.sandbox.http.faults import Faults
from stratuslab_libcloud.sandbox.http.request_record import RequestRecord
from stratuslab_libcloud.sandbox.http.server import HttpServer, KeepAlive
from stratuslab_libcloud.sandbox.http.service import Service
from stratuslab_libcloud.sandbox.marketplace.service import MarketplaceService
from stratuslab_libcloud.sandbox.state.state import State

SERVICES: Sequence[type[Service]] = (ComputeService, DiskService, MarketplaceService, PortTranslationService)


@dataclass(frozen=True)
class ServerOptions:
    """How a cloud is served; see `Sandbox`."""

    port: int
    guests: bool
    tls: bool
    keep_alive: KeepAlive | None


@dataclass(frozen=True)
class RunningCloud:
    """A cloud while it is served.

    :param server: has all services but port translation
    :param authority: has signed its certificate; None without TLS
    """

    server: HttpServer
    authority: CertificateAuthority | None
    addresses: Addresses


class Cloud:
    """Serves a cloud's state. `bugs` are exceptions in the sandbox itself.

    :param requests: notes what is asked
    :param faults: what goes wrong
    """

    def __init__(self, state: State, options: ServerOptions, requests: RequestRecord, faults: Faults) -> None:
        self._state = state
        self._options = options
        self._requests = requests
        self._faults = faults
        self.bugs: list[Exception] = []

    @contextmanager
    def run(self) -> Iterator[RunningCloud]:
        """Serve within a ``with``.

        :raises OSError: if the port is in use
        """
        with ExitStack() as closing:
            authority = self._make_authority(closing) if self._options.tls else None
            access = self._open_guests(closing) if self._options.guests else None
            server, port_server = self._start_servers(access, authority, closing)
            addresses = Addresses(
                f"{'https' if authority else 'http'}://127.0.0.1:{server.port}",
                f"http://127.0.0.1:{port_server.port}" if port_server else None,
                authority.file if authority else None,
            )
            self._state.marketplace_url = addresses.marketplace
            yield RunningCloud(server, authority, addresses)

    def _make_authority(self, closing: ExitStack) -> CertificateAuthority:
        authority = CertificateAuthority()
        closing.callback(authority.close)
        return authority

    def _open_guests(self, closing: ExitStack) -> SshAccess:
        access = SshAccess(lambda machine: self._state.transfer.behaviour_of(machine).sftp)
        closing.callback(access.stop)
        self._state.listen(access)
        return access

    def _start_servers(
        self, access: SshAccess | None, authority: CertificateAuthority | None, closing: ExitStack
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

    def _start(
        self,
        services: Sequence[Service],
        closing: ExitStack,
        *,
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
    ) -> HttpServer:
        server = HttpServer(
            make_application(services),
            self._requests,
            self._faults,
            self.bugs,
            port=port,
            ssl_context=ssl_context,
            keep_alive=self._options.keep_alive,
        )
        server.start()
        closing.callback(server.stop)
        return server
