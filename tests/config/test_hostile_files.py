"""Configuration files that attack: each is read or refused soon, with our own error, which does not repeat the file."""

from __future__ import annotations

import io
import logging
import time
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratuslab_libcloud.config import UserConfiguration
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError

START = "[default]\nendpoint = cloud.example.org\nusername = jane\npassword = s3cret\n"
LENGTH = 400_000

ATTACKS = {
    "unclosed references": START + "name = " + "%(" * (LENGTH // 2),
    "unclosed references in an unknown key": START + "zzz = " + "%(" * (LENGTH // 2),
    "percent signs": START + "name = " + "%%" * (LENGTH // 2),
    "blanks without a separator": START + "a" + " " * LENGTH + "b",
    "blanks in a key": START + "a" + " " * LENGTH + "b = 1",
    "brackets": START + "[" * LENGTH,
    "references of references": START
    + "name = %(a0)s\n"
    + "".join(f"a{n} = " + f"%(a{n + 1})s" * 12 + "\n" for n in range(9)),
    "unknown keys": START + "".join(f"unknown{n} = 1\n" for n in range(LENGTH // 14)),
    "one unknown key in many sections": START + "".join(f"[s{n}]\nunknown = 1\n" for n in range(LENGTH // 18)),
    "continued lines": START + "name = x\n" + " y\n" * (LENGTH // 3),
    "lines that are none": START + "x\n" * (LENGTH // 2),
    "sizes": START + "[instance_types]\n" + "".join(f"t{n} = (1, 2, 3)\n" for n in range(LENGTH // 18)),
    "one long size": START + "[instance_types]\nx = (" + "1," * (LENGTH // 2),
    "digits": START + "endpoint_connections = " + "9" * LENGTH,
    "digits of a size": START + "[instance_types]\nx = (" + "9" * LENGTH + ", 1, 1)",
}


def use(text: str | bytes) -> ConfigurationError | None:
    """Read all that is in a file; our own error is allowed, and returned."""
    try:
        configuration = UserConfiguration.load(io.BytesIO(text) if isinstance(text, bytes) else io.StringIO(text))
        for section in configuration.sections[:5]:
            configuration.place(section)
        configuration.instance_types()
        configuration.cloud(configuration.default_section)
    except ConfigurationError as error:
        return error
    return None


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_file_takes_long(attack: str, caplog: pytest.LogCaptureFixture) -> None:
    started = time.process_time()
    error = use(ATTACKS[attack])
    assert time.process_time() - started < 10
    shown = "".join(traceback.format_exception(error)) if error else ""
    assert len(shown) < 10_000
    assert "s3cret" not in shown
    assert len(caplog.text) < 20_000


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (io.StringIO(START + "name = \ud800s3cret"), "not a text file"),
        (io.TextIOWrapper(io.BytesIO(START.encode() + b"name = \xffs3cret"), encoding="utf-8"), "not a text file"),
        (io.StringIO(START + "#" * (1 << 20)), "more than 1048576 bytes"),
        (io.BytesIO(START.encode() + b"#" * (1 << 20)), "more than 1048576 bytes"),
    ],
    ids=["lone surrogate", "other encoding", "long text", "long bytes"],
)
def test_an_open_file_that_cannot_be_used(source: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:
        UserConfiguration.load(source)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is None


def test_a_closed_file(tmp_path: Path) -> None:
    file = tmp_path / "closed.cfg"
    file.write_text(START)
    with file.open() as text, file.open("rb") as binary:
        pass
    for source in (text, binary):
        with pytest.raises(ConfigurationError, match=rf"{file} cannot be read: the file is closed"):
            UserConfiguration.load(source)
    with file.open("w") as writable, pytest.raises(ConfigurationError, match="it was not opened for reading"):
        UserConfiguration.load(writable)


@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    logging.disable()
    try:
        use(START.encode() + content)
        use(content)
    finally:
        logging.disable(logging.NOTSET)


@given(st.text(st.sampled_from("[]%()s:=;# \n\tab1\"'\\"), max_size=60))
def test_any_lines(text: str) -> None:
    logging.disable()
    try:
        use(START + text)
    finally:
        logging.disable(logging.NOTSET)


def test_what_is_no_file_is_not_repeated() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        UserConfiguration.load({"password": "s3cret"})  # type: ignore[arg-type]
    assert "s3cret" not in str(caught.value)
