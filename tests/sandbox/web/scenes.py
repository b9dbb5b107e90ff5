"""Clouds worth looking at: for tests in a browser, and for the pictures in the documents."""

from __future__ import annotations

import contextlib
import xmlrpc.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests

from stratuslab_libcloud.sandbox import Fault, FaultKind, ManualClock, Sandbox
from stratuslab_libcloud.sandbox.state.disk import DiskFields

PASSWORDS = {"alice": "wonderland", "bob": "builder"}
LONG_NAME = "a-very-long-name-that-somebody-gave-to-a-machine-of-the-department-of-physics"
_NIC = 'NIC=[NETWORK="{}",NETWORK_UNAME=oneadmin]'
_NAMES = ("head", "worker-1", "worker-2", "database", "front end", "build", "worker-3", "cache")


@contextmanager
def empty() -> Iterator[Sandbox]:
    """A cloud in which nothing has happened."""
    with _stratuslab() as sandbox:
        yield sandbox


@contextmanager
def quiet() -> Iterator[Sandbox]:
    """Three machines, one of them new."""
    with _stratuslab() as sandbox:
        for number in range(3):
            _create(sandbox, "alice", _NAMES[number], networks=2 if number == 0 else 1)
            _wait(sandbox, 17)
        _volumes(sandbox, 2)
        _create(sandbox, "bob", "build")
        _wait(sandbox, 2.2)
        yield sandbox


@contextmanager
def busy() -> Iterator[Sandbox]:
    """Sixty machines in many states."""
    with _stratuslab() as sandbox:
        actions = {3: "suspend", 5: "shutdown", 8: "finalize", 13: "stop", 21: "cancel", 36: "suspend", 45: "shutdown"}
        for number in range(60):
            user = ("alice", "alice", "bob")[number % 3]
            name = LONG_NAME if number == 51 else f"{_NAMES[number % len(_NAMES)]}-{number // len(_NAMES)}"
            broken = "Broken boot" if number % 20 == 14 else ""
            _create(sandbox, user, name, image=broken, networks=1 + (number % 7 == 2))
            _wait(sandbox, 0.9)
            if number - 4 in actions:
                _act(sandbox, number - 4, actions[number - 4])
        _volumes(sandbox, 7)
        yield sandbox


@contextmanager
def failing() -> Iterator[Sandbox]:
    """Faults are on, and requests fail."""
    with _stratuslab() as sandbox:
        for number in range(2):
            _create(sandbox, "alice", _NAMES[number])
            _wait(sandbox, 8)
        sandbox.faults.add(Fault(FaultKind.STATUS, "compute", "one.vm.allocate", chance=0.5, status=502))
        sandbox.faults.add(Fault(FaultKind.RESET_AFTER, "marketplace", "GET /metadata", count=2))
        for number in range(2, 8):
            _create(sandbox, "bob", _NAMES[number])
            _wait(sandbox, 2.5)
        yield sandbox


@contextmanager
def manual() -> Iterator[Sandbox]:
    """Machines that wait for somebody to move the clock."""
    with _stratuslab() as sandbox:
        for name in _NAMES[:2]:
            _create(sandbox, "alice", name)
            _wait(sandbox, 1)
        yield sandbox


@contextmanager
def opennebula() -> Iterator[Sandbox]:
    """An OpenNebula cloud with machines in several states."""
    clock = ManualClock(1_750_000_000)
    with Sandbox(
        kind="opennebula",
        users=PASSWORDS,
        clock=clock,
        boot_seconds=3,
        public_network="127.71.158.0/24",
        guests=False,
    ) as sandbox:
        session = "alice:wonderland"
        with xmlrpc.client.ServerProxy(sandbox.compute_url) as one:
            for number in range(4):
                _ok(one.one.template.instantiate(session, number % 2, f"web-{number}", False, "", False))
                clock.advance(6)
            _ok(one.one.image.allocate(session, 'NAME="data"\nTYPE=DATABLOCK\nSIZE=2048', 100))
            clock.advance(3)
            _ok(one.one.vm.attach(session, 0, "DISK=[IMAGE_ID=3]"))
            _ok(one.one.vm.action(session, "poweroff", 1))
            sandbox.opennebula.drivers.fail("deploy")
            _ok(one.one.template.instantiate(session, 0, "fails", False, "", False))
            clock.advance(4)
        yield sandbox


SCENES: Mapping[str, Callable[[], contextlib.AbstractContextManager[Sandbox]]] = {
    scene.__name__: scene for scene in (empty, quiet, busy, failing, manual, opennebula)
}


@contextmanager
def _stratuslab() -> Iterator[Sandbox]:
    with Sandbox(
        users=PASSWORDS,
        clock=ManualClock(1_750_000_000),
        boot_seconds=3,
        public_network="127.93.107.0/24",
        guests=False,
    ) as sandbox:
        yield sandbox


def _wait(sandbox: Sandbox, seconds: float) -> None:
    assert isinstance(sandbox.clock, ManualClock)
    sandbox.clock.advance(seconds)


def _create(sandbox: Sandbox, user: str, name: str, *, image: str = "", networks: int = 1) -> None:
    """Do what a program does that makes a machine; faults keep it from some of that."""
    with contextlib.suppress(requests.ConnectionError), requests.Session() as http:
        http.trust_env = False
        http.get(f"{sandbox.marketplace_url}/metadata", timeout=5)
    nics = " ".join(_NIC.format(network) for network in ("public", "local")[:networks])
    source = next((entry.identifier for entry in sandbox.entries if entry.title == image), "")
    disk = f'DISK=[SOURCE="{sandbox.marketplace_url}/metadata/{source}"]' if source else ""
    number = len(sandbox.machines)
    with contextlib.suppress(xmlrpc.client.Error, OSError), _compute(sandbox, user) as one:
        _ok(one.one.vm.allocate("", f'NAME="{name}" CPU={1 + number % 3} MEMORY={512 << number % 3} {nics} {disk}'))
        _ok(one.one.vm.info("", number))


def _act(sandbox: Sandbox, machine_id: int, action: str) -> None:
    with _compute(sandbox, sandbox.machines[machine_id].owner.account) as one:
        _ok(one.one.vm.action("", action, machine_id))


def _volumes(sandbox: Sandbox, number: int) -> None:
    for index, name in enumerate(("results", "genomes", "scratch", "home", "logs", "backup", "tiles")[:number]):
        disk = sandbox.disks.create("alice", DiskFields(size=5 << index, owner="alice", tag=name))
        running = [machine for machine in sandbox.machines if machine.is_running]
        if index < 2:
            machine = running[index]
            host = machine.history[-1].host.name
            sandbox.disks.attach("alice", disk.uuid, node=host, vm_id=str(machine.id), register_only=False)


def _compute(sandbox: Sandbox, user: str) -> xmlrpc.client.ServerProxy:
    place = urlsplit(sandbox.compute_url)
    return xmlrpc.client.ServerProxy(f"{place.scheme}://{user}:{PASSWORDS[user]}@{place.netloc}/one-proxy/pswd/xmlrpc")


def _ok(answer: Any) -> None:
    assert answer[0], answer
