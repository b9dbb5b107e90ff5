"""Virtual machines as OpenNebula 3.2 keeps them: records only; `life_cycle` moves them on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from stratuslab_libcloud.sandbox.state.template import Template
from stratuslab_libcloud.sandbox.state.users import User


class VmState(IntEnum):
    """Where in its life a machine is."""

    INIT = 0
    PENDING = 1
    HOLD = 2
    ACTIVE = 3
    STOPPED = 4
    SUSPENDED = 5
    DONE = 6
    FAILED = 7


class LcmState(IntEnum):
    """What an ACTIVE machine is doing."""

    LCM_INIT = 0
    PROLOG = 1
    BOOT = 2
    RUNNING = 3
    MIGRATE = 4
    SAVE_STOP = 5
    SAVE_SUSPEND = 6
    SAVE_MIGRATE = 7
    PROLOG_MIGRATE = 8
    PROLOG_RESUME = 9
    EPILOG_STOP = 10
    EPILOG = 11
    SHUTDOWN = 12
    CANCEL = 13
    FAILURE = 14
    CLEANUP = 15
    UNKNOWN = 16


class Reason(IntEnum):
    """Why a machine left a host."""

    NONE = 0
    ERROR = 1
    STOP_RESUME = 2
    USER = 3


@dataclass(frozen=True)
class Host:
    """A computer that machines run on."""

    id: int
    name: str


@dataclass
class HistoryRecord:
    """One stay of a machine on a host: an element of OpenNebula's history. Times are seconds since 1970, 0 for
    what has not happened.

    :param start: when the machine came to the host
    :param end: when it left
    :param prolog: start and end of the preparation
    :param running: start and end of the time in which the hypervisor had it
    :param epilog: start and end of the cleaning up
    """

    host: Host
    start: float
    end: float = 0
    prolog: list[float] = field(default_factory=lambda: [0, 0])
    running: list[float] = field(default_factory=lambda: [0, 0])
    epilog: list[float] = field(default_factory=lambda: [0, 0])
    reason: Reason = Reason.NONE


def names_network(nic: Mapping[str, str]) -> bool:
    """Whether a NIC says which network it is on; OpenNebula ignores one that does not."""
    return bool(nic.get("NETWORK") or nic.get("NETWORK_ID"))


class LifeLine(list[tuple[float, str]]):
    """The states that a machine entered: each with its time, in seconds since 1970, and its name."""

    def enter(self, moment: float, state: str) -> None:
        """Note that the machine is in a state from a moment on, unless it was in this state already."""
        if not self or self[-1][1] != state:
            self.append((moment, state))


@dataclass(eq=False)
class Machine:
    """A virtual machine.

    :param name: as its template says it; see ``record.read_name``
    :param created: seconds since 1970, as are `ended` and `polled`, which are 0 for what has not happened
    :param polled: when the hypervisor was last asked about it
    :param memory: KiB that it uses
    :param connected: whether its addresses are leased to it
    :param life: what it went through; while it was ACTIVE, the names are those of its LCM states
    :param revision: grows with each change
    """

    id: int
    owner: User
    name: str
    template: Template
    created: float
    state: VmState = VmState.PENDING
    lcm_state: LcmState = LcmState.LCM_INIT
    ended: float = 0
    polled: float = 0
    deploy_id: str = ""
    memory: int = 0
    history: list[HistoryRecord] = field(default_factory=list)
    connected: bool = True
    revision: int = 0
    life: LifeLine = field(default_factory=LifeLine)

    @property
    def exact_state(self) -> VmState | LcmState:
        """Its LCM state while it is ACTIVE, else its state."""
        return self.lcm_state if self.state == VmState.ACTIVE else self.state

    @property
    def is_running(self) -> bool:
        """Whether it has booted and nothing is being done to it."""
        return self.lcm_state == LcmState.RUNNING

    @property
    def nics(self) -> list[Mapping[str, str]]:
        """Its network interfaces that are on a network, with their addresses."""
        return list(filter(names_network, self.template.vectors("NIC")))

    @property
    def disks(self) -> list[Mapping[str, str]]:
        """Its disks, the root disk first."""
        return self.template.vectors("DISK")

    @property
    def context(self) -> Mapping[str, str]:
        """The contextualization that the machine is given."""
        return next(iter(self.template.vectors("CONTEXT")), {})
