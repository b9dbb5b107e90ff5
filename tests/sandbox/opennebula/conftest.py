"""An OpenNebula cloud on a clock that the test moves, and calls to its daemon."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import xmlrpc.client
from collections.abc import Callable, Iterator
from typing import Any

import pyone  # type: ignore[import-untyped]
import pytest

from stratuslab_libcloud.sandbox import ManualClock, Sandbox

PASSWORDS = {"alice": "secret", "bob": "s3cret%x"}
RELEASES = ("6.10", "7.4")
SMALL = "NAME=small CPU=0.5 MEMORY=512"
Call = Callable[..., Any]

PENDING, HOLD, STOPPED, SUSPENDED, DONE, POWEROFF, UNDEPLOYED = ((state, 0) for state in (1, 2, 4, 5, 6, 8, 9))
RUNNING = (3, 3)


@pytest.fixture
def clock() -> ManualClock:
    """The time that the sandbox lives by."""
    return ManualClock()


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    """Which OpenNebula the sandbox is; a test can choose one."""
    return str(request.param)


@pytest.fixture
def sandbox(clock: ManualClock, release: str) -> Iterator[Sandbox]:
    """A machine runs three seconds after it was created, when the test has moved the clock so far."""
    with Sandbox(
        kind="opennebula", version=release, users=PASSWORDS, clock=clock, boot_seconds=3, guests=False
    ) as sandbox:
        yield sandbox


@pytest.fixture
def call(sandbox: Sandbox) -> Call:
    """Calls a method as a user, and gives the whole answer: ``call("alice", "one.vm.info", 7)``."""
    return lambda user, method, *arguments: raw(sandbox, session(sandbox, user), method, *arguments)


@pytest.fixture
def ask(call: Call) -> Call:
    """Calls a method as alice, and gives the value in the answer, which is no refusal."""

    def ask(method: str, *arguments: Any, user: str = "alice") -> Any:
        answer = call(user, method, *arguments)
        assert answer[0], answer
        assert answer[2:] == [0]
        return answer[1]

    return ask


@pytest.fixture
def refusal(call: Call) -> Call:
    """Calls a method as alice, and gives text and code of the refusal."""

    def refusal(method: str, *arguments: Any, user: str = "alice") -> tuple[str, int]:
        success, text, code, _, replication = call(user, method, *arguments)
        assert not success, text
        assert replication == -1
        assert text.startswith(f"[{method}] ")
        return text.removeprefix(f"[{method}] "), code

    return refusal


@pytest.fixture
def one(sandbox: Sandbox) -> pyone.OneServer:
    """OpenNebula's own client, as alice."""
    return pyone.OneServer(sandbox.compute_url, session=session(sandbox, "alice"))


def session(sandbox: Sandbox, user: str) -> str:
    """A user's name and password."""
    return f"{user}:{sandbox.opennebula.users.named(user).password}"


def raw(sandbox: Sandbox, *call: Any) -> Any:
    """What the daemon answers to a call with this session, method and arguments."""
    session, method, *arguments = call
    with xmlrpc.client.ServerProxy(sandbox.compute_url) as proxy:
        return getattr(proxy, method)(session, *arguments)


def document(ask: Call, machine_id: int) -> ET.Element:
    """The full document of a machine."""
    return ET.fromstring(ask("one.vm.info", machine_id))


def states(ask: Call, machine_id: int) -> tuple[int, int]:
    """STATE and LCM_STATE of a machine."""
    machine = document(ask, machine_id)
    return int(machine.findtext("STATE", "")), int(machine.findtext("LCM_STATE", ""))


def passed_states(ask: Call, clock: ManualClock, machine_id: int) -> list[tuple[int, int]]:
    """The states of a machine from now on until nothing changes any more."""
    seen = [states(ask, machine_id)]
    for _ in range(200):
        clock.advance(0.05)
        now = states(ask, machine_id)
        if now != seen[-1]:
            seen.append(now)
    return seen


@pytest.fixture
def running(ask: Call, clock: ManualClock) -> int:
    """A machine that runs: one disk, a public and a private address."""
    template = (
        "NAME=web-1 CPU=0.5 VCPU=2 MEMORY=512 DISK=[IMAGE_ID=0] NIC=[NETWORK_ID=0] NIC=[NETWORK_ID=1] "
        'CONTEXT=[NETWORK=YES,SSH_PUBLIC_KEY="ssh-ed25519 AAAA"] LABELS=libcloud MARK=m-1'
    )
    machine_id = ask("one.vm.allocate", template, False)
    clock.advance(10)
    return int(machine_id)
