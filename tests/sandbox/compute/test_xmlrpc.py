"""XML-RPC: calls and answers."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import xmlrpc.client
from typing import Any

import pytest
import requests

from stratuslab_libcloud.sandbox import Sandbox

from ...conftest import SAMPLES
from ..conftest import Oned, ok
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


@pytest.mark.skipif(not SAMPLES.exists(), reason="no samples")
def test_the_envelope_is_that_of_the_real_daemon(sandbox: Sandbox, http: requests.Session) -> None:
    answer = post(sandbox, http, xmlrpc.client.dumps(("", -3, -1, -1, -1), "one.vmpool.info"))
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    real = ET.parse(SAMPLES / "opennebula-3.2.1/vmpool.info.response.xml").getroot()
    assert shape(ET.fromstring(answer.content)) == shape(real)
