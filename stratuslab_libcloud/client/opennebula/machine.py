"""Virtual machines of OpenNebula, from 3.2 to today; `machine_xml` reads them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from stratuslab_libcloud.client.opennebula.states import ACTIVE, OPENNEBULA_3, OPENNEBULA_TODAY, StateNames

MARK_ATTRIBUTE = "LIBCLOUD_MARK"
"""The template attribute by which a machine is recognized when the reply to its creation was lost."""

ANY_STATE = -2
ALL_BUT_DONE = -1
"""Values besides those of STATE that a `Selection` accepts."""

MINE = -3
VISIBLE = -2
"""Whose objects a pool is asked for: the user's own, or all that the user may use. Not -4, the primary group's: there
6.10 shows machines with all their secrets that it does not show otherwise."""

_NO_LIMIT = -1
_PENDING = OPENNEBULA_TODAY.states.index("PENDING")
_IDS_FOR_EACH_WANTED = 10
"""How long a range may be, for each of its machines that is wanted."""


class Disk(NamedTuple):
    """A disk of a machine.

    :param source: what it was made from, in 3.2
    :param target: the device; '' where the document does not say it
    :param kind: TYPE, such as ``FILE``, ``swap`` or ``fs``
    :param size: MiB
    :param disk_id: its number in the machine
    :param image_id: the image that it is, or a copy of
    :param image: the image's name
    :param is_persistent: whether changes stay in the image
    :param is_changing: whether it is being attached or detached
    """

    source: str
    target: str
    kind: str
    size: int | None
    disk_id: int | None = None
    image_id: int | None = None
    image: str = ""
    is_persistent: bool = False
    is_changing: bool = False


class Nic(NamedTuple):
    """A network interface of a machine.

    :param network: the network's name
    :param ip: its IPv4 address; '' where it has none
    :param mac: its hardware address
    :param nic_id: its number in the machine
    :param network_id: the network's ID
    :param ipv6: its addresses that others can reach
    :param external_ip: an address elsewhere that leads to it
    :param parent: the name of the interface that it is an alias of
    :param security_groups: IDs, separated by commas
    """

    network: str
    ip: str
    mac: str
    nic_id: int | None = None
    network_id: int | None = None
    ipv6: tuple[str, ...] = ()
    external_ip: str = ""
    parent: str = ""
    security_groups: str = ""


class VirtualMachine(NamedTuple):
    """What the cloud said about a machine at one moment.

    :param id: its ID
    :param owner: the user's name, as the daemon has it
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
    :param names: of the states
    :param cpu_share: CPU: the share of physical CPUs
    :param user_template: USER_TEMPLATE; of an abridged document some attributes only
    :param context: CONTEXT; None where the document is abridged, or has none
    :param template_id: of the template that it was instantiated from, in a full document
    :param guest_ips: addresses that the guest reported
    :param is_locked: whether actions on it are forbidden until it is unlocked
    :param is_full: whether the document was not abridged
    :param monitored_cpu: percent of one physical CPU that it used when it was last measured
    :param monitored_memory: KiB of memory that it used then
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
    names: StateNames
    cpu_share: float | None = None
    user_template: Mapping[str, Any] = {}
    context: Mapping[str, Any] | None = None
    template_id: int | None = None
    guest_ips: tuple[str, ...] = ()
    is_locked: bool = False
    is_full: bool = False
    monitored_cpu: float | None = None
    monitored_memory: int | None = None

    @property
    def state_name(self) -> str:
        """STATE by its name."""
        return self.names.state(self.state)

    @property
    def lcm_state_name(self) -> str:
        """LCM_STATE by its name."""
        return self.names.lcm_state(self.lcm_state)

    @property
    def status(self) -> str:
        """The more precise name: LCM_STATE's while the machine is active, else STATE's."""
        return self.lcm_state_name if self.state == ACTIVE else self.state_name

    @property
    def image_id(self) -> str | None:
        """What the first disk was made from: a Marketplace identifier, a disk's uuid, or a URL."""
        source = self.disks[0].source if self.disks else ""
        if "/metadata/" in source:
            return source.partition("/metadata/")[2].partition("/")[0] or None
        if source.startswith("pdisk:"):
            return source.replace(":", "/").rpartition("/")[2] or None
        return source or None

    @property
    def swap(self) -> int | None:
        """MiB of the swap disk."""
        return next((disk.size for disk in self.disks if disk.kind == "swap"), None)


class Selection(NamedTuple):
    """Which machines are asked for; the service returns them in the order of their IDs, the last one first today.

    :param first: the lowest ID
    :param last: the highest ID, if there is a lowest one
    :param state: OpenNebula's STATE, `ALL_BUT_DONE` or `ANY_STATE`
    :param whose: `MINE`, or another of OpenNebula's filters
    :param is_full: whether full documents are asked for, where lists have abridged ones
    """

    first: int | None = None
    last: int | None = None
    state: int = ALL_BUT_DONE
    whose: int = MINE
    is_full: bool = False

    @property
    def parameters(self) -> tuple[int, int, int, int]:
        """What the calls for a pool of machines want: whose, from which ID, to which ID, in which state."""
        first, last = (_NO_LIMIT if limit is None else limit for limit in (self.first, self.last))
        return self.whose, first, last, self.state


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


def just_created(
    machine_id: int, name: str, cpu: int, memory: int, mark: str, names: StateNames = OPENNEBULA_3
) -> VirtualMachine:
    """A machine of which only what its creator chose is known."""
    return VirtualMachine(
        id=machine_id,
        name=name,
        owner="",
        group="",
        state=_PENDING,
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
        names=names,
    )
