"""What can be made to go wrong, as a client sees it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
import xml.etree.ElementTree as ET
import xmlrpc.client
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

import pytest
import requests
from requests.exceptions import ChunkedEncodingError, ConnectionError, ReadTimeout

from stratuslab_libcloud.sandbox import Fault, FaultKind, KeepAlive, ManualClock, Sandbox
from stratuslab_libcloud.sandbox.cloud import SERVICES

from ..conftest import wait_for

ALICE = ("alice", "secret")
ALLOCATE = xmlrpc.client.dumps(("", "CPU=1"), "one.vm.allocate")


def has_seen(sandbox: Sandbox, number: int) -> Callable[[], bool]:
    return lambda: len(sandbox.requests) >= number


def allocate(sandbox: Sandbox, session: requests.Session, timeout: float = 5) -> requests.Response:
    url = sandbox.compute_url.replace("/xmlrpc", "/pswd/xmlrpc")
    return session.post(url, data=ALLOCATE, auth=ALICE, timeout=timeout)


def images(sandbox: Sandbox, session: requests.Session, timeout: float = 5) -> requests.Response:
    return session.get(f"{sandbox.marketplace_url}/metadata", timeout=timeout)


@pytest.mark.parametrize(("kind", "carried_out"), [(FaultKind.RESET_BEFORE, 0), (FaultKind.RESET_AFTER, 1)])
def test_resets_leave_done_or_undone(
    sandbox: Sandbox, http: requests.Session, kind: FaultKind, carried_out: int
) -> None:
    with sandbox.faults.during(Fault(kind)), pytest.raises(ConnectionError, match="reset by peer"):
        allocate(sandbox, http)
    assert len(sandbox.machines) == carried_out
    assert (sandbox.requests[0].status, sandbox.requests[0].fault) == (0, kind.value)


@pytest.mark.parametrize(("kind", "carried_out"), [(FaultKind.NO_ANSWER, 0), (FaultKind.NO_ANSWER_AFTER, 1)])
def test_no_answer_lasts_until_the_client_gives_up(
    sandbox: Sandbox, http: requests.Session, kind: FaultKind, carried_out: int
) -> None:
    with sandbox.faults.during(Fault(kind)), pytest.raises(ReadTimeout):
        allocate(sandbox, http, timeout=0.2)
    assert len(sandbox.machines) == carried_out


def test_a_delay(sandbox: Sandbox, http: requests.Session) -> None:
    started = time.monotonic()
    with sandbox.faults.during(Fault(FaultKind.DELAY, seconds=0.2)):
        assert images(sandbox, http).status_code == 200
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("tls", [False, True])
def test_an_answer_that_is_cut(tls: bool, http: requests.Session) -> None:
    with Sandbox(tls=tls) as sandbox:
        http.verify = str(sandbox.ca_file) if tls else True
        with sandbox.faults.during(Fault(FaultKind.CUT)), pytest.raises((ChunkedEncodingError, ConnectionError)):
            images(sandbox, http)


@pytest.mark.parametrize(("kind", "carried_out"), [(FaultKind.STATUS, 0), (FaultKind.STATUS_AFTER, 1)])
def test_a_status_with_a_page(sandbox: Sandbox, http: requests.Session, kind: FaultKind, carried_out: int) -> None:
    with sandbox.faults.during(Fault(kind, status=429, retry_after=7)):
        answer = allocate(sandbox, http)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "429 TOO MANY REQUESTS" in answer.text
    assert len(sandbox.machines) == carried_out


def test_an_xmlrpc_fault(sandbox: Sandbox, http: requests.Session) -> None:
    with sandbox.faults.during(Fault(FaultKind.XMLRPC_FAULT)):
        answer = allocate(sandbox, http)
    with pytest.raises(xmlrpc.client.Fault, match="failed on purpose"):
        xmlrpc.client.loads(answer.content)
    assert len(sandbox.machines) == 0


def test_garbage(sandbox: Sandbox, http: requests.Session) -> None:
    with sandbox.faults.during(Fault(FaultKind.GARBAGE)):
        answer = allocate(sandbox, http)
    assert answer.status_code == 200
    with pytest.raises((ExpatError, LookupError, ValueError)):
        xmlrpc.client.loads(answer.content)
    assert len(sandbox.machines) == 1


def test_garbage_is_of_the_sandboxs_own_dice(http: requests.Session) -> None:
    def garbage(seed: int) -> list[bytes]:
        with Sandbox(seed=seed) as sandbox, sandbox.faults.during(Fault(FaultKind.GARBAGE)):
            return [images(sandbox, http).content for _ in range(2)]

    first = garbage(1)
    assert first[0] != first[1]
    assert garbage(1) == first
    assert garbage(2) != first


def test_wrong_types_are_well_formed(sandbox: Sandbox, http: requests.Session) -> None:
    with sandbox.faults.during(Fault(FaultKind.WRONG_TYPES)):
        (value,), _ = xmlrpc.client.loads(allocate(sandbox, http).content)
        assert isinstance(value, dict)
        accept = {"Accept": "application/json"}
        answer = http.get(f"{sandbox.disks_url}/pswd/disks", auth=ALICE, headers=accept)
        assert isinstance(json.loads(answer.text), dict)
        assert ET.fromstring(images(sandbox, http).content).tag == "metadata"


def test_a_drip_is_slow_but_whole(sandbox: Sandbox, http: requests.Session) -> None:
    drip = Fault(FaultKind.DRIP, seconds=0.001)
    started = time.monotonic()
    with sandbox.faults.during(drip):
        answer = allocate(sandbox, http)
    assert time.monotonic() - started > 0.2
    assert xmlrpc.client.loads(answer.content)[0][0][0] is True


def test_a_sandbox_stops_while_answers_are_held_back() -> None:
    faults = (FaultKind.NO_ANSWER, FaultKind.DELAY, FaultKind.DRIP)
    sandbox = Sandbox().start()
    clients = []
    for number, kind in enumerate(faults):
        sandbox.faults.add(Fault(kind, "compute", seconds=60, count=1))
        connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc)
        headers = {"Authorization": "Basic YWxpY2U6c2VjcmV0"}
        connection.request("POST", "/one-proxy/pswd/xmlrpc", ALLOCATE, headers)
        clients.append(connection)
        assert wait_for(has_seen(sandbox, number + 1))
    started = time.monotonic()
    sandbox.stop()
    assert time.monotonic() - started < 2
    for connection in clients:
        connection.close()


def test_out_of_reach_is_refused_and_over_afterwards(sandbox: Sandbox, http: requests.Session) -> None:
    images(sandbox, http)
    with sandbox.out_of_reach():
        for _ in range(3):
            with pytest.raises(ConnectionError, match=r"refused|Connection aborted"):
                images(sandbox, http)
        address = urlsplit(sandbox.url)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address.hostname or "", address.port or 0))
    assert images(sandbox, http).status_code == 200


def test_a_sandbox_can_end_while_it_is_out_of_reach(http: requests.Session) -> None:
    sandbox = Sandbox().start()
    sandbox.faults.add(Fault(FaultKind.REFUSE, seconds=60))
    with pytest.raises(ConnectionError):
        images(sandbox, http)
    with sandbox.out_of_reach():
        started = time.monotonic()
        sandbox.stop()
        assert time.monotonic() - started < 2


def test_a_refusal_lasts_for_its_time(sandbox: Sandbox, http: requests.Session) -> None:
    sandbox.faults.add(Fault(FaultKind.REFUSE, "marketplace", count=1, seconds=0.3))
    with pytest.raises(ConnectionError):
        images(sandbox, http)
    refused = False
    deadline = time.monotonic() + 5
    while True:
        assert time.monotonic() < deadline
        try:
            allocate(sandbox, http)
        except ConnectionError as error:
            refused |= "refused" in str(error)
        else:
            if refused:
                break
        time.sleep(0.01)


def test_tls_that_breaks_off(http: requests.Session) -> None:
    with Sandbox(tls=True) as sandbox:
        http.verify = str(sandbox.ca_file)
        sandbox.faults.add(Fault(FaultKind.TLS, count=1))
        with pytest.raises(ConnectionError):
            images(sandbox, http)
        assert images(sandbox, http).status_code == 200


def test_only_what_fits_is_struck(sandbox: Sandbox, http: requests.Session) -> None:
    sandbox.faults.add(Fault(FaultKind.STATUS, "disks", "GET /disks/{uuid}", status=500))
    sandbox.faults.add(Fault(FaultKind.STATUS, operation="one.vm.*", status=502))
    disks = f"{sandbox.disks_url}/pswd/disks"
    assert http.get(disks, auth=ALICE).status_code == 200
    assert http.get(f"{disks}/x", auth=ALICE).status_code == 500
    assert allocate(sandbox, http).status_code == 502
    assert images(sandbox, http).status_code == 200


def test_each_operation_that_can_be_struck_is_one_that_is_recorded(sandbox: Sandbox, http: requests.Session) -> None:
    def ask(verb: str, url: str, **options: Any) -> None:
        http.request(verb, url, allow_redirects=False, timeout=5, **options)

    known = {service.name: service.operations for service in SERVICES}
    for operation in known["compute"]:
        call = xmlrpc.client.dumps((), operation)
        ask("POST", sandbox.compute_url.replace("/xmlrpc", "/pswd/xmlrpc"), data=call, auth=ALICE)
    for operation in known["disks"]:
        verb, path = operation.split()
        ask(verb, f"{sandbox.disks_url}/pswd{path.format(uuid='u', mount_id='m', vm_id='1')}", auth=ALICE)
    for operation in known["marketplace"]:
        verb, _, path = operation.partition(" ")
        path, _, query = path.partition(" ")
        path = path.format(id="i", email="jane@example.org", created="c").replace("?tag", "?tag=t")
        form = {"Content-Type": "application/x-www-form-urlencoded"} if query else {}
        ask(verb, f"{sandbox.marketplace_url}{path}", headers={"Accept": "application/xml, */*", **form})
    ask("GET", f"{sandbox.url}/cgi-bin/vmports.py")
    assert sandbox.requests.operations == [operation for service in SERVICES for operation in service.operations]


@pytest.mark.parametrize(
    ("service", "operation"), [("dis*", "DELETE *"), ("*", "*"), ("marketplace", "*?tag"), ("pat", "GET */vmports.py")]
)
def test_patterns_of_services_and_operations(service: str, operation: str) -> None:
    faults = Sandbox().faults
    fault = Fault(FaultKind.CUT, service, operation)
    faults.add(fault)
    faults.remove(fault)


@pytest.mark.parametrize(("number", "seconds"), [(0, 1.0), (1, 0.0), (1, -1.0), (1, float("inf"))])
def test_connections_cannot_be_kept_for_nothing(number: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="a connection is kept for"):
        KeepAlive(number, seconds)


def test_a_fault_can_be_counted_and_removed(sandbox: Sandbox, http: requests.Session) -> None:
    sandbox.faults.add(Fault(FaultKind.STATUS, count=2))
    assert [images(sandbox, http).status_code for _ in range(4)] == [503, 503, 200, 200]
    for_ever = Fault(FaultKind.STATUS)
    sandbox.faults.add(for_ever)
    assert images(sandbox, http).status_code == 503
    sandbox.faults.remove(for_ever)
    assert images(sandbox, http).status_code == 200


def test_chance_is_thrown_with_the_sandboxs_own_dice(clock: ManualClock, http: requests.Session) -> None:
    def statuses(seed: int) -> list[int]:
        with Sandbox(clock=clock, seed=seed) as sandbox:
            sandbox.faults.add(Fault(FaultKind.STATUS, chance=0.5))
            return [images(sandbox, http).status_code for _ in range(40)]

    first = statuses(1)
    assert 5 < Counter(first)[503] < 35
    assert statuses(1) == first
    assert statuses(2) != first


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("compute:one.vm.allocate:reset-after:0.3", Fault(FaultKind.RESET_AFTER, "compute", "one.vm.allocate", 0.3)),
        ("::delay::0.5", Fault(FaultKind.DELAY, seconds=0.5)),
        ("disks:GET *:status:1:502", Fault(FaultKind.STATUS, "disks", "GET *", status=502)),
        ("*:*:cut", Fault(FaultKind.CUT)),
    ],
)
def test_faults_can_be_written_in_a_line(text: str, fault: Fault) -> None:
    assert Fault.parse(text) == fault


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is wanted, not ''"),
        ("compute:delay", "SERVICE:OPERATION:KIND"),
        ("a:b:c:d:e:f", "SERVICE:OPERATION:KIND"),
        ("::explosion", "there is no fault 'explosion', but delay, no-answer"),
        ("::delay:2", "between 0 and 1, not 2"),
        ("::delay:x", "a number is wanted, not 'x'"),
        ("::delay::-1", "seconds are a number, 0 or more"),
        ("::status::42", "an HTTP status is between 100 and 599"),
        ("::status:1:inf", "a number is wanted, not 'inf'"),
    ],
)
def test_faults_that_cannot_be_read(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Fault.parse(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("cloud::delay", "there is no service 'cloud', but compute, disks, marketplace, pat"),
        ("compute:allocate:delay", "service 'compute' has no operation 'allocate', but one.vm.allocate, one.vm.info,"),
        ("disks:GET /disk*/*/x:delay", "service 'disks' has no operation"),
        (":one.vm.delete:delay", r"service '\*' has no operation 'one.vm.delete', but .*GET /cgi-bin/vmports.py"),
        ("disks::xmlrpc-fault", "is of the service 'compute', not of 'disks'"),
        (":GET *:xmlrpc-fault", "service 'compute' has no operation 'GET \\*'"),
    ],
)
def test_faults_that_can_never_happen(text: str, complaint: str) -> None:
    faults = Sandbox().faults
    with pytest.raises(ValueError, match=complaint):
        faults.add(Fault.parse(text))
    with pytest.raises(ValueError, match=complaint), faults.during(Fault.parse(text)):
        pytest.fail("it was added")


def test_an_xmlrpc_fault_of_any_service_happens_to_compute_only(sandbox: Sandbox, http: requests.Session) -> None:
    sandbox.faults.add(Fault(FaultKind.XMLRPC_FAULT))
    assert images(sandbox, http).status_code == 200
    with pytest.raises(xmlrpc.client.Fault):
        xmlrpc.client.loads(allocate(sandbox, http).content)


def test_a_kept_connection_is_closed_without_a_word_after_some_requests(http: requests.Session) -> None:
    with Sandbox(keep_alive=KeepAlive(requests=3)) as sandbox:
        connection = http_connection(sandbox)
        for _ in range(3):
            assert ask(connection).getheader("Connection") is None
        with pytest.raises((http_errors, OSError)):
            ask(connection)
        connection.close()


def test_an_idle_connection_is_closed(http: requests.Session) -> None:
    with Sandbox(keep_alive=KeepAlive(idle_seconds=0.1)) as sandbox:
        connection = http_connection(sandbox)
        ask(connection)
        assert connection.sock is not None
        connection.sock.settimeout(5)
        assert connection.sock.recv(1) == b""
        connection.close()


http_errors = http.client.HTTPException


def http_connection(sandbox: Sandbox) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=5)


def ask(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    if connection.sock is None:
        connection.connect()
    connection.auto_open = 0
    connection.request("GET", "/marketplace")
    answer = connection.getresponse()
    answer.read()
    return answer


def test_the_most_connections_at_once_are_known(sandbox: Sandbox) -> None:
    connections = [http_connection(sandbox) for _ in range(5)]
    for connection in connections:
        ask(connection)
    assert sandbox.requests.most_connections == sandbox.requests.connections == 5
    for connection in connections:
        connection.close()


def test_threads_under_mixed_faults_end(sandbox: Sandbox) -> None:
    for kind in (FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER, FaultKind.CUT, FaultKind.STATUS, FaultKind.GARBAGE):
        sandbox.faults.add(Fault(kind, chance=0.1))
    made: list[Any] = []

    def create() -> None:
        with requests.Session() as session:
            for _ in range(20):
                try:
                    made.append(xmlrpc.client.loads(allocate(sandbox, session).content))
                except Exception as error:  # noqa: BLE001 -- anything may come of it
                    made.append(error)

    threads = [threading.Thread(target=create) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(made) == 100
    assert len({request.fault for request in sandbox.requests}) == 6
