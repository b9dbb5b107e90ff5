"""Answers that a fault has changed."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
import xmlrpc.client
from xml.parsers.expat import ExpatError

import pytest
import requests

from stratuslab_libcloud.sandbox import Fault, FaultKind, ManualClock, Sandbox

from ..conftest import ALICE, allocate, images


@pytest.mark.parametrize(("kind", "carried_out"), [(FaultKind.STATUS, 0), (FaultKind.STATUS_AFTER, 1)])
def test_a_status_with_a_page(sandbox: Sandbox, http: requests.Session, kind: FaultKind, carried_out: int) -> None:
    with sandbox.faults.during(Fault(kind, status=429, retry_after=7)):
        answer = allocate(sandbox, http)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "429 Too Many Requests" in answer.text
    assert len(sandbox.machines) == carried_out


def test_an_xmlrpc_fault(sandbox: Sandbox, http: requests.Session) -> None:
    with sandbox.faults.during(Fault(FaultKind.XMLRPC_FAULT)):
        answer = allocate(sandbox, http)
    with pytest.raises(xmlrpc.client.Fault, match="failed on purpose"):
        xmlrpc.client.loads(answer.content)
    assert len(sandbox.machines) == 0


@pytest.mark.parametrize(
    ("kind", "carried_out"),
    [
        (FaultKind.PROXY_FAULT, 0),
        (FaultKind.PROXY_FAULT_AFTER, 1),
        (FaultKind.DOUBLED_FAULT, 2),
        (FaultKind.RESTART, 1),
    ],
    ids=lambda value: getattr(value, "value", None),
)
def test_a_fault_of_the_proxy(sandbox: Sandbox, http: requests.Session, kind: FaultKind, carried_out: int) -> None:
    with sandbox.faults.during(Fault(kind, count=1)):
        answer = allocate(sandbox, http)
    with pytest.raises(xmlrpc.client.Fault) as fault:
        xmlrpc.client.loads(answer.content)
    assert fault.value.faultCode == 0
    assert answer.status_code == 200
    assert len(sandbox.machines) == carried_out


def test_a_request_that_is_carried_out_twice(sandbox: Sandbox, http: requests.Session) -> None:
    with sandbox.faults.during(Fault(FaultKind.DOUBLED, count=1)):
        (value,), _ = xmlrpc.client.loads(allocate(sandbox, http).content)
    assert value == [True, 1, 0]
    assert len(sandbox.machines) == 2
    assert sandbox.requests.operations == ["one.vm.allocate"]


def test_a_daemon_that_restarts_is_away_for_some_time(
    sandbox: Sandbox, http: requests.Session, clock: ManualClock
) -> None:
    with sandbox.faults.during(Fault(FaultKind.RESTART, count=1, seconds=2)):
        allocate(sandbox, http)
    for _ in range(2):
        with pytest.raises(xmlrpc.client.Fault, match="Connection refused"):
            xmlrpc.client.loads(allocate(sandbox, http).content)
    clock.advance(2)
    (value,), _ = xmlrpc.client.loads(allocate(sandbox, http).content)
    assert value == [True, 1, 0]


def test_garbage(sandbox: Sandbox, http: requests.Session) -> None:
    with sandbox.faults.during(Fault(FaultKind.GARBAGE)):
        answer = allocate(sandbox, http)
    assert answer.status_code == 200
    with pytest.raises((ExpatError, LookupError, ValueError)):
        xmlrpc.client.loads(answer.content)
    assert len(sandbox.machines) == 1


def test_garbage_depends_on_the_seed_only(http: requests.Session) -> None:
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
