"""A cloud on a clock that the test moves, and plain HTTP and XML-RPC to talk to it."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from stratuslab_libcloud.sandbox import ManualClock, Sandbox

TEMPLATE = (Path(__file__).parent / "machine.template").read_text()


@pytest.fixture
def clock() -> ManualClock:
    """The time that the sandbox lives by."""
    return ManualClock()


@pytest.fixture
def sandbox(clock: ManualClock) -> Iterator[Sandbox]:
    """A machine runs three seconds after it was created, when the test has moved the clock so far."""
    with Sandbox(clock=clock, boot_seconds=3) as sandbox:
        yield sandbox


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def oned(sandbox: Sandbox) -> Iterator[Callable[..., Any]]:
    """Calls a method of the compute service as a user: ``oned("alice", "one.vm.info", 7)``."""
    proxies: dict[str, xmlrpc.client.ServerProxy] = {}

    def call(user: str, method: str, *parameters: Any) -> Any:
        if user not in proxies:
            password = quote(sandbox.state.accounts.password(user), safe="")
            url = sandbox.compute_url.replace("://", f"://{quote(user, safe='')}:{password}@")
            proxies[user] = xmlrpc.client.ServerProxy(url.replace("/xmlrpc", "/pswd/xmlrpc"))
        return getattr(proxies[user], method)("ignored", *parameters)

    yield call
    for proxy in proxies.values():
        proxy("close")()
