"""An SSH connection on which nothing takes longer than it may, whatever the server does.

paramiko waits without a limit for several answers, and counts its other limits anew with each byte. So a thread of
our own watches each connection, and ends it when something takes too long or the server falls silent: that ends
whatever paramiko is waiting for. The server gets a key and nothing else: no password, no answer to a question.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import paramiko

from stratuslab_libcloud.deployment.limits import Deadline
from stratuslab_libcloud.deployment.printable import printable

PARAMIKO_LOG = "stratuslab_libcloud.paramiko"
"""Where paramiko reports on these connections, to those who give this logger another level.

To paramiko each attempt that fails is an error with a traceback, also while a machine that boots is waited for.
"""

OPENING_SECONDS = 30.0
REFUSED_SECONDS = 5.0
"""How long a channel is asked for again that the server refuses: a server may allow one at a time, and take a moment
to see that the last one has ended."""

KEEPALIVE_SECONDS = 15.0
SILENCE_SECONDS = 60.0
"""How long a server may say nothing, not even that it is there when it is asked."""

LARGEST_PACKET = 1024 * 1024
MOST_BEFORE_LOGIN = 256 * 1024
"""Bytes; the greeting, the agreement on a key and the login take a few thousand."""

_NEVER = 365 * 24 * 3600.0
_TICK_SECONDS = 0.1

logging.getLogger(PARAMIKO_LOG).setLevel(logging.CRITICAL)


class WatchedSocket(socket.socket):
    """A TCP connection that knows when something last came over it, and that takes no more than it should.

    :param connection: which is this one's from now on
    """

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(fileno=connection.detach())
        self.pieces = 0
        self._allowance: float = MOST_BEFORE_LOGIN

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive.

        :raises OSError: as ever, and when more is announced or sent than an SSH server has to say
        """
        if size > LARGEST_PACKET:
            raise OSError(errno.EPROTO, f"the server announces a packet of {size} bytes")
        data = super().recv(size, flags)
        self.pieces += 1
        self._allowance -= len(data)
        if self._allowance < 0:
            raise OSError(errno.EPROTO, "the server sends data without end, and lets nobody log in")
        return data

    def take_anything(self) -> None:
        """From now on the server may send as much as it likes."""
        self._allowance = math.inf

    def end(self) -> None:
        """End the connection, whoever is using it."""
        with contextlib.suppress(OSError):  # it has ended already
            self.shutdown(socket.SHUT_RDWR)


class KeysOnly:
    """Logs in with a key, and never answers a question: what a guest asks could be a password to somewhere else.

    :param username: who to log in as
    :param keys: are tried one after the other
    """

    def __init__(self, username: str, keys: Sequence[paramiko.PKey]) -> None:
        self.username = username
        self._keys = keys

    def authenticate(self, transport: paramiko.Transport) -> list[str]:
        """Log in; paramiko calls this.

        :raises paramiko.AuthenticationException: no key was accepted, or a key was not enough
        """
        for key in self._keys:
            try:
                more = transport.auth_publickey(self.username, key)
            except paramiko.AuthenticationException as error:
                refusal = error
                continue
            if more:
                raise paramiko.AuthenticationException(
                    f"the server takes the key, but also wants {printable(' or '.join(more))}"
                )
            return []
        said = printable(transport.get_banner() or b"")
        raise paramiko.AuthenticationException(f"{refusal}{f' The server says: {said}' if said else ''}") from refusal


class Connection:
    """An SSH connection that is watched.

    :param connection: to the server
    :param deadline: of the deployment
    """

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self.client = paramiko.SSHClient()
        self.client.set_log_channel(PARAMIKO_LOG)
        self.client.set_missing_host_key_policy(paramiko.MissingHostKeyPolicy())
        self.ended_because = ""
        self._socket = WatchedSocket(connection)
        self._deadline = deadline
        self._limits: dict[object, tuple[float, str]] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._is_logged_in = False
        self._probe: threading.Thread | None = None
        threading.Thread(target=self._watch, name="SSH watch", daemon=True).start()

    def log_in(self, hostname: str, login: KeysOnly, seconds: float, **options: Any) -> None:
        """Log in.

        :param hostname: for messages
        :param seconds: that the greeting may take, and again the rest
        :param options: for `paramiko.SSHClient.connect`
        :raises paramiko.AuthenticationException: the server does not take the key for this user
        :raises paramiko.SSHException: there is no SSH server that can be talked to
        :raises OSError: the connection broke, or the time is over
        """
        with self.limit(seconds, "logging in"):
            self.client.connect(
                hostname,
                sock=self._socket,
                banner_timeout=_NEVER,  # those of paramiko's limits end that the clock could move
                auth_timeout=_NEVER,
                username=login.username,  # or paramiko asks for the name of this process's user, who may have none
                auth_strategy=login,  # type: ignore[arg-type]  # anything with its one method
                **options,
            )
        self._socket.take_anything()
        self._is_logged_in = True

    @property
    def is_active(self) -> bool:
        """Whether the connection stands, as far as is known."""
        transport = self.client.get_transport()
        return transport is not None and transport.is_active()

    @property
    def transport(self) -> paramiko.Transport:
        """paramiko's side of it.

        :raises paramiko.SSHException: there is none any more
        """
        transport = self.client.get_transport()
        if transport is None:
            raise paramiko.SSHException("the connection is closed")
        return transport

    @contextlib.contextmanager
    def limit(self, seconds: float, what: str) -> Iterator[None]:
        """End the connection when something takes longer.

        :param what: for the message
        :raises TimeoutError: it did
        """
        key = object()
        with self._lock:
            self._limits[key] = (time.monotonic() + seconds, f"{what} took longer than {seconds:g} seconds")
        try:
            yield
        except (OSError, EOFError, paramiko.SSHException) as error:
            if not self.ended_because:
                raise
            raise TimeoutError(self.ended_because) from error
        finally:
            with self._lock:
                del self._limits[key]

    def open_session(self) -> paramiko.Channel:
        """A channel for a command or a subsystem.

        :raises paramiko.SSHException: the server does not give one
        """
        give_up = time.monotonic() + REFUSED_SECONDS
        with self.limit(OPENING_SECONDS, "opening a channel"):
            while True:
                try:
                    return self.transport.open_session(timeout=_NEVER)
                except paramiko.ChannelException:
                    if time.monotonic() > give_up:
                        raise
                self._deadline.pause(_TICK_SECONDS)

    def close(self) -> None:
        """End the connection."""
        self._closed.set()
        transport = self.client.get_transport()
        if transport is not None:
            transport.packetizer.complete_handshake()  # or its timer keeps the process from ending
        self.client.close()
        self._socket.end()
        self._socket.close()

    def _watch(self) -> None:
        silent, pieces = 0.0, 0
        while not self._closed.wait(_TICK_SECONDS):
            silent = silent + _TICK_SECONDS if pieces == self._socket.pieces else 0.0
            pieces = self._socket.pieces
            self.ended_because = self.ended_because or self._reason_to_end(silent)
            if self.ended_because:
                self._end()
            else:
                self._ask_whether_it_is_there(silent)

    def _end(self) -> None:
        self._socket.end()
        transport = self.client.get_transport()
        if transport is not None:
            transport.close()  # also where its thread has died of what it received

    def _reason_to_end(self, silent: float) -> str:
        if not self._deadline.left():
            return "the deployment was ended"
        with self._lock:
            end, reason = min(self._limits.values(), default=(math.inf, ""))
        if time.monotonic() > end:
            return reason
        if self._is_logged_in and silent > SILENCE_SECONDS:
            return f"the server said nothing for {SILENCE_SECONDS:g} seconds"
        return ""

    def _ask_whether_it_is_there(self, silent: float) -> None:
        """In a thread of its own, since that waits for the answer."""
        if not self._is_logged_in or silent < KEEPALIVE_SECONDS or not self.is_active:
            return
        if self._probe is None or not self._probe.is_alive():
            self._probe = threading.Thread(
                target=self.transport.global_request, args=["keepalive@openssh.com"], name="SSH keepalive", daemon=True
            )
            self._probe.start()
