"""What can be made to go wrong, as a client sees it."""

from __future__ import annotations

import threading
import xmlrpc.client
from collections import Counter
from typing import Any

import pytest
import requests
from requests.exceptions import ConnectionError

from stratuslab_libcloud.sandbox import Fault, FaultKind, ManualClock, Sandbox
from stratuslab_libcloud.sandbox.stratuslab_cloud import SERVICES

from ..conftest import ALICE, allocate, images


def test_tls_that_breaks_off(http: requests.Session) -> None:
    with Sandbox(tls=True) as sandbox:
        http.verify = str(sandbox.ca_file)
        sandbox.faults.add(Fault(FaultKind.TLS, count=1))
        with pytest.raises(ConnectionError):
            images(sandbox, http)
        assert images(sandbox, http).status_code == 200


def test_only_requests_that_fit_fail(sandbox: Sandbox, http: requests.Session) -> None:
    sandbox.faults.add(Fault(FaultKind.STATUS, "disks", "GET /disks/{uuid}", status=500))
    sandbox.faults.add(Fault(FaultKind.STATUS, operation="one.vm.*", status=502))
    disks = f"{sandbox.disks_url}/pswd/disks"
    assert http.get(disks, auth=ALICE).status_code == 200
    assert http.get(f"{disks}/x", auth=ALICE).status_code == 500
    assert allocate(sandbox, http).status_code == 502
    assert images(sandbox, http).status_code == 200


def test_each_declared_operation_is_one_that_is_recorded(sandbox: Sandbox, http: requests.Session) -> None:
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


def test_a_fault_can_be_counted_and_removed(sandbox: Sandbox, http: requests.Session) -> None:
    sandbox.faults.add(Fault(FaultKind.STATUS, count=2))
    assert [images(sandbox, http).status_code for _ in range(4)] == [503, 503, 200, 200]
    for_ever = Fault(FaultKind.STATUS)
    sandbox.faults.add(for_ever)
    assert images(sandbox, http).status_code == 503
    sandbox.faults.remove(for_ever)
    assert images(sandbox, http).status_code == 200


def test_the_faults_can_be_looked_at(sandbox: Sandbox, http: requests.Session) -> None:
    twice, never = Fault(FaultKind.STATUS, count=2), Fault(FaultKind.CUT, "disks")
    with sandbox.faults.during(never):
        sandbox.faults.add(twice)
        for _ in range(3):
            images(sandbox, http)
        assert [(active.fault, active.happened, active.is_over) for active in sandbox.faults.active] == [
            (never, 0, False),
            (twice, 2, True),
        ]
    [left] = sandbox.faults.active
    sandbox.faults.clear()
    sandbox.faults.add(never)
    [new] = sandbox.faults.active
    assert new.number not in (left.number, 0)


def test_what_can_go_wrong_is_known_by_service(sandbox: Sandbox) -> None:
    assert list(sandbox.faults.operations) == ["compute", "disks", "marketplace", "pat"]
    assert "one.vm.allocate" in sandbox.faults.operations["compute"]


def test_chance_depends_on_the_seed_only(clock: ManualClock, http: requests.Session) -> None:
    def statuses(seed: int) -> list[int]:
        with Sandbox(clock=clock, seed=seed) as sandbox:
            sandbox.faults.add(Fault(FaultKind.STATUS, chance=0.5))
            return [images(sandbox, http).status_code for _ in range(40)]

    first = statuses(1)
    assert 5 < Counter(first)[503] < 35
    assert statuses(1) == first
    assert statuses(2) != first


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("cloud::delay", "there is no service 'cloud'; choose one of: compute, disks, marketplace, pat"),
        (
            "compute:allocate:delay",
            "service 'compute' has no operation 'allocate'; choose one of: one.vm.allocate, one.vm.info,",
        ),
        ("disks:GET /disk*/*/x:delay", "service 'disks' has no operation"),
        (
            ":one.vm.delete:delay",
            r"service '\*' has no operation 'one.vm.delete'; choose one of: .*GET /cgi-bin/vmports.py",
        ),
        ("disks::xmlrpc-fault", "is of the service 'compute', not of 'disks'"),
        ("disks::restart", "is of the service 'compute', not of 'disks'"),
        ("marketplace::proxy-fault-after", "is of the service 'compute', not of 'marketplace'"),
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
