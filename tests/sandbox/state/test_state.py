"""Who is told of machines that run."""

from __future__ import annotations

import threading

from stratuslab_libcloud.sandbox import Machine, ManualClock, Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template


class Listener:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.news: list[tuple[str, int]] = []
        self.told = threading.Event()

    def machine_running(self, machine: Machine) -> None:
        self.news.append(("running", machine.id))
        self.told.set()

    def machine_gone(self, machine: Machine) -> None:
        self.news.append(("gone", machine.id))


def test_listeners_are_told_when_machines_come_and_go(sandbox: Sandbox, clock: ManualClock) -> None:
    listener = Listener()
    sandbox.state.listen(listener)
    for _ in range(2):
        sandbox.machines.allocate("alice", parse_template("CPU=1"))
    clock.advance(10)
    assert listener.news == [("running", 0), ("running", 1)]
    sandbox.machines.act("alice", 1, "finalize")
    sandbox.machines.act("alice", 0, "suspend")
    clock.advance(10)
    sandbox.machines.act("alice", 0, "resume")
    clock.advance(10)
    sandbox.machines.act("alice", 0, "shutdown")
    assert listener.news[2:] == [("gone", 1), ("gone", 0), ("running", 0), ("gone", 0)]


def test_a_listener_that_looks_at_the_state_does_not_change_the_order(sandbox: Sandbox, clock: ManualClock) -> None:
    class Looking(Listener):
        def machine_running(self, machine: Machine) -> None:
            len(list(sandbox.machines))
            super().machine_running(machine)

    listeners = [Looking(), Listener()]
    for listener in listeners:
        sandbox.state.listen(listener)
    for _ in range(3):
        sandbox.machines.allocate("alice", parse_template("CPU=1"))
    clock.advance(10)
    assert [listener.news for listener in listeners] == [[("running", 0), ("running", 1), ("running", 2)]] * 2


def test_listeners_are_told_without_anybody_looking() -> None:
    listener = Listener()
    with Sandbox(boot_seconds=0.1) as sandbox:
        sandbox.state.listen(listener)
        sandbox.machines.allocate("alice", parse_template("CPU=1"))
        assert listener.told.wait(5)
