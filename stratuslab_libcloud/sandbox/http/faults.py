"""Faults on demand: for those who want to know what their program does when a cloud fails.

::

    sandbox.faults.add(Fault(FaultKind.RESET_AFTER, "compute", "one.vm.allocate", chance=0.3))
    with sandbox.faults.during(Fault(FaultKind.STATUS, "disks", "GET *", status=503)):
        ...
"""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from stratuslab_libcloud.sandbox.http.fault import NEED_A_PROXY, Fault, FaultKind, matches
from stratuslab_libcloud.sandbox.http.service import Service

_NEED_AN_ANSWER = NEED_A_PROXY | {FaultKind.XMLRPC_FAULT}


@dataclass
class ActiveFault:
    """A fault that was added.

    :param number: no other fault of the sandbox has had it
    :param happened: how often it has happened
    """

    number: int
    fault: Fault
    happened: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it has happened as often as it may."""
        return self.fault.count is not None and self.happened >= self.fault.count

    def happens(self, generator: random.Random) -> bool:
        """Decide whether it happens to a request that fits."""
        if self.is_over or generator.random() >= self.fault.chance:
            return False
        self.happened += 1
        return True


class Faults:
    """The faults that can happen to a sandbox now; they can be changed while it runs.

    :param seed: for the random numbers that decide which requests meet a fault: the same seed, the same faults
    :param services: the services that the sandbox has
    """

    def __init__(self, seed: int = 0, *, services: Sequence[type[Service]]) -> None:
        self._random = random.Random(seed)
        # A generator of its own: which requests fail must not depend on how many bytes other threads took.
        self._random_for_bytes = random.Random(seed)
        self._services = services
        self._lock = threading.Lock()
        self._active: list[ActiveFault] = []
        self._numbers = itertools.count(1)

    @property
    def active(self) -> Sequence[ActiveFault]:
        """The faults that were added and not removed, those that are over included."""
        with self._lock:
            return [replace(active) for active in self._active]

    @property
    def operations(self) -> Mapping[str, Sequence[str]]:
        """What can go wrong: the operations of each service, by its name."""
        return {service.name: service.operations for service in self._services}

    def add(self, fault: Fault) -> None:
        """Let something go wrong from now on.

        :param fault: what; if several fit a request, the one that was added first happens
        :raises ValueError: if it can never happen: no service has this name, this operation or faults of this kind
        """
        self._check(fault)
        with self._lock:
            self._active.append(ActiveFault(next(self._numbers), fault))

    def remove(self, fault: Fault) -> None:
        """End a fault.

        :param fault: the same object that was added; nothing happens if it was not
        """
        with self._lock:
            self._active = [active for active in self._active if active.fault is not fault]

    def clear(self) -> None:
        """End all faults."""
        with self._lock:
            self._active.clear()

    @contextmanager
    def during(self, *faults: Fault) -> Iterator[None]:
        """Let things go wrong within a ``with``.

        :param faults: which
        :raises ValueError: as `add` does
        """
        for fault in faults:
            self.add(fault)
        try:
            yield
        finally:
            for fault in faults:
                self.remove(fault)

    def strike(self, service: str, operation: str) -> Fault | None:
        """Decide what goes wrong with a request.

        :param service: the name of the service
        :param operation: as in the record of requests
        :return: what goes wrong; None if nothing does
        """
        named = [known for known in self._services if known.name == service]
        return self._strike(lambda fault: fault.fits(service, operation) and bool(_with_kind(named, fault.kind)))

    def strike_handshake(self) -> bool:
        """Decide whether a new connection fails.

        :return: whether it ends during the TLS handshake
        """
        return self._strike(lambda fault: fault.kind == FaultKind.TLS) is not None

    def random_bytes(self, number: int) -> bytes:
        """Bytes that are the same again with the same seed.

        :param number: how many
        """
        with self._lock:
            return self._random_for_bytes.randbytes(number)

    def _strike(self, fits: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            for active in self._active:
                if fits(active.fault) and active.happens(self._random):
                    return active.fault
        return None

    def _check(self, fault: Fault) -> None:
        named = [service for service in self._services if matches(fault.service, service.name)]
        if not named:
            raise ValueError(f"there is no service {fault.service!r}; choose one of: {_names(self._services)}")
        _check_operation(fault, named, fault.service)
        if fault.kind in _NEED_AN_ANSWER:
            able = _with_kind(named, fault.kind)
            if not able:
                of = _names(_with_kind(self._services, fault.kind)) or "another kind of cloud"
                raise ValueError(f"the fault {fault.kind.value!r} is of the service {of!r}, not of {fault.service!r}")
            _check_operation(fault, able, _names(able))


def _with_kind(services: Sequence[type[Service]], kind: FaultKind) -> Sequence[type[Service]]:
    """Those of the services that can have a fault of this kind when they are asked."""
    if kind == FaultKind.TLS:
        return []
    return [service for service in services if kind not in _NEED_AN_ANSWER or kind in service.wrong_answers]


def _check_operation(fault: Fault, services: Sequence[type[Service]], name: str) -> None:
    operations = [operation for service in services for operation in service.operations]
    if not any(matches(fault.operation, operation) for operation in operations):
        raise ValueError(
            f"service {name!r} has no operation {fault.operation!r}; choose one of: {', '.join(operations)}"
        )


def _names(services: Sequence[type[Service]]) -> str:
    return ", ".join(service.name for service in services)
