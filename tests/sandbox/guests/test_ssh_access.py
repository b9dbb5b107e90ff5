"""Running machines over SSH."""

from __future__ import annotations

import base64
import socket
import subprocess
from pathlib import Path

import paramiko
import pytest

from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template

from ..conftest import KEY, OTHER_KEY, login, public
from .conftest import ports, start


def gateway_port(sandbox: Sandbox, machine_id: int) -> int:
    ((own, gateway),) = ports(sandbox, machine_id)[str(machine_id)]
    assert own == "22"
    return int(gateway)


def output(client: paramiko.SSHClient, command: str) -> str:
    with client:
        _, stdout, _ = client.exec_command(command, timeout=10)
        return stdout.read().decode()


@pytest.mark.parametrize("network", ["local", "private"])
def test_machines_inside_are_reached_over_the_gateway(sandbox: Sandbox, network: str) -> None:
    port = gateway_port(sandbox, start(sandbox, network=network))
    assert output(login(("127.0.0.1", port)), "echo hello") == "hello\n"


def test_public_machines_are_reached_at_their_address_or_the_gateway(sandbox: Sandbox) -> None:
    machine = sandbox.machines[start(sandbox, network="public")]
    address = machine.nics[0]["IP"]
    if str(machine.id) in ports(sandbox, machine.id):
        assert output(login(("127.0.0.1", gateway_port(sandbox, machine.id))), "echo hello") == "hello\n"
    else:
        assert output(login((address, 22)), "echo hello") == "hello\n"


def test_a_machine_that_is_gone_cannot_be_reached(sandbox: Sandbox) -> None:
    machine_id = start(sandbox)
    port = gateway_port(sandbox, machine_id)
    sandbox.machines.act("alice", machine_id, "finalize")
    assert ports(sandbox, machine_id) == {}
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_suspended_machine_comes_back(sandbox: Sandbox) -> None:
    machine_id = start(sandbox)
    sandbox.machines.act("alice", machine_id, "suspend")
    assert ports(sandbox, machine_id) == {}
    sandbox.machines.act("alice", machine_id, "resume")
    assert output(login(("127.0.0.1", gateway_port(sandbox, machine_id))), "echo hello") == "hello\n"


def test_all_keys_of_the_contextualization_open_a_machine(sandbox: Sandbox) -> None:
    encoded = base64.b64encode(f"{public(OTHER_KEY)}\n".encode()).decode()
    context = f'PUBLIC_KEY="# mine\n{public(KEY)}\n",CLOUD_INIT_AUTHORIZED_KEYS="{encoded}"'
    port = gateway_port(sandbox, start(sandbox, context=context))
    for key in (KEY, OTHER_KEY):
        assert output(login(("127.0.0.1", port), key), "echo hello") == "hello\n"


def test_no_other_key_does(sandbox: Sandbox) -> None:
    port = gateway_port(sandbox, start(sandbox, context='CLOUD_INIT_AUTHORIZED_KEYS="no base64",A=b'))
    with pytest.raises(paramiko.AuthenticationException):
        login(("127.0.0.1", port))


def test_ttylinux_has_no_sftp(sandbox: Sandbox) -> None:
    def machine_from(title: str) -> int:
        identifier = next(entry for entry in sandbox.entries if entry.title == title).identifier
        return start(sandbox, source=f"{sandbox.marketplace_url}/metadata/{identifier}")

    with login(("127.0.0.1", gateway_port(sandbox, machine_from("Fedora 20 cloud")))) as client:
        client.open_sftp().close()
    with (
        login(("127.0.0.1", gateway_port(sandbox, machine_from("ttylinux")))) as client,
        pytest.raises(paramiko.SSHException),
    ):
        client.open_sftp()


def test_machines_that_ran_before_a_restart_are_reached_again(tmp_path: Path) -> None:
    with Sandbox(boot_seconds=0, state_file=tmp_path / "state") as first:
        machine_id = start(first)
    with Sandbox(boot_seconds=0, state_file=tmp_path / "state") as second:
        assert output(login(("127.0.0.1", gateway_port(second, machine_id))), "echo hello") == "hello\n"


def test_machines_without_keys_get_no_server() -> None:
    with Sandbox(boot_seconds=0) as sandbox:
        without_key = start(sandbox, context="A=b")
        without_network = sandbox.machines.allocate("alice", parse_template(f'CONTEXT=[PUBLIC_KEY="{public(KEY)}"]')).id
        assert all(sandbox.machines[number].is_running for number in (without_key, without_network))
        assert ports(sandbox) == {}


def test_nothing_is_left_of_the_guests() -> None:
    with Sandbox(boot_seconds=0) as sandbox:
        machine_id = start(sandbox)
        port = gateway_port(sandbox, machine_id)
        with login(("127.0.0.1", port)) as client:
            client.exec_command("sleep 777.25")
    assert "sleep 777.25" not in subprocess.run(["ps", "-ef"], capture_output=True, text=True, check=True).stdout
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5)
