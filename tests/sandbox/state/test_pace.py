"""How long the steps take."""

from __future__ import annotations

from stratuslab_libcloud.sandbox import ManualClock, Pace, Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template


def test_the_usual_pace_is_under_two_seconds(clock: ManualClock) -> None:
    sandbox = Sandbox(clock=clock)
    machine = sandbox.machines.allocate("alice", parse_template("CPU=1"))
    assert not machine.is_running
    clock.advance(2)
    assert machine.is_running


def test_each_step_can_have_its_own_time(clock: ManualClock) -> None:
    sandbox = Sandbox(clock=clock, pace=Pace(pending=0, prolog=0, boot=100))
    machine = sandbox.machines.allocate("alice", parse_template("CPU=1"))
    assert machine.lcm_state.name == "BOOT"
    clock.advance(99)
    assert machine.lcm_state.name == "BOOT"
    clock.advance(1)
    assert machine.is_running


def test_a_kill_can_take_effect_later(clock: ManualClock) -> None:
    sandbox = Sandbox(clock=clock, pace=Pace(pending=0, prolog=0, boot=0, cleanup=0, kill=5))
    machine = sandbox.machines.allocate("alice", parse_template("CPU=1"))
    sandbox.machines.act("alice", machine.id, "finalize")
    clock.advance(4)
    assert machine.is_running
    clock.advance(1)
    assert machine.state.name == "DONE"
