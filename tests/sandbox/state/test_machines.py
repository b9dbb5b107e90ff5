"""The machines of a cloud: their number and its limit."""

from __future__ import annotations

import time
import xmlrpc.client
from typing import Any

import pytest

from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template

from ..conftest import ok


def test_a_limit_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or more, not -1"):
        Sandbox(machine_limit=-1)


def test_a_thousand_machines_start_quickly() -> None:
    sandbox = Sandbox(boot_seconds=0)
    started = time.monotonic()
    for _ in range(1000):
        sandbox.machines.allocate("alice", parse_template('CPU=1 NIC=[NETWORK="local",NETWORK_UNAME=oneadmin]'))
    assert all(machine.is_running for machine in sandbox.machines)
    assert time.monotonic() - started < 5


def test_a_limit_on_machines() -> None:
    with Sandbox(machine_limit=2, boot_seconds=0) as sandbox:
        url = sandbox.compute_url.replace("://", f"://alice:{sandbox.users['alice']}@").replace(
            "/xmlrpc", "/pswd/xmlrpc"
        )
        with xmlrpc.client.ServerProxy(url) as server:
            one: Any = server.one
            for _ in range(2):
                ok(one.vm.allocate("", "CPU=1"))
            success, text, code = one.vm.allocate("", "CPU=1")
            assert (success, code) == (False, 512)
            assert text.endswith(": NUM_VMS quota exceeded (Quota: 2, Used: 2, Requested: 1).")
            ok(one.vm.action("", "finalize", 0))
            ok(one.vm.allocate("", "CPU=1"))
