"""A whole StratusLab cloud on loopback, for trying, developing and testing::

    with Sandbox(boot_seconds=0) as sandbox:
        sandbox.write_config("stratuslab-user.cfg")
        ...

It speaks the protocols of the real services, so any StratusLab client can use it, not only this package's.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Network
from os import PathLike
from pathlib import Path
from types import TracebackType

from .application import make_application
from .catalogue import add_catalogue
from .certificates import CertificateAuthority, CertificateFiles
from .clock import Clock, ManualClock
from .compute import ComputeService
from .configfile import write_section
from .disks import DiskService
from .entryfiles import load_entries
from .faults import Fault, FaultKind, Faults
from .marketplace import MarketplaceService
from .record import Request, RequestRecord
from .server import HttpServer, KeepAlive
from .state import State, snapshot
from .state.pace import Pace
from .state.records import LcmState, Machine, VmState
from .statefile import StateFile

__all__ = [
    "CertificateFiles",
    "Clock",
    "Fault",
    "FaultKind",
    "KeepAlive",
    "LcmState",
    "Machine",
    "ManualClock",
    "Pace",
    "Request",
    "RequestRecord",
    "Sandbox",
    "VmState",
]

_log = logging.getLogger(__name__)

_WATCH_SECONDS = 1.0
DEFAULT_USERS = {"alice": "secret", "bob": "s3cret%x"}


class Sandbox:
    """A cloud that runs from `start` to `stop`, or within ``with``.

    :param users: names and passwords
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
    :param tls: https, with a certificate of the sandbox's own authority, see `ca_file`
    :param keep_alive: how long connections are kept; for as long as the client wants by default
    :param seed: of the dice that are thrown for `faults`
    :raises ValueError: if one of the files can not be used
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
        tls: bool = False,
        keep_alive: KeepAlive | None = None,
        seed: int = 0,
    ) -> None:
        self.clock = clock or Clock()
        self._file = StateFile(Path(state_file)) if state_file is not None else None
        kept = self._file.read() if self._file else None
        network = IPv4Network(public_network) if public_network else None
        self.state = State(
            clock=self.clock,
            pace=pace or _pace(boot_seconds),
            passwords=DEFAULT_USERS if users is None else users,
            public_network=snapshot.public_network(kept) if kept else network,
            machine_limit=machine_limit,
        )
        self.machines = self.state.machines
        self.disks = self.state.disks
        self.entries = self.state.entries
        if kept:
            snapshot.restore(self.state, kept)
        elif entries is not None:
            load_entries(self.entries, Path(entries))
        elif not empty_marketplace:
            add_catalogue(self.entries, self.clock.now())
        self.requests = RequestRecord()
        self.faults = Faults(seed)
        self._keep_alive = keep_alive
        self._port = port
        self._tls = tls
        self._authority: CertificateAuthority | None = None
        self._server: HttpServer | None = None
        self._errors: list[Exception] = []
        self._watcher = threading.Thread(target=self._watch, name="sandbox-clock", daemon=True)
        self._ended = threading.Event()
        if isinstance(self.clock, ManualClock):
            self.clock.follow(self.state.settle)

    def start(self) -> Sandbox:
        """Serve until `stop`."""
        services = (
            ComputeService(self.state),
            DiskService(self.state),
            MarketplaceService(self.state),
        )
        self._authority = CertificateAuthority() if self._tls else None
        self._server = HttpServer(
            make_application(services),
            self.requests,
            self.faults,
            keep_alive=self._keep_alive,
            port=self._port,
            ssl_context=self._authority.server_context() if self._authority else None,
        )
        self.state.marketplace_url = self.marketplace_url
        self._server.start()
        self._watcher.start()
        return self

    def stop(self) -> None:
        """End all connections and threads.

        :raises SandboxError: if a service went wrong in between
        """
        self._end()
        self.check()

    def check(self) -> None:
        """
        :raises SandboxError: if a service went wrong, which is the sandbox's fault and not its client's
        """
        errors = [*self._errors, *(self._server.errors if self._server else ())]
        if errors:
            raise SandboxError(f"The sandbox itself failed: {errors[0]!r}") from errors[0]

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
        for bug in self._errors:
            _log.error("The sandbox itself failed: %r", bug, exc_info=bug)

    @property
    def url(self) -> str:
        """Where all services are."""
        if self._server is None:
            raise RuntimeError("The sandbox is not running.")
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self._server.port}"

    @property
    def compute_url(self) -> str:
        """What belongs in a configuration file as ``endpoint``."""
        return f"{self.url}/one-proxy/xmlrpc"

    @property
    def disks_url(self) -> str:
        """What belongs in a configuration file as ``pdisk_endpoint``."""
        return f"{self.url}/pdisk"

    @property
    def marketplace_url(self) -> str:
        """What belongs in a configuration file as ``marketplace_endpoint``."""
        return f"{self.url}/marketplace"

    @property
    def ca_file(self) -> Path:
        """The authority that has signed the server's certificate, for those who verify it.

        :raises RuntimeError: without TLS, or while the sandbox is not running
        """
        return self._certificate_authority.file

    def issue_certificate(
        self, name: str, *, expired: bool = False, passphrase: str | None = None, proxy: bool = False
    ) -> CertificateFiles:
        """Make somebody a user who comes with a certificate; its files are gone when the sandbox ends.

        :param name: the person's
        :param expired: a certificate whose time is over
        :param passphrase: locks the private key
        :param proxy: a proxy certificate as grids use them: one file, valid for hours, from the person's own
        :raises RuntimeError: without TLS, or while the sandbox is not running
        """
        files = self._certificate_authority.issue(name, expired=expired, passphrase=passphrase, proxy=proxy)
        self.state.accounts.enrol_certificate(files.subject)
        return files

    def write_config(
        self,
        path: str | PathLike[str],
        *,
        user: str = "alice",
        certificate: CertificateFiles | None = None,
        section: str = "default",
        public_key_file: str | PathLike[str] | None = None,
        **more: str,
    ) -> Path:
        """Write a section of a configuration file that points here; a file that is there keeps its other sections.

        :param certificate: to be used instead of the user's name and password
        :param public_key_file: goes into new machines
        :param more: further keys of the section, such as ``name`` and ``country``
        """
        values = {
            "endpoint": self.compute_url,
            "pdisk_endpoint": self.disks_url,
            "marketplace_endpoint": self.marketplace_url,
        }
        if self._authority is not None:
            values["tls_ca_bundle"] = str(self.ca_file)
        if certificate is None:
            values |= {"username": user, "password": self.state.accounts.password(user)}
        else:
            values |= {"pem_certificate": str(certificate.certificate), "pem_key": str(certificate.key)}
        if public_key_file is not None:
            values["user_public_key_file"] = str(public_key_file)
        write_section(Path(path), section, {**values, **more})
        return Path(path)

    @property
    def _certificate_authority(self) -> CertificateAuthority:
        if self._authority is None:
            raise RuntimeError("The sandbox has no certificates: it needs tls=True, and to be running.")
        return self._authority

    @contextmanager
    def out_of_reach(self) -> Iterator[None]:
        """All connections end, and new ones are refused, within a ``with``."""
        if self._server is None:
            raise RuntimeError("The sandbox is not running.")
        self._server.leave()
        try:
            yield
        finally:
            self._server.come_back()

    def _end(self) -> None:
        if self._server is None:
            return
        self._server.stop()
        self._errors.extend(self._server.errors)
        self._server = None
        if self._authority is not None:
            self._authority.close()
            self._authority = None
        self._ended.set()
        self.state.wake()
        self._watcher.join()
        self._keep()

    def _watch(self) -> None:
        while not self._ended.is_set():
            self.state.wait_for_next_step(longest=_WATCH_SECONDS)
            self.state.settle()
            self._keep()

    def _keep(self) -> None:
        if self._file:
            self._file.write(self.state)


class SandboxError(Exception):
    """A bug in the sandbox."""


def _pace(boot_seconds: float | None) -> Pace:
    return Pace() if boot_seconds is None else Pace.with_boot_seconds(boot_seconds)
