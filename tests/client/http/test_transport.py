"""HTTP on good and on odd days: against the sandbox, and against servers that say what a test wants."""

from __future__ import annotations

import dataclasses
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.client.http.messages import Answer, Request
from stratuslab_libcloud.client.http.transport import Transport
from stratuslab_libcloud.config import Password, ServiceConfig
from stratuslab_libcloud.errors import (
    LimitExceededError,
    MalformedReplyError,
    NotFoundError,
    PermissionDeniedError,
    RefusedCredentialsError,
    RequestRejectedError,
    ServiceError,
    ServiceTimeoutError,
    ServiceUnavailableError,
)
from stratuslab_libcloud.sandbox import Sandbox

READ = Request("look", "GET", "/x", repeatable=True)
WRITE = Request("change", "POST", "/x", form={"a": "1"})

NOT_ITS_OWN = [500, 501, 502, 503, 504, 507, 520, 524, 599]
"""Statuses that come from a proxy when no message of the service is with them."""

Answering = Callable[[socket.socket], None]


class Service:
    """Answers each connection as the next of a list of functions does; the last one goes on for ever."""

    def __init__(self, answers: list[Answering]) -> None:
        self.asked = 0
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            answer = self._answers[min(self.asked, len(self._answers) - 1)]
            self.asked += 1
            threading.Thread(target=self._answer, args=(connection, answer), daemon=True).start()

    @staticmethod
    def _answer(connection: socket.socket, answer: Answering) -> None:
        with connection:
            connection.recv(65536)
            try:
                answer(connection)
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()


def says(status: str, body: bytes = b"", *fields: str) -> Answering:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *fields])
    return lambda connection: connection.sendall(head.encode() + b"\r\n\r\n" + body)


def resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def cuts(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly a part")


def drips(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        connection.sendall(b".")
        time.sleep(0.02)


def drips_its_head(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 200 OK\r\n"[:1])
        time.sleep(0.02)


@pytest.fixture
def service() -> Iterator[Callable[..., Service]]:
    """Makes services."""
    services = []

    def make(*answers: Answering) -> Service:
        services.append(Service(list(answers)))
        return services[-1]

    yield make
    for made in services:
        made.close()


def transport_to(url: str, timeout: float = 10, connections: int = 4, max_answer: int = 1 << 20) -> Transport:
    config = ServiceConfig(url, Password("alice", "top-secret"), None, timeout, connections, max_answer)
    return Transport(config, location="here", service="disk", explain=lambda body: body.decode("utf-8", "replace"))


def ask(service: Service, request: Request = READ, **options: float) -> bytes:
    return transport_to(service.url, **options).request(request, Answer.body)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "bad_day",
    [resets, cuts, *(says(f"{status} No") for status in NOT_ITS_OWN)],
    ids=["reset", "cut", *map(str, NOT_ITS_OWN)],
)
def test_a_read_is_repeated(service: Callable[..., Service], bad_day: Answering) -> None:
    flaky = service(bad_day, bad_day, says("200 OK", b"fine"))
    assert ask(flaky) == b"fine"
    assert flaky.asked == 3


@pytest.mark.parametrize(
    "bad_day",
    [resets, cuts, *(says(f"{status} No") for status in NOT_ITS_OWN)],
    ids=["reset", "cut", *map(str, NOT_ITS_OWN)],
)
def test_a_write_is_not_repeated_when_it_may_have_been_carried_out(
    service: Callable[..., Service], bad_day: Answering
) -> None:
    flaky = service(bad_day, says("200 OK", b"fine"))
    with pytest.raises(ServiceUnavailableError) as caught:
        ask(flaky, WRITE)
    assert caught.value.outcome_unknown
    assert flaky.asked == 1


def test_a_write_is_repeated_when_it_was_not_carried_out(service: Callable[..., Service]) -> None:
    busy = service(says("429 Too Many Requests", b"", "Retry-After: 0"), says("200 OK", b"fine"))
    assert ask(busy, WRITE) == b"fine"


def test_the_service_says_how_long_to_wait(service: Callable[..., Service]) -> None:
    busy = service(says("503 Service Unavailable", b"", "Retry-After: 1"), says("200 OK", b"fine"))
    started = time.monotonic()
    assert ask(busy) == b"fine"
    assert time.monotonic() - started >= 1


def test_a_wait_that_would_be_too_long_is_not_begun(service: Callable[..., Service]) -> None:
    busy = service(says("503 Service Unavailable", b"", "Retry-After: 600"))
    with pytest.raises(ServiceUnavailableError, match="status 503") as caught:
        ask(busy)
    assert caught.value.retry_after == 600
    assert busy.asked == 1


def test_a_service_that_never_recovers_is_given_up(service: Callable[..., Service]) -> None:
    broken = service(resets)
    with pytest.raises(ServiceUnavailableError, match=r"the connection was lost: .*\(look, disk service of .*'here'"):
        ask(broken, timeout=1)
    assert broken.asked > 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, RefusedCredentialsError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (413, LimitExceededError),
        (400, RequestRejectedError),
        (418, RequestRejectedError),
        (500, ServiceUnavailableError),
        (507, ServiceUnavailableError),
    ],
)
def test_a_status_is_a_kind_of_error(service: Callable[..., Service], status: int, error: type[ServiceError]) -> None:
    refusing = service(says(f"{status} No", b"because"))
    with pytest.raises(error, match=rf"\(look, disk service of location 'here', {refusing.url}/x\)") as caught:
        ask(refusing)
    assert caught.value.http_code == status
    assert not caught.value.outcome_unknown
    assert refusing.asked == 1
    assert (status == 401) or "because" in str(caught.value)


@pytest.mark.parametrize("bad_day", [drips, drips_its_head, lambda _: time.sleep(5)], ids=["body", "head", "nothing"])
def test_a_slow_answer_does_not_hold_a_call_beyond_its_limit(
    service: Callable[..., Service], bad_day: Answering
) -> None:
    started = time.monotonic()
    with pytest.raises(ServiceTimeoutError, match="within the time limit") as caught:
        ask(service(bad_day), timeout=0.5)
    assert time.monotonic() - started < 2
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.outcome_unknown


def test_an_answer_may_not_be_longer_than_is_allowed(service: Callable[..., Service]) -> None:
    with pytest.raises(MalformedReplyError, match=r"longer than 1000 bytes.*endpoint_max_answer"):
        ask(service(says("200 OK", b"x" * 2000)), max_answer=1000)


@pytest.mark.parametrize("garbage", [b"\x00\x01\x02" * 50, b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/9.9 abc\r\n\r\n"])
def test_what_is_no_http_is_an_error(service: Callable[..., Service], garbage: bytes) -> None:
    odd = service(lambda connection: connection.sendall(garbage))
    with pytest.raises(MalformedReplyError, match="the answer is not HTTP") as caught:
        ask(odd)
    assert caught.value.outcome_unknown
    assert odd.asked == 1


@pytest.mark.parametrize("status", ["101 Switching Protocols", "303 See Other"])
def test_a_status_after_which_nobody_knows(service: Callable[..., Service], status: str) -> None:
    with pytest.raises(ServiceError) as caught:
        ask(service(says(status)), WRITE)
    assert caught.value.outcome_unknown


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"]
)
def test_what_comes_before_the_answer_is_not_the_answer(service: Callable[..., Service], interim: bytes) -> None:
    fine = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
    assert ask(service(lambda connection: connection.sendall(interim * 3 + fine)), WRITE) == b"fine"


def test_an_answer_that_never_begins(service: Callable[..., Service]) -> None:
    def promises(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")

    with pytest.raises(ServiceError) as caught:
        ask(service(promises), WRITE, timeout=1)
    assert caught.value.outcome_unknown


@pytest.mark.parametrize("size", ["-5", "x", "9" * 5000])
@pytest.mark.parametrize("status", ["200 OK", "500 Internal Server Error"])
def test_a_chunk_whose_length_is_none(service: Callable[..., Service], size: str, status: str) -> None:
    answer = f"HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\nabc\r\n0\r\n\r\n".encode()
    with pytest.raises(ServiceError) as caught:
        ask(service(lambda connection: connection.sendall(answer)), WRITE)
    assert caught.value.outcome_unknown


def test_what_cannot_be_read_is_asked_for_again(service: Callable[..., Service]) -> None:
    flaky = service(says("200 OK", b"<html/>"), says("200 OK", b"[]"))
    assert transport_to(flaky.url).request(READ, Answer.json) == []
    for request, attempts in ((READ, 2), (WRITE, 1)):
        page = service(says("200 OK", b"<html/>"))
        with pytest.raises(MalformedReplyError):
            transport_to(page.url).request(request, Answer.json)
        assert page.asked == attempts
    long = service(says("200 OK", b"x" * 2000))
    with pytest.raises(MalformedReplyError, match="longer than"):
        ask(long, max_answer=1000)
    assert long.asked == 1


def test_what_should_be_json_and_is_not(service: Callable[..., Service]) -> None:
    for body in (b"<html/>", b"[" * 100_000, b"\xff\xfe", b""):
        with pytest.raises(MalformedReplyError, match="not JSON"):
            transport_to(service(says("200 OK", body)).url).request(READ, Answer.json)


def test_a_password_that_is_echoed_does_not_reach_the_message(service: Callable[..., Service]) -> None:
    with pytest.raises(RequestRejectedError) as caught:
        ask(service(says("400 Bad Request", b"what is 'top-secret' to mean?")))
    assert "top-secret" not in str(caught.value) + repr(caught.value)
    assert "what is" in str(caught.value)


def test_an_address_in_an_answer_that_is_none(service: Callable[..., Service]) -> None:
    with pytest.raises(MalformedReplyError, match="redirects to something that is not a URL"):
        ask(service(says("302 Found", b"", "Location: http://[::")), dataclasses.replace(READ, follows_redirects=True))


def test_a_host_that_can_not_be_one() -> None:
    for host in ("a..b", "x" * 70 + ".example.org"):
        with pytest.raises(RequestRejectedError, match="the URL cannot be used"):
            transport_to(f"http://{host}").request(READ, Answer.body)


def test_a_time_limit_may_be_very_long(service: Callable[..., Service]) -> None:
    assert ask(service(says("200 OK", b"fine")), timeout=1e12) == b"fine"


def test_a_redirect_is_not_followed_with_credentials(service: Callable[..., Service]) -> None:
    elsewhere = service(says("200 OK", b"mine now"))
    moved = service(says("302 Found", b"", f"Location: {elsewhere.url}/?token=x"))
    with pytest.raises(RequestRejectedError, match=f"has moved to {elsewhere.url}/ "):
        ask(moved)
    assert elsewhere.asked == 0


def test_only_so_many_connections_are_open_at_once(service: Callable[..., Service]) -> None:
    lock, counts = threading.Lock(), {"now": 0, "most": 0}

    def counted(connection: socket.socket) -> None:
        with lock:
            counts["now"] += 1
            counts["most"] = max(counts["most"], counts["now"])
        time.sleep(0.05)
        with lock:
            counts["now"] -= 1
        says("200 OK", b"fine")(connection)

    transport = transport_to(service(counted).url, connections=2)
    threads = [threading.Thread(target=transport.request, args=(READ, Answer.body), daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts["most"] == 2


def test_waiting_for_a_free_connection_has_a_limit(service: Callable[..., Service]) -> None:
    asked, answer = threading.Event(), threading.Event()

    def waits(connection: socket.socket) -> None:
        asked.set()
        answer.wait()
        says("200 OK")(connection)

    transport = transport_to(service(waits).url, connections=1)
    busy = threading.Thread(target=transport.request, args=(READ, Answer.body), daemon=True)
    busy.start()
    asked.wait()
    with pytest.raises(ServiceTimeoutError, match="all connections were busy"):
        transport.request(READ, Answer.body, timeout=0.2)
    answer.set()
    busy.join()


def test_an_http_proxy_can_be_given(sandbox: Sandbox, config_file: Path, service: Callable[..., Service]) -> None:
    seen: list[bytes] = []

    class Proxy(Service):
        @staticmethod
        def _answer(connection: socket.socket, answer: Answering) -> None:
            with connection:
                seen.append(connection.recv(65536))
                says("503 Service Unavailable", b"", "Retry-After: 99")(connection)

    proxy = Proxy([resets])
    driver = StratusLabNodeDriver(stratuslab_user_config=config_file, proxy_url=proxy.url)
    with pytest.raises(ServiceUnavailableError):
        driver.list_nodes()
    proxy.close()
    assert seen[0].startswith(f"POST {sandbox.compute_url.replace('/xmlrpc', '/pswd/xmlrpc')} HTTP/1.1".encode())
    assert len(sandbox.requests) == 0
