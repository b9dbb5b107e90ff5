"""The compute service: what is a call and what is none, and the real daemon's answers."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import xmlrpc.client
from typing import Any

import pytest
import requests

from stratuslab_libcloud.sandbox import ManualClock, Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template

from ...conftest import SAMPLES
from ..conftest import TEMPLATE, Oned, info, ok


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


def post(sandbox: Sandbox, http: requests.Session, body: Any, **options: Any) -> requests.Response:
    url = sandbox.compute_url.replace("/xmlrpc", "/pswd/xmlrpc")
    return http.post(url, data=body, auth=("alice", "secret"), **options)


@pytest.mark.parametrize("body", ["<methodCall>", "no XML", "<a/>"])
def test_what_is_no_call_is_a_fault(sandbox: Sandbox, http: requests.Session, body: str) -> None:
    with pytest.raises(xmlrpc.client.Fault) as fault:
        xmlrpc.client.loads(post(sandbox, http, body).content)
    assert fault.value.faultCode == -503


def test_a_call_that_is_too_large(sandbox: Sandbox, http: requests.Session) -> None:
    answer = post(sandbox, http, "x" * 600_229)
    assert (answer.status_code, answer.text) == (500, "XML-RPC request too large (600229 bytes)")


def test_a_call_without_a_length(sandbox: Sandbox, http: requests.Session) -> None:
    assert post(sandbox, http, iter([b"<methodCall/>"])).status_code == 411


def test_only_post_is_answered(sandbox: Sandbox, http: requests.Session) -> None:
    url = sandbox.compute_url.replace("/xmlrpc", "/pswd/xmlrpc")
    assert http.get(url, auth=("alice", "secret")).status_code == 405


def test_a_wrong_password_is_an_html_401(sandbox: Sandbox, http: requests.Session) -> None:
    url = sandbox.compute_url.replace("/xmlrpc", "/pswd/xmlrpc")
    answer = http.post(url, data="", auth=("alice", "wrong"))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="StratusLab Password Realm"'
    assert answer.headers["Content-Type"].startswith("text/html")


NAMES = ["jane@example.org", "Müller", "a b", "CN=Jane,O=X", "percent%41"]


@pytest.mark.parametrize("name", NAMES)
def test_names_and_passwords_have_any_characters(http: requests.Session, name: str) -> None:
    password = "pä:ss%41 wörd\\"
    with Sandbox(users={name: password}, boot_seconds=0) as sandbox:
        sandbox.machines.allocate(name, parse_template("CPU=1"))
        call = xmlrpc.client.dumps(("x", 0), "one.vm.info")
        for encoding in ("utf-8", "latin-1"):
            answer = http.post(
                sandbox.compute_url.replace("/xmlrpc", "/pswd/xmlrpc"),
                data=call,
                auth=(name.encode(encoding), password.encode(encoding)),
            )
            (values,), _ = xmlrpc.client.loads(answer.content)
            machine = ET.fromstring(ok(values))
            assert machine.findtext("UNAME") == requests.utils.quote(name, safe="").replace("%20", "+")


# Compared with the real daemon


def shape(element: ET.Element) -> list[Any]:
    """Names of elements, all the way down, in order."""
    return [element.tag, [shape(child) for child in element]]


@pytest.mark.skipif(not SAMPLES.exists(), reason="no samples")
@pytest.mark.parametrize("sample", ["pending", "alice.running", "done", "failed", "pdisk", "create_image"])
def test_the_xml_is_that_of_the_real_daemon(sandbox: Sandbox, oned: Oned, clock: ManualClock, sample: str) -> None:
    template = TEMPLATE
    if sample == "failed":
        broken = next(entry for entry in sandbox.entries if entry.title == "Broken boot").identifier
        template = template.replace("BN1EEkPiBx87_uLj2-sdybSI-Xb", broken)
    if sample == "pdisk":
        template += "DISK=[\n  SOURCE=pdisk:https://x.example.org/0f6a2f1e,\n  TARGET=vdc,\n  TYPE=block ]"
    if sample == "create_image":
        template += (
            'CREATE_IMAGE = [\nCREATOR_EMAIL = "a@b.c",\nCREATOR_NAME = "A B",\n'
            'NEWIMAGE_MARKETPLACE = "http://mp.example.org/"\n]\nINBOUND_PORTS = "22,80"\n'
        )
    machine_id = ok(oned("alice", "one.vm.allocate", template))
    if sample in ("alice.running", "failed", "done"):
        clock.advance(10)
    if sample == "done":
        ok(oned("alice", "one.vm.action", "shutdown", machine_id))
        clock.advance(10)
    real = ET.parse(SAMPLES / f"opennebula-3.2.1/vm.info.{sample}.xml").getroot()
    ours = info(oned, machine_id)
    assert shape(ours) == shape(real)
    for path in ("STATE", "LCM_STATE", "PERMISSIONS/OWNER_U", "TEMPLATE/CONTEXT/PUBLIC_KEY", "TEMPLATE/RANK"):
        assert ours.findtext(path) == real.findtext(path)


@pytest.mark.skipif(not SAMPLES.exists(), reason="no samples")
def test_the_envelope_is_that_of_the_real_daemon(sandbox: Sandbox, http: requests.Session) -> None:
    answer = post(sandbox, http, xmlrpc.client.dumps(("", -3, -1, -1, -1), "one.vmpool.info"))
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    real = ET.parse(SAMPLES / "opennebula-3.2.1/vmpool.info.response.xml").getroot()
    assert shape(ET.fromstring(answer.content)) == shape(real)
