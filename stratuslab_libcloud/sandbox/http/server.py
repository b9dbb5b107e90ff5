"""The HTTP/1.1 server under the services: threads, kept connections, a record of what was asked."""

from __future__ import annotations

import contextlib
import io
import socket
import socketserver
import ssl
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from werkzeug.http import http_date
from werkzeug.serving import WSGIRequestHandler
from werkzeug.wrappers import Response

from stratuslab_libcloud.sandbox.http.delivery import Delivery, is_silent
from stratuslab_libcloud.sandbox.http.exchange import EXCHANGE_KEY, Exchange
from stratuslab_libcloud.sandbox.http.faults import Faults
from stratuslab_libcloud.sandbox.http.request_record import Request, RequestRecord
from stratuslab_libcloud.sandbox.http.status_line import status_line
from stratuslab_libcloud.sandbox.http.wrong_answers import spoiled_answer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_HANDSHAKE_SECONDS = 10
_LONGEST_WAIT_SECONDS = 0.2
# How often a server looks whether it is to stop. Linux wakes it; elsewhere, nobody should have to wait for that.
_LOOK_SECONDS = 0.5 if sys.platform == "linux" else 0.02
_OUTAGE_SECONDS = 3600.0
_NO_CONTENT = (204, 304)


@dataclass(frozen=True)
class KeepAlive:
    """How long a connection is kept; by default as long as a real OpenNebula daemon does, which closes it without
    announcing it.

    :param requests: it is closed after so many
    :param idle_seconds: and after so many seconds in which nothing was asked
    :raises ValueError: if `requests` is below 1, or `idle_seconds` is not a time above 0
    """

    requests: int = 30
    idle_seconds: float = 15.0

    def __post_init__(self) -> None:
        if self.requests < 1:
            raise ValueError(f"a connection is kept for 1 request or more, not {self.requests}")
        if not 0 < self.idle_seconds < float("inf"):
            raise ValueError(f"a connection is kept for a number of idle seconds above 0, not {self.idle_seconds}")


class _Handler(WSGIRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    # Without this, an answer on a kept connection waits some 40 ms for an acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = -1
    server: HttpServer  # type: ignore[assignment]  # always one of this class

    def setup(self) -> None:
        super().setup()
        keep_alive = self.server.keep_alive
        self._requests_left = keep_alive.requests if keep_alive else None
        self.connection.settimeout(keep_alive.idle_seconds if keep_alive else None)
        self._is_answering = False
        self._delivery = Delivery(
            self.connection, self.rfile, self.wfile, self.server.stopping, self.server.refuse_connections
        )

    def run_wsgi(self) -> None:
        started = time.perf_counter()
        exchange = Exchange(self.server.faults)
        try:
            body = self._read_body()
            self.environ = self.make_environ()
        except ValueError:
            self._refuse_malformed()
            return
        if self.server.ends_when_reset:
            self._check_connection()
        response = self._answer(exchange, body)
        if exchange.fault is not None and exchange.fault.doubles:
            response = self._answer(exchange, body)
        if exchange.fault is not None:
            response = spoiled_answer(response, exchange.fault, exchange.wrong_answers, self.server.faults)
        self.close_connection |= response.headers.get("Connection") == "close"
        content = response.get_data()
        if self.server.record is not None:
            self._note(self.server.record, exchange, response, len(body), time.perf_counter() - started)
        self._is_answering = True
        if not self._delivery.send(self._message(response, content), exchange.fault):
            self.close_connection = True
        elif self._requests_left is not None:
            self._requests_left -= 1
            self.close_connection |= self._requests_left <= 0

    def _note(
        self, record: RequestRecord, exchange: Exchange, response: Response, bytes_received: int, seconds: float
    ) -> None:
        silent = is_silent(exchange.fault)
        record.add(
            Request(
                service=exchange.service_name,
                verb=self.command,
                path=self.environ["PATH_INFO"],
                operation=exchange.operation,
                user=exchange.user,
                status=0 if silent else response.status_code,
                client_port=self.client_address[1],
                bytes_received=bytes_received,
                bytes_sent=0 if silent else len(response.get_data()),
                fault="" if exchange.fault is None else exchange.fault.kind.value,
                time=record.clock.now(),
                seconds=seconds,
            )
        )

    def _check_connection(self) -> None:
        try:
            self.connection.getpeername()
        except OSError:
            raise ConnectionResetError("The client has reset the connection.") from None

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """A client has ended a connection that was in use."""
        was_reset = isinstance(error, ConnectionResetError) and not self._is_answering
        if was_reset and self.server.ends_when_reset:
            self.server.refuse_connections(_OUTAGE_SECONDS)

    def _answer(self, exchange: Exchange, body: bytes) -> Response:
        environ = {**self.environ, "wsgi.input": io.BytesIO(body), EXCHANGE_KEY: exchange}
        try:
            return Response.from_app(self.server.app, environ, buffered=True)
        except Exception as bug:  # noqa: BLE001 -- `Sandbox.check` raises whatever it is
            self.server.bugs.append(bug)
            return Response("The sandbox itself failed.", 500)

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            # No service of a StratusLab cloud takes this; what follows cannot be told from the next request.
            self.close_connection = True
            return b""
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        length = _content_length(self.headers.get("Content-Length", "0"), self.server.largest_body)
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError("The client closed the connection in the middle of its request.")
        return body

    def _refuse_malformed(self) -> None:
        """Answer 400 and close the connection: where the next request would begin is not known."""
        self.close_connection = True
        self.wfile.write(self._message(Response("Bad Request", 400), b"Bad Request"))

    def _message(self, response: Response, content: bytes) -> bytes:
        headers = [
            ("Date", http_date()),
            *(() if "Server" in response.headers else (("Server", "StratusLab-sandbox"),)),
            *(header for header in response.headers if header[0].lower() not in ("content-length", "connection")),
        ]
        if response.status_code not in _NO_CONTENT:
            headers.append(("Content-Length", str(len(content))))
        if self.close_connection:
            headers.append(("Connection", "close"))
        elif self.request_version == "HTTP/1.0":
            headers.append(("Connection", "keep-alive"))
        lines = [
            f"HTTP/1.1 {status_line(response.status_code)}",
            *(f"{name}: {value}" for name, value in headers),
            "",
            "",
        ]
        head = "\r\n".join(lines).encode("latin-1")
        return head if self.command == "HEAD" else head + content

    def log(self, type: str, message: str, *args: Any) -> None:
        """Stay silent: the record of requests says more."""


def _content_length(text: str, largest: int) -> int:
    """The number of bytes that a request announces.

    :raises ValueError: if that is not a number, or more than the largest that is taken
    """
    length = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= length <= largest:
        raise ValueError(text)
    return length


class HttpServer(socketserver.ThreadingTCPServer):
    """Serves an application on a port of 127.0.0.1, from a thread of its own.

    :param record: notes the requests; None for a server whose requests are nobody's business
    :param bugs: exceptions in the application are added to them
    :param port: 0 for a free one
    :param ssl_context: to speak TLS
    :param keep_alive: None to keep connections as long as their clients do
    :param most_connections: how many are served at once; others wait. None for any number
    :param largest_body: of a request, in bytes; one that is larger gets a 400
    :param ends_when_reset: it listens no longer when a client has reset a connection before it was answered
    :raises OSError: if the port is in use
    """

    allow_reuse_address = True
    block_on_close = False
    daemon_threads = True
    request_queue_size = 128

    # The handler needs these, besides `app`.
    multithread = True
    multiprocess = False

    def __init__(
        self,
        app: WSGIApplication,
        record: RequestRecord | None,
        faults: Faults,
        bugs: list[Exception],
        *,
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        keep_alive: KeepAlive | None = None,
        most_connections: int | None = None,
        largest_body: int = 1 << 40,
        ends_when_reset: bool = False,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.largest_body = largest_body
        self.ends_when_reset = ends_when_reset
        self._places = None if most_connections is None else threading.Semaphore(most_connections)
        self.app = app
        self.record = record
        self.faults = faults
        self.bugs = bugs
        self.ssl_context = ssl_context
        self.keep_alive = keep_alive
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._workers: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._listening_lock = threading.Lock()
        self._is_listening = True
        self._thread = threading.Thread()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Accept connections from now on."""
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": _LOOK_SECONDS}, name="sandbox http", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End all connections and threads."""
        self.stopping.set()
        self.stop_listening()
        self.server_close()
        for worker in self._snapshot(self._workers):
            worker.join(timeout=5)

    def stop_listening(self) -> None:
        """End all connections and refuse new ones; the port stays reserved."""
        with self._listening_lock:
            if not self._is_listening:
                return
            self._is_listening = False
            with contextlib.suppress(OSError):  # not every system ends a waiting accept() by this
                self.socket.shutdown(socket.SHUT_RDWR)
            self.shutdown()
            self._thread.join()
            self.socket.close()
            self.socket = socket.socket(self.address_family, self.socket_type)
            self.server_bind()
            self._end_connections()

    def listen_again(self) -> None:
        """Accept connections again."""
        with self._listening_lock:
            if not self._is_listening and not self.stopping.is_set():
                self._is_listening = True
                self.server_activate()
                self.start()

    def refuse_connections(self, seconds: float) -> None:
        """End all connections, and refuse new ones for some seconds."""
        threading.Thread(target=self._pause, args=(seconds,), name="sandbox pause", daemon=True).start()

    def get_request(self) -> tuple[Any, Any]:
        """The next connection."""
        connection, address = super().get_request()
        if self.ssl_context is not None:
            # The handshake is left to the connection's own thread.
            connection = self.ssl_context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer all requests of one connection, in a thread of its own."""
        connection, worker = cast(socket.socket, request), threading.current_thread()
        with self._lock:
            self._connections.add(connection)
            self._workers.add(worker)
            if self.record is not None:
                self.record.note_open_connections(len(self._connections))
        try:
            with self._place():
                if self._do_handshake(connection):
                    super().process_request_thread(request, client_address)
                else:
                    self.shutdown_request(request)
        finally:
            with self._lock:
                self._connections.discard(connection)
                self._workers.discard(worker)

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        """Wait until one more connection may be served."""
        if self._places is None:
            yield
            return
        has_place = False
        while not has_place and not self.stopping.is_set():
            has_place = self._places.acquire(timeout=_LONGEST_WAIT_SECONDS)
        try:
            yield
        finally:
            if has_place:
                self._places.release()

    def shutdown_request(self, request: Any) -> None:
        """End a connection; one with TLS says so first (``close_notify``), as all servers do that end it properly."""
        if isinstance(request, ssl.SSLSocket):
            # It is sent at once; the client's answer to it, which may never come, is not waited for.
            with contextlib.suppress(OSError, ValueError):
                request.settimeout(0)
                request.unwrap()
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep the error for `Sandbox.check`; broken connections are normal."""
        error = sys.exc_info()[1]
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self.bugs.append(error)

    def _do_handshake(self, connection: socket.socket) -> bool:
        """Begin TLS, where it is used; False if it fails, because of the client, its certificate or a fault."""
        if not isinstance(connection, ssl.SSLSocket):
            return True
        if self.faults.strike_handshake():
            return False
        connection.settimeout(_HANDSHAKE_SECONDS)
        try:
            connection.do_handshake()
        except OSError:
            return False
        connection.settimeout(None)
        return True

    def _pause(self, seconds: float) -> None:
        self.stop_listening()
        self.stopping.wait(seconds)
        self.listen_again()

    def _end_connections(self) -> None:
        for connection in self._snapshot(self._connections):
            with contextlib.suppress(OSError):  # the client may have closed it already
                connection.shutdown(socket.SHUT_RDWR)

    def _snapshot(self, items: Iterable[Any]) -> list[Any]:
        with self._lock:
            return list(items)
