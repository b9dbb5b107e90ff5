"""A file as the body of a request."""

from __future__ import annotations

import email
import email.policy
import threading
import tracemalloc
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stratuslab_libcloud.client.http.file_upload import FileUpload
from stratuslab_libcloud.client.http.messages import Request
from stratuslab_libcloud.client.http.transport import Transport
from stratuslab_libcloud.config import Password, ServiceConfig
from stratuslab_libcloud.errors import RequestRejectedError


class Sink:
    """A server that reads bodies and forgets them, but for what is counted.

    :ivar statuses: what the next requests are answered with
    :ivar bodies: the first and last bytes of each body, and its length
    """

    def __init__(self) -> None:
        self.statuses = [303]
        self.bodies: list[tuple[bytes, bytes, int]] = []
        self.headers: list[dict[str, str]] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                rest = length = int(self.headers["Content-Length"])
                start = end = b""
                while rest and (piece := self.rfile.read(min(rest, 65536))):
                    rest -= len(piece)
                    start, end = start or piece, (end + piece)[-200:]
                sink.bodies.append((start, end, length))
                sink.headers.append({name.lower(): value for name, value in self.headers.items()})
                self.send_response(sink.statuses.pop(0))
                self.send_header("Location", "http://127.0.0.1/result")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    thread = threading.Thread(target=sink.server.serve_forever, args=(0.01,))
    thread.start()
    yield sink
    sink.server.shutdown()
    thread.join()
    sink.server.server_close()


@pytest.fixture
def transport(sink: Sink) -> Iterator[Transport]:
    config = ServiceConfig(sink.url, Password("alice", "secret"), None, 20, 4, 1 << 20)
    transport = Transport(config, location="here", service="disk", explain=lambda body: None)
    yield transport
    transport.close()


def send(transport: Transport, upload: FileUpload, *, ends_elsewhere: bool = True) -> str:
    headers = {"Content-Type": upload.content_type}
    request = Request("POST", "POST", "/", upload=upload, headers=headers, ends_elsewhere=ends_elsewhere)
    return transport.request(request, lambda answer: answer.location)


def test_a_form_with_a_file(transport: Transport, sink: Sink, tmp_path: Path) -> None:
    file = tmp_path / 'a "quoted" name\r\n.img'
    file.write_bytes(b"content\r\n--\0")
    assert send(transport, FileUpload(file)) == "http://127.0.0.1/result"
    (body, _, length), headers = sink.bodies[0], sink.headers[0]
    assert len(body) == length
    assert "transfer-encoding" not in headers
    head = f"Content-Type: {headers['content-type']}\r\n\r\n".encode()
    (part,) = email.message_from_bytes(head + body, policy=email.policy.HTTP).iter_parts()
    assert part.get_filename() == "a _quoted_ name__.img"
    assert part.get_payload(decode=True) == b"content\r\n--\0"


def test_a_large_file_is_never_in_memory(transport: Transport, sink: Sink, tmp_path: Path) -> None:
    file = tmp_path / "large.img"
    size = 64 << 20
    with file.open("wb") as stream:
        stream.truncate(size)
    seen: list[tuple[int, int]] = []
    send(transport, FileUpload(file))  # all is imported then
    sink.statuses = [303]
    tracemalloc.start()
    send(transport, FileUpload(file, lambda done, total: seen.append((done, total))))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
    assert seen[-1] == (size, size)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(seen) > 100
    assert sink.bodies[1][2] > size


def test_it_is_sent_again_from_its_beginning(transport: Transport, sink: Sink, tmp_path: Path) -> None:
    """After a status that says that nothing was done."""
    file = tmp_path / "a.img"
    file.write_bytes(b"content")
    sink.statuses = [429, 303]
    send(transport, FileUpload(file))
    assert sink.bodies[0] == sink.bodies[1]


def test_the_result_is_elsewhere_only_where_that_is_expected(transport: Transport, tmp_path: Path) -> None:
    file = tmp_path / "a.img"
    file.touch()
    with pytest.raises(RequestRejectedError):
        send(transport, FileUpload(file), ends_elsewhere=False)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileUpload(tmp_path / "missing")
