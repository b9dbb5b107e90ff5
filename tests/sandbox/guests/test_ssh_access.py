"""Running machines over SSH, and the port translation service."""

from __future__ import annotations

import base64
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
import requests

from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template

from ..conftest import KEY, OTHER_KEY, login, public


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(boot_seconds=0) as sandbox:
        yield sandbox


def start(sandbox: Sandbox, *, network: str = "local", context: str = "", source: str = "x") -> int:
    context = context or f'PUBLIC_KEY="{public(KEY)}"'
    template = f'DISK=[SOURCE="{source}"] NIC=[NETWORK={network},NETWORK_UNAME=oneadmin] CONTEXT=[{context}]'
    return sandbox.machines.allocate("alice", parse_template(template)).id


def ports(sandbox: Sandbox, machine_id: int | None = None) -> Any:
    parameters = {} if machine_id is None else {"vmid": machine_id}
    answer = requests.get(f"{sandbox.port_translation_url}/cgi-bin/vmports.py", params=parameters, timeout=5)
    assert answer.status_code == 200
    return answer.json()


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


def test_ports_of_all_machines_or_of_one(sandbox: Sandbox) -> None:
    first, second = start(sandbox), start(sandbox)
    assert {str(first), str(second)} <= set(ports(sandbox))
    assert set(ports(sandbox, first)) == {str(first)}
    assert ports(sandbox, 9999) == {}


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


def test_port_translation_is_recorded_as_a_service_of_its_own(sandbox: Sandbox) -> None:
    ports(sandbox)
    assert sandbox.requests[-1].service == "pat"
    assert sandbox.requests[-1].operation == "GET /cgi-bin/vmports.py"


def test_port_translation_speaks_plain_http_even_beside_tls(tmp_path: Path) -> None:
    with Sandbox(boot_seconds=0, tls=True) as sandbox:
        assert sandbox.port_translation_url.startswith("http://")
        machine_id = start(sandbox)
        assert str(machine_id) in ports(sandbox)
        text = sandbox.write_config(tmp_path / "cfg").read_text()
        assert "port_translation = true" in text
        assert f"pat_service_host = {sandbox.port_translation_url}" in text
        assert "pat_gateway_host = 127.0.0.1" in text


def test_without_guests_there_is_no_port_translation(tmp_path: Path) -> None:
    with Sandbox(guests=False) as sandbox:
        with pytest.raises(RuntimeError, match="guests"):
            _ = sandbox.port_translation_url
        assert "pat_" not in sandbox.write_config(tmp_path / "cfg").read_text()


def test_machines_that_ran_before_a_restart_are_reached_again(tmp_path: Path) -> None:
    with Sandbox(boot_seconds=0, state_file=tmp_path / "state") as first:
        machine_id = start(first)
    with Sandbox(boot_seconds=0, state_file=tmp_path / "state") as second:
        assert output(login(("127.0.0.1", gateway_port(second, machine_id))), "echo hello") == "hello\n"


def test_machines_that_nobody_could_log_in_to_get_no_server() -> None:
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
