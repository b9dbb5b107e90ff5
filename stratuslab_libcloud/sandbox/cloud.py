"""The sandbox itself: the services over one cloud's state, from start to stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Network
from os import PathLike
from pathlib import Path
from types import TracebackType

from stratuslab_libcloud.sandbox.compute.service import ComputeService
from stratuslab_libcloud.sandbox.config_file import ConfigFile, check_section
from stratuslab_libcloud.sandbox.disks.service import DiskService
from stratuslab_libcloud.sandbox.guests.key_pair import make_key_pair
from stratuslab_libcloud.sandbox.guests.port_translation import PortTranslationService
from stratuslab_libcloud.sandbox.guests.ssh_access import SshAccess
from stratuslab_libcloud.sandbox.guests.ssh_servers import GATEWAY
from stratuslab_libcloud.sandbox.http.application import Service, make_application
from stratuslab_libcloud.sandbox.http.certificates import CertificateAuthority, CertificateFiles
from stratuslab_libcloud.sandbox.http.faults import Faults
from stratuslab_libcloud.sandbox.http.request_record import RequestRecord
from stratuslab_libcloud.sandbox.http.server import HttpServer, KeepAlive
from stratuslab_libcloud.sandbox.marketplace.catalogue import add_catalogue
from stratuslab_libcloud.sandbox.marketplace.entry_files import load_entries
from stratuslab_libcloud.sandbox.marketplace.service import MarketplaceService
from stratuslab_libcloud.sandbox.state.clock import Clock, ManualClock
from stratuslab_libcloud.sandbox.state.pace import Pace
from stratuslab_libcloud.sandbox.state.state import State
from stratuslab_libcloud.sandbox.state.users import SUPERUSER
from stratuslab_libcloud.sandbox.state_file import StateFile

_log = logging.getLogger(__name__)

_WATCH_SECONDS = 1.0
DEFAULT_USERS = {"alice": "secret", "bob": "s3cret%x"}


class SandboxError(Exception):
    """A bug in the sandbox."""


class Sandbox:
    """A cloud that runs from `start` to `stop`, or within ``with``.

    Its parts can be looked at and changed directly: `machines`, `disks`, `entries` of the Marketplace, `networks`;
    `requests` records what was asked, and `faults` has things go wrong.

    :param users: names and passwords; by default alice and bob
    :param port: of 127.0.0.1; a free one by default
    :param boot_seconds: from a machine's creation until it runs; everything else takes proportionally long; 0 is at
        once
    :param pace: the duration of each step, instead of `boot_seconds`
    :param clock: a `ManualClock` to move time by hand
    :param public_network: addresses of the public network, such as ``127.4.0.0/16``; by default a /24 of the
        loopback network that this sandbox has for itself
    :param machine_limit: how many machines a user may have
    :param entries: a folder with Marketplace entries (``*.xml``) instead of the usual dozen images
    :param empty_marketplace: no images at all
    :param state_file: where the state is kept, about every second and when the sandbox stops; a sandbox that finds the
        file goes on from there, with the images that were in its Marketplace
    :param guests: whether running machines that were given a public key can be logged in to over SSH; what is run on
        them runs on this computer, see the module `guests`
    :param tls: https, with a certificate of the sandbox's own authority, see `ca_file`
    :param keep_alive: how long connections are kept; for as long as the client wants by default
    :param seed: of the dice that are thrown for `faults`
    :raises ValueError: if one of the files, the network or the limit can not be used
    """

    def __init__(
        self,
        *,
        users: Mapping[str, str] | None = None,
        port: int = 0,
        boot_seconds: float | None = None,
        pace: Pace | None = None,
        clock: Clock | None = None,
        public_network: str | None = None,
        machine_limit: int | None = None,
        entries: str | PathLike[str] | None = None,
        empty_marketplace: bool = False,
        state_file: str | PathLike[str] | None = None,
        guests: bool = True,
        tls: bool = False,
        keep_alive: KeepAlive | None = None,
        seed: int = 0,
    ) -> None:
        if machine_limit is not None and machine_limit < 0:
            raise ValueError(f"the limit on a user's machines is 0 or more, not {machine_limit}")
        self.clock = clock or Clock()
        users = DEFAULT_USERS if users is None else users
        self._first_user = next(iter(users), SUPERUSER)
        self._file = StateFile(Path(state_file)) if state_file is not None else None
        network = IPv4Network(public_network) if public_network else None
        if self._file and self._file.has_state:
            network = self._file.public_network()
        self.state = State(
            clock=self.clock,
            pace=pace or (Pace() if boot_seconds is None else Pace.with_boot_seconds(boot_seconds)),
            passwords=users,
            public_network=network,
            machine_limit=machine_limit,
        )
        self.machines = self.state.machines
        self.disks = self.state.disks
        self.entries = self.state.entries
        self.networks = self.state.networks
        if self._file and self._file.has_state:
            self._file.restore(self.state)
        elif entries is not None:
            load_entries(self.entries, Path(entries))
        elif not empty_marketplace:
            add_catalogue(self.entries, self.clock.now())
        self.requests = RequestRecord()
        self.faults = Faults(seed)
        self._port = port
        self._keep_alive = keep_alive
        self._has_guests = guests
        self._has_tls = tls
        self._authority: CertificateAuthority | None = None
        self._server: HttpServer | None = None
        self._port_server: HttpServer | None = None
        self._bugs: list[Exception] = []
        self._ending = ExitStack()
        if isinstance(self.clock, ManualClock):
            self.clock.follow(self.state.run_due_steps)

    # From start to stop

    def start(self) -> Sandbox:
        """Serve until `stop`.

        :return: itself
        :raises OSError: if the port is in use
        :raises ValueError: if its state file is another sandbox's now, or can not be written
        :raises RuntimeError: if it serves already
        """
        if self._server is not None:
            raise RuntimeError("The sandbox is running already.")
        with ExitStack() as ending:
            if self._file:
                ending.enter_context(self._file.claim())
            ending.callback(self._keep)
            services: list[Service] = [
                ComputeService(self.state),
                DiskService(self.state),
                MarketplaceService(self.state),
            ]
            if self._has_tls:
                self._authority = CertificateAuthority()
                ending.callback(self._authority.close)
            if self._has_guests:
                services.append(self._open_guests(ending))
            self._server = self._serve(services, ending, port=self._port, authority=self._authority)
            self.state.marketplace_url = self.marketplace_url
            if self._has_guests:
                # Port translation is asked for over plain HTTP, always.
                self._port_server = self._serve(services[-1:], ending) if self._has_tls else self._server
            self._start_watcher(ending)
            self._ending = ending.pop_all()
        return self

    def stop(self) -> None:
        """End all connections and threads.

        :raises SandboxError: if a service went wrong in between
        """
        self._end()
        self.check()

    def check(self) -> None:
        """Whether all is well with the sandbox itself.

        :raises SandboxError: if a service went wrong, which is the sandbox's fault and not its client's
        """
        if self._bugs:
            raise SandboxError(f"The sandbox itself failed: {self._bugs[0]!r}") from self._bugs[0]

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()
        if error is None:
            self.check()
        for bug in self._bugs:
            _log.error("The sandbox itself failed: %r", bug, exc_info=bug)

    @contextmanager
    def out_of_reach(self) -> Iterator[None]:
        """All connections end, and new ones are refused, within a ``with``.

        :raises RuntimeError: while the sandbox is not running
        """
        server = self._running_server
        server.leave()
        try:
            yield
        finally:
            server.come_back()

    # How to get there

    @property
    def url(self) -> str:
        """Where all services are.

        :raises RuntimeError: while the sandbox is not running
        """
        return f"{'https' if self._has_tls else 'http'}://127.0.0.1:{self._running_server.port}"

    @property
    def compute_url(self) -> str:
        """What belongs in a configuration file as ``endpoint``.

        :raises RuntimeError: while the sandbox is not running
        """
        return f"{self.url}/one-proxy/xmlrpc"

    @property
    def disks_url(self) -> str:
        """What belongs in a configuration file as ``pdisk_endpoint``.

        :raises RuntimeError: while the sandbox is not running
        """
        return f"{self.url}/pdisk"

    @property
    def marketplace_url(self) -> str:
        """What belongs in a configuration file as ``marketplace_endpoint``.

        :raises RuntimeError: while the sandbox is not running
        """
        return f"{self.url}/marketplace"

    @property
    def port_translation_url(self) -> str:
        """What belongs in a configuration file as ``pat_service_host``.

        :raises RuntimeError: without guests, or while the sandbox is not running
        """
        if self._port_server is None:
            raise RuntimeError("The sandbox has no port translation: it needs guests, and to be running.")
        return f"http://127.0.0.1:{self._port_server.port}"

    @property
    def ca_file(self) -> Path:
        """The authority that has signed the server's certificate, for those who verify it.

        :raises RuntimeError: without TLS, or while the sandbox is not running
        """
        return self._running_authority.file

    def issue_certificate(
        self, name: str, *, expired: bool = False, passphrase: str | None = None, proxy: bool = False
    ) -> CertificateFiles:
        """Make somebody a user who comes with a certificate; its files are gone when the sandbox ends.

        :param name: the person's
        :param expired: a certificate whose time is over
        :param passphrase: locks the private key
        :param proxy: a proxy certificate as grids use them: one file, valid for hours, from the person's own
        :return: where it is, and whose
        :raises RuntimeError: without TLS, or while the sandbox is not running
        """
        files = self._running_authority.issue(name, expired=expired, passphrase=passphrase, proxy=proxy)
        self.state.accounts.enrol_certificate(files.subject)
        return files

    def write_config(
        self,
        path: str | PathLike[str],
        *,
        user: str | None = None,
        certificate: CertificateFiles | None = None,
        section: str = "default",
        public_key_file: str | PathLike[str] | None = None,
        **more: str,
    ) -> Path:
        """Write a section of a configuration file that points here; a file that is there keeps its other sections.

        A file without ``[default]`` gets one, since it has to be there; it selects the section.

        :param path: the file
        :param user: whose name and password it has; by default the first of the sandbox's users
        :param certificate: to be used instead of the user's name and password
        :param section: the section's name
        :param public_key_file: goes into new machines; by default the one that the file names, or else a new pair of
            keys beside the file, such as ``stratuslab-user-key`` and ``stratuslab-user-key.pub``
        :param more: further keys of the section, such as ``name`` and ``country``
        :return: the file
        :raises ValueError: if there is no such user, the section can be none, or the file that is there can not be read
        :raises OSError: if a file can not be written
        :raises RuntimeError: while the sandbox is not running
        """
        check_section(section)
        file = ConfigFile(Path(path))
        values = self._services() | self._credentials(user, certificate)
        if public_key_file is not None:
            values["user_public_key_file"] = str(Path(public_key_file).expanduser().absolute())
        elif not file.has_public_key(section):
            values["user_public_key_file"] = str(make_key_pair(Path(path).absolute()))
        file.write(section, {**values, **more})
        return Path(path)

    # Within

    @property
    def _running_server(self) -> HttpServer:
        if self._server is None:
            raise RuntimeError("The sandbox is not running.")
        return self._server

    @property
    def _running_authority(self) -> CertificateAuthority:
        if self._authority is None:
            raise RuntimeError("The sandbox has no certificates: it needs tls=True, and to be running.")
        return self._authority

    def _services(self) -> dict[str, str]:
        """Where they are, in a configuration file's words."""
        services = {
            "endpoint": self.compute_url,
            "pdisk_endpoint": self.disks_url,
            "marketplace_endpoint": self.marketplace_url,
        }
        if self._has_tls:
            services["tls_ca_bundle"] = str(self.ca_file)
        if self._has_guests:
            services |= {
                "port_translation": "true",
                "pat_service_host": self.port_translation_url,
                "pat_gateway_host": GATEWAY,
            }
        return services

    def _credentials(self, user: str | None, certificate: CertificateFiles | None) -> dict[str, str]:
        """Who uses them, in a configuration file's words."""
        if certificate is not None:
            return {"pem_certificate": str(certificate.certificate), "pem_key": str(certificate.key)}
        user = self._first_user if user is None else user
        return {"username": user, "password": self.state.accounts.password(user)}

    def _open_guests(self, ending: ExitStack) -> Service:
        ssh_access = SshAccess(lambda machine: self.state.transfer.behaviour_of(machine).sftp)
        ending.callback(ssh_access.stop)
        self.state.listen(ssh_access)
        return PortTranslationService(ssh_access)

    def _serve(
        self,
        services: Sequence[Service],
        ending: ExitStack,
        *,
        port: int = 0,
        authority: CertificateAuthority | None = None,
    ) -> HttpServer:
        server = HttpServer(
            make_application(services),
            self.requests,
            self.faults,
            self._bugs,
            port=port,
            ssl_context=authority.server_context() if authority else None,
            keep_alive=self._keep_alive,
        )
        server.start()
        ending.callback(server.stop)
        return server

    def _start_watcher(self, ending: ExitStack) -> None:
        """Have a thread carry out what is due, whether or not anybody asks."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.is_set():
                self.state.wait_for_next_step(longest=_WATCH_SECONDS)
                try:
                    self.state.run_due_steps()
                    self._keep()
                except Exception as bug:  # noqa: BLE001 -- whatever it is, `check` tells it
                    self._bugs.append(bug)

        def end() -> None:
            ended.set()
            self.state.wake()
            watcher.join()

        watcher = threading.Thread(target=watch, name="sandbox clock", daemon=True)
        watcher.start()
        ending.callback(end)

    def _keep(self) -> None:
        if self._file:
            self._file.write(self.state)

    def _end(self) -> None:
        try:
            self._ending.close()
        finally:
            self._server = self._port_server = self._authority = None
