"""Bad days on demand: what can go wrong between a client and a cloud, for those who want to be ready for it.

::

    sandbox.faults.add(Fault(FaultKind.RESET_AFTER, "compute", "one.vm.allocate", chance=0.3))
    with sandbox.faults.during(Fault(FaultKind.STATUS, "disks", "GET *", status=503)):
        ...
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from stratuslab_libcloud.sandbox.http.operations import check_patterns, matches


class FaultKind(Enum):
    """What goes wrong. Those marked + strike when the request has been carried out, the others before."""

    DELAY = "delay"
    """+ The answer is right, but `Fault.seconds` late."""
    NO_ANSWER = "no-answer"
    """Nothing comes until the client gives up."""
    NO_ANSWER_AFTER = "no-answer-after"
    """+ Nothing comes until the client gives up."""
    RESET_BEFORE = "reset-before"
    """The connection is reset."""
    RESET_AFTER = "reset-after"
    """+ The connection is reset."""
    REFUSE = "refuse"
    """All connections end, and new ones are refused for `Fault.seconds`: to all services, which share a port."""
    STATUS = "status"
    """An HTTP status, `Fault.status`, with a page in HTML."""
    STATUS_AFTER = "status-after"
    """+ The same, as from a proxy that lost the answer."""
    XMLRPC_FAULT = "xmlrpc-fault"
    """An XML-RPC fault (of the compute service only)."""
    GARBAGE = "garbage"
    """+ An answer of random bytes."""
    WRONG_TYPES = "wrong-types"
    """+ An answer in the right format that says things of the wrong kinds."""
    CUT = "cut"
    """+ Half of the answer, and the end of the connection."""
    DRIP = "drip"
    """+ The answer byte by byte, `Fault.seconds` apart."""
    TLS = "tls"
    """The connection ends while TLS is agreed on, whatever would have been asked."""


_BEFORE = {
    FaultKind.NO_ANSWER,
    FaultKind.RESET_BEFORE,
    FaultKind.REFUSE,
    FaultKind.STATUS,
    FaultKind.XMLRPC_FAULT,
}


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    :param kind: what
    :param service: to ``compute``, ``disks``, ``marketplace`` or ``pat``; to all of them by default
    :param operation: as in the record of requests, such as ``one.vm.info`` or ``GET /disks/{uuid}``; may have ``*``
        for anything
    :param chance: how probable it is that a request that fits is struck, 0 to 1
    :param count: after how many strikes it is over; None for never
    :param seconds: for the kinds that take time
    :param status: for the kinds with an HTTP status
    :param retry_after: seconds to be said in a header besides the status
    :raises ValueError: if that can never happen: there is no such service, operation, chance, status or time
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

        :param text: the number in it is the status of ``status`` and ``status-after``, the seconds of the other kinds
        :return: the fault
        :raises ValueError: if it is something else, or can never happen
        """
        pieces = text.split(":")
        if not 3 <= len(pieces) <= 5:
            raise ValueError(f"SERVICE:OPERATION:KIND[:CHANCE[:NUMBER]] is wanted, not {text!r}")
        service, operation, kind_name, chance, number = (*pieces, "", "")[:5]
        kinds = {kind.value: kind for kind in FaultKind}
        if kind_name not in kinds:
            raise ValueError(f"there is no fault {kind_name!r}, but {', '.join(kinds)}")
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
        check_patterns(self.service, self.operation)
        if self.kind == FaultKind.XMLRPC_FAULT:
            if not matches(self.service, "compute"):
                raise ValueError(f"the fault {self.kind.value!r} is of the service 'compute', not of {self.service!r}")
            check_patterns("compute", self.operation)

    @property
    def prevents(self) -> bool:
        """Whether the request is not carried out."""
        return self.kind in _BEFORE

    def fits(self, service: str, operation: str) -> bool:
        """Whether a request is one of those that can be struck.

        :param service: that is asked
        :param operation: what it is asked, as in the record of requests
        """
        if self.kind == FaultKind.XMLRPC_FAULT and service != "compute":
            return False
        return matches(self.service, service) and matches(self.operation, operation)


class _Cause:
    """A fault that is there now, and how often it may still strike."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.left = float("inf") if fault.count is None else fault.count

    def strikes(self, dice: random.Random) -> bool:
        if self.left <= 0 or dice.random() >= self.fault.chance:
            return False
        self.left -= 1
        return True


class Faults:
    """The faults that a sandbox has now; can be changed while it runs.

    :param seed: what the dice begin with, so that bad luck can be repeated
    """

    def __init__(self, seed: int = 0) -> None:
        self._dice = random.Random(seed)
        # Of their own, so that it does not depend on threads' luck what is struck.
        self._dice_for_bytes = random.Random(seed)
        self._lock = threading.Lock()
        self._causes: list[_Cause] = []

    def add(self, fault: Fault) -> None:
        """Have something go wrong from now on.

        :param fault: what; of several that fit a request, the one that was added first strikes
        """
        with self._lock:
            self._causes.append(_Cause(fault))

    def remove(self, fault: Fault) -> None:
        """Have something not go wrong any more.

        :param fault: the very object that was added; nothing happens if it was not
        """
        with self._lock:
            self._causes = [cause for cause in self._causes if cause.fault is not fault]

    def clear(self) -> None:
        """Have nothing go wrong any more."""
        with self._lock:
            self._causes.clear()

    @contextmanager
    def during(self, *faults: Fault) -> Iterator[None]:
        """Have things go wrong within a ``with``.

        :param faults: which
        """
        for fault in faults:
            self.add(fault)
        try:
            yield
        finally:
            for fault in faults:
                self.remove(fault)

    def strike(self, service: str, operation: str) -> Fault | None:
        """Throw the dice for a request.

        :param service: that is asked
        :param operation: what it is asked, as in the record of requests
        :return: what goes wrong; None if nothing does
        """
        return self._strike(lambda fault: fault.kind != FaultKind.TLS and fault.fits(service, operation))

    def strike_handshake(self) -> bool:
        """Throw the dice for a new connection.

        :return: whether it ends while TLS is agreed on
        """
        return self._strike(lambda fault: fault.kind == FaultKind.TLS) is not None

    def random_bytes(self, number: int) -> bytes:
        """Bytes that are the same each time that the dice begin with the same.

        :param number: how many
        """
        with self._lock:
            return self._dice_for_bytes.randbytes(number)

    def _strike(self, fits: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            for cause in self._causes:
                if fits(cause.fault) and cause.strikes(self._dice):
                    return cause.fault
        return None


def _number(text: str, default: float) -> float:
    try:
        number = float(text) if text else default
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"a number is wanted, not {text!r}")
    return number
