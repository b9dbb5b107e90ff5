"""How a cloud is served: what is the same for each kind of cloud."""

from __future__ import annotations

import ssl
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stratuslab_libcloud.sandbox.addresses import Addresses
from stratuslab_libcloud.sandbox.http.application import make_application
from stratuslab_libcloud.sandbox.http.certificates import CertificateAuthority
from stratuslab_libcloud.sandbox.http.faults import Faults
from stratuslab_libcloud.sandbox.http.request_record import RequestRecord
from stratuslab_libcloud.sandbox.http.server import HttpServer, KeepAlive
from stratuslab_libcloud.sandbox.http.service import Service
from stratuslab_libcloud.sandbox.state.clock import Clock

if TYPE_CHECKING:
    from stratuslab_libcloud.sandbox.web.cloud_view import CloudView


@dataclass(frozen=True)
class ServerOptions:
    """How a cloud is served; see `Sandbox`."""

    port: int
    guests: bool
    tls: bool
    keep_alive: KeepAlive | None
    most_connections: int | None = None
    ends_when_reset: bool = False


@dataclass(frozen=True)
class RunningCloud:
    """A cloud while it is served.

    :param server: has all services that belong together
    :param authority: has signed its certificate; None without TLS
    """

    server: HttpServer
    authority: CertificateAuthority | None
    addresses: Addresses


class Cloud(ABC):
    """Serves a cloud's state. `bugs` are exceptions in the sandbox itself.

    :param requests: notes what is asked
    :param faults: what goes wrong
    """

    def __init__(self, options: ServerOptions, requests: RequestRecord, faults: Faults) -> None:
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
            server, addresses = self._serve(authority, closing)
            yield RunningCloud(server, authority, addresses)

    @abstractmethod
    def _serve(self, authority: CertificateAuthority | None, closing: ExitStack) -> tuple[HttpServer, Addresses]:
        """Start the servers, and say where they are.

        :param authority: is to sign certificates; None without TLS
        :param closing: ends the servers
        """

    @abstractmethod
    def view(self, addresses: Addresses) -> CloudView:
        """What the page shows of it."""

    def start_page(self, addresses: Addresses, clock: Clock, closing: ExitStack) -> str:
        """Serve the page, on a port of its own.

        :param addresses: of the services
        :param clock: of the cloud
        :param closing: ends the page's server
        :return: its URL, with its token
        """
        # Most sandboxes are started by tests, and nobody looks at their pages.
        from stratuslab_libcloud.sandbox.web.page import LARGEST_BODY, Page

        page = Page(self.view(addresses), self._requests, self._faults, clock)
        server = HttpServer(page.application(), None, Faults(services=()), self.bugs, largest_body=LARGEST_BODY)
        server.start()
        closing.callback(server.stop)
        return f"http://127.0.0.1:{server.port}/#token={page.token}"

    @staticmethod
    def _make_authority(closing: ExitStack) -> CertificateAuthority:
        authority = CertificateAuthority()
        closing.callback(authority.close)
        return authority

    def _url(self, server: HttpServer) -> str:
        return f"{'https' if self._options.tls else 'http'}://127.0.0.1:{server.port}"

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
            most_connections=self._options.most_connections,
            ends_when_reset=self._options.ends_when_reset,
        )
        server.start()
        closing.callback(server.stop)
        return server
