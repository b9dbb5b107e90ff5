"""The connections of a process to one address, which all of its drivers share.

An ``oned`` serves about fifteen connections, idle ones included, and makes the sixteenth wait for seconds. Several
drivers in a process, one for each user, must not use them up.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from stratuslab_libcloud.client.http.connections import TimeLimitedAdapter

Address = tuple[str, str | None, int | None]


class NoFreeConnectionError(Exception):
    """All connections were busy until the time limit."""


class SharedConnections:
    """The connections to one address.

    :ivar adapter: keeps the idle ones
    """

    def __init__(self) -> None:
        self._most = 0
        self._free = threading.Semaphore(0)
        self.adapter = TimeLimitedAdapter(1)

    def allow(self, connections: int) -> None:
        """Let at least so many be open at once."""
        if connections > self._most:
            self.adapter = TimeLimitedAdapter(connections)
            self._free.release(connections - self._most)
            self._most = connections

    @contextmanager
    def reserve_one(self, seconds: float) -> Iterator[None]:
        """Within it, one of the connections may be used.

        :param seconds: to wait until one is free
        :raises NoFreeConnectionError: when none was
        """
        if not self._free.acquire(timeout=max(0.0, seconds)):
            raise NoFreeConnectionError
        try:
            yield
        finally:
            self._free.release()


class _Process:
    """The connections of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_address: WeakValueDictionary[Address, SharedConnections] = WeakValueDictionary()

    def connections_to(self, address: Address, connections: int) -> SharedConnections:
        with self._lock:
            shared = self._of_address.get(address)
            if shared is None:
                shared = self._of_address[address] = SharedConnections()
            shared.allow(connections)
            return shared


_processes: dict[int, _Process] = {}


def connections_to(url: str, connections: int) -> SharedConnections:
    """The connections of this process to the address of a URL; a forked process has its own.

    :param connections: how many may be open at once; of several callers, the largest number counts
    """
    try:
        parts = urlsplit(url)
        address = (parts.scheme, parts.hostname, parts.port)
    except ValueError:  # which the request itself will report
        address = (url, None, None)
    process = _processes.get(os.getpid())
    if process is None:
        process = _processes.setdefault(os.getpid(), _Process())
        for other in _processes.keys() - {os.getpid()}:
            _processes.pop(other, None)
    return process.connections_to(address, connections)
