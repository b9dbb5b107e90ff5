"""What happens by itself, and when."""

from __future__ import annotations

from stratuslab_libcloud.sandbox import ManualClock
from stratuslab_libcloud.sandbox.state.steps import Steps


def test_steps_are_taken_in_the_order_of_their_times_each_at_its_own() -> None:
    clock = ManualClock(100)
    steps = Steps(clock)
    taken: list[tuple[str, float]] = []

    def step(name: str) -> None:
        taken.append((name, steps.now))

    steps.schedule("a", 5, lambda: step("a"))
    steps.schedule("b", 2, lambda: (step("b"), steps.schedule("b", 2, lambda: step("b again"))))
    assert steps.next_at == 102
    clock.advance(10)
    steps.run_due()
    assert taken == [("b", 102), ("b again", 104), ("a", 105)]
    assert steps.next_at is None
    assert steps.now == 110


def test_a_thing_has_one_next_step() -> None:
    clock = ManualClock(0)
    steps = Steps(clock)
    taken: list[str] = []
    steps.schedule("thing", 1, lambda: taken.append("first"))
    steps.schedule("thing", 2, lambda: taken.append("second"))
    steps.schedule("other", 1, lambda: taken.append("other"))
    steps.cancel("other")
    steps.cancel("nothing")
    clock.advance(5)
    steps.run_due()
    assert taken == ["second"]
