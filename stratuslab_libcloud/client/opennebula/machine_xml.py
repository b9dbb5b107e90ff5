"""Reading the documents in which OpenNebula describes machines: full, or abridged as in ``one.vmpool.info`` since 5.8.

An abridged document lacks most of USER_TEMPLATE, the CONTEXT, and which device a disk is; an alias of a network
interface is one more NIC in it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from sys import intern
from xml.etree.ElementTree import Element

from stratuslab_libcloud.client.opennebula.machine import MARK_ATTRIBUTE, Disk, Nic, VirtualMachine
from stratuslab_libcloud.client.opennebula.states import OPENNEBULA_3, StateNames
from stratuslab_libcloud.client.opennebula.xml_values import (
    EMPTY,
    attributes,
    child,
    integer,
    is_yes,
    moment,
    number,
    object_id,
    text_below,
    texts,
)
from stratuslab_libcloud.client.xml_stream import stream_elements

_log = logging.getLogger(__name__)

_IPV6 = ("IP6", "IP6_GLOBAL", "IP6_ULA")
"""Where a NIC has its IPv6 addresses: a static one, or routed ones. The link's own is of no use to others."""

_GUEST_IPS = ("GUEST_IP", "GUEST_IP_ADDRESSES")


def read_machines(
    chunks: Iterable[str] | Iterable[bytes], names: StateNames = OPENNEBULA_3
) -> Iterator[VirtualMachine]:
    """Read ``VM`` elements, alone or in a ``VM_POOL``, while they arrive.

    A machine without an ID or a state is left out, with a warning.

    :param names: of the states
    :raises UnreadableDocumentError: when the document is not well formed
    """
    for element in stream_elements(chunks, "VM", "VM_POOL"):
        machine = machine_of(element, names)
        if machine is None:
            _log.warning("a machine without a usable ID and STATE was left out")
        else:
            yield machine


def machine_of(element: Element, names: StateNames) -> VirtualMachine | None:
    """Make a machine out of its ``VM`` element; None when it has no usable ID and STATE."""
    # To look for a child that is not there takes as long as to read a NIC; so the tables are asked first.
    values = texts(element)
    machine_id, state = object_id(values.get("ID")), integer(values.get("STATE"))
    if machine_id is None or state is None:
        return None
    monitoring = child(element, "MONITORING") if "MONITORING" in values else EMPTY
    measured = texts(monitoring) if len(monitoring) else values  # 3.2 writes it beside the rest
    template = child(element, "TEMPLATE")
    wanted = texts(template)
    user_template = attributes(child(element, "USER_TEMPLATE")) if "USER_TEMPLATE" in values else {}
    return VirtualMachine(
        id=machine_id,
        name=values.get("NAME") or "",
        owner=intern(values.get("UNAME") or ""),
        group=intern(values.get("GNAME") or ""),
        state=state,
        lcm_state=integer(values.get("LCM_STATE")) or 0,
        started=moment(values.get("STIME")),
        ended=moment(values.get("ETIME")),
        cpu=integer(wanted.get("VCPU")) or 1,
        memory=integer(wanted.get("MEMORY")),
        disks=tuple(map(_disk, template.findall("DISK"))),
        nics=tuple([_nic(each) for tag in ("NIC", "NIC_ALIAS") if tag in wanted for each in template.findall(tag)]),
        host=_host(element.find("HISTORY_RECORDS")),
        error=_text(user_template, "ERROR") or (_message(template) if "ERROR" in wanted else None),
        mark=wanted.get(MARK_ATTRIBUTE) or _text(user_template, MARK_ATTRIBUTE),
        names=names,
        cpu_share=number(wanted.get("CPU")),
        user_template=user_template,
        context=attributes(child(template, "CONTEXT")) if "CONTEXT" in wanted else None,
        template_id=object_id(wanted.get("TEMPLATE_ID")),
        guest_ips=_guest_ips(monitoring),
        is_locked="LOCK" in values,
        is_full="PERMISSIONS" in values,
        monitored_cpu=number(measured.get("CPU")),
        monitored_memory=integer(measured.get("MEMORY")),
    )


# Values by their places: there are a dozen for each disk and NIC, and names for them take longer than to read them.


def _disk(element: Element) -> Disk:
    get = texts(element).get
    return Disk(
        get("SOURCE") or "",
        get("TARGET") or "",
        get("TYPE") or "",
        integer(get("SIZE")),
        object_id(get("DISK_ID")),
        object_id(get("IMAGE_ID")),
        get("IMAGE") or "",
        is_yes(get("PERSISTENT")),
        is_yes(get("ATTACH")),
    )


def _nic(element: Element) -> Nic:
    get = texts(element).get
    return Nic(
        intern(get("NETWORK") or ""),
        get("IP") or "",
        get("MAC") or "",
        object_id(get("NIC_ID")),
        object_id(get("NETWORK_ID")),
        tuple(filter(None, map(get, _IPV6))),
        get("EXTERNAL_IP") or "",
        get("PARENT") or "",
        get("SECURITY_GROUPS") or "",
    )


def _text(template: dict[str, object], name: str) -> str | None:
    """A value that should occur once; of several the last one."""
    value = template.get(name)
    value = value[-1] if isinstance(value, list) else value
    return value or None if isinstance(value, str) else None


def _host(history: Element | None) -> str | None:
    """The last record's host: where the machine is now, also after a migration."""
    records = [] if history is None else history.findall("HISTORY")
    return text_below(records[-1], "HOSTNAME") if records else None


def _message(template: Element) -> str | None:
    """What 3.2 writes about a failure."""
    return text_below(template.find("ERROR"), "MESSAGE")


def _guest_ips(monitoring: Element) -> tuple[str, ...]:
    """The addresses that the guest itself reported, where its network has none to give."""
    if not len(monitoring):
        return ()
    reported = ",".join(monitoring.findtext(tag, "") for tag in _GUEST_IPS)
    return tuple(dict.fromkeys(filter(None, (each.strip() for each in reported.split(",")))))
