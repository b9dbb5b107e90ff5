"""Machines, read from the XML of real daemons and from what no daemon should send."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratuslab_libcloud.client.opennebula.machine import VirtualMachine, read_machines, worthwhile_ranges
from stratuslab_libcloud.client.xml_stream import UnreadableDocumentError


def machines_in(text: str) -> list[VirtualMachine]:
    return list(read_machines([text]))


def test_a_running_machine_of_3_2(samples: Path) -> None:
    (machine,) = machines_in((samples / "opennebula-3.2.1/vm.info.running.xml").read_text())
    assert (machine.id, machine.name, machine.owner, machine.group) == (0, "stratus-vm", "oneadmin", "oneadmin")
    assert (machine.state_name, machine.lcm_state_name, machine.status) == ("ACTIVE", "RUNNING", "RUNNING")
    assert machine.started == datetime.fromtimestamp(1795555517, timezone.utc)
    assert machine.ended is None
    assert (machine.cpu, machine.memory, machine.swap) == (1, 128, 1024)
    assert [(nic.network, nic.ip, nic.mac) for nic in machine.nics] == [("public", "134.158.75.1", "02:00:86:9e:4b:01")]
    assert machine.image_id == "BN1EEkPiBx87_uLj2-sdybSI-Xb"
    assert machine.host == "dummyhost"
    assert machine.error is None


def test_a_pending_machine_has_an_address_and_no_host(samples: Path) -> None:
    (machine,) = machines_in((samples / "opennebula-3.2.1/vm.info.pending.xml").read_text())
    assert machine.status == "PENDING"
    assert machine.nics[0].ip == "134.158.75.1"
    assert machine.host is None


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("vm.info.failed.xml", "FAILED", "Error deploying virtual machine: dummy boot failure"),
        ("vm.info.failprolog.xml", "FAILED", None),
        ("vm.info.done.xml", "DONE", None),
    ],
)
def test_machines_that_ended(samples: Path, name: str, status: str, error: str | None) -> None:
    (machine,) = machines_in((samples / "opennebula-3.2.1" / name).read_text())
    assert machine.status == status
    assert machine.error == error
    assert machine.ended is not None


def test_the_image_is_that_of_the_first_disk(samples: Path) -> None:
    (machine,) = machines_in((samples / "opennebula-3.2.1/vm.info.pdisk.xml").read_text())
    assert machine.disks[2].source.startswith("pdisk:")
    assert machine.image_id == "BN1EEkPiBx87_uLj2-sdybSI-Xb"


@pytest.mark.parametrize(
    ("source", "image_id"),
    [
        ("https://m/marketplace/metadata/BN1EEkPiBx87_uLj2-sdybSI-Xb", "BN1EEkPiBx87_uLj2-sdybSI-Xb"),
        ("https://m/metadata/BN1EEkPiBx87_uLj2-sdybSI-Xb/a@b.c/2014-01-01T00:00:00Z", "BN1EEkPiBx87_uLj2-sdybSI-Xb"),
        ("pdisk:https://h:8445/0f6a2f1e-6f52-4b1e-b3a3-000000000001", "0f6a2f1e-6f52-4b1e-b3a3-000000000001"),
        ("pdisk:h:8445:0f6a2f1e-6f52-4b1e-b3a3-000000000001", "0f6a2f1e-6f52-4b1e-b3a3-000000000001"),
        ("http://example.org/image.img", "http://example.org/image.img"),
        ("", None),
    ],
)
def test_what_a_machine_was_made_from(source: str, image_id: str | None) -> None:
    (machine,) = machines_in(
        f"<VM><ID>1</ID><STATE>1</STATE><TEMPLATE><DISK><SOURCE>{source}</SOURCE></DISK></TEMPLATE></VM>"
    )
    assert machine.image_id == image_id


def test_a_pool_of_3_2(samples: Path) -> None:
    machines = machines_in((samples / "opennebula-3.2.1/vmpool.info.xml").read_text())
    assert [(m.id, m.name, m.status, m.host) for m in machines] == [
        (4, "stratus-vm", "RUNNING", "dummyhost"),
        (5, "stratus-vm", "RUNNING", "dummyhost2"),
        (6, "one-6", "PENDING", None),
    ]


def test_a_machine_of_6_10(samples: Path) -> None:
    (machine,) = machines_in((samples / "opennebula-6.10/vm.info.running.xml").read_text())
    assert (machine.id, machine.status, machine.host, machine.cpu) == (1, "RUNNING", "dhost", 1)


def test_after_a_migration_the_host_is_the_last_one() -> None:
    history = "".join(f"<HISTORY><HOSTNAME>{host}</HOSTNAME></HISTORY>" for host in ("first", "second"))
    (machine,) = machines_in(f"<VM><ID>1</ID><STATE>3</STATE><HISTORY_RECORDS>{history}</HISTORY_RECORDS></VM>")
    assert machine.host == "second"


def test_the_owner_is_the_name_before_the_proxy_encoded_it() -> None:
    (machine,) = machines_in("<VM><ID>1</ID><STATE>1</STATE><UNAME>jane+doe%40example.org</UNAME></VM>")
    assert machine.owner == "jane doe@example.org"


def test_a_machine_may_lack_almost_everything() -> None:
    (machine,) = machines_in("<VM_POOL><VM><ID>1</ID><STATE>8</STATE></VM></VM_POOL>")
    assert (machine.name, machine.memory, machine.nics, machine.disks) == ("", None, (), ())
    assert machine.status == "POWEROFF"


def test_states_that_are_not_known_have_names_too() -> None:
    (machine,) = machines_in("<VM><ID>1</ID><STATE>3</STATE><LCM_STATE>57</LCM_STATE></VM>")
    assert machine.status == "LCM_STATE_57"
    (machine,) = machines_in("<VM><ID>1</ID><STATE>-4</STATE></VM>")
    assert machine.status == "STATE_-4"


@pytest.mark.parametrize("odd", ["<ID>x</ID><STATE>3</STATE>", "<ID>1</ID>", f"<ID>{9**99}</ID><STATE>1</STATE>"])
def test_an_odd_machine_is_left_out_with_a_warning(odd: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        machines = machines_in(f"<VM_POOL><VM>{odd}</VM><VM><ID>2</ID><STATE>3</STATE></VM></VM_POOL>")
    assert [machine.id for machine in machines] == [2]
    assert "left out" in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<VM_POOL><VM>",
        "not xml",
        "<!DOCTYPE VM [<!ENTITY a 'b'>]><VM><ID>&a;</ID></VM>",
        "<?xml version='1.0'?><!-- c --><!DOCTYPE VM SYSTEM 'file:///etc/passwd'><VM/>",
        "<VM>&nbsp;</VM>",
        "<VM>\x00</VM>",
    ],
)
def test_what_is_not_readable(text: str) -> None:
    with pytest.raises(UnreadableDocumentError):
        machines_in(text)


@given(st.data())
def test_the_pieces_in_which_it_arrives_do_not_matter(data: st.DataObject) -> None:
    text = "<?xml version='1.0'?>\n<!-- x --><VM_POOL>" + "".join(
        f"<VM><ID>{n}</ID><STATE>3</STATE><NAME><![CDATA[</VM>é{n}]]></NAME></VM>" for n in range(5)
    )
    text += "</VM_POOL>"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert list(read_machines(pieces)) == machines_in(text)
    assert [machine.name for machine in machines_in(text)] == [f"</VM>é{n}" for n in range(5)]


@pytest.mark.parametrize(
    ("machine_ids", "ranges"),
    [
        ([], []),
        ([7], [[7]]),
        ([7, 7, 3], [[3, 7]]),
        ([0, 19], [[0, 19]]),
        ([0, 20], [[0], [20]]),
        ([1, 2, 3, 500, 501, 90_000], [[1, 2, 3], [500, 501], [90_000]]),
        (list(range(0, 2000, 10)), [list(range(0, 2000, 10))]),
        (list(range(0, 2000, 20)), [[machine_id] for machine_id in range(0, 2000, 20)]),
    ],
)
def test_ranges_have_not_far_more_ids_than_are_wanted(machine_ids: list[int], ranges: list[list[int]]) -> None:
    assert worthwhile_ranges(machine_ids) == ranges
