"""Answers that no service should send: each becomes one of the package's errors, or the wrong part is left out."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests_mock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.http import failures
from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
from stratuslab_libcloud.client.opennebula.machine_xml import read_machines
from stratuslab_libcloud.client.stratuslab.disk import Disk
from stratuslab_libcloud.client.stratuslab.entries import Image, read_images
from stratuslab_libcloud.client.stratuslab.port_translation import PortTranslationService
from stratuslab_libcloud.client.xml_stream import UnreadableDocumentError
from stratuslab_libcloud.config import Password, ServiceConfig, UserConfiguration
from stratuslab_libcloud.errors import MalformedReplyError, RefusedCredentialsError

SERVICE = ServiceConfig("http://cloud.example.org/x", Password("jane", "secret"), None, 5, 4, 1 << 20)
CONFIGURATION = io.StringIO("[default]\nendpoint = cloud.example.org\nusername = jane\npassword = secret\n")
CLOUD = Cloud(
    UserConfiguration.load(CONFIGURATION, environ={})
    .cloud("default")
    ._replace(section="here", compute=SERVICE, disks=SERVICE, marketplace=SERVICE)
)

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
disk_like = st.dictionaries(
    st.sampled_from(["uuid", "size", "tag", "count", "owner", "identifier", "quarantine", "type", "visibility"]),
    documents | st.from_regex(r"[0-9]{0,3}[,. ]?[0-9]{0,3}", fullmatch=True),
)


@pytest.fixture(autouse=True, scope="module")
def no_pauses() -> Iterator[None]:
    """An answer that cannot be read is asked for again; here it is the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(failures, "FIRST_PAUSE_SECONDS", 0)
        yield


def answered(body: bytes, ask: Callable[[], Any]) -> Any:
    """What becomes of an answer: a result, or MalformedReplyError."""
    with requests_mock.Mocker() as mock:
        mock.register_uri(requests_mock.ANY, requests_mock.ANY, content=body)
        try:
            return ask()
        except MalformedReplyError:
            return None


@given(documents | st.lists(disk_like | documents, max_size=3))
def test_any_json_as_a_list_of_disks(document: Any) -> None:
    disks = answered(json.dumps(document).encode(), CLOUD.disks.disks)
    assert disks is None or all(isinstance(disk, Disk) for disk in disks)


@given(documents | disk_like)
def test_any_json_as_a_disk(document: Any) -> None:
    disk = answered(json.dumps(document).encode(), lambda: CLOUD.disks.disk("uuid"))
    assert disk is None or isinstance(disk, Disk)


@given(documents | st.lists(st.dictionaries(st.sampled_from(["vmId", "device"]), documents)))
def test_any_json_as_mounts(document: Any) -> None:
    answered(json.dumps(document).encode(), lambda: CLOUD.disks.mounts("uuid"))


@given(documents)
def test_any_json_as_the_answer_to_a_change(document: Any) -> None:
    body = json.dumps(document).encode()
    answered(body, lambda: CLOUD.disks.create(1, "tag", "private", "mark"))
    answered(body, lambda: CLOUD.disks.attach("uuid", "host", 1))
    answered(body, lambda: CLOUD.disks.destroy("uuid"))


@given(documents | st.dictionaries(st.just("7"), documents))
def test_any_json_as_translated_ports(document: Any) -> None:
    service = PortTranslationService("http://gateway.example.org/x", location="here", verify=None, timeout=5)
    answered(json.dumps(document).encode(), lambda: service.ports(7))


@given(st.binary(max_size=300))
def test_any_bytes_from_each_service(body: bytes) -> None:
    for ask in (CLOUD.compute.machines, CLOUD.disks.disks, CLOUD.marketplace.images):
        assert answered(body, ask) in (None, [])


xml_names = st.sampled_from(
    ["VM_POOL", "VM", "ID", "STATE", "LCM_STATE", "STIME", "TEMPLATE", "DISK", "SIZE", "NIC", "IP", "HISTORY_RECORDS"]
)
xml_texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="<>&"), max_size=6) | st.integers(
    -(10**30), 10**30
).map(str)
xml_elements = st.recursive(
    xml_texts,
    lambda inner: st.builds(
        lambda name, parts: f"<{name}>{''.join(parts)}</{name}>", xml_names, st.lists(inner, max_size=5)
    ),
    max_leaves=25,
)


@given(xml_elements)
def test_any_elements_as_machines(text: str) -> None:
    try:
        machines = list(read_machines([f"<VM_POOL>{text}</VM_POOL>"]))
    except UnreadableDocumentError:
        return
    assert all(isinstance(machine, VirtualMachine) and machine.status for machine in machines)


@pytest.fixture
def entry(samples: Any) -> bytes:
    """A Marketplace entry."""
    return bytes((samples / "marketplace/valid-two-locations.xml").read_bytes())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_to_an_entry(entry: bytes, data: st.DataObject) -> None:
    body = bytearray(entry)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=10))
    try:
        images = list(read_images([bytes(body)]))
    except UnreadableDocumentError:
        return
    assert all(isinstance(image, Image) for image in images)


BOMB = b"<!DOCTYPE x [<!ENTITY a 'aaaa'>" + b"".join(
    b"<!ENTITY %c '%s'>" % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(10)
)


@pytest.mark.parametrize(
    "body",
    [
        BOMB + b"]><metadata>&k;</metadata>",
        b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'><metadata/>",
        b"<!DOCTYPE x [<!ENTITY e SYSTEM 'http://127.0.0.1:1/'>]><metadata>&e;</metadata>",
        b"<a>" * 200_000,
        b"<metadata>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</metadata>",
        b"<?xml version='1.0' encoding='utf-7'?><metadata/>",
        b"\xff\xfe<\x00m\x00/\x00>\x00",
        b"<metadata>\x00</metadata>",
        b"{}",
        b"",
        b"<html><body>It works!</body></html>",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_attacks_on_xml(body: bytes) -> None:
    assert answered(body, CLOUD.marketplace.images) in (None, [])
    inner = body.decode("latin-1").replace("&", "&amp;").replace("<", "&lt;")
    reply = (
        "<methodResponse><params><param><value><array><data><value><boolean>1</boolean></value>"
        f"<value><string>{inner}</string></value></data></array></value></param></params></methodResponse>"
    )
    assert answered(reply.encode(), CLOUD.compute.machines) in (None, [])


@pytest.mark.parametrize(
    "page", ["<html><body>Log in</body></html>", "<x/>", '<html xmlns="http://www.w3.org/1999/xhtml"/>']
)
def test_a_page_is_no_empty_list(page: str) -> None:
    with requests_mock.Mocker() as mock:
        mock.register_uri(requests_mock.ANY, requests_mock.ANY, text=page)
        with pytest.raises(MalformedReplyError, match="it begins with"):
            CLOUD.marketplace.images()
    with pytest.raises(UnreadableDocumentError, match="it begins with"):
        list(read_machines([page]))


def test_an_element_that_should_not_be_there_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    machines = list(read_machines(["<VM_POOL><HOST/><VM><ID>1</ID><STATE>3</STATE></VM></VM_POOL>"]))
    assert [machine.id for machine in machines] == [1]
    assert "elements such as 'HOST', which should be VM, were left out" in caplog.text


def test_a_secret_that_a_service_repeats_is_not_told() -> None:
    refusal = (
        "<methodResponse><params><param><value><array><data><value><boolean>0</boolean></value><value><string>bad "
        "session jane:secret</string></value><value><i4>256</i4></value></data></array></value></param></params>"
        "</methodResponse>"
    )
    with requests_mock.Mocker() as mock:
        mock.post(requests_mock.ANY, text=refusal)
        with pytest.raises(RefusedCredentialsError, match="bad session") as refused:
            CLOUD.compute.machines()
        mock.get(requests_mock.ANY, text="jane:secret is not JSON")
        with pytest.raises(MalformedReplyError) as malformed:
            CLOUD.disks.disks()
    assert "secret" not in str(refused.value)
    assert "secret" not in str(malformed.value) + str(malformed.value.body)
