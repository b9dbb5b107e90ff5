"""``%(key)s`` in values, and how much of it there may be."""

from __future__ import annotations

import configparser
import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratuslab_libcloud.config.interpolation import InterpolationError, interpolate


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        ("100%%", "100%"),
        ("%(a)s and %(A)s", "1 and 1"),
        ("%(b)s", "<1>"),
        ("%%(a)s", "%(a)s"),
    ],
)
def test_references_are_replaced(text: str, value: str) -> None:
    assert interpolate(text, {"a": "1", "b": "<%(a)s>"}.get) == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("100%", "must be followed by"),
        ("%(a", "must be followed by"),
        ("%()s", "must be followed by"),
        ("%d", "must be followed by"),
        ("%(z)s", "has the key 'z'"),
        ("%(loop)s", "refers to itself"),
    ],
)
def test_what_cannot_be_replaced_is_an_error(text: str, problem: str) -> None:
    with pytest.raises(InterpolationError, match=problem):
        interpolate(text, {"a": "1", "loop": "%(loop)s"}.get)


VALUES = st.lists(st.sampled_from(["%", "%%", "(", ")", "s", "%(a)s", "%(b)s", "x", " "]), max_size=6).map("".join)


@given(VALUES, VALUES, VALUES)
def test_it_is_as_the_standard_library_does_it(a: str, b: str, text: str) -> None:
    parser = configparser.ConfigParser(default_section="]")
    parser.read_dict({"s": {}})
    values = {"a": a, "b": b, "text": text}
    try:
        expected = parser.get("s", "text", vars=values)
    except configparser.InterpolationError:
        with pytest.raises(InterpolationError):
            interpolate(text, values.get)
    else:
        assert interpolate(text, values.get) == expected


@pytest.mark.parametrize(
    "values",
    [
        {"v": "%(" * 200_000},
        {"v": "%%" * 200_000},
        {"v": "%(a" * 200_000 + ")s"},
        {f"v{n}".replace("v0", "v"): f"%(v{n + 1})s" * 12 for n in range(9)},
        {**{f"v{n}".replace("v0", "v"): f"%(v{n + 1})s" * 12 for n in range(9)}, "v9": ""},
    ],
    ids=["unclosed", "percent signs", "long key", "many references", "many references to nothing"],
)
def test_no_value_takes_long(values: dict[str, str]) -> None:
    started = time.process_time()
    with contextlib.suppress(InterpolationError):
        interpolate(values["v"], values.get)
    assert time.process_time() - started < 3
