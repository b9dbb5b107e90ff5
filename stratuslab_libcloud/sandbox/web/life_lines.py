"""What machines went through, drawn along an axis of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stratuslab_libcloud.sandbox.state.vm import HistoryRecord
from stratuslab_libcloud.sandbox.web import words
from stratuslab_libcloud.sandbox.web.cloud_view import MachineRow

LENGTH = 1000.0
"""The length of the axis, in units of the drawing."""
_SHORTEST = 6.0
_SHORTEST_AXIS_SECONDS = 10.0


@dataclass(frozen=True)
class Axis:
    """A span of time that ends now; both in seconds since 1970."""

    start: float
    now: float

    @classmethod
    def of(cls, seconds: float | None, now: float, machines: Sequence[MachineRow]) -> Axis:
        """The axis of the last so many seconds; None for as long as there have been machines."""
        if seconds is None:
            first = min((machine.created for machine in machines), default=now)
            seconds = max(now - first, _SHORTEST_AXIS_SECONDS)
        return cls(now - seconds, now)

    @property
    def labels(self) -> Sequence[str]:
        """What is written at its beginning, in the middle, and at its end."""
        seconds = self.now - self.start
        return (f"{words.span(seconds)} ago", words.span(seconds / 2), "now")

    def place(self, moment: float) -> float:
        """Where a moment is, from 0 to `LENGTH`."""
        return min(max((moment - self.start) / (self.now - self.start), 0.0), 1.0) * LENGTH

    def has(self, machine: MachineRow) -> bool:
        """Whether any of the machine's life is on it."""
        return not machine.ended or machine.ended >= self.start


@dataclass(frozen=True)
class Step:
    """A state that a machine was in.

    :param begin: seconds since 1970
    :param seconds: how long, until now if it still is
    :param host: where the machine was; empty for nowhere
    :param is_last: the machine is in it now
    :param place: where it begins on the axis
    :param length: on the axis; 0 if it was over before the axis begins
    """

    state: str
    begin: float
    seconds: float
    host: str
    is_last: bool
    place: float
    length: float


def life_line(machine: MachineRow, axis: Axis) -> Iterator[Step]:
    """The steps of a machine's life, in order."""
    ends = [*(moment for moment, _ in machine.life[1:]), axis.now]
    for number, ((begin, state), end) in enumerate(zip(machine.life, ends, strict=True), 1):
        place = axis.place(begin)
        yield Step(
            state=state,
            begin=begin,
            seconds=max(0.0, end - begin),
            host=_host(machine.history, begin),
            is_last=number == len(machine.life),
            place=min(place, LENGTH - _SHORTEST),
            length=max(axis.place(end) - place, _SHORTEST) if end >= axis.start else 0.0,
        )


def _host(history: Sequence[HistoryRecord], moment: float) -> str:
    there = (record.host.name for record in history if record.start <= moment and not 0 < record.end <= moment)
    return next(there, "")
