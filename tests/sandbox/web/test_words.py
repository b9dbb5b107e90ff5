"""Times, sizes and states in words."""

from __future__ import annotations

import pytest

from stratuslab_libcloud.sandbox import FaultKind, LcmState, VmState
from stratuslab_libcloud.sandbox.state.opennebula import machine as opennebula
from stratuslab_libcloud.sandbox.state.opennebula.image import ImageState
from stratuslab_libcloud.sandbox.web import words
from stratuslab_libcloud.sandbox.web.cloud_view import MachineRow
from stratuslab_libcloud.sandbox.web.forms import MEANINGS
from stratuslab_libcloud.sandbox.web.life_lines import LENGTH, Axis, life_line


@pytest.mark.parametrize(
    ("seconds", "duration", "age", "span"),
    [
        (0.304, "0.30 s", "0 s", "0.304 s"),
        (30, "30.0 s", "30 s", "30 s"),
        (302, "5 min 02 s", "5 min 02 s", "5.03 min"),
        (12_000, "3 h 20 min", "3 h 20 min", "3.33 h"),
        (371_000, "4 d 7 h", "4 d 7 h", "4.29 d"),
    ],
)
def test_times(seconds: float, duration: str, age: str, span: str) -> None:
    assert (words.duration(seconds), words.age(seconds), words.span(seconds)) == (duration, age, span)


def test_sizes_and_identifiers() -> None:
    sizes = {0: "0 MiB", 512: "512 MiB", 1536: "1.5 GiB", 1000 * 1024: "1000 GiB", 2**20: "1 TiB", 2**31: "2048 TiB"}
    assert [words.mebibytes(number) for number in sizes] == list(sizes.values())
    assert words.identifier("a b@x.org_é-1") == "a_20b_40x_2eorg_5f_e9-1"


def test_a_time_of_day_is_cut_off_not_rounded_up() -> None:
    assert words.time_of_day(1_750_000_000.9999, 3).endswith(".999")


def test_each_state_has_a_tone() -> None:
    states = [*VmState, *LcmState, *opennebula.VmState, *opennebula.LcmState, *ImageState]
    tones = {state.name: words.tone(state.name) for state in states}
    assert set(tones.values()) == {"good", "waiting", "changing", "resting", "ended", "bad"}
    assert {name for name, tone in tones.items() if tone == "bad"} == {
        "FAILED",
        "FAILURE",
        "UNKNOWN",
        "ERROR",
        *(state.name for state in opennebula.LcmState if state.name.endswith("_FAILURE")),
        "CLONING_FAILURE",
    }
    assert tones["RUNNING"] == "good"


def test_each_kind_of_fault_has_a_meaning() -> None:
    assert list(MEANINGS) == list(FaultKind)


def machine(*life: tuple[float, str], ended: float = 0) -> MachineRow:
    return MachineRow(0, "", "", "", [], "", "", 0, life[0][0], ended, "", life)


def test_a_life_line_is_drawn_along_its_axis() -> None:
    axis = Axis(900, 1000)
    row = machine((700, "PENDING"), (800, "BOOT"), (950, "RUNNING"), (1000, "SHUTDOWN"))
    steps = [(step.state, step.seconds, step.place, step.length) for step in life_line(row, axis)]
    assert steps[:3] == [("PENDING", 100, 0, 0), ("BOOT", 150, 0, 500), ("RUNNING", 50, 500, 500)]
    state, seconds, place, length = steps[3]
    assert (state, seconds) == ("SHUTDOWN", 0)
    assert length > 0
    assert place + length <= LENGTH


def test_the_axis_of_all_time_begins_with_the_first_machine() -> None:
    rows = [machine((800, "PENDING")), machine((400, "PENDING"), ended=500)]
    assert Axis.of(None, 1000, rows) == Axis(400, 1000)
    assert Axis.of(None, 1000, []).start < 1000
    assert [Axis.of(60, 1000, rows).has(row) for row in rows] == [True, False]
    assert Axis.of(60, 1000, rows).labels == ("1 min ago", "30 s", "now")
