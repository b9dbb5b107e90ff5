"""What happens in a cloud by itself, and when.

No thread of its own moves a thing. Each has at most one next step, with its time. `Steps.run_due` carries out all steps
that are due, in the order of their times. So a thing's history does not depend on how often somebody looks.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Hashable

from stratuslab_libcloud.sandbox.state.clock import Clock

Step = Callable[[], object]


class Steps:
    """The next steps of everything in a cloud. Not thread-safe: the caller holds the state's lock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int, Hashable, Step]] = []
        self._order = itertools.count()
        self._latest: dict[Hashable, int] = {}
        self.now = clock.now()

    @property
    def next_at(self) -> float | None:
        """When the next step is due, in seconds since 1970."""
        return self._due[0][0] if self._due else None

    def schedule(self, thing: Hashable, seconds: float, step: Step) -> None:
        """Let this be the next step of a thing, instead of the one that it may have.

        :param seconds: how long from now
        """
        number = next(self._order)
        self._latest[thing] = number
        heapq.heappush(self._due, (self.now + seconds, number, thing, step))

    def cancel(self, thing: Hashable) -> None:
        """Let a thing have no next step."""
        self._latest.pop(thing, None)

    def run_due(self) -> None:
        """Carry out all steps that are due."""
        now = self._clock.now()
        while self._due and self._due[0][0] <= now:
            moment, number, thing, step = heapq.heappop(self._due)
            if self._latest.get(thing) == number:
                del self._latest[thing]
                self.now = moment
                step()
        self.now = now
