"""The connections of a process to one address, which its drivers share."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

import pytest

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.client.http.shared_connections import NoFreeConnectionError, connections_to
from stratuslab_libcloud.sandbox import Sandbox


def test_an_address_has_the_same_connections_for_all() -> None:
    shared = connections_to("http://shared.example.org:1/a", 4)
    assert connections_to("http://shared.example.org:1/b", 4) is shared
    assert connections_to("http://shared.example.org:2/a", 4) is not shared
    assert connections_to("https://shared.example.org:1/a", 4) is not shared
    assert connections_to("http://[", 4) is not shared


def test_the_largest_number_counts() -> None:
    shared = connections_to("http://largest.example.org", 1)
    connections_to("http://largest.example.org", 2)
    connections_to("http://largest.example.org", 1)
    with shared.reserve_one(0), shared.reserve_one(0), pytest.raises(NoFreeConnectionError), shared.reserve_one(0.01):
        pass
    with shared.reserve_one(0), shared.reserve_one(0):
        pass


def test_what_nobody_uses_is_forgotten() -> None:
    forgotten = weakref.ref(connections_to("http://forgotten.example.org", 4))
    gc.collect()
    assert forgotten() is None


def test_many_drivers_use_few_connections(tmp_path: Path, key_file: Path) -> None:
    users = {f"user{number}": f"password{number}" for number in range(10)}
    with Sandbox(boot_seconds=0, guests=False, users=users) as sandbox:
        drivers = [
            StratusLabNodeDriver(
                stratuslab_user_config=sandbox.write_config(tmp_path / name, user=name, public_key_file=key_file)
            )
            for name in users
        ]
        threads = [threading.Thread(target=driver.list_nodes, daemon=True) for driver in drivers for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {request.user for request in sandbox.requests} == set(users)
        assert sandbox.requests.connections <= 4
