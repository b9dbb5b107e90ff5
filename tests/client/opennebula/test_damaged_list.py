"""A machine whose record is damaged does not hide the others."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from stratuslab_libcloud.client.opennebula.compute import Compute
from stratuslab_libcloud.client.opennebula.daemon import Daemon
from stratuslab_libcloud.client.opennebula.damaged_list import read_readable_machines
from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
from stratuslab_libcloud.client.opennebula.states import OPENNEBULA_3
from stratuslab_libcloud.client.stratuslab.proxy import DIALECT
from stratuslab_libcloud.client.xml_stream import UnreadableDocumentError
from stratuslab_libcloud.config import ServiceConfig, SessionPassword
from stratuslab_libcloud.errors import MalformedReplyError

DAMAGES = {
    "an ampersand": "R&D",
    "markup": "a < b",
    "an end of CDATA": "x ]]> y",
    "an element that is not closed": "<b>",
    "an entity": "&nothing;",
    "the end of a machine": "</VM>",
}


def vm(number: int, name: str = "n") -> str:
    return f"<VM><ID>{number}</ID><NAME>{name}</NAME><STATE>3</STATE><LCM_STATE>3</LCM_STATE></VM>"


def pool(*machines: str) -> str:
    return f"<VM_POOL>{''.join(machines)}</VM_POOL>"


@pytest.fixture
def compute(scripted_daemon: Any) -> Compute:
    config = ServiceConfig(scripted_daemon.url, SessionPassword("jane", "a"), None, 5, 4, 1 << 24)
    return Compute(Daemon(config, "jane:a", location="here"), DIALECT)


@pytest.mark.parametrize("name", DAMAGES.values(), ids=DAMAGES)
def test_the_others_are_listed_and_the_damaged_one_is_named(
    compute: Compute, scripted_daemon: Any, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    scripted_daemon.answers["one.vmpool.info"] = pool(vm(3), vm(7, name), vm(8))
    assert [machine.id for machine in compute.machines()] == [3, 8]
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "machine 7 of location 'here' cannot be read and is left out" in warnings[0].getMessage()


def test_the_damaged_one_itself_is_an_error_that_names_it(compute: Compute, scripted_daemon: Any) -> None:
    scripted_daemon.answers["one.vm.info"] = vm(7, "R&D")
    scripted_daemon.answers["one.vmpool.info"] = pool(vm(3), vm(7, "R&D"), vm(8))
    with pytest.raises(MalformedReplyError, match="what the cloud says of machine 7 is damaged"):
        compute.machine(7)
    found = compute.certain_machines([3, 7, 8])
    assert isinstance(found[7], MalformedReplyError)
    assert [machine.id for machine in found.values() if isinstance(machine, VirtualMachine)] == [3, 8]


@pytest.mark.parametrize("name", [b"caf\xe9", b"\xff\xfe", b"a\x01b", b"a&#1;b", "\uffff".encode()])
def test_a_name_that_xml_does_not_have_is_read_with_a_replacement(
    compute: Compute, scripted_daemon: Any, name: bytes
) -> None:
    scripted_daemon.replace = (b"the name", name)
    scripted_daemon.answers["one.vmpool.info"] = pool(vm(3), vm(7, "the name"))
    scripted_daemon.answers["one.vm.info"] = vm(7, "the name")
    machines = compute.machines()
    assert [machine.id for machine in machines] == [3, 7]
    assert set(machines[1].name) & {"?", "\ufffd"}
    assert compute.machine(7).name == machines[1].name


def test_values_that_look_like_the_end_of_a_machine() -> None:
    tricky = vm(3, "<![CDATA[</VM></VM_POOL>]]>")
    texts = [pool(tricky, vm(4)), pool(vm(1), vm(2, "R&D"), vm(4))]
    assert [[machine.id for machine in read(text)] for text in texts] == [[4], [1, 4]]


def read(text: str, size: int = 65536) -> list[VirtualMachine]:
    chunks = [text[start : start + size] for start in range(0, len(text), size)]
    return list(read_readable_machines(chunks, OPENNEBULA_3, "here"))


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_it_does_not_matter_how_it_arrives(size: int) -> None:
    assert [machine.id for machine in read(pool(vm(3), vm(7, "R&D"), vm(8)), size)] == [3, 8]
    assert read(pool(), size) == []


@pytest.mark.parametrize(
    "text", ["", "<VM_POOL>", "<html>", "<html>" * 9, pool(vm(3))[:-1], pool() + "x", "<VM_POOL>" + "x" * (3 << 20)]
)
def test_what_is_no_list_stays_an_error(text: str) -> None:
    with pytest.raises(UnreadableDocumentError):
        read(text)


def test_a_machine_without_an_id_is_told_of_too(caplog: pytest.LogCaptureFixture) -> None:
    assert read(pool("<VM><ID>x</ID></VM>", vm(3)))[0].id == 3
    assert "machine without an ID of location 'here' cannot be read" in caplog.text
