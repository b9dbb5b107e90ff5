"""A bare server: threads, prepared bytes, nothing else. It runs in a process of its own.

The first segment of a path says how the answer is to be: ``/machines=1000,delay=50/`` is a cloud with 1,000 machines
that takes 50 ms for each answer. ``/counters`` tells what has been served, as JSON.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.documents import Documents, reply

_HEAD = "HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
PLACES = 40
"""How many clouds at addresses of their own there can be."""

_BEFORE_A_NEW_ONE = 8
"""How far before a new machine a driver looks for a double of it. Those machines are not the user's here."""

_METHOD = re.compile(rb"<methodName>([\w.]+)")
_INTEGER = re.compile(rb"<(?:int|i4)>(-?\d+)<")
_LAST_INTEGER = re.compile(rb".*<(?:int|i4)>(-?\d+)<", re.DOTALL)


@dataclass(frozen=True)
class Counters:
    """What has been served since the server began."""

    connections: int
    requests: int
    bytes_sent: int

    def __sub__(self, earlier: Counters) -> Counters:
        return Counters(
            self.connections - earlier.connections,
            self.requests - earlier.requests,
            self.bytes_sent - earlier.bytes_sent,
        )


class BareServer:
    """The process, seen from the benchmark. A context manager."""

    def __enter__(self) -> BareServer:
        command = [sys.executable, "-m", "benchmarks.server"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._ports = [int(port) for port in self._process.stdout.readline().split()]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate()

    def url(self, place: int = 0, **kind: int) -> str:
        """The address of a cloud of a kind: `machines`, `images`, `long`, `today` and `delay` in ms.

        :param place: one of `PLACES`, each with a port of its own: what is at one address shares its few connections
        """
        words = ",".join(f"{name}={value}" for name, value in kind.items()) or "cloud"
        return f"http://127.0.0.1:{self._ports[place]}/{words}"

    def counters(self) -> Counters:
        """What has been served, without what it takes to ask for it."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._ports[0]}/counters") as answer:
            return Counters(**json.load(answer))


class _Service:
    """Finds the prepared answer to a request."""

    def __init__(self) -> None:
        self._documents = Documents()
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self.connections = 0
        self.requests = 0
        self.bytes_sent = 0

    @functools.cached_property
    def _created(self) -> list[bytes]:
        return [self._documents.one_machine(number) for number in range(1000)]

    def answer(self, path: str, body: bytes) -> tuple[float, bytes]:
        """Seconds to wait, and what to send then."""
        kind = dict(re.findall(r"(\w+)=(\d+)", path.split("/")[1]))
        delay = int(kind.get("delay", 0)) / 1000
        if path.startswith("/counters"):
            counted = {"connections": self.connections, "requests": self.requests, "bytes_sent": self.bytes_sent}
            return 0, _with_head(json.dumps(counted).encode())
        if "/metadata" in path:
            return delay, self._metadata(int(kind.get("images", 20)))
        return delay, self._compute(kind, body)

    def count(self, connections: int = 0, requests: int = 0, bytes_sent: int = 0) -> None:
        with self._lock:
            self.connections += connections
            self.requests += requests
            self.bytes_sent += bytes_sent

    def _compute(self, kind: dict[str, str], body: bytes) -> bytes:
        method = _METHOD.search(body)
        match method[1] if method else b"":
            case b"one.vmpool.info" if "today" in kind:
                return self._pool_of_today(int(kind.get("machines", 100)))
            case b"one.vmpool.info":
                first, last = _range_in(body)
                if last >= 0:  # for machines that were just created, whose marks this server does not know
                    return self._new(last if last - first <= _BEFORE_A_NEW_ONE else first, last)
                return self._pool(first, int(kind.get("machines", 100)) - 1, "long" in kind)
            case b"one.vm.allocate":
                return _with_head(reply(f"<i4>{next(self._numbers) % 1000}</i4>"))
            case b"one.vm.info":
                return self._machine(_number_in(body))
            case b"one.vm.action":
                return _with_head(reply("<i4>1</i4>"))
            case b"system.listMethods" | b"one.system.version":
                return _with_head(reply("<string>3.2.1</string>"))
        return _with_head(b"", "404 Not Found")

    @functools.cache  # noqa: B019 - there is one for as long as the process lives
    def _pool(self, first: int, last: int, long: bool) -> bytes:
        return _with_head(self._documents.pool(range(max(0, first), last + 1), long))

    @functools.cache  # noqa: B019 - as above
    def _new(self, first: int, last: int) -> bytes:
        return _with_head(self._documents.new_machines(range(first, last + 1)))

    def _pool_of_today(self, machines: int) -> bytes:
        return _with_head(self._documents.pool_of_today(machines))

    @functools.cache  # noqa: B019 - as above
    def _machine(self, number: int) -> bytes:
        return _with_head(self._documents.one_machine(number))

    @functools.cache  # noqa: B019 - as above
    def _metadata(self, images: int) -> bytes:
        return _with_head(self._documents.metadata(images))


def _with_head(body: bytes, status: str = "200 OK") -> bytes:
    return _HEAD.format(status=status, length=len(body)).encode() + body


def _number_in(body: bytes) -> int:
    found = _LAST_INTEGER.match(body)
    return int(found[1]) if found else 0


def _range_in(body: bytes) -> tuple[int, int]:
    """The first and the last number that ``one.vmpool.info`` asks for; -1 is no bound."""
    _, first, last, _ = map(int, _INTEGER.findall(body))
    return first, last


def _requests(connection: socket.socket) -> Iterator[tuple[str, bytes]]:
    """The path and the body of each request."""
    with connection.makefile("rb") as stream:
        while first_line := stream.readline():
            head = b"".join(iter(stream.readline, b"\r\n"))
            length = _LENGTH.search(head)
            yield first_line.split()[1].decode(), stream.read(int(length[1])) if length else b""


def _serve(service: _Service, connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, contextlib.suppress(OSError):
        for number, (path, body) in enumerate(_requests(connection)):
            delay, answer = service.answer(path, body)
            if delay:
                time.sleep(delay)
            if path != "/counters":
                service.count(connections=not number, requests=1, bytes_sent=len(answer))
            connection.sendall(answer)


def _accept(service: _Service, listening: socket.socket) -> None:
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=_serve, args=(service, connection), daemon=True).start()


def main() -> None:
    """Serve until the process is ended; the ports are printed first."""
    service = _Service()
    sockets = [socket.create_server(("127.0.0.1", 0), backlog=128) for _ in range(PLACES)]
    print(*(listening.getsockname()[1] for listening in sockets), flush=True)
    for listening in sockets[1:]:
        threading.Thread(target=_accept, args=(service, listening), daemon=True).start()
    _accept(service, sockets[0])


if __name__ == "__main__":
    main()
