"""The fuzzer of ``make fuzz``, for some seconds: damaged answers to each call of the client library."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fuzz
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stratuslab_libcloud.errors import ConflictError


@pytest.fixture(scope="module")
def documents() -> dict[str, list[bytes]]:
    """The sandbox's answers to each call."""
    return fuzz.recorded()


@pytest.fixture(scope="module")
def server() -> Iterator[fuzz.Server]:
    """What the damaged answers come from."""
    with contextlib.closing(fuzz.Server()) as server:
        yield server


def test_each_call_has_a_document(documents: dict[str, list[bytes]]) -> None:
    without = [name for name, bodies in documents.items() if not any(bodies)]
    assert without in ([], ["marketplace.lasting_url"])


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(fuzz.CALLS)), st.integers(0, 2**64))
def test_only_our_errors_come_out(documents: dict[str, list[bytes]], server: fuzz.Server, name: str, seed: int) -> None:
    dice = random.Random(seed)
    with fuzz.without_pauses():
        outcome = fuzz.try_call(
            name, server, fuzz.clients_of(server.url), fuzz.answer(dice.choice(documents[name]), dice)
        )
    # Under load a call can take longer; the tests of hostile servers look at the time.
    assert outcome.problem is None or outcome.problem.startswith("it took")


def test_what_should_not_come_out_is_found(server: fuzz.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    clients = fuzz.clients_of(server.url)

    def fails(_: fuzz.Clients) -> None:
        raise KeyError("foreign")

    def says_what_it_got(_: fuzz.Clients) -> None:
        raise ConflictError("\x1b[31m", fuzz.clients_of(server.url).stratuslab.compute.asked("one.vm.info"))

    monkeypatch.setitem(fuzz.CALLS, "compute.machine", fails)
    assert "KeyError: 'foreign'" in (fuzz.try_call("compute.machine", server, clients, b"").problem or "")
    monkeypatch.setitem(fuzz.CALLS, "compute.machine", says_what_it_got)
    assert "not printable" in (fuzz.try_call("compute.machine", server, clients, b"").problem or "")


def test_the_fuzzer_ends_with_a_count() -> None:
    tool = Path(fuzz.__file__)
    done = subprocess.run([sys.executable, str(tool), "--seconds", "2"], capture_output=True, text=True, check=False)
    assert "problems" in done.stdout
    assert " calls, the longest " in done.stdout
