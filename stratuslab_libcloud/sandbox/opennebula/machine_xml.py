"""Machines in the XML of OpenNebula 6.10 and 7.4, element for element: full, and abridged as in lists."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from stratuslab_libcloud.sandbox.compute.template_xml import cdata, template_xml, vector_xml
from stratuslab_libcloud.sandbox.opennebula.object_xml import identity_xml, ids_xml, lock_xml, permissions_xml
from stratuslab_libcloud.sandbox.state.opennebula.disk_snapshots import DiskSnapshots
from stratuslab_libcloud.sandbox.state.opennebula.machine import ActionRecord, Machine, ScheduledAction
from stratuslab_libcloud.sandbox.state.template import Template, Value

_ABRIDGED_DISK = (
    "DISK_ID",
    "DATASTORE",
    "DATASTORE_ID",
    "IMAGE",
    "IMAGE_ID",
    "SIZE",
    "TYPE",
    "CLONE",
    "CLONE_TARGET",
    "LN_TARGET",
    "DISK_SNAPSHOT_TOTAL_SIZE",
)
_ABRIDGED_NIC = (
    "IP",
    "IP6",
    "IP6_ULA",
    "IP6_LINK",
    "IP6_GLOBAL",
    "EXTERNAL_IP",
    "MAC",
    "NETWORK",
    "NETWORK_ID",
    "NIC_ID",
    "SECURITY_GROUPS",
)
_ABRIDGED_MONITORING = ("CPU", "MEMORY", "STATE")
_ABRIDGED_USER_TEMPLATE = (
    "LABELS",
    "ERROR",
    "SCHED_MESSAGE",
    "SCHED_RANK",
    "SCHED_REQUIREMENTS",
    "SCHED_DS_RANK",
    "SCHED_DS_REQUIREMENTS",
    "USER_PRIORITY",
    "SCHED_ACTION",
)


class MachineXml:
    """Writes machines as 6.10 does."""

    stay_extras = ""

    def full(self, machine: Machine, *, whole_history: bool = True, decrypts: bool = False) -> str:
        """Everything about a machine.

        :param whole_history: all its stays on hosts, and what is scheduled; otherwise only the last stay, as in lists
        :param decrypts: CONTEXT/PASSWORD can be read
        """
        scheduled = "".join(_scheduled_xml(machine.id, p) for p in machine.scheduled) if whole_history else ""
        first = 0 if whole_history else max(0, len(machine.history) - 1)
        history = "".join(
            self._stay(machine, number, machine.history[number]) for number in range(first, len(machine.history))
        )
        return (
            f"<VM>{identity_xml(machine)}{permissions_xml(machine)}<LAST_POLL>0</LAST_POLL>"
            f"<STATE>{machine.state.value}</STATE><LCM_STATE>{machine.lcm_state.value}</LCM_STATE>"
            f"<PREV_STATE>{machine.state.value}</PREV_STATE><PREV_LCM_STATE>{machine.lcm_state.value}</PREV_LCM_STATE>"
            f"{_times_xml(machine)}{lock_xml(machine.lock)}<MONITORING>{vector_xml(machine.monitoring)}</MONITORING>"
            f"{ids_xml('SCHED_ACTIONS', (planned.id for planned in machine.scheduled))}"
            f"{template_xml(_template(machine, decrypts=decrypts), extra=scheduled)}"
            f"{template_xml(machine.user_template, 'USER_TEMPLATE')}"
            f"{f'<HISTORY_RECORDS>{history}</HISTORY_RECORDS>' if history else '<HISTORY_RECORDS/>'}"
            f"{''.join(snapshots_xml(s, number) for number, s in sorted(machine.disk_snapshots.items()) if s.all)}"
            "<BACKUPS><BACKUP_CONFIG/><BACKUP_IDS></BACKUP_IDS></BACKUPS></VM>"
        )

    def abridged(self, machine: Machine) -> str:
        """A machine in a list: an alias is one more NIC, and few attributes of the user's own are there."""
        template = machine.template
        graphics = next(iter(template.vectors("GRAPHICS")), None)
        return (
            f"<VM>{identity_xml(machine)}<LAST_POLL>0</LAST_POLL><STATE>{machine.state.value}</STATE>"
            f"<LCM_STATE>{machine.lcm_state.value}</LCM_STATE>{_times_xml(machine)}{lock_xml(machine.lock)}<TEMPLATE>"
            f"<CPU>{template.text('CPU')}</CPU><MEMORY>{template.text('MEMORY')}</MEMORY>"
            f"<VCPU>{template.text('VCPU') or ''}</VCPU>"
            f"{_selected('GRAPHICS', graphics, sorted(graphics)) if graphics else ''}"
            f"{''.join(_selected('DISK', disk, _ABRIDGED_DISK) for disk in machine.disks)}"
            f"{''.join(_selected('NIC', nic, _ABRIDGED_NIC) for nic in (*machine.nics, *machine.aliases))}"
            f"</TEMPLATE>{_abridged_monitoring(machine.monitoring)}{_abridged_user_template(machine.user_template)}"
            f"{_last_stay_xml(machine)}</VM>"
        )

    def _stay(self, machine: Machine, number: int, stay: ActionRecord) -> str:
        return (
            f"<HISTORY><OID>{machine.id}</OID><SEQ>{number}</SEQ><HOSTNAME>{stay.host.name}</HOSTNAME>"
            f"<HID>{stay.host.id}</HID><CID>0</CID><STIME>{int(stay.start)}</STIME><ETIME>{int(stay.end)}</ETIME>"
            f"<VM_MAD><![CDATA[dummy]]></VM_MAD><TM_MAD><![CDATA[dummy]]></TM_MAD><DS_ID>101</DS_ID>"
            f"{self.stay_extras}"
            f"<PSTIME>{int(stay.prolog[0])}</PSTIME><PETIME>{int(stay.prolog[1])}</PETIME>"
            f"<RSTIME>{int(stay.running[0])}</RSTIME><RETIME>{int(stay.running[1])}</RETIME>"
            f"<ESTIME>{int(stay.epilog[0])}</ESTIME><EETIME>{int(stay.epilog[1])}</EETIME>"
            f"<ACTION>{stay.action:d}</ACTION><UID>{stay.user_id}</UID><GID>{stay.group_id}</GID>"
            f"<REQUEST_ID>{stay.request_id}</REQUEST_ID></HISTORY>"
        )


class MachineXml74(MachineXml):
    """Writes machines as 7.4 does."""

    stay_extras = "<PLAN_ID>-1</PLAN_ID><ACTION_ID>0</ACTION_ID>"


def snapshots_xml(snapshots: DiskSnapshots | None, disk_id: int | None = None) -> str:
    """The snapshots of a disk, or of an image.

    :param disk_id: of the disk
    """
    if snapshots is None:
        return "<SNAPSHOTS></SNAPSHOTS>"
    attributes: list[tuple[str, Value]] = [
        ("ALLOW_ORPHANS", "NO"),
        ("CURRENT_BASE", "-1"),
        ("NEXT_SNAPSHOT", str(snapshots.next_id)),
    ]
    if disk_id is not None:
        attributes.append(("DISK_ID", str(disk_id)))
    for snapshot in snapshots.all.values():
        children = [str(other.id) for other in snapshots.all.values() if other.parent == snapshot.id]
        vector = {
            "DATE": str(int(snapshot.time)),
            "ID": str(snapshot.id),
            "NAME": snapshot.name,
            "PARENT": str(snapshot.parent),
            "SIZE": str(snapshot.size),
        }
        if snapshot.id == snapshots.active:
            vector["ACTIVE"] = "YES"
        if children:
            vector["CHILDREN"] = ",".join(children)
        attributes.append(("SNAPSHOT", vector))
    return template_xml(Template(attributes), "SNAPSHOTS")


def _times_xml(machine: Machine) -> str:
    return (
        f"<RESCHED>0</RESCHED><STIME>{int(machine.time)}</STIME><ETIME>{int(machine.ended)}</ETIME>"
        f"<DEPLOY_ID>{escape(machine.deploy_id)}</DEPLOY_ID>"
    )


def _template(machine: Machine, *, decrypts: bool) -> Template:
    template = machine.template.copy()
    template.replace("DISK", *machine.disks)
    template.replace("NIC", *machine.nics)
    template.replace("NIC_ALIAS", *machine.aliases)
    template.replace("SNAPSHOT", *_system_snapshots(machine))
    if machine.context:
        template.replace("CONTEXT", machine.context if decrypts else _encrypted(machine.context))
    return template


def _encrypted(context: Mapping[str, str]) -> Mapping[str, str]:
    if "PASSWORD" not in context:
        return context
    hidden = base64.b64encode(hashlib.sha256(context["PASSWORD"].encode()).digest()).decode()
    return {**context, "PASSWORD": hidden}


def _system_snapshots(machine: Machine) -> list[Mapping[str, str]]:
    return [
        {
            "ACTIVE": "YES" if snapshot.active else "NO",
            "HYPERVISOR_ID": f"snap-{snapshot.id}",
            "NAME": snapshot.name,
            "SNAPSHOT_ID": str(snapshot.id),
            "SYSTEM_DISK_SIZE": "0",
            "TIME": str(int(snapshot.time)),
        }
        for snapshot in machine.system_snapshots
    ]


def _scheduled_xml(machine_id: int, planned: ScheduledAction) -> str:
    return (
        f"<SCHED_ACTION><ID>{planned.id}</ID><PARENT_ID>{machine_id}</PARENT_ID><TYPE>VM</TYPE>"
        f"<ACTION>{cdata(planned.action)}</ACTION><ARGS><![CDATA[]]></ARGS><TIME>{planned.time}</TIME>"
        "<REPEAT>-1</REPEAT><DAYS><![CDATA[]]></DAYS><END_TYPE>-1</END_TYPE><END_VALUE>-1</END_VALUE>"
        f"<DONE>{int(planned.done)}</DONE><MESSAGE>{cdata(planned.message)}</MESSAGE><WARNING>0</WARNING>"
        "</SCHED_ACTION>"
    )


def _selected(element: str, vector: Mapping[str, str], names: Sequence[str]) -> str:
    parts = "".join(f"<{name}>{cdata(vector[name])}</{name}>" for name in names if name in vector)
    return f"<{element}>{parts}</{element}>"


def _abridged_monitoring(monitoring: Mapping[str, str]) -> str:
    names = [name for name in _ABRIDGED_MONITORING if name in monitoring]
    return _selected("MONITORING", monitoring, names) if names else "<MONITORING/>"


def _abridged_user_template(template: Template) -> str:
    parts = "".join(
        f"<{name}>{cdata(text)}</{name}>"
        for name in _ABRIDGED_USER_TEMPLATE
        if (text := template.text(name)) is not None
    )
    return f"<USER_TEMPLATE>{parts}</USER_TEMPLATE>" if parts else "<USER_TEMPLATE/>"


def _last_stay_xml(machine: Machine) -> str:
    if not machine.history:
        return "<HISTORY_RECORDS/>"
    stay = machine.history[-1]
    return (
        f"<HISTORY_RECORDS><HISTORY><OID>{machine.id}</OID><SEQ>{len(machine.history) - 1}</SEQ>"
        f"<HOSTNAME>{cdata(stay.host.name)}</HOSTNAME><HID>{stay.host.id}</HID><CID>0</CID><DS_ID>101</DS_ID>"
        f"<VM_MAD><![CDATA[dummy]]></VM_MAD><TM_MAD><![CDATA[dummy]]></TM_MAD>"
        f"<ACTION><![CDATA[{stay.action:d}]]></ACTION></HISTORY></HISTORY_RECORDS>"
    )
