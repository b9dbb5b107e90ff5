"""The sandbox: a cloud with what it starts with, from start to stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Network
from os import PathLike
from pathlib import Path
from types import TracebackType

from stratuslab_libcloud.sandbox import opennebula_cloud, stratuslab_cloud
from stratuslab_libcloud.sandbox.addresses import OpenNebulaAddresses, StratusLabAddresses
from stratuslab_libcloud.sandbox.cloud import Cloud, RunningCloud, ServerOptions
from stratuslab_libcloud.sandbox.config_file import ConfigFile, check_section
from stratuslab_libcloud.sandbox.guests.key_pair import make_key_pair
from stratuslab_libcloud.sandbox.http.certificates import CertificateAuthority, CertificateFiles
from stratuslab_libcloud.sandbox.http.faults import Faults
from stratuslab_libcloud.sandbox.http.request_record import RequestRecord
from stratuslab_libcloud.sandbox.http.server import KeepAlive
from stratuslab_libcloud.sandbox.kinds import OPENNEBULA, STRATUSLAB
from stratuslab_libcloud.sandbox.opennebula_cloud import OpenNebulaCloud
from stratuslab_libcloud.sandbox.state.clock import Clock
from stratuslab_libcloud.sandbox.state.disks import Disks
from stratuslab_libcloud.sandbox.state.entries import Entries
from stratuslab_libcloud.sandbox.state.machines import Machines
from stratuslab_libcloud.sandbox.state.networks import Networks
from stratuslab_libcloud.sandbox.state.opennebula.cloud import OpenNebula
from stratuslab_libcloud.sandbox.state.pace import Pace
from stratuslab_libcloud.sandbox.state.state import State
from stratuslab_libcloud.sandbox.state.users import SUPERUSER
from stratuslab_libcloud.sandbox.state_file import StateFile
from stratuslab_libcloud.sandbox.state_options import StateOptions
from stratuslab_libcloud.sandbox.step_thread import step_thread
from stratuslab_libcloud.sandbox.stratuslab_cloud import StratusLabCloud

_log = logging.getLogger(__name__)


class SandboxError(Exception):
    """A bug in the sandbox."""


class Sandbox:
    """A cloud that runs from `start` to `stop`, or within ``with``.

    Its parts can be looked at and changed directly: `machines`, `disks`, `networks`, and the Marketplace's `entries`;
    those of an OpenNebula cloud under `opennebula`. `requests` has what was asked; `faults` makes things go wrong.

    :param kind: the kind of cloud: ``stratuslab``, or ``opennebula`` for an OpenNebula of today
    :param version: which OpenNebula: ``6.10`` or ``7.4``, the default
    :param users: names and passwords; by default alice and bob with random passwords, see `users`
    :param port: on 127.0.0.1; by default any free port
    :param boot_seconds: from a machine's creation until it runs; all other steps take proportionally long; with 0,
        no step takes any time
    :param pace: the duration of each step, instead of `boot_seconds`
    :param clock: a `ManualClock` to move time by hand
    :param public_network: addresses of the public network, such as ``127.4.0.0/16``; by default a /24 of the
        loopback network that no other sandbox is likely to have
    :param machine_limit: how many machines a user may have; None for no limit
    :param start_seconds: seconds after each start for which the compute service answers as a daemon that is still
        starting: it does not know its users yet, and refuses all that they ask
    :param images: the names of the images that there are, instead of the usual ones: those of the usual ones that have
        these names, and new ones
    :param entries: a folder with Marketplace entries (``*.xml``), instead of the dozen images that there are by default
    :param empty_marketplace: no images at all
    :param state_file: where the state is saved, about every second and when the sandbox stops; if the file exists, the
        sandbox begins with that state, its Marketplace included
    :param guests: whether one can log in over SSH to running machines that were given a public key; commands on them
        run on this computer, see the module ``guests.ssh_servers``
    :param tls: https, with a certificate of the sandbox's own authority, see `ca_file`
    :param keep_alive: how long connections are kept; by default as long as the client wants
    :param seed: for the random numbers that decide which requests meet one of the `faults`
    :raises ValueError: if one of the files, the network or the limit cannot be used, or the kind of cloud has no such
        thing: Marketplace, limit, state file and kept connections are StratusLab's
    """

    def __init__(
        self,
        *,
        kind: str = STRATUSLAB,
        version: str | None = None,
        users: Mapping[str, str] | None = None,
        port: int = 0,
        boot_seconds: float | None = None,
        pace: Pace | None = None,
        clock: Clock | None = None,
        public_network: str | None = None,
        machine_limit: int | None = None,
        start_seconds: float = 0,
        images: Sequence[str] | None = None,
        entries: str | PathLike[str] | None = None,
        empty_marketplace: bool = False,
        state_file: str | PathLike[str] | None = None,
        guests: bool = True,
        tls: bool = False,
        keep_alive: KeepAlive | None = None,
        seed: int = 0,
    ) -> None:
        self.clock = clock or Clock()
        self.requests = RequestRecord(self.clock)
        self._file = StateFile(Path(state_file)) if state_file is not None else None
        options = StateOptions(
            clock=self.clock,
            pace=pace or Pace.with_boot_seconds(boot_seconds),
            users=users,
            public_network=self._public_network(public_network),
            version=version,
            machine_limit=machine_limit,
            start_seconds=start_seconds,
            images=images,
            entries=None if entries is None else Path(entries),
            empty_marketplace=empty_marketplace,
            state_file=self._file,
            keep_alive=keep_alive,
        )
        self._make_cloud(kind, options, ServerOptions(port, guests, tls, keep_alive), seed)
        self._running: RunningCloud | None = None
        self._closing = ExitStack()
        self._page_url: str | None = None
        self._page_lock = threading.Lock()

    def __repr__(self) -> str:
        where = "not running" if self._running is None else f"at {self.url}"
        return f"<{type(self).__name__} {where}>"

    @property
    def users(self) -> Mapping[str, str]:
        """The passwords of the users, by name; the first one is the default of `write_config`."""
        return dict(self._any_state.accounts.users)

    # What it holds

    @property
    def state(self) -> State:
        """A StratusLab cloud.

        :raises RuntimeError: if it is an OpenNebula cloud, as all of its parts do
        """
        if self._stratuslab is None:
            raise RuntimeError("The sandbox is an OpenNebula cloud: look at its part 'opennebula'.")
        return self._stratuslab

    @property
    def machines(self) -> Machines:
        """The machines of a StratusLab cloud."""
        return self.state.machines

    @property
    def disks(self) -> Disks:
        """The disks of a StratusLab cloud."""
        return self.state.disks

    @property
    def networks(self) -> Networks:
        """The networks of a StratusLab cloud."""
        return self.state.networks

    @property
    def entries(self) -> Entries:
        """What the Marketplace of a StratusLab cloud has."""
        return self.state.entries

    @property
    def opennebula(self) -> OpenNebula:
        """An OpenNebula cloud: its users, machines, images, templates, networks and drivers.

        :raises RuntimeError: if it is a StratusLab cloud
        """
        if self._opennebula is None:
            raise RuntimeError("The sandbox is a StratusLab cloud: look at its machines, disks, networks and entries.")
        return self._opennebula

    # From start to stop

    def start(self) -> Sandbox:
        """Serve until `stop`.

        :return: itself
        :raises OSError: if the port is in use
        :raises ValueError: if another sandbox uses the state file now, or the file cannot be written
        :raises RuntimeError: if it serves already
        """
        if self._running is not None:
            raise RuntimeError("The sandbox is running already.")
        with ExitStack() as closing:
            if self._file:
                closing.enter_context(self._file.claim())
            closing.callback(self._save)
            if self._stratuslab:
                self._stratuslab.start_daemon()
            running = closing.enter_context(self._cloud.run())
            closing.enter_context(step_thread(self._any_state, self._save, self._cloud.bugs))
            self._closing = closing.pop_all()
        self._running = running
        return self

    def stop(self) -> None:
        """End all connections and threads.

        :raises SandboxError: if there was a bug in the sandbox
        """
        self._end()
        self.check()

    def check(self) -> None:
        """Make sure that the sandbox itself works.

        :raises SandboxError: if a service failed because of a bug in the sandbox
        """
        if self._cloud.bugs:
            raise SandboxError(f"The sandbox itself failed: {self._cloud.bugs[0]!r}") from self._cloud.bugs[0]

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
        for bug in self._cloud.bugs:
            _log.error("The sandbox itself failed: %r", bug, exc_info=bug)

    @contextmanager
    def out_of_reach(self) -> Iterator[None]:
        """End all connections, and refuse new ones within a ``with``.

        :raises RuntimeError: while the sandbox is not running
        """
        server = self._running_cloud.server
        server.stop_listening()
        try:
            yield
        finally:
            server.listen_again()

    # Addresses, certificates, configuration

    @property
    def url(self) -> str:
        """The URL of the server that all services are on.

        :raises RuntimeError: while the sandbox is not running
        """
        return self._running_cloud.addresses.url

    @property
    def page_url(self) -> str:
        """The page that shows what the sandbox holds, for a browser; it is served from the first time on that this is
        asked for. Whoever has this URL can set faults and move the clock: its last part is secret.

        :raises RuntimeError: while the sandbox is not running
        """
        with self._page_lock:
            if self._page_url is None:
                self._page_url = self._cloud.start_page(self._running_cloud.addresses, self.clock, self._closing)
            return self._page_url

    @property
    def compute_url(self) -> str:
        """The value for ``endpoint`` in a configuration file.

        :raises RuntimeError: while the sandbox is not running
        """
        return self._running_cloud.addresses.compute

    @property
    def disks_url(self) -> str:
        """The value for ``pdisk_endpoint`` in a configuration file.

        :raises RuntimeError: while the sandbox is not running
        """
        return self._stratuslab_addresses.disks

    @property
    def marketplace_url(self) -> str:
        """The value for ``marketplace_endpoint`` in a configuration file.

        :raises RuntimeError: while the sandbox is not running
        """
        return self._stratuslab_addresses.marketplace

    @property
    def port_translation_url(self) -> str:
        """Where port translation is asked; ``pat_service_host`` in a configuration file is the same without ``http://``.

        :raises RuntimeError: without guests, or while the sandbox is not running
        """
        url = self._stratuslab_addresses.port_translation if self._running else None
        if url is None:
            raise RuntimeError("The sandbox has no port translation: it needs guests, and to be running.")
        return url

    @property
    def guest_port(self) -> int:
        """The port of SSH on the running machines of an OpenNebula cloud: 22 where this computer permits it.

        :raises RuntimeError: without guests, while the sandbox is not running, or if it is a StratusLab cloud
        """
        addresses = self._running.addresses if self._running else None
        if not isinstance(addresses, OpenNebulaAddresses) or addresses.guest_port is None:
            raise RuntimeError("The sandbox has no port for guests: it must be an OpenNebula with guests, and running.")
        return addresses.guest_port

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority that has signed the server's certificate: for clients to verify it.

        :raises RuntimeError: without TLS, or while the sandbox is not running
        """
        return self._authority.file

    def issue_certificate(
        self, name: str, *, expired: bool = False, passphrase: str | None = None, proxy: bool = False
    ) -> CertificateFiles:
        """Add a user who has a certificate. Its files are removed when the sandbox stops.

        :param name: the person's name
        :param expired: a certificate whose time is over
        :param passphrase: encrypts the private key
        :param proxy: a proxy certificate as grids use them: one file, valid for hours, made of the person's own
        :return: where it is, and whose
        :raises RuntimeError: without TLS, or while the sandbox is not running
        """
        files = self._authority.issue(name, expired=expired, passphrase=passphrase, proxy=proxy)
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
        """Write a section for this cloud into a configuration file; a file that exists keeps its other sections.

        What another sandbox wrote into the section is replaced; the section of a real cloud is not touched.

        A configuration file must have the section ``[default]``. If it has none, one is added that selects the new
        section.

        :param path: the file
        :param user: whose name and password it has; by default the first of the sandbox's users
        :param certificate: to be used instead of a name and password
        :param section: the section's name
        :param public_key_file: goes into new machines; by default the one that the file names, or else a new pair of
            keys beside the file, such as ``stratuslab-user-key`` and ``stratuslab-user-key.pub``
        :param more: further keys of the section, such as ``name`` and ``country``
        :return: the file
        :raises ValueError: if there is no such user, the section cannot have this name or is about another cloud than
            a sandbox, or the existing file cannot be read
        :raises OSError: if a file cannot be written
        :raises RuntimeError: while the sandbox is not running
        """
        check_section(section)
        file = ConfigFile(Path(path))
        file.check_free(section)
        values = self._running_cloud.addresses.config_values() | self._credentials(user, certificate)
        if public_key_file is not None:
            values["user_public_key_file"] = str(Path(public_key_file).expanduser().absolute())
        elif not file.has_public_key(section):
            values["user_public_key_file"] = str(make_key_pair(Path(path).absolute()))
        file.write(section, {**values, **more})
        return Path(path)

    # Internal

    @property
    def _any_state(self) -> State | OpenNebula:
        return self._opennebula or self.state

    @property
    def _stratuslab_addresses(self) -> StratusLabAddresses:
        addresses = self._running_cloud.addresses
        if not isinstance(addresses, StratusLabAddresses):
            raise RuntimeError("The sandbox is an OpenNebula cloud: it has no such service.")
        return addresses

    @property
    def _running_cloud(self) -> RunningCloud:
        if self._running is None:
            raise RuntimeError("The sandbox is not running.")
        return self._running

    @property
    def _authority(self) -> CertificateAuthority:
        authority = self._running.authority if self._running else None
        if authority is None:
            raise RuntimeError("The sandbox has no certificates: it needs tls=True, and to be running.")
        return authority

    def _public_network(self, wanted: str | None) -> IPv4Network | None:
        saved = self._file.public_network() if self._file else None
        return saved or (IPv4Network(wanted) if wanted else None)

    def _make_cloud(self, kind: str, options: StateOptions, server_options: ServerOptions, seed: int) -> None:
        self._stratuslab: State | None = None
        self._opennebula: OpenNebula | None = None
        self._cloud: Cloud
        if kind == STRATUSLAB:
            self._stratuslab = stratuslab_cloud.new_state(options)
            self.faults = Faults(seed, services=stratuslab_cloud.SERVICES)
            self._cloud = StratusLabCloud(self._stratuslab, server_options, self.requests, self.faults)
        elif kind == OPENNEBULA:
            self._opennebula = opennebula_cloud.new_state(options)
            self.faults = Faults(seed, services=opennebula_cloud.SERVICES)
            self._cloud = OpenNebulaCloud(self._opennebula, server_options, self.requests, self.faults)
        else:
            raise ValueError(f"there is no kind of cloud {kind!r}; choose one of: {STRATUSLAB}, {OPENNEBULA}")

    def _credentials(self, user: str | None, certificate: CertificateFiles | None) -> dict[str, str]:
        """Of a user, in the keys of a configuration file."""
        if certificate is not None:
            return {"pem_certificate": str(certificate.certificate), "pem_key": str(certificate.key)}
        user = next(iter(self.users), SUPERUSER) if user is None else user
        return {"username": user, "password": self._any_state.accounts.password(user)}

    def _save(self) -> None:
        if self._file:
            self._file.write(self.state)

    def _end(self) -> None:
        try:
            self._closing.close()
        finally:
            self._running = self._page_url = None
