"""Looking at the sandbox's machines, for tests of commands that do something there."""

from __future__ import annotations

from pathlib import Path

import paramiko
import pytest

from stratuslab_libcloud.sandbox import Sandbox


def look(sandbox: Sandbox, config: Path, machine_id: int, command: str, user: str = "root") -> str:
    """What a command prints on a machine."""
    address = sandbox.machines[machine_id].nics[0]["IP"]
    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        key = str(config.with_name(f"{config.stem}-key"))
        client.connect(address, 22, user, key_filename=key, allow_agent=False, look_for_keys=False, timeout=10)
        _, out, err = client.exec_command(command)
        found, errors = out.read().decode(), err.read().decode()
        assert out.channel.recv_exit_status() == 0, errors
        return found


def need_own_addresses(sandbox: Sandbox) -> None:
    """Skip where machines cannot listen at port 22 of their own addresses."""
    import socket

    address = sandbox.networks["public"].addresses.network_address + 200
    with socket.socket() as trial:
        try:
            trial.bind((str(address), 22))
        except OSError:
            pytest.skip("machines have no addresses of their own on this computer")
