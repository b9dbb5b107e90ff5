"""Logging in to the machines of an OpenNebula cloud, at their own addresses."""

from __future__ import annotations

import socket
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from ipaddress import IPv4Network

import pytest

from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.guests.opennebula_guest import guest_port

from ..conftest import KEY, OTHER_KEY, login, public, run
from ..opennebula.conftest import raw

USERS = {"alice": "secret"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(kind="opennebula", users=USERS, boot_seconds=0) as sandbox:
        yield sandbox


def start(sandbox: Sandbox, context: str, nics: str = "NIC=[NETWORK_ID=0] NIC=[NETWORK_ID=1]") -> tuple[int, str]:
    """A machine that runs, and its first address."""
    template = f"CPU=1 MEMORY=1 {nics} CONTEXT=[{context}]"
    machine_id = raw(sandbox, "alice:secret", "one.vm.allocate", template, False)[1]
    machine = ET.fromstring(raw(sandbox, "alice:secret", "one.vm.info", machine_id)[1])
    assert machine.findtext("LCM_STATE") == "3"
    return machine_id, machine.findtext("TEMPLATE/NIC/IP", "")


@pytest.mark.parametrize("variable", ["SSH_PUBLIC_KEY", "SSH_KEY"])
def test_the_keys_of_the_contextualization_open_a_machine(sandbox: Sandbox, variable: str) -> None:
    keys = f"{public(OTHER_KEY)}\n{public(KEY)}"
    _, address = start(sandbox, f'{variable}="{keys}"')
    with login((address, sandbox.guest_port)) as client:
        assert run(client, "echo hello")[0] == b"hello\n"


def test_two_machines_have_the_same_port_at_different_addresses(sandbox: Sandbox) -> None:
    for _ in range(2):
        _, address = start(sandbox, f'SSH_PUBLIC_KEY="{public(KEY)}"')
        login((address, sandbox.guest_port)).close()


def test_the_key_of_the_user_comes_with_a_template(sandbox: Sandbox) -> None:
    raw(sandbox, "alice:secret", "one.user.update", 2, f'SSH_PUBLIC_KEY="{public(KEY)}"', 1)
    machine_id = raw(sandbox, "alice:secret", "one.template.instantiate", 0, "x", False, "", False)[1]
    machine = sandbox.opennebula.machines.pool[machine_id]
    login((machine.nics[0]["IP"], sandbox.guest_port)).close()


@pytest.mark.parametrize("action", ["poweroff", "terminate-hard", "suspend"])
def test_a_machine_that_does_not_run_cannot_be_reached(sandbox: Sandbox, action: str) -> None:
    machine_id, address = start(sandbox, f'SSH_PUBLIC_KEY="{public(KEY)}"')
    raw(sandbox, "alice:secret", "one.vm.action", action, machine_id)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((address, sandbox.guest_port), timeout=5)


def test_a_machine_that_was_resumed_is_reached_again(sandbox: Sandbox) -> None:
    machine_id, address = start(sandbox, f'SSH_PUBLIC_KEY="{public(KEY)}"')
    for action in ("poweroff", "resume"):
        raw(sandbox, "alice:secret", "one.vm.action", action, machine_id)
    login((address, sandbox.guest_port)).close()


def test_a_poweroff_that_fails_leaves_the_machine_reachable(sandbox: Sandbox) -> None:
    machine_id, address = start(sandbox, f'SSH_PUBLIC_KEY="{public(KEY)}"')
    sandbox.opennebula.drivers.fail("poweroff")
    raw(sandbox, "alice:secret", "one.vm.action", "poweroff", machine_id)
    login((address, sandbox.guest_port)).close()


def test_a_machine_without_a_key_or_an_address_cannot_be_reached(sandbox: Sandbox) -> None:
    _, address = start(sandbox, "NETWORK=YES")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((address, sandbox.guest_port), timeout=5)
    start(sandbox, f'SSH_PUBLIC_KEY="{public(KEY)}"', nics="")


def test_the_port_is_one_that_can_be_listened_on() -> None:
    network = IPv4Network("127.99.98.0/24")
    port = guest_port(network)
    with socket.socket() as listener:
        listener.bind((str(network[2]), port))
        assert guest_port(network) != port
