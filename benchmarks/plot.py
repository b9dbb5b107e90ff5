"""Plots as SVG: lines over two axes, readable on a light and on a dark page."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.report import Plot

_WIDTH, _HEIGHT = 660, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 40, 40, 45
_COLOURS = ("#0969da", "#cf222e", "#1a7f37")
_STYLE = (
    "text{font:12px sans-serif;fill:#57606a}.title{font-weight:bold}.grid{stroke:#8c959f;stroke-opacity:.25}"
    "polyline{fill:none;stroke-width:2}"
)

Point = tuple[float, float]


def write(plot: Plot, folder: Path) -> None:
    """Draw a plot beside the document, in this folder."""
    (folder / plot.file).write_text(svg(plot), encoding="utf-8")


def svg(plot: Plot) -> str:
    """The drawing."""
    points = [point for line in plot.lines.values() for point in line]
    axis = _LogarithmicAxis if plot.logarithmic else _LinearAxis
    across = axis([x for x, _ in points], _LEFT, _WIDTH - _RIGHT)
    up = axis([y for _, y in points], _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">',
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="{_LEFT}" y="20">{escape(plot.title)}</text>',
        f'<text x="{(_LEFT + _WIDTH) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(plot.x)}</text>',
        f'<text x="12" y="20">{escape(plot.y)}</text>',
        *_grid(across, up),
    ]
    for number, (name, line) in enumerate(plot.lines.items()):
        parts += _line(name, [(across.place(x), up.place(y)) for x, y in line], number)
    return "\n".join([*parts, "</svg>\n"])


class _Axis(ABC):
    """An axis with marks, of which the first and the last are at its ends.

    :param values: what will be drawn
    :param begin: where its first mark is drawn
    :param end: where its last is
    """

    def __init__(self, values: Sequence[float], begin: float, end: float) -> None:
        self.marks = self._marks(values)
        self._begin = begin
        self._end = end

    def place(self, value: float) -> float:
        """Where a value is drawn."""
        first, last = self._distance(self.marks[0]), self._distance(self.marks[-1])
        share = (self._distance(value) - first) / (last - first)
        return self._begin + share * (self._end - self._begin)

    @abstractmethod
    def _marks(self, values: Sequence[float]) -> list[float]:
        """Round numbers, from below the values to above them."""

    @abstractmethod
    def _distance(self, value: float) -> float:
        """How far a value is along the axis, by any measure."""


class _LogarithmicAxis(_Axis):
    """Has marks at the powers of ten."""

    def _marks(self, values: Sequence[float]) -> list[float]:
        first = math.floor(self._distance(min(values)))
        last = max(first + 1, math.ceil(self._distance(max(values))))
        return [10.0**exponent for exponent in range(first, last + 1)]

    def _distance(self, value: float) -> float:
        return round(math.log10(value), 9)


class _LinearAxis(_Axis):
    """Begins at 0 and has a mark at each multiple of ten."""

    def _marks(self, values: Sequence[float]) -> list[float]:
        return [10.0 * number for number in range(max(1, math.ceil(max(values) / 10)) + 1)]

    def _distance(self, value: float) -> float:
        return value


def _grid(across: _Axis, up: _Axis) -> Iterator[str]:
    top, bottom, left, right = _TOP, _HEIGHT - _BOTTOM, _LEFT, _WIDTH - _RIGHT
    for value in across.marks:
        x = across.place(value)
        yield f'<line class="grid" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{value:,g}</text>'
    for value in up.marks:
        y = up.place(value)
        yield f'<line class="grid" x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
        yield f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,g}</text>'


def _line(name: str, line: Sequence[Point], number: int) -> Iterator[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
    yield f'<polyline points="{corners}" stroke="{colour}"/>'
    yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in line)
    y = _TOP + 16 + 18 * number
    yield f'<rect x="{_LEFT + 12}" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
    yield f'<text x="{_LEFT + 28}" y="{y}">{escape(name)}</text>'
