"""Servers that attack: over real sockets, each call ends in time, in little memory, and with one of our errors."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import socket
import ssl
import threading
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import certifi
import libcloud
import libcloud.security
import pytest

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.http.messages import Answer, Request
from stratuslab_libcloud.client.http.transport import Transport
from stratuslab_libcloud.client.stratuslab.port_translation import PortTranslationService
from stratuslab_libcloud.config import Password, ServiceConfig, UserConfiguration
from stratuslab_libcloud.errors import (
    ConfigurationError,
    MalformedReplyError,
    NotFoundError,
    RequestRejectedError,
    ServiceError,
    ServiceTimeoutError,
    ServiceUnavailableError,
)

READ = Request("look", "GET", "/x", repeatable=True)
WRITE = Request("change", "POST", "/x", form={"a": "1"})
FOLLOWING = Request("look", "GET", "/x", repeatable=True, follows_redirects=True)
PASSWORD = "Pa$$ &wörd/1"

Attack = Callable[[socket.socket, bytes], None]


class HostileServer:
    """Answers each request on a connection of its own, as a function does that gets the connection and the request.

    :ivar requests: what came
    :ivar ends: how each connection ended for the server: ``FIN`` or ``RST``, when the attack looked at it
    """

    def __init__(self, attack: Attack, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.ends: list[str] = []
        self._attack = attack
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            if self._tls:
                with self._tls.wrap_socket(connection, server_side=True) as encrypted:
                    self._answer(encrypted)
            else:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        request = connection.recv(65536)
        self.requests.append(request)
        self._attack(connection, request)
        connection.settimeout(5)
        try:
            while connection.recv(65536):
                pass
            self.ends.append("FIN")
        except ConnectionResetError:
            self.ends.append("RST")


def says(status: str, *fields: str, body: bytes = b"") -> Attack:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *fields])
    return lambda connection, _: connection.sendall(head.encode("utf-8") + b"\r\n\r\n" + body)


def floods(head: bytes, body: bytes, times: int = 1_000_000) -> Attack:
    """Sends a head, and then the same body again and again."""

    def attack(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head)
        for _ in range(times):
            connection.sendall(body)

    return attack


@pytest.fixture
def hostile() -> Iterator[Callable[..., HostileServer]]:
    """Starts hostile servers."""
    with contextlib.ExitStack() as stack:

        def start(attack: Attack, tls: ssl.SSLContext | None = None) -> HostileServer:
            return stack.enter_context(contextlib.closing(HostileServer(attack, tls)))

        yield start


Start = Callable[..., HostileServer]


def transport_to(url: str, timeout: float = 5, proxy_url: str | None = None, **changes: Any) -> Transport:
    config = ServiceConfig(url, Password("alice", PASSWORD), None, timeout, 4, 64 << 20)._replace(**changes)
    return Transport(
        config,
        location="here",
        service="disk",
        explain=lambda body: body.decode("utf-8", "replace"),
        proxy_url=proxy_url,
    )


def cloud_at(url: str, timeout: float = 5) -> Cloud:
    service = ServiceConfig(url, Password("alice", PASSWORD), None, timeout, 4, 64 << 20)
    text = "[default]\nendpoint = cloud.example.org\nusername = alice\npassword = x\n"
    config = UserConfiguration.load(io.StringIO(text), environ={}).cloud("default")
    marketplace = service._replace(credentials=None)
    config = config._replace(section="here", compute=service, disks=service, marketplace=marketplace)
    return Cloud(config)


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


# Time limits


def test_a_redirect_after_the_other_shares_one_time_limit(hostile: Start) -> None:
    def slowly(connection: socket.socket, _: bytes) -> None:
        time.sleep(0.6)
        says("302 Found", "Location: /again")(connection, b"")

    with at_most(2), pytest.raises(ServiceTimeoutError):
        transport_to(hostile(slowly).url, timeout=1).request(FOLLOWING, Answer.body)


def test_addresses_that_do_not_answer_share_one_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    full = [socket.create_server(("127.0.0.1", 0), backlog=0) for _ in range(6)]
    fillers = []
    for listener in full:  # a listener whose queue is full answers no connection request
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", listener.getsockname()) for listener in full]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with at_most(2.5), pytest.raises(ServiceUnavailableError, match="no connection could be made") as caught:
        transport_to("http://dead.example.org", timeout=1.5).request(WRITE, Answer.body)
    assert not caught.value.outcome_unknown
    for each in (*full, *fillers):
        each.close()


def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    hostile: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = hostile(says("200 OK", body=b"fine"))
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as stack:
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", address)
            for address in (full.getsockname(), ("127.0.0.1", fine.port))
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert transport_to("http://half.example.org", timeout=2).request(WRITE, Answer.body) == b"fine"


def test_the_look_up_of_a_name_has_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(30))
    with at_most(2), pytest.raises(ServiceUnavailableError, match="look-up of the host's name") as caught:
        transport_to("http://slow.example.org", timeout=1).request(WRITE, Answer.body)
    released.set()
    assert not caught.value.outcome_unknown


def test_a_service_that_does_not_read_the_request_has_the_time_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        big = Request("change", "POST", "/x", body=b"x" * (32 << 20))
        with at_most(2), pytest.raises(ServiceTimeoutError) as caught:
            transport_to(url, timeout=1).request(big, Answer.body)
    assert caught.value.outcome_unknown


def test_a_handshake_that_never_ends_has_the_time_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with at_most(2), pytest.raises(ServiceError) as caught:
            transport_to(url, timeout=1, verify=False).request(WRITE, Answer.body)
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize(
    "item", [b"[],", b'{"uuid":"a","size":"1"},', b"[[[[[[[[[[1]]]]]]]]]],", b'"' + b"x" * 99 + b'",']
)
def test_60_mb_of_json_take_no_longer_than_the_time_limit(hostile: Start, item: bytes) -> None:
    body = b"[" + item * (60_000_000 // len(item)) + b"1]"
    server = hostile(says("200 OK", body=body))
    with at_most(3), pytest.raises((MalformedReplyError, ServiceTimeoutError)):
        cloud_at(server.url, timeout=2).disks.disks()


def test_a_volume_is_created_within_one_time_limit(hostile: Start) -> None:
    def never(connection: socket.socket, _: bytes) -> None:
        time.sleep(8)

    from stratuslab_libcloud.client.confirmed_changes import attach_disk, detach_disk
    from stratuslab_libcloud.client.exactly_once import create_disk

    cloud = cloud_at(hostile(never).url, timeout=1.5)
    with at_most(2.5), pytest.raises(ServiceError):
        create_disk(cloud.disks, 1, "tag", "private", "libcloud-mark-x", 1.5)
    with at_most(2.5), pytest.raises(ServiceError):
        attach_disk(cloud.disks, "6b1f8d7e-0000-4000-8000-000000000000", "host", 1, 1.5)
    with at_most(2.5), pytest.raises(ServiceError):
        detach_disk(cloud.disks, "6b1f8d7e-0000-4000-8000-000000000000", 1, 1.5)


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_only_where_the_service_is_known_to_redirect(hostile: Start, status: int) -> None:
    target = hostile(says("200 OK", body=b"fine"))
    server = hostile(says(f"{status} Elsewhere", f"Location: {target.url}/there?token=t0ken"))
    with pytest.raises(RequestRejectedError, match=rf"has moved to {target.url}/there ") as caught:
        transport_to(server.url).request(READ, Answer.body)
    assert "t0ken" not in str(caught.value)
    assert target.requests == []
    assert transport_to(server.url, credentials=None).request(FOLLOWING, Answer.body) == b"fine"


def test_the_body_of_a_redirect_is_not_read(hostile: Start) -> None:
    bomb = gzip.compress(b"\0" * (64 << 20))
    compressed = says("302 Found", "Location: /x", "Content-Encoding: gzip", body=bomb)
    endless = floods(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", b"x" * 65536)
    for attack in (compressed, endless):
        with at_most(5), memory_below(64 << 20), pytest.raises(RequestRejectedError, match="has moved to"):
            transport_to(hostile(attack).url, timeout=3).request(READ, Answer.body)
        with at_most(5), memory_below(64 << 20), pytest.raises(RequestRejectedError, match="more than 5 redirects"):
            transport_to(hostile(attack).url, timeout=4).request(FOLLOWING, Answer.body)


def test_a_circle_of_redirects_ends_at_once(hostile: Start) -> None:
    server = hostile(says("302 Found", "Location: /x"))
    with at_most(2), pytest.raises(RequestRejectedError, match="more than 5 redirects, the last one to") as caught:
        transport_to(server.url).request(FOLLOWING, Answer.body)
    assert not caught.value.outcome_unknown
    assert len(server.requests) == 6


def test_no_redirect_leads_away_from_tls(hostile: Start, certificates: Certificates) -> None:
    plain = hostile(says("200 OK", body=b"seen by everybody"))
    server = hostile(says("302 Found", f"Location: {plain.url}/there"), tls=certificates.server)
    transport = transport_to(server.url, verify=certificates.authority, credentials=None)
    with pytest.raises(RequestRejectedError, match="redirects from https to a URL without TLS: http://"):
        transport.request(FOLLOWING, Answer.body)
    assert plain.requests == []


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x", "data:text/plain,x"])
def test_a_redirect_leads_to_http_only(hostile: Start, target: str) -> None:
    with pytest.raises(RequestRejectedError, match="URL cannot be used"):
        transport_to(hostile(says("302 Found", f"Location: {target}")).url).request(FOLLOWING, Answer.body)


# Memory


@contextlib.contextmanager
def memory_below(limit: int) -> Iterator[None]:
    """Python's memory grows by less than that meanwhile."""
    import tracemalloc

    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("item", [b"[],", b"{},", b'{"a":1},', b'{"uuid":"a","size":"1"},', b"0,"])
def test_tiny_items_of_json_need_a_limited_memory(hostile: Start, item: bytes) -> None:
    server = hostile(says("200 OK", body=b"[" + item * (3_000_000 // len(item)) + b"1]"))
    with memory_below(60 << 20), pytest.raises(MalformedReplyError, match="objects in"):
        cloud_at(server.url, timeout=60).disks.disks()


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 3_000_000,
        b'["' + b"x" * 3_000_000,
        b"[" + b'{"a":' * 800_000,
        b"[{" + b'"a":[],' * 400_000,
        b"[1" + b"0" * 3_000_000,
    ],
    ids=lambda body: body[:8].decode(),
)
def test_one_item_of_json_has_a_limited_length(hostile: Start, body: bytes) -> None:
    server = hostile(says("200 OK", body=body))
    with memory_below(60 << 20), pytest.raises(MalformedReplyError, match="not a JSON list"):
        cloud_at(server.url, timeout=60).disks.disks()
    with memory_below(60 << 20), pytest.raises(MalformedReplyError, match="longer than 1048576 bytes"):
        cloud_at(server.url, timeout=60).disks.disk("a")


@pytest.mark.parametrize(
    "body",
    [
        b"<metadata>" + b"<a/>" * 800_000 + b"</metadata>",
        b"<metadata><b>" + b"<a/>" * 800_000 + b"</b></metadata>",
        b"<metadata>" + b"<a>" * 800_000,
        b"<metadata><b " + b"".join(b'a%d="" ' % n for n in range(300_000)),
        b"<metadata><b>" + b"x" * 3_000_000,
        b"<metadata><!--" + b"x" * 3_000_000,
    ],
    ids=lambda body: body[:20].decode(),
)
def test_elements_of_xml_need_a_limited_memory(hostile: Start, body: bytes) -> None:
    server = hostile(says("200 OK", body=body))
    with memory_below(200 << 20), pytest.raises(MalformedReplyError):
        cloud_at(server.url, timeout=60).marketplace.images()
    inner = body.replace(b"metadata", b"VM_POOL").replace(b"<", b"&lt;")
    reply = (
        b"<methodResponse><params><param><value><array><data><value><boolean>1</boolean></value><value><string>"
        + inner
        + b"</string></value></data></array></value></param></params></methodResponse>"
    )
    server = hostile(says("200 OK", body=reply))
    with memory_below(200 << 20), pytest.raises(MalformedReplyError):
        cloud_at(server.url, timeout=60).compute.machines()


def test_more_machines_than_their_text_can_describe_are_refused(hostile: Start) -> None:
    machines = b"&lt;VM>&lt;ID>1&lt;/ID>&lt;STATE>1&lt;/STATE>&lt;/VM>" * 100_000
    reply = (
        b"<methodResponse><params><param><value><array><data><value><boolean>1</boolean></value><value><string>"
        b"&lt;VM_POOL>" + machines + b"&lt;/VM_POOL>"
        b"</string></value></data></array></value></param></params></methodResponse>"
    )
    server = hostile(says("200 OK", body=reply))
    with memory_below(60 << 20), pytest.raises(MalformedReplyError, match="objects in"):
        cloud_at(server.url, timeout=60).compute.machines()


def test_cookies_are_forgotten(hostile: Start) -> None:
    cookies = [f"Set-Cookie: c{number}={'x' * 4000}; Max-Age=9999999" for number in range(50)]
    server = hostile(says("200 OK", *cookies, body=b"fine"))
    transport = transport_to(server.url)
    for _ in range(3):
        assert transport.request(READ, Answer.body) == b"fine"
    assert transport._session is not None
    assert len(transport._session.cookies) == 0
    assert not any(b"c1=" in request for request in server.requests)


# Compressed answers, although none was asked for


def _deflated_alone(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", _deflated_alone)],
)
def test_a_compressed_answer_is_read(hostile: Start, encoding: str, compress: Callable[[bytes], bytes]) -> None:
    data = b"machine " * 100_000
    server = hostile(says("200 OK", f"Content-Encoding: {encoding}", body=compress(data)))
    assert transport_to(server.url).request(READ, Answer.body) == data
    refused = hostile(says("403 No", f"Content-Encoding: {encoding}", body=compress(b"because it is Sunday")))
    with pytest.raises(ServiceError, match="because it is Sunday"):
        transport_to(refused.url).request(READ, Answer.body)


def test_a_decompressed_answer_has_the_same_limit(hostile: Start) -> None:
    server = hostile(says("200 OK", "Content-Encoding: gzip", body=gzip.compress(b"\0" * (64 << 20))))
    with memory_below(8 << 20), pytest.raises(MalformedReplyError, match="longer than 100000 bytes"):
        transport_to(server.url, max_answer=100_000).request(READ, Answer.body)


@pytest.mark.parametrize(
    ("encoding", "body", "problem"),
    [
        ("br", b"x", "its Content-Encoding is br, which was not asked for"),
        ("gzip, gzip", b"x", "which was not asked for"),
        ("gzip", b"not compressed", "cannot be decompressed"),
    ],
)
def test_an_unknown_encoding_is_an_error(hostile: Start, encoding: str, body: bytes, problem: str) -> None:
    server = hostile(says("200 OK", f"Content-Encoding: {encoding}", body=body))
    with pytest.raises(MalformedReplyError, match=problem):
        transport_to(server.url).request(READ, Answer.body)
    assert len(server.requests) == 1


def test_a_compressed_answer_that_was_cut_off_is_asked_for_again(hostile: Start) -> None:
    complete = gzip.compress(b"fine" * 1000)
    answers = iter([complete[:-10], complete])

    def attack(connection: socket.socket, _: bytes) -> None:
        says("200 OK", "Content-Encoding: gzip", body=next(answers))(connection, b"")

    assert transport_to(hostile(attack).url).request(READ, Answer.body) == b"fine" * 1000


# Failures before anything was sent


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
def test_an_http_proxy_that_wants_a_password_is_named_at_once(hostile: Start, scheme: str, request_: Request) -> None:
    proxy = hostile(says("407 Proxy Authentication Required", "Proxy-Authenticate: Basic"))
    transport = transport_to(f"{scheme}://cloud.example.org", proxy_url=f"http://bob:hidden@127.0.0.1:{proxy.port}")
    with at_most(2), pytest.raises(RequestRejectedError, match=r"HTTP proxy .* asks for a user name") as caught:
        transport.request(request_, Answer.body)
    assert f"http://127.0.0.1:{proxy.port} asks" in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert not caught.value.outcome_unknown
    assert len(proxy.requests) == 1


def test_an_http_proxy_that_makes_no_connection_is_named(hostile: Start) -> None:
    proxy = hostile(says("403 Forbidden"))
    transport = transport_to("https://cloud.example.org", proxy_url=proxy.url)
    with pytest.raises(ServiceUnavailableError, match=rf"HTTP proxy {proxy.url} makes no connection .*403") as caught:
        transport.request(WRITE, Answer.body)
    assert not caught.value.outcome_unknown
    assert len(proxy.requests) == 1
    proxy.close()
    with pytest.raises(ServiceUnavailableError, match=rf"HTTP proxy {proxy.url} makes no connection") as caught:
        transport.request(WRITE, Answer.body)
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize("content", [None, "", "no certificate\n"], ids=["missing", "empty", "other"])
@pytest.mark.parametrize("named_by", ["libcloud.security.CA_CERTS_PATH", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_file_of_authorities_that_has_none_is_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, named_by: str
) -> None:
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_text(content)
    if named_by == "REQUESTS_CA_BUNDLE":
        monkeypatch.setattr(libcloud.security, "CA_CERTS_PATH", certifi.where())
        monkeypatch.setenv(named_by, str(file))
    else:
        monkeypatch.setattr(libcloud.security, "CA_CERTS_PATH", str(file))
        if named_by == "SSL_CERT_FILE":
            monkeypatch.setenv(named_by, str(file))
    with at_most(2), pytest.raises(ConfigurationError, match=f"{file}, named by {named_by}, contains no certificate"):
        transport_to("https://127.0.0.1:9").request(WRITE, Answer.body)


def test_the_authorities_of_requests_variable_are_used(
    hostile: Start, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = hostile(says("200 OK", body=b"fine"), tls=certificates.server)
    with pytest.raises(ServiceUnavailableError, match="certificate is not trusted"):
        transport_to(server.url).request(READ, Answer.body)
    monkeypatch.setattr(libcloud.security, "CA_CERTS_PATH", certifi.where())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.authority))
    assert transport_to(server.url).request(READ, Answer.body) == b"fine"


def test_a_tls_connection_that_is_refused_is_of_known_outcome(hostile: Start, certificates: Certificates) -> None:
    certificates.server.minimum_version = ssl.TLSVersion.TLSv1_3
    certificates.server.verify_mode = ssl.CERT_NONE

    def alert(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"\x15\x03\x01\x00\x02\x02\x28")  # handshake_failure

    server = hostile(alert)
    url = server.url.replace("http:", "https:")
    with (
        at_most(2),
        pytest.raises(ServiceUnavailableError, match="no TLS connection to the service could be made") as caught,
    ):
        transport_to(url).request(WRITE, Answer.body)
    assert not caught.value.outcome_unknown
    assert len(server.requests) == 1


class Certificates:
    """A server's certificate, and the authority that signed it."""

    def __init__(self, folder: Path) -> None:
        import trustme

        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self.server)


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """Certificates for a server with TLS."""
    return Certificates(tmp_path)


# Secrets and escape sequences in what comes back


def _echoes(form: str) -> Attack:
    """Sends the request back, in another place each time."""

    def attack(connection: socket.socket, request: bytes) -> None:
        said = b" ".join(request.replace(b"\r\n", b" ").split(b" "))
        token = request.partition(b"Basic ")[2].partition(b"\r\n")[0]
        words = b"Basic " + token + b" " + base64.b64decode(token) + b" \x1b]0;owned\x07 \x1b[31m " + said[:500]
        page = b"<html><pre>" + words + b"</pre></html>"
        size = b"\r\nContent-Length: %d\r\n\r\n" % len(page)
        answers = {
            "html": b"HTTP/1.1 400 Bad Request" + size + page,
            "server error": b"HTTP/1.1 500 Oops" + size + page,
            "reason": b"HTTP/1.1 400 " + words + b"\r\nContent-Length: 0\r\n\r\n",
            "status line": words + b"\r\n\r\n",
            "location": b"HTTP/1.1 302 Found\r\nLocation: http://" + words.replace(b" ", b"/") + size + page,
            "chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + words + b"\r\n",
            "header": b"HTTP/1.1 200 OK\r\nX-Seen: " + words + size + page,
            "encoding": b"HTTP/1.1 200 OK\r\nContent-Encoding: " + words + size + page,
            "not json": b"HTTP/1.1 200 OK" + size + page,
        }
        connection.sendall(answers[form])
        connection.shutdown(socket.SHUT_WR)

    return attack


ECHOES = ["html", "server error", "reason", "status line", "location", "chunk size", "header", "encoding", "not json"]


@pytest.mark.parametrize("form", ECHOES)
def test_what_comes_back_is_shown_without_secrets_and_printable(hostile: Start, form: str) -> None:
    log = io.StringIO()
    libcloud.enable_debug(log)
    try:
        with pytest.raises(ServiceError) as caught:
            transport_to(hostile(_echoes(form)).url, timeout=2).request(WRITE, Answer.json)
    finally:
        libcloud.reset_debug()
    error = caught.value
    shown = [
        "".join(traceback.format_exception(error)),
        repr(error),
        error.service_message,
        str(getattr(error, "body", "")),
        log.getvalue(),
    ]
    token = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
    as_headers_are_read = PASSWORD.encode().decode("latin-1")
    for text in shown:
        assert not {PASSWORD, token, as_headers_are_read, "\x1b", "\x07"} & {
            each for each in (PASSWORD, token, as_headers_are_read, "\x1b", "\x07") if each in text
        }


@pytest.mark.parametrize("form", ECHOES)
def test_no_exception_of_another_library_is_in_the_traceback(hostile: Start, form: str) -> None:
    with pytest.raises(ServiceError) as caught:
        transport_to(hostile(_echoes(form)).url, timeout=2).request(WRITE, Answer.json)
    assert "During handling" not in "".join(traceback.format_exception(caught.value))
    assert "direct cause" not in "".join(traceback.format_exception(caught.value))


def test_session_cookies_and_headers_are_not_in_the_wire_log(hostile: Start) -> None:
    fields = ["Set-Cookie: JSESSIONID=k00kie", "X-Session-Token: t0ken", "Authorization: Basic x4x4", "X-Plain: seen"]
    log = io.StringIO()
    libcloud.enable_debug(log)
    try:
        transport_to(hostile(says("200 OK", *fields)).url).request(READ, Answer.body)
    finally:
        libcloud.reset_debug()
    assert "X-Plain: seen" in log.getvalue()
    for secret in ("k00kie", "t0ken", "x4x4"):
        assert secret not in log.getvalue()


# JSON that is none


@pytest.mark.parametrize(
    "value", ["Infinity", "-Infinity", "NaN", "1e999", "[1e999]", "9" * 5000, '"' + "9" * 5000 + '"']
)
def test_numbers_that_are_none(hostile: Start, value: str) -> None:
    ports = hostile(says("200 OK", body=f'{{"7": [["22", {value}]]}}'.encode()))
    service = PortTranslationService(ports.url, location="here", verify=None, timeout=5)
    with pytest.raises(MalformedReplyError):
        service.ports(7)
    disks = hostile(says("200 OK", body=f'[{{"uuid": "a", "size": {value}}}]'.encode()))
    with contextlib.suppress(MalformedReplyError):
        assert cloud_at(disks.url).disks.disks() == []


# How connections end


@pytest.mark.parametrize(
    ("request_", "attack"),
    [
        (READ, says("200 OK", body=b"x" * 200_000)),
        (READ, says("500 Oops", "Retry-After: 99", body=b"x" * 200_000)),
        (READ, says("302 Found", "Location: /x", body=b"x" * 200_000)),
    ],
    ids=["too long", "refused", "redirect"],
)
def test_a_connection_is_never_reset(hostile: Start, request_: Request, attack: Attack) -> None:
    server = hostile(attack)
    with pytest.raises(ServiceError):
        transport_to(server.url, max_answer=100).request(request_, Answer.body)
    deadline = time.monotonic() + 5
    while not server.ends and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.ends == ["FIN"]


def test_an_image_behind_a_url_is_looked_for(hostile: Start) -> None:
    for status in ("403 Forbidden", "405 Method Not Allowed", "501 Not Implemented"):
        server = hostile(says(status))
        url = f"{server.url}/image.qcow2?signature=s"
        assert cloud_at("http://127.0.0.1:9").marketplace.lasting_url(url) == url
        assert server.requests[0].startswith(b"HEAD /image.qcow2?signature=s ")
    with pytest.raises(NotFoundError):
        cloud_at("http://127.0.0.1:9").marketplace.lasting_url(f"{hostile(says('404 Not Found')).url}/image")


def test_only_permanent_redirects_replace_an_image_url(hostile: Start) -> None:
    def attack(connection: socket.socket, request: bytes) -> None:
        path = request.split()[1].decode()
        answers = {
            "/old": says("301 Moved", "Location: /new"),
            "/new": says("302 Found", "Location: /cdn?expires=soon"),
            "/cdn?expires=soon": says("308 Permanent", "Location: /cdn/2"),
        }
        answers.get(path, says("200 OK"))(connection, request)

    server = hostile(attack)
    marketplace = cloud_at("http://127.0.0.1:9").marketplace
    assert marketplace.lasting_url(f"{server.url}/new") == f"{server.url}/new"
    assert marketplace.lasting_url(f"{server.url}/old") == f"{server.url}/new"
    assert marketplace.lasting_url(f"{server.url}/cdn/2") == f"{server.url}/cdn/2"


# What services call things


@pytest.mark.parametrize("uuid", ["../users", "a/../b", "", "a?b", "\\ud800", "\\u001b[31m", "x" * 101, "a\\nb"])
def test_ids_of_volumes_that_cannot_be_one(hostile: Start, uuid: str, caplog: pytest.LogCaptureFixture) -> None:
    good = '{"uuid": "5d1c7ae4-0d4f-4c57-8f3c-0c5a4d0a4a43", "size": "1"}'
    server = hostile(says("200 OK", body=f'[{{"uuid": "{uuid}", "size": "1"}}, {good}]'.encode()))
    assert [disk.uuid for disk in cloud_at(server.url).disks.disks()] == ["5d1c7ae4-0d4f-4c57-8f3c-0c5a4d0a4a43"]
    assert "without a usable uuid" in caplog.text
    made = hostile(says("201 Created", body=f'{{"uuid": "{uuid}", "target": "{uuid}"}}'.encode()))
    with pytest.raises(MalformedReplyError, match="no usable uuid"):
        cloud_at(made.url).disks.create(1, "tag", "private", "mark")
    with pytest.raises(MalformedReplyError, match="no usable target"):
        cloud_at(made.url).disks.attach("a", "host", 1)


def test_names_of_volumes_can_be_written(hostile: Start) -> None:
    body = rb'[{"uuid": "a", "size": "1", "tag": "x\ud800y", "owner": "\udfff"}]'
    (disk,) = cloud_at(hostile(says("200 OK", body=body)).url).disks.disks()
    assert (disk.tag, disk.owner) == ("x?y", "?")


def test_deeply_nested_xml_rpc(hostile: Start) -> None:
    server = hostile(says("200 OK", body=b"<methodResponse>" + b"<a>" * 3_000_000))
    with memory_below(30 << 20), pytest.raises(MalformedReplyError, match="nested too deeply"):
        cloud_at(server.url, timeout=60).compute.machines()
