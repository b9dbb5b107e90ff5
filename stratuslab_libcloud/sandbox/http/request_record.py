"""What was asked of a sandbox, for tests that count requests and connections."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stratuslab_libcloud.sandbox.state.clock import Clock

REQUESTS_LOG = "stratuslab_libcloud.sandbox.requests"
"""Where each request is logged, at level INFO."""

_log = logging.getLogger(REQUESTS_LOG)


@dataclass(frozen=True)
class Request:
    """One request and its answer.

    :param service: ``compute``, ``disks``, ``marketplace`` or ``pat``; empty where no service was addressed
    :param verb: the HTTP method
    :param operation: what was asked, such as ``one.vm.info`` or ``GET /disks/{uuid}``
    :param user: who the client is for the service; empty if that was not yet known
    :param status: of the answer; 0 if none was sent
    :param client_port: requests from one connection have the same
    :param bytes_received: of the request's body
    :param bytes_sent: of the answer's body
    :param fault: the kind of fault, such as ``reset-after``; empty if there was none
    :param time: when it was answered, by the sandbox's clock, in seconds since 1970
    :param seconds: how long it took to carry it out, really
    """

    service: str
    verb: str
    path: str
    operation: str
    user: str
    status: int
    client_port: int
    bytes_received: int
    bytes_sent: int
    fault: str = ""
    time: float = 0.0
    seconds: float = 0.0

    def __str__(self) -> str:
        asked = f"{self.service or 'no service'}: {self.operation or f'{self.verb} {self.path}'}"
        answered = self.status or "no answer"
        return f"{asked} by {self.user or 'nobody'}: {answered}{f' ({self.fault})' if self.fault else ''}"


class RequestRecord:
    """The requests in the order in which they were answered; can be iterated over, counted and indexed.

    :param clock: says when it was; the computer's own by default
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._most_connections = 0

    def add(self, request: Request) -> None:
        """Note a request.

        :param request: the request and its answer
        """
        with self._lock:
            self._requests.append(request)
        _log.info("%s", request)

    def note_open_connections(self, number: int) -> None:
        """Note how many connections are open now.

        :param number: of open connections
        """
        with self._lock:
            self._most_connections = max(self._most_connections, number)

    def last(self, number: int) -> Sequence[Request]:
        """The last requests, in the order in which they were answered.

        :param number: how many at the most, 1 or more
        :return: fewer if there were fewer
        """
        with self._lock:
            return self._requests[-number:]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._requests.clear()
            self._most_connections = 0

    def __iter__(self) -> Iterator[Request]:
        with self._lock:
            return iter(tuple(self._requests))

    def __len__(self) -> int:
        with self._lock:
            return len(self._requests)

    def __getitem__(self, index: int) -> Request:
        with self._lock:
            return self._requests[index]

    @property
    def operations(self) -> list[str]:
        """What was asked, in order: the `Request.operation` of each."""
        return [request.operation for request in self]

    @property
    def connections(self) -> int:
        """How many connections the requests came through."""
        return len({request.client_port for request in self})

    @property
    def most_connections(self) -> int:
        """How many connections were open at once when the last of them was opened, at the most."""
        with self._lock:
            return self._most_connections
