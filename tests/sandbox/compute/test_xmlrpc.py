"""XML-RPC: calls and answers."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import xmlrpc.client
from pathlib import Path
from typing import Any

import pytest
import requests

from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.compute import proxy

from ..conftest import ALICE, Oned, ok
from .conftest import post, shape


@pytest.mark.parametrize(
    ("method", "parameters", "code", "text"),
    [
        ("one.vm.info", (), -501, "Not enough parameters"),
        ("one.vm.info", ("0",), -501, "Parameter that is supposed to be integer is not"),
        ("one.vm.info", (True,), -501, "Parameter that is supposed to be integer is not"),
        ("one.vm.action", (0, "shutdown"), -501, "Parameter that is supposed to be a string is not"),
        ("one.vmpool.info", (-2, -1, -1), -501, "Not enough parameters"),
        ("one.vm.allocate", (), -501, "Not enough parameters"),
        ("one.vm.attach", (0, "DISK=[]"), -506, "Method 'one.vm.attach' not defined"),
    ],
)
def test_bad_calls_are_faults(oned: Oned, method: str, parameters: tuple[Any, ...], code: int, text: str) -> None:
    with pytest.raises(xmlrpc.client.Fault) as fault:
        oned("alice", method, *parameters)
    assert (fault.value.faultCode, fault.value.faultString) == (code, text)


def test_parameters_too_many_are_ignored(oned: Oned) -> None:
    assert oned("alice", "one.vm.allocate", "CPU=1", False) == [True, 0, 0]
    ok(oned("alice", "one.vm.info", 0, True))


@pytest.mark.parametrize("body", ["<methodCall>", "no XML", "<a/>"])
def test_what_is_no_call_is_a_fault(sandbox: Sandbox, http: requests.Session, body: str) -> None:
    with pytest.raises(xmlrpc.client.Fault) as fault:
        xmlrpc.client.loads(post(sandbox, http, body).content)
    assert fault.value.faultCode == -503


@pytest.mark.parametrize("character", ["😀", "\x01", "\ufffe"])
def test_a_character_that_the_daemon_does_not_read_is_a_fault(oned: Oned, character: str) -> None:
    with pytest.raises(xmlrpc.client.Fault) as fault:
        oned("alice", "one.vm.allocate", f'NAME="{character}"')
    assert fault.value.faultCode == -503


def ask_daemon(sandbox: Sandbox, http: requests.Session, *parameters: Any, method: str) -> requests.Response:
    return http.post(f"{sandbox.url}/RPC2", data=xmlrpc.client.dumps(parameters, method))


def test_a_daemon_that_is_asked_directly_wants_a_session(sandbox: Sandbox, http: requests.Session) -> None:
    def answer(session: str) -> Any:
        (value,), _ = xmlrpc.client.loads(
            ask_daemon(sandbox, http, session, -3, -1, -1, -1, method="one.vmpool.info").content
        )
        return value

    assert answer(":".join(ALICE))[0] is True
    refusal = [False, "[VirtualMachinePoolInfo] User couldn't be authenticated, aborting call.", 256]
    assert answer("alice:wrong") == answer("nobody:x") == answer("") == refusal
    assert [request.user for request in sandbox.requests] == ["alice", "", "", ""]


def test_each_writes_in_its_own_way(sandbox: Sandbox, http: requests.Session) -> None:
    by_daemon = ask_daemon(sandbox, http, ":".join(ALICE), 99, method="one.vm.info").text
    by_proxy = post(sandbox, http, xmlrpc.client.dumps(("", 99), "one.vm.info")).text
    assert "<value><string>[VirtualMachineInfo] Error" in by_daemon
    assert "<value>[VirtualMachineInfo] Error" in by_proxy
    assert 'methodResponse xmlns:ex="http://ws.apache.org/xmlrpc/namespaces/extensions"' in by_proxy
    assert "\n" not in by_proxy
    assert "\n" in by_daemon


def test_the_proxy_changes_no_value(sandbox: Sandbox, http: requests.Session) -> None:
    template = 'NAME = "<string>a</string>" CONTEXT = [ V = "<int>>\n<x" ]'
    post(sandbox, http, xmlrpc.client.dumps(("", template), "one.vm.allocate"))
    directly = xmlrpc.client.loads(ask_daemon(sandbox, http, ":".join(ALICE), 0, method="one.vm.info").content)
    assert xmlrpc.client.loads(post(sandbox, http, xmlrpc.client.dumps(("", 0), "one.vm.info")).content) == directly
    assert "<int>>\n<x" in directly[0][0][1]


@pytest.mark.parametrize(
    ("sample", "call"),
    [
        ("vm.info-unknown", xmlrpc.client.dumps(("", 99), "one.vm.info")),
        ("method-unknown", xmlrpc.client.dumps(("", 99), "one.nothing.info")),
    ],
)
def test_the_proxy_writes_as_the_real_one(
    real_samples: Path, sandbox: Sandbox, http: requests.Session, sample: str, call: str
) -> None:
    assert (real_samples / f"proxy/{sample}.response").read_text().endswith(f"\n{post(sandbox, http, call).text}")


def test_the_proxys_own_faults_are_those_of_the_real_one(real_samples: Path) -> None:
    for sample, ours in (
        ("daemon-down", proxy.DAEMON_IS_DOWN),
        ("daemon-ends-the-connection-twice", proxy.CONNECTION_BROKE),
    ):
        assert (real_samples / f"proxy/{sample}.response").read_text().endswith(ours)


def test_the_envelope_is_that_of_the_real_daemon(real_samples: Path, sandbox: Sandbox, http: requests.Session) -> None:
    answer = ask_daemon(sandbox, http, ":".join(ALICE), -3, -1, -1, -1, method="one.vmpool.info")
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    real = ET.parse(real_samples / "opennebula-3.2.1/vmpool.info.response.xml").getroot()
    assert shape(ET.fromstring(answer.content)) == shape(real)
