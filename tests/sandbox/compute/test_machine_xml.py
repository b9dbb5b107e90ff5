"""Machines in XML, compared with the real daemon's."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from stratuslab_libcloud.sandbox import ManualClock, Sandbox

from ..conftest import TEMPLATE, Oned, info, listed, ok
from .conftest import shape


@pytest.mark.parametrize("sample", ["pending", "alice.running", "done", "failed", "pdisk", "create_image"])
def test_the_xml_is_that_of_the_real_daemon(
    real_samples: Path, sandbox: Sandbox, oned: Oned, clock: ManualClock, sample: str
) -> None:
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
    real = ET.parse(real_samples / f"opennebula-3.2.1/vm.info.{sample}.xml").getroot()
    ours = info(oned, machine_id)
    assert shape(ours) == shape(real)
    for path in ("STATE", "LCM_STATE", "PERMISSIONS/OWNER_U", "TEMPLATE/CONTEXT/PUBLIC_KEY", "TEMPLATE/RANK"):
        assert ours.findtext(path) == real.findtext(path)


def test_values_cannot_break_a_listing(oned: Oned) -> None:
    ok(oned("alice", "one.vm.allocate", 'A="</A><B> & c" NAME="n"'))
    assert listed(oned, -3, -1, -1, -1) == [0]
    assert info(oned, 0).findtext("TEMPLATE/A") == "</A><B> & c"


def test_a_name_with_an_entity_makes_a_machine_that_can_be_neither_read_nor_stored_again(
    oned: Oned, clock: ManualClock
) -> None:
    def listed_machine() -> str | None:
        return ET.tostring(ET.fromstring(ok(oned("alice", "one.vmpool.info", -3, -1, -1, -1))), "unicode")

    machine_id = ok(oned("alice", "one.vm.allocate", 'NAME="R&amp;D"'))
    as_created = listed_machine()
    assert "<NAME>R&amp;D</NAME>" in as_created
    with pytest.raises(ET.ParseError):
        info(oned, machine_id)
    clock.advance(10)
    ok(oned("alice", "one.vm.action", "finalize", machine_id))
    clock.advance(10)
    assert listed_machine() == as_created


def test_a_name_with_elements_shows_another_id_while_it_is_pending(oned: Oned, clock: ManualClock) -> None:
    def listed_machine() -> ET.Element:
        (machine,) = ET.fromstring(ok(oned("alice", "one.vmpool.info", -3, -1, -1, -1)))
        return machine

    ok(oned("alice", "one.vm.allocate", 'NAME="x</NAME><ID>7</ID><NAME>y"'))
    assert [element.text for element in listed_machine().findall("ID")] == ["0", "7"]
    assert info(oned, 0).findtext("NAME") == "x"
    clock.advance(10)
    assert [element.text for element in listed_machine().findall("ID")] == ["0"]
    assert listed_machine().findtext("NAME") == "x"


def test_a_listing_has_the_last_history_record_only(oned: Oned, clock: ManualClock, machine_id: int) -> None:
    clock.advance(10)
    ok(oned("alice", "one.vm.action", "suspend", machine_id))
    clock.advance(10)
    ok(oned("alice", "one.vm.action", "resume", machine_id))
    clock.advance(10)
    pool = ET.fromstring(ok(oned("alice", "one.vmpool.info", -3, -1, -1, -1)))
    assert [stay.findtext("SEQ") for stay in pool.findall("VM/HISTORY_RECORDS/HISTORY")] == ["1"]
    assert len(info(oned, machine_id).findall("HISTORY_RECORDS/HISTORY")) == 2


def test_machine_minus_one_is_empty_for_an_administrator(oned: Oned) -> None:
    assert info(oned, -1, user="oneadmin").findtext("ID") == "-1"
