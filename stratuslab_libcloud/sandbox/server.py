"""The HTTP/1.1 server under the services: threads, kept connections, a record of what was asked."""

from __future__ import annotations

import contextlib
import io
import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from werkzeug.serving import WSGIRequestHandler
from werkzeug.wrappers import Response

from .exchange import EXCHANGE_KEY, Exchange
from .record import Request, RequestRecord

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


_HANDSHAKE_SECONDS = 10


class _Handler(WSGIRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    server_version = "StratusLab-sandbox"
    # Without this, an answer on a kept connection waits some 40 ms for an acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = -1
    server: HttpServer  # type: ignore[assignment]

    def run_wsgi(self) -> None:
        exchange = Exchange()
        body = self._read_body()
        self.environ = self.make_environ()
        self.environ["wsgi.input"] = io.BytesIO(body)
        self.environ[EXCHANGE_KEY] = exchange
        response = self._answer()
        content = response.get_data()
        self.server.record.add(
            Request(
                service=exchange.service,
                verb=self.command,
                path=self.environ["PATH_INFO"],
                operation=exchange.operation,
                user=exchange.user,
                status=response.status_code,
                client_port=self.client_address[1],
                bytes_received=len(body),
                bytes_sent=len(content),
            )
        )
        self._send(response, content)

    def _answer(self) -> Response:
        try:
            return Response.from_app(self.server.app, self.environ, buffered=True)
        except Exception as bug:  # noqa: BLE001 -- whatever it is, `Sandbox.check` tells it
            self.server.errors.append(bug)
            return Response("The sandbox itself failed.", 500)

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            # No service of a StratusLab cloud takes this; what follows can not be told from a next request.
            self.close_connection = True
            return b""
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        length = self.headers.get("Content-Length", "0")
        return self.rfile.read(int(length)) if length.isdigit() else b""

    def _send(self, response: Response, content: bytes) -> None:
        self.send_response(response.status_code)
        for name, value in response.headers.items():
            if name.lower() not in ("content-length", "connection"):
                self.send_header(name, value)
        if response.status_code not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        elif self.request_version == "HTTP/1.0":
            self.send_header("Connection", "keep-alive")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()

    def log(self, type: str, message: str, *args: Any) -> None:
        """Stay silent: the record says more."""


class HttpServer(socketserver.ThreadingTCPServer):
    """Serves an application on a port of 127.0.0.1, from a thread of its own.

    :param port: 0 for a free one
    :param ssl_context: to speak TLS
    :raises OSError: if the port is in use
    """

    allow_reuse_address = True
    block_on_close = False
    daemon_threads = True
    request_queue_size = 128

    # What the handler asks for, besides `app`.
    multithread = True
    multiprocess = False

    def __init__(
        self,
        app: WSGIApplication,
        record: RequestRecord,
        *,
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.app = app
        self.ssl_context = ssl_context
        self.record = record
        self.errors: list[Exception] = []
        self._connections: set[socket.socket] = set()
        self._workers: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, name="sandbox http", daemon=True
        )

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End all connections and threads."""
        self.shutdown()
        self._thread.join()
        self.server_close()
        for connection in self._snapshot(self._connections):
            with contextlib.suppress(OSError):  # the client may have been faster
                connection.shutdown(socket.SHUT_RDWR)
        for worker in self._snapshot(self._workers):
            worker.join(timeout=5)

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        if self.ssl_context is not None:
            # The handshake is left to the connection's own thread.
            connection = self.ssl_context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        connection, worker = cast(socket.socket, request), threading.current_thread()
        with self._lock:
            self._connections.add(connection)
            self._workers.add(worker)
        try:
            if _shake_hands(connection):
                super().process_request_thread(request, client_address)
            else:
                self.shutdown_request(request)
        finally:
            with self._lock:
                self._connections.discard(connection)
                self._workers.discard(worker)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what went wrong, for `Sandbox.check`; broken connections are everyday life."""
        error = sys.exc_info()[1]
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self.errors.append(error)

    def _snapshot(self, items: Iterable[Any]) -> list[Any]:
        with self._lock:
            return list(items)


def _shake_hands(connection: socket.socket) -> bool:
    """Begin TLS, where it is spoken; False if the client, or its certificate, does not go along."""
    if not isinstance(connection, ssl.SSLSocket):
        return True
    connection.settimeout(_HANDSHAKE_SECONDS)
    try:
        connection.do_handshake()
    except OSError:
        return False
    connection.settimeout(None)
    return True
