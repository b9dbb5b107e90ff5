"""Machines, read from the XML of real daemons and from what no daemon should send."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratuslab_libcloud.client.opennebula.machine import VirtualMachine, worthwhile_ranges
from stratuslab_libcloud.client.opennebula.machine_xml import read_machines
from stratuslab_libcloud.client.opennebula.states import OPENNEBULA_3, OPENNEBULA_TODAY
from stratuslab_libcloud.client.stratuslab.proxy import user_name
from stratuslab_libcloud.client.xml_stream import UnreadableDocumentError


def machines_in(text: str) -> list[VirtualMachine]:
    return list(read_machines([text]))


def test_machines_of_3_2(documents: Path) -> None:
    folder = documents / "opennebula-3.2.1"
    running, pending = machines_in((folder / "vmpool.info.xml").read_text())
    assert (running.id, running.name, running.owner, running.group) == (0, "stratus-vm", "alice", "users")
    assert (running.state_name, running.lcm_state_name, running.status) == ("ACTIVE", "RUNNING", "RUNNING")
    assert running.started == datetime.fromtimestamp(1795631846, timezone.utc)
    assert (running.ended, running.error, running.host) == (None, None, "node1.example.org")
    assert (running.cpu, running.memory, running.swap) == (1, 128, 1024)
    assert [(nic.network, nic.ip, nic.mac) for nic in running.nics] == [("public", "192.0.2.1", "02:00:c0:00:02:01")]
    assert running.image_id == "BN1EEkPiBx87_uLj2-sdybSI-Xb"
    assert (pending.status, pending.nics[0].ip, pending.host) == ("PENDING", "192.0.2.1", None)
    (failed,) = machines_in((folder / "vm.info.failed.xml").read_text())
    (done,) = machines_in((folder / "vm.info.done.xml").read_text())
    assert (failed.status, done.status, done.error) == ("FAILED", "DONE", None)
    assert failed.error == "Error deploying virtual machine: the kernel of this image always panics"
    assert failed.ended is not None
    assert done.ended is not None


def test_a_running_machine_of_3_2(real_samples: Path) -> None:
    (machine,) = machines_in((real_samples / "opennebula-3.2.1/vm.info.running.xml").read_text())
    assert (machine.id, machine.name, machine.owner, machine.group) == (0, "stratus-vm", "oneadmin", "oneadmin")
    assert (machine.state_name, machine.lcm_state_name, machine.status) == ("ACTIVE", "RUNNING", "RUNNING")
    assert machine.started == datetime.fromtimestamp(1795555517, timezone.utc)
    assert machine.ended is None
    assert (machine.cpu, machine.memory, machine.swap) == (1, 128, 1024)
    assert [(nic.network, nic.ip, nic.mac) for nic in machine.nics] == [("public", "134.158.75.1", "02:00:86:9e:4b:01")]
    assert machine.image_id == "BN1EEkPiBx87_uLj2-sdybSI-Xb"
    assert machine.host == "dummyhost"
    assert machine.error is None


def test_a_pending_machine_has_an_address_and_no_host(real_samples: Path) -> None:
    (machine,) = machines_in((real_samples / "opennebula-3.2.1/vm.info.pending.xml").read_text())
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
def test_machines_that_ended(real_samples: Path, name: str, status: str, error: str | None) -> None:
    (machine,) = machines_in((real_samples / "opennebula-3.2.1" / name).read_text())
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


@pytest.mark.parametrize(
    ("values", "cpu", "memory"),
    [
        ("<CPU>8</CPU><MEMORY>1572864</MEMORY>", 8.0, 1572864),
        ("<CPU>8</CPU><MEMORY>1572864</MEMORY><MONITORING/>", 8.0, 1572864),
        ("<MONITORING><CPU>12.5</CPU><MEMORY>4096</MEMORY></MONITORING>", 12.5, 4096),
        ("<MONITORING><STATE>a</STATE></MONITORING>", None, None),
        ("", None, None),
    ],
)
def test_what_was_measured_last(values: str, cpu: float | None, memory: int | None) -> None:
    """3.2 has it beside the rest, today's in MONITORING; the template has what the machine may use."""
    template = "<TEMPLATE><CPU>1</CPU><MEMORY>128</MEMORY></TEMPLATE>"
    (machine,) = machines_in(f"<VM><ID>7</ID><STATE>3</STATE>{values}{template}</VM>")
    assert (machine.monitored_cpu, machine.monitored_memory) == (cpu, memory)
    assert (machine.cpu_share, machine.memory) == (1.0, 128)


def test_a_pool_of_3_2(real_samples: Path) -> None:
    machines = machines_in((real_samples / "opennebula-3.2.1/vmpool.info.xml").read_text())
    assert [(m.id, m.name, m.status, m.host) for m in machines] == [
        (4, "stratus-vm", "RUNNING", "dummyhost"),
        (5, "stratus-vm", "RUNNING", "dummyhost2"),
        (6, "one-6", "PENDING", None),
    ]


def test_a_machine_of_6_10(real_samples: Path) -> None:
    (machine,) = machines_in((real_samples / "opennebula-6.10/vm.info.running.xml").read_text())
    assert (machine.id, machine.status, machine.host, machine.cpu) == (1, "RUNNING", "dhost", 1)


def test_after_a_migration_the_host_is_the_last_one() -> None:
    history = "".join(f"<HISTORY><HOSTNAME>{host}</HOSTNAME></HISTORY>" for host in ("first", "second"))
    (machine,) = machines_in(f"<VM><ID>1</ID><STATE>3</STATE><HISTORY_RECORDS>{history}</HISTORY_RECORDS></VM>")
    assert machine.host == "second"


def test_the_owner_is_the_name_before_the_proxy_encoded_it() -> None:
    (machine,) = machines_in("<VM><ID>1</ID><STATE>1</STATE><UNAME>jane+doe%40example.org</UNAME></VM>")
    assert user_name(machine.owner) == "jane doe@example.org"
    assert user_name("jane") == "jane"


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


def test_all_states_of_today_have_their_names() -> None:
    names = OPENNEBULA_TODAY
    assert (names.state(10), names.state(11), names.state(12)) == ("CLONING", "CLONING_FAILURE", "STATE_12")
    assert (names.lcm_state(17), names.lcm_state(36), names.lcm_state(71)) == ("HOTPLUG", "BOOT_FAILURE", "RESTORE")
    assert (names.lcm_state(72), names.lcm_state(-1)) == ("LCM_STATE_72", "LCM_STATE_-1")
    assert (names.lcm_state(15), OPENNEBULA_3.lcm_state(15)) == ("CLEANUP_RESUBMIT", "CLEANUP")


@pytest.mark.parametrize("version", ["6.10", "7.4"])
def test_a_full_document_of_today(samples: Path, version: str) -> None:
    (machine,) = read_machines([(samples / f"opennebula-today/{version}-vm.info.running.xml").read_text()])
    assert (machine.name, machine.owner, machine.cpu_share, machine.cpu) == ("web-1", "sample", 0.5, 2)
    assert machine.mark == "m-1f2e3d4c"
    assert machine.disks[0][1:7] == ("sda", "FILE", 1024, 0, 0, "debian12")
    assert [address[:7] for address in machine.nics[1].ipv6] == ["2001:db", "fd00:1:"]
    assert machine.context is not None
    assert machine.context["SSH_PUBLIC_KEY"].startswith("ssh-ed25519 ")
    assert machine.user_template["DESCRIPTION"] == "a <test> & more"


@pytest.mark.parametrize("version", ["6.10", "7.4"])
def test_an_abridged_document_of_today_lacks_the_mark_and_the_context(samples: Path, version: str) -> None:
    (machine,) = read_machines([(samples / f"opennebula-today/{version}-vmpool.info.one.xml").read_text()])
    assert (machine.mark, machine.context, machine.user_template) == (None, None, {"LABELS": "libcloud"})
    assert (machine.cpu_share, machine.disks[0].target) == (0.5, "")


def test_an_alias_is_in_both_documents(samples: Path) -> None:
    """NIC_ALIAS in the full one, one more NIC in the abridged one."""
    for file in ("6.10-vmpool.info.alias.xml", "6.10-vmpool.infoextended.one.xml"):
        (machine,) = read_machines([(samples / "opennebula-today" / file).read_text()])
        assert [nic.ip for nic in machine.nics] == ["192.0.2.12", "10.1.0.19", "192.0.2.14"]


def test_reasons_are_in_the_abridged_document(samples: Path) -> None:
    (failed,) = read_machines(
        [(samples / "opennebula-today/6.10-vmpool.info.boot-failure.xml").read_text()], OPENNEBULA_TODAY
    )
    assert failed.status == "BOOT_FAILURE"
    assert failed.error
    (pending,) = read_machines([(samples / "opennebula-today/6.10-vmpool.info.sched-message.xml").read_text()])
    assert pending.status == "PENDING"
    assert pending.user_template["SCHED_MESSAGE"]


def test_a_disk_that_is_being_attached(samples: Path) -> None:
    (machine,) = read_machines([(samples / "opennebula-today/6.10-vm.info.hotplug.xml").read_text()], OPENNEBULA_TODAY)
    assert machine.status == "HOTPLUG"
    assert [disk.is_changing for disk in machine.disks] == [False, True]
    assert machine.disks[1].is_persistent


def test_what_a_guest_reports_of_itself() -> None:
    monitoring = "<GUEST_IP>10.0.0.9</GUEST_IP><GUEST_IP_ADDRESSES>10.0.0.9,fd00::9</GUEST_IP_ADDRESSES>"
    (machine,) = machines_in(f"<VM><ID>0</ID><STATE>3</STATE><MONITORING>{monitoring}</MONITORING></VM>")
    assert machine.id == 0
    assert machine.guest_ips == ("10.0.0.9", "fd00::9")
