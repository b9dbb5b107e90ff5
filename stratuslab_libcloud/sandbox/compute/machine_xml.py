"""Machines in the XML of OpenNebula 3.2.1, element for element.

A name is put in as it is, as there. So markup in it, which `state.record` lets through if it is well-formed, makes the
document of a machine something else, or no XML.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from stratuslab_libcloud.sandbox.compute.template_xml import template_xml
from stratuslab_libcloud.sandbox.state.record import read_name
from stratuslab_libcloud.sandbox.state.vm import HistoryRecord, Machine, VmState

PERMISSIONS = (
    "<PERMISSIONS><OWNER_U>1</OWNER_U><OWNER_M>1</OWNER_M><OWNER_A>0</OWNER_A>"
    "<GROUP_U>0</GROUP_U><GROUP_M>0</GROUP_M><GROUP_A>0</GROUP_A>"
    "<OTHER_U>0</OTHER_U><OTHER_M>0</OTHER_M><OTHER_A>0</OTHER_A></PERMISSIONS>"
)
"""Of everything that nobody has changed: its owner may use and manage it."""

# What one.vm.info says of machine -1.
NO_MACHINE = (
    "<VM><ID>-1</ID><UID>-1</UID><GID>-1</GID><UNAME></UNAME><GNAME></GNAME><NAME></NAME>"
    f"{PERMISSIONS}<LAST_POLL>0</LAST_POLL><STATE>0</STATE><LCM_STATE>0</LCM_STATE><STIME>0</STIME>"
    "<ETIME>0</ETIME><DEPLOY_ID></DEPLOY_ID><MEMORY>0</MEMORY><CPU>0</CPU><NET_TX>0</NET_TX>"
    "<NET_RX>0</NET_RX><TEMPLATE></TEMPLATE><HISTORY_RECORDS/></VM>"
)


def machine_xml(machine: Machine) -> str:
    """One machine with its whole history. It is not well-formed if the name, once read, cannot be stored again."""
    return _machine_xml(machine, read_name(machine.name), 0)


def listed_machine_xml(machine: Machine) -> str:
    """One machine in a listing, where it is as it was stored, with its last history record only."""
    is_first_record = machine.state == VmState.PENDING and not machine.history
    name = machine.name if is_first_record else read_name(machine.name)
    return _machine_xml(machine, name, max(0, len(machine.history) - 1))


def _machine_xml(machine: Machine, name: str, first: int) -> str:
    """A machine with its history from the record with this number on."""
    owner = machine.owner
    return (
        f"<VM><ID>{machine.id}</ID><UID>{owner.id}</UID><GID>{owner.group_id}</GID>"
        f"<UNAME>{escape(owner.name)}</UNAME><GNAME>{owner.group}</GNAME><NAME>{name}</NAME>"
        f"{PERMISSIONS}<LAST_POLL>{int(machine.polled)}</LAST_POLL>"
        f"<STATE>{machine.state:d}</STATE><LCM_STATE>{machine.lcm_state:d}</LCM_STATE>"
        f"<STIME>{int(machine.created)}</STIME><ETIME>{int(machine.ended)}</ETIME>"
        f"<DEPLOY_ID>{machine.deploy_id}</DEPLOY_ID><MEMORY>{machine.memory}</MEMORY><CPU>0</CPU>"
        f"<NET_TX>0</NET_TX><NET_RX>0</NET_RX>{template_xml(machine.template)}"
        f"{_history_xml(machine.history, first)}</VM>"
    )


def _history_xml(history: Sequence[HistoryRecord], first: int) -> str:
    if not history:
        return "<HISTORY_RECORDS/>"
    records = "".join(_record_xml(number, history[number]) for number in range(first, len(history)))
    return f"<HISTORY_RECORDS>{records}</HISTORY_RECORDS>"


def _record_xml(number: int, record: HistoryRecord) -> str:
    return (
        f"<HISTORY><SEQ>{number}</SEQ><HOSTNAME>{record.host.name}</HOSTNAME><VM_DIR>/var/lib/one/</VM_DIR>"
        f"<HID>{record.host.id}</HID><STIME>{int(record.start)}</STIME><ETIME>{int(record.end)}</ETIME>"
        "<VMMMAD>vmm_kvm</VMMMAD><VNMMAD>dummy</VNMMAD><TMMAD>tm_stratuslab</TMMAD>"
        f"<PSTIME>{int(record.prolog[0])}</PSTIME><PETIME>{int(record.prolog[1])}</PETIME>"
        f"<RSTIME>{int(record.running[0])}</RSTIME><RETIME>{int(record.running[1])}</RETIME>"
        f"<ESTIME>{int(record.epilog[0])}</ESTIME><EETIME>{int(record.epilog[1])}</EETIME>"
        f"<REASON>{record.reason:d}</REASON></HISTORY>"
    )
