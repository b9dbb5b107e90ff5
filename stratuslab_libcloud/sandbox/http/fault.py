"""What can go wrong between a client and a service."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase


class FaultKind(Enum):
    """What goes wrong. Where it says "carried out", the service has done what was asked; otherwise it has not."""

    DELAY = "delay"
    """Carried out; the answer is right, but `Fault.seconds` late."""
    NO_ANSWER = "no-answer"
    """Nothing comes until the client gives up."""
    NO_ANSWER_AFTER = "no-answer-after"
    """Carried out; nothing comes until the client gives up."""
    RESET_BEFORE = "reset-before"
    """The connection is reset."""
    RESET_AFTER = "reset-after"
    """Carried out; the connection is reset."""
    REFUSE = "refuse"
    """All connections end, and new ones are refused for `Fault.seconds`, by all services: they share a port."""
    STATUS = "status"
    """An HTTP status, `Fault.status`, with a page in HTML."""
    STATUS_AFTER = "status-after"
    """Carried out; the same, as from a proxy that lost the answer."""
    XMLRPC_FAULT = "xmlrpc-fault"
    """An XML-RPC fault; only of services that speak XML-RPC."""
    PROXY_FAULT = "proxy-fault"
    """The XML-RPC fault of a proxy that cannot reach the daemon behind it; only of services with such a proxy."""
    PROXY_FAULT_AFTER = "proxy-fault-after"
    """Carried out; the XML-RPC fault of a proxy whose connection to the daemon broke; only of services with such a
    proxy."""
    DOUBLED = "doubled"
    """Carried out twice, as by a proxy that sends it again; the second answer arrives."""
    DOUBLED_FAULT = "doubled-fault"
    """Carried out twice, and the proxy's fault arrives; only of services with such a proxy."""
    RESTART = "restart"
    """Carried out; the daemon ends, so that the proxy's fault arrives; it is away for `Fault.seconds`, and then starts;
    only of services with such a proxy."""
    GARBAGE = "garbage"
    """Carried out; an answer of random bytes."""
    WRONG_TYPES = "wrong-types"
    """Carried out; an answer in the right format, with values of the wrong types."""
    CUT = "cut"
    """Carried out; half of the answer, and the end of the connection."""
    DRIP = "drip"
    """Carried out; the answer byte by byte, `Fault.seconds` apart."""
    TLS = "tls"
    """The connection ends during the TLS handshake, so that no service is asked."""


_BEFORE = {
    FaultKind.NO_ANSWER,
    FaultKind.RESET_BEFORE,
    FaultKind.REFUSE,
    FaultKind.STATUS,
    FaultKind.XMLRPC_FAULT,
    FaultKind.PROXY_FAULT,
}
_CARRIED_OUT_TWICE = {FaultKind.DOUBLED, FaultKind.DOUBLED_FAULT}

NEED_A_PROXY = frozenset(
    {FaultKind.PROXY_FAULT, FaultKind.PROXY_FAULT_AFTER, FaultKind.DOUBLED_FAULT, FaultKind.RESTART}
)
"""Only a service with a proxy before its daemon can have these."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    :param kind: what goes wrong
    :param service: of which service: ``compute``, ``disks``, ``marketplace`` or ``pat``; of all of them by default
    :param operation: as in the record of requests, such as ``one.vm.info`` or ``GET /disks/{uuid}``; ``*`` in it stands
        for anything
    :param chance: how probable it is for each request that fits, 0 to 1
    :param count: how often it happens before it is over; None for no limit
    :param seconds: for the kinds that take time
    :param status: for the kinds with an HTTP status
    :param retry_after: seconds for the header ``Retry-After`` of these kinds; None for no such header
    :raises ValueError: if there is no such chance, status or time
    """

    kind: FaultKind
    service: str = "*"
    operation: str = "*"
    chance: float = 1.0
    count: int | None = None
    seconds: float = 1.0
    status: int = 503
    retry_after: int | None = None

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read ``SERVICE:OPERATION:KIND[:CHANCE[:NUMBER]]``.

        :param text: its last number is the status of ``status`` and ``status-after``, and the seconds of other kinds
        :return: the fault
        :raises ValueError: if the text has another form, or there is no such kind, chance, status or time
        """
        pieces = text.split(":")
        if not 3 <= len(pieces) <= 5:
            raise ValueError(f"SERVICE:OPERATION:KIND[:CHANCE[:NUMBER]] is wanted, not {text!r}")
        service, operation, kind_name, chance, number = (*pieces, "", "")[:5]
        kinds = {kind.value: kind for kind in FaultKind}
        if kind_name not in kinds:
            raise ValueError(f"there is no fault {kind_name!r}; choose one of: {', '.join(kinds)}")
        kind = kinds[kind_name]
        has_status = kind in (FaultKind.STATUS, FaultKind.STATUS_AFTER)
        return cls(
            kind,
            service or "*",
            operation or "*",
            chance=_number(chance, cls.chance),
            seconds=cls.seconds if has_status else _number(number, cls.seconds),
            status=int(_number(number, cls.status)) if has_status else cls.status,
        )

    def __post_init__(self) -> None:
        if not 0 <= self.chance <= 1:
            raise ValueError(f"the chance of a fault is between 0 and 1, not {self.chance}")
        if not 100 <= self.status <= 599:
            raise ValueError(f"an HTTP status is between 100 and 599, not {self.status}")
        if not 0 <= self.seconds < float("inf"):
            raise ValueError(f"a fault's seconds are a number, 0 or more, not {self.seconds}")

    @property
    def prevents(self) -> bool:
        """Whether it keeps the service from carrying out the request."""
        return self.kind in _BEFORE

    @property
    def doubles(self) -> bool:
        """Whether it makes the service carry out the request twice."""
        return self.kind in _CARRIED_OUT_TWICE

    def fits(self, service: str, operation: str) -> bool:
        """Whether it can happen to a request.

        :param service: the name of the service
        :param operation: as in the record of requests
        """
        return matches(self.service, service) and matches(self.operation, operation)


def _number(text: str, default: float) -> float:
    try:
        number = float(text) if text else default
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"a number is wanted, not {text!r}")
    return number


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern means the service or operation of this name; ``*`` in it stands for anything."""
    # Only stars are special here: question marks and brackets are part of names.
    return fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]"))
