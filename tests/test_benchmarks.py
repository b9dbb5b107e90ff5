"""The benchmarks compare programs that say the same; otherwise their ratios would mean nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.by_hand import said
from benchmarks.clouds import driver_for, program_by_hand
from benchmarks.server import BareServer


@pytest.fixture(scope="module")
def server() -> Iterator[BareServer]:
    with BareServer() as server:
        yield server


def test_the_program_by_hand_says_the_same_of_machines(server: BareServer) -> None:
    driver = driver_for(server.url(machines=3))
    assert len(driver.list_nodes()) == 3
    assert said(driver.list_nodes()) == said(program_by_hand(server.url(machines=3), driver).list_nodes())


def test_the_program_by_hand_says_the_same_of_images(server: BareServer) -> None:
    driver = driver_for(server.url(images=20))
    assert said(driver.list_images()) == said(program_by_hand(server.url(images=20), driver).list_images())
