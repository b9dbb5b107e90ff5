"""Virtual machines as OpenNebula 3.2 describes them in XML; later versions write the same and more."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timezone
from typing import NamedTuple
from xml.etree.ElementTree import Element

from stratuslab_libcloud.client.xml_stream import stream_elements

_log = logging.getLogger(__name__)

STATE_NAMES = (
    "INIT",
    "PENDING",
    "HOLD",
    "ACTIVE",
    "STOPPED",
    "SUSPENDED",
    "DONE",
    "FAILED",
    "POWEROFF",
    "UNDEPLOYED",
)
LCM_STATE_NAMES = (
    "LCM_INIT",
    "PROLOG",
    "BOOT",
    "RUNNING",
    "MIGRATE",
    "SAVE_STOP",
    "SAVE_SUSPEND",
    "SAVE_MIGRATE",
    "PROLOG_MIGRATE",
    "PROLOG_RESUME",
    "EPILOG_STOP",
    "EPILOG",
    "SHUTDOWN",
    "CANCEL",
    "FAILURE",
    "CLEANUP",
    "UNKNOWN",
)

MARK_ATTRIBUTE = "LIBCLOUD_MARK"
"""The template attribute by which a machine is recognized when the reply to its creation was lost."""

ANY_STATE = -2
ALL_BUT_DONE = -1
"""Values besides those of STATE that a `Selection` accepts."""

_ACTIVE = STATE_NAMES.index("ACTIVE")
LARGEST_ID = 2**31 - 1
"""The largest integer of the daemon."""
_IDS_FOR_EACH_WANTED = 10
"""How long a range may be, for each of its machines that is wanted."""

_END_OF_SOURCE = re.compile(r"[^/:]+\Z")


class Disk(NamedTuple):
    """A disk of a machine; `size` is in MiB."""

    source: str
    target: str
    kind: str
    size: int | None


class Nic(NamedTuple):
    """A network interface of a machine."""

    network: str
    ip: str
    mac: str


class VirtualMachine(NamedTuple):
    """What the cloud said about a machine at one moment.

    :param id: its ID
    :param owner: the user; the URL-encoding that the proxy gives to names is decoded
    :param state: OpenNebula's STATE
    :param lcm_state: OpenNebula's LCM_STATE, which is more precise while STATE is ACTIVE
    :param started: when it was created, in UTC
    :param ended: when it ended, in UTC
    :param cpu: virtual CPUs
    :param memory: MiB
    :param disks: in the template's order: the root disk first
    :param nics: in the template's order
    :param host: where it runs or ran last; None before it was deployed on a host
    :param error: the cloud's own message about a failure
    :param mark: by which its creator can find it
    """

    id: int
    name: str
    owner: str
    group: str
    state: int
    lcm_state: int
    started: datetime | None
    ended: datetime | None
    cpu: int
    memory: int | None
    disks: tuple[Disk, ...]
    nics: tuple[Nic, ...]
    host: str | None
    error: str | None
    mark: str | None

    @property
    def state_name(self) -> str:
        """STATE by its name."""
        return _name(STATE_NAMES, self.state, "STATE")

    @property
    def lcm_state_name(self) -> str:
        """LCM_STATE by its name."""
        return _name(LCM_STATE_NAMES, self.lcm_state, "LCM_STATE")

    @property
    def status(self) -> str:
        """The more precise name: LCM_STATE's while the machine is active, else STATE's."""
        return self.lcm_state_name if self.state == _ACTIVE else self.state_name

    @property
    def image_id(self) -> str | None:
        """What the first disk was made from: a Marketplace identifier, a disk's uuid, or a URL."""
        source = self.disks[0].source if self.disks else ""
        if "/metadata/" in source:
            return source.partition("/metadata/")[2].partition("/")[0] or None
        if source.startswith("pdisk:"):
            end = _END_OF_SOURCE.search(source)
            return end.group() if end else None
        return source or None

    @property
    def swap(self) -> int | None:
        """MiB of the swap disk."""
        return next((disk.size for disk in self.disks if disk.kind == "swap"), None)


class Selection(NamedTuple):
    """Which of the user's machines are asked for; the service returns them in the order of their IDs.

    :param first: the lowest ID
    :param last: the highest ID, if there is a lowest one
    :param state: OpenNebula's STATE, `ALL_BUT_DONE` or `ANY_STATE`
    """

    first: int | None = None
    last: int | None = None
    state: int = ALL_BUT_DONE


EVERYTHING = Selection()
"""All machines that have not ended."""


def worthwhile_ranges(machine_ids: Collection[int]) -> list[list[int]]:
    """Parts of some IDs, each of which is worth one request for all machines from its first to its last.

    Machines in between may be the user's as well and are then in the answer; so there are not far more IDs in a range
    than are wanted.
    """
    ranges: list[list[int]] = []
    for machine_id in sorted(set(machine_ids)):
        if ranges and machine_id - ranges[-1][0] < _IDS_FOR_EACH_WANTED * (len(ranges[-1]) + 1):
            ranges[-1].append(machine_id)
        else:
            ranges.append([machine_id])
    return ranges


def just_created(machine_id: int, name: str, cpu: int, memory: int, mark: str) -> VirtualMachine:
    """A machine of which only what its creator chose is known."""
    return VirtualMachine(
        id=machine_id,
        name=name,
        owner="",
        group="",
        state=STATE_NAMES.index("PENDING"),
        lcm_state=0,
        started=None,
        ended=None,
        cpu=cpu,
        memory=memory,
        disks=(),
        nics=(),
        host=None,
        error=None,
        mark=mark,
    )


def read_machines(chunks: Iterable[str] | Iterable[bytes]) -> Iterator[VirtualMachine]:
    """Read ``VM`` elements, alone or in a ``VM_POOL``, while they arrive.

    A machine without an ID or a state is left out, with a warning.

    :raises UnreadableDocumentError: when the document is not well formed
    """
    for element in stream_elements(chunks, "VM", "VM_POOL"):
        machine = machine_of(element)
        if machine is None:
            _log.warning("a machine without a usable ID and STATE was left out")
        else:
            yield machine


def machine_of(element: Element) -> VirtualMachine | None:
    """Make a machine from its ``VM`` element; None when it has no usable ID and STATE."""
    values = _values(element)
    machine_id, state = _integer(values.get("ID")), _integer(values.get("STATE"))
    if machine_id is None or state is None or not 0 <= machine_id <= LARGEST_ID:
        return None
    template = element.find("TEMPLATE")
    if template is None:
        template = _EMPTY
    attributes = _values(template)
    return VirtualMachine(
        id=machine_id,
        name=values.get("NAME") or "",
        owner=_owner(values.get("UNAME") or ""),
        group=values.get("GNAME") or "",
        state=state,
        lcm_state=_integer(values.get("LCM_STATE")) or 0,
        started=_moment(values.get("STIME")),
        ended=_moment(values.get("ETIME")),
        cpu=_integer(attributes.get("VCPU")) or 1,
        memory=_integer(attributes.get("MEMORY")),
        disks=tuple(map(_disk, template.findall("DISK"))),
        nics=tuple(map(_nic, template.findall("NIC"))),
        host=_host(element.find("HISTORY_RECORDS")),
        error=_text_below(template.find("ERROR"), "MESSAGE"),
        mark=attributes.get(MARK_ATTRIBUTE) or _text_below(element.find("USER_TEMPLATE"), MARK_ATTRIBUTE),
    )


_EMPTY = Element("TEMPLATE")


def _values(element: Element) -> dict[str, str | None]:
    """The texts of an element's children by their tags; where several have the same tag, the last one's."""
    return {child.tag: child.text for child in element}


def _disk(element: Element) -> Disk:
    text = element.findtext
    return Disk(text("SOURCE", ""), text("TARGET", ""), text("TYPE", ""), _integer(text("SIZE")))


def _nic(element: Element) -> Nic:
    text = element.findtext
    return Nic(text("NETWORK", ""), text("IP", ""), text("MAC", ""))


def _host(history: Element | None) -> str | None:
    """The last record's host: where the machine is now, also after a migration."""
    records = [] if history is None else history.findall("HISTORY")
    return _text_below(records[-1], "HOSTNAME") if records else None


def _text_below(element: Element | None, tag: str) -> str | None:
    return None if element is None else element.findtext(tag) or None


def _owner(name: str) -> str:
    if "%" not in name and "+" not in name:
        return name
    from urllib.parse import unquote_plus

    return unquote_plus(name)


def _integer(text: str | None) -> int | None:
    digits = text.strip().removeprefix("-") if text else ""
    return int(text or "") if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def _moment(text: str | None) -> datetime | None:
    """A time in seconds since 1970; 0 means no time."""
    seconds = _integer(text)
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return None


def _name(names: tuple[str, ...], number: int, what: str) -> str:
    return names[number] if 0 <= number < len(names) else f"{what}_{number}"
