"""The SSH client, on a machine with SFTP and on one without: both do the same."""

from __future__ import annotations

import contextlib
import io
import shlex
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libcloud.compute.ssh import BaseSSHClient, SSHCommandTimeoutError

from stratuslab_libcloud.deployment.execution import CommandOptions, ConnectionLostError, program_of
from stratuslab_libcloud.deployment.reaching import SshAddress
from stratuslab_libcloud.deployment.ssh_client import ClientOptions, DeploymentSSHClient
from stratuslab_libcloud.sandbox.guests.ssh_servers import SshServers

from .conftest import KEY, NUMBERS, OTHER_KEY, private_text, public_text

BYTES = bytes(range(256))
PARAMIKO_KEY = paramiko.Ed25519Key.from_private_key(io.StringIO(private_text(KEY).decode()))

file_names = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=40
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 200)


def new_client(host: str, port: int, key: paramiko.PKey = PARAMIKO_KEY, **options: Any) -> DeploymentSSHClient:
    chosen = ClientOptions(**{"keys": [key], "timeout": 5, "login_timeout": 5, **options})
    return DeploymentSSHClient(SshAddress(host, port), "root", chosen, "m")


class Machine:
    """A machine, its home (as the computer and as its commands see it), and a client that is logged in."""

    def __init__(self, ssh_servers: SshServers, homes: Path, sftp: bool) -> None:
        self.number = next(NUMBERS)
        self.ssh_servers = ssh_servers
        self.host, self.port = ssh_servers.open(self.number, [public_text(KEY)], address=None, sftp=sftp)
        self.home = homes / f"machine-{self.number}" / "root"
        self.client = self.new_client()
        self.client.connect()
        self.inner_home = self.client.run('printf "$HOME"')[0]

    def new_client(self, key: paramiko.PKey = PARAMIKO_KEY) -> DeploymentSSHClient:
        return new_client(self.host, self.port, key, commands=CommandOptions(5_000_000))

    def close(self) -> None:
        self.client.close()
        self.ssh_servers.close(self.number)


@pytest.fixture(scope="module", params=[True, False], ids=["sftp", "no-sftp"])
def machine(request: pytest.FixtureRequest, ssh_servers: SshServers, homes: Path) -> Iterator[Machine]:
    machine = Machine(ssh_servers, homes, request.param)
    yield machine
    machine.close()


@pytest.fixture
def client(machine: Machine) -> DeploymentSSHClient:
    if not machine.client.is_connected:
        machine.client.connect()
    return machine.client


# Files


@pytest.mark.parametrize(
    "path", ["plain", "folder/file", "a/b/c/d", "with space/and 'quote'", "-n", "-rf/--help", "~", "$HOME", "*", "ü/é"]
)
def test_relative_path_is_relative_to_the_home(path: str, client: DeploymentSSHClient, machine: Machine) -> None:
    client.put("elsewhere/first", "changes nothing")
    full = client.put(path, "content")
    assert full == f"{machine.inner_home}/{path}"
    assert (machine.home / path).read_text() == "content"


def test_absolute_path(client: DeploymentSSHClient, machine: Machine) -> None:
    path = f"{machine.inner_home}/absolute/file"
    assert client.put(path, "content") == path
    assert (machine.home / "absolute/file").read_text() == "content"


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(file_names, min_size=1, max_size=3), st.binary(max_size=300))
def test_any_name_and_content(client: DeploymentSSHClient, machine: Machine, names: list[str], content: bytes) -> None:
    path = "/".join(["any", str(next(NUMBERS)), *names])
    full = client.put(path, content)
    assert (machine.home / path).read_bytes() == content
    assert client.run(f"cat {shlex.quote(full)} | wc -c")[0].strip() == str(len(content))
    assert client.delete(path) is True


def test_text_is_written_as_utf8_and_bytes_as_they_are(client: DeploymentSSHClient, machine: Machine) -> None:
    client.put("text", "Grüße\n")
    client.put("bytes", BYTES)
    assert (machine.home / "text").read_bytes() == "Grüße\n".encode()
    assert (machine.home / "bytes").read_bytes() == BYTES


def test_nothing_makes_an_empty_file(client: DeploymentSSHClient, machine: Machine) -> None:
    client.put("empty")
    assert (machine.home / "empty").read_bytes() == b""


def test_writing_replaces(client: DeploymentSSHClient, machine: Machine) -> None:
    client.put("replaced", "a long content")
    client.put("replaced", "short")
    assert (machine.home / "replaced").read_text() == "short"


@pytest.mark.parametrize(
    ("there", "expected"),
    [(None, "new\n"), ("", "new\n"), ("old\n", "old\nnew\n"), ("old", "old\nnew\n"), ("a\nb", "a\nb\nnew\n")],
)
def test_appending_begins_a_line(
    there: str | None, expected: str, client: DeploymentSSHClient, machine: Machine
) -> None:
    name = f"appended {there!r}".replace("\\", "")
    if there is not None:
        client.put(name, there)
    client.put(name, "new\n", mode="a")
    assert (machine.home / name).read_text() == expected


@pytest.mark.parametrize("mode", [0o600, 0o755, 0o444])
def test_permissions(mode: int, client: DeploymentSSHClient, machine: Machine) -> None:
    client.put(f"mode-{mode}", "content", chmod=mode)
    client.putfo(f"mode-fo-{mode}", io.BytesIO(b"content"), chmod=mode)
    assert (machine.home / f"mode-{mode}").stat().st_mode & 0o777 == mode
    assert (machine.home / f"mode-fo-{mode}").stat().st_mode & 0o777 == mode


def test_megabytes_from_an_open_file(client: DeploymentSSHClient, machine: Machine, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(BYTES * 20_000)
    with source.open("rb") as file:
        assert client.putfo("big/file", file) == f"{machine.inner_home}/big/file"
    assert (machine.home / "big/file").read_bytes() == source.read_bytes()


def test_deleting(client: DeploymentSSHClient, machine: Machine) -> None:
    client.put("folder/doomed", "content")
    assert client.delete("folder/doomed") is True
    assert not (machine.home / "folder/doomed").exists()
    assert client.delete("folder/doomed") is False


@pytest.mark.parametrize("path", ["file/below", "folder"])
def test_what_can_not_be_written_is_an_error_that_names_it(path: str, client: DeploymentSSHClient) -> None:
    client.put("file", "is a file")
    client.put("folder/inside", "makes a folder")
    with pytest.raises(OSError, match=f"{path} cannot be written on the machine: "):
        client.put(path, "content")


def test_what_can_not_be_deleted_is_an_error_that_names_it(client: DeploymentSSHClient) -> None:
    client.put("folder/inside", "makes a folder")
    with pytest.raises(OSError, match="folder cannot be removed on the machine: "):
        client.delete("folder")


# Commands


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("echo out; echo err >&2; exit 3", ("out\n", "err\n", 3)),
        ("cat", ("", "", 0)),
        ("echo Grüße", ("Grüße\n", "", 0)),
        ("printf '\\377'", ("\ufffd", "", 0)),
        ("kill -9 $$", ("", "", -1)),
        ("exec >&- 2>&-; sleep 0.1; exit 4", ("", "", 4)),
        ("exec >&-; sleep 0.2; echo late >&2", ("", "late\n", 0)),
    ],
)
def test_command(command: str, expected: tuple[str, str, int], client: DeploymentSSHClient) -> None:
    assert client.run(command) == expected


def test_much_output_on_both_sides(client: DeploymentSSHClient) -> None:
    # More than fits into the window of the channel: neither side may wait for the other.
    out, err, status = client.run("head -c 5000000 /dev/zero | tr '\\0' o | tee /dev/stderr")
    assert (len(out), len(err), status) == (5_000_000, 5_000_000, 0)
    assert set(out) == {"o"}


def test_text_is_not_torn_between_pieces(client: DeploymentSSHClient) -> None:
    out, _, _ = client.run("i=0; while [ $i -lt 3000 ]; do printf 'x€€€€€€€€€€€€€€€€€€€€€€€€€'; i=$((i+1)); done")
    assert out == ("x" + "€" * 25) * 3000


def test_a_process_whose_user_has_no_name(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", nobody)
    client = machine.new_client()
    client.connect()
    assert client.run("echo in")[0] == "in\n"
    client.close()


def test_command_begins_in_the_home(client: DeploymentSSHClient, machine: Machine) -> None:
    client.run("echo here > file")
    assert (machine.home / "file").read_text() == "here\n"


def test_quick_command_does_not_wait(client: DeploymentSSHClient) -> None:
    def timed() -> float:
        started = time.monotonic()
        client.run("true")
        return time.monotonic() - started

    # What waits for a delayed acknowledgement takes 40 ms each time.
    assert statistics.median(timed() for _ in range(15)) < 0.03


def test_process_in_the_background_is_not_waited_for(client: DeploymentSSHClient) -> None:
    started = time.monotonic()
    out, _, status = client.run("echo before; sleep 600 & exit 5")
    assert (out, status) == ("before\n", 5)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("command", ["echo partly; sleep 600", "while :; do echo partly; done"])
def test_time_limit(command: str, client: DeploymentSSHClient) -> None:
    started = time.monotonic()
    with pytest.raises(SSHCommandTimeoutError) as caught:
        client.run(command, timeout=0.3)
    assert 0.3 <= time.monotonic() - started < 5
    assert caught.value.stdout.startswith("partly\n")
    assert caught.value.timeout == 0.3
    assert client.run("echo still there")[0] == "still there\n"


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("mysql -psecret", "mysql"),
        ("PASSWORD=secret ./run secret", "./run"),
        ("'/root/with space.sh' secret", "/root/with space.sh"),
        ("it's secret", "it's"),
        ("A=secret", "the command"),
        ("", "the command"),
    ],
)
def test_messages_name_a_command_without_its_arguments(command: str, program: str) -> None:
    assert program_of(command) == program


@pytest.mark.parametrize("timeout", [0, 30])
def test_command_in_time(timeout: float, client: DeploymentSSHClient) -> None:
    assert client.run("sleep 0.1; echo done", timeout=timeout) == ("done\n", "", 0)


# Connections


def test_it_is_what_libcloud_expects() -> None:
    assert issubclass(DeploymentSSHClient, BaseSSHClient)


def test_connecting_again(client: DeploymentSSHClient) -> None:
    client.put("first", "content")
    client.close()
    assert not client.is_connected
    assert client.connect() is True
    assert client.run("cat first")[0] == "content"
    client.put("second", "content")


def test_closed_client_says_so(machine: Machine) -> None:
    client = machine.new_client()
    with pytest.raises(paramiko.SSHException, match=f"no connection to {machine.host}"):
        client.run("true")
    assert client.close() is True


def test_wrong_key(machine: Machine) -> None:
    other = paramiko.ECDSAKey.from_private_key(io.StringIO(private_text(OTHER_KEY).decode()))
    client = machine.new_client(other)
    with pytest.raises(paramiko.AuthenticationException):
        client.connect()
    assert not client.is_connected


def test_agents_and_files_of_the_user_are_left_alone(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").write_bytes(private_text(KEY))
    monkeypatch.setenv("HOME", str(tmp_path))
    test_wrong_key(machine)


def test_machine_that_ends_while_a_command_runs(ssh_servers: SshServers, homes: Path) -> None:
    machine = Machine(ssh_servers, homes, sftp=True)
    ender = threading.Timer(0.2, machine.ssh_servers.close, [machine.number])
    ender.start()
    with pytest.raises(ConnectionLostError, match="while sleep ran"):
        machine.client.run("sleep 600")
    ender.join()
    machine.close()


def test_machine_that_ends_between_commands(ssh_servers: SshServers, homes: Path) -> None:
    machine = Machine(ssh_servers, homes, sftp=True)
    ssh_servers.close(machine.number)
    with pytest.raises((paramiko.SSHException, ConnectionLostError)):
        machine.client.run("true")
    assert not machine.client.is_connected
    machine.close()


def test_nothing_of_a_connection_is_printed(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = new_client("127.0.0.1", silent.getsockname()[1], timeout=0.2, login_timeout=0.2)
        with pytest.raises(TimeoutError):
            client.connect()
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.name.startswith("stratuslab_libcloud")] == []


# Servers of their time


class OldServer(paramiko.ServerInterface):
    """Takes any key, if it is signed in a way that the server knows."""

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.AUTH_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"


@pytest.fixture
def old_server() -> Iterator[tuple[str, int]]:
    """Knows RSA with SHA-1 only, as before OpenSSH 7.2."""
    host_key = paramiko.ECDSAKey.generate()
    transports = []

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(
                connection,
                disabled_algorithms={"pubkeys": ["rsa-sha2-256", "rsa-sha2-512"]},
                server_sig_algs=False,
            )
            transport.set_log_channel("stratuslab_libcloud.paramiko")
            transports.append(transport)
            transport.add_server_key(host_key)
            with contextlib.suppress(paramiko.SSHException, EOFError):
                transport.start_server(server=OldServer())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=[listener], daemon=True)
        thread.start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for transport in transports:
        transport.close()


def test_rsa_key_on_a_server_that_knows_sha1_only(old_server: tuple[str, int]) -> None:
    client = new_client(*old_server, paramiko.RSAKey.generate(2048))
    if "ssh-rsa" in paramiko.RSAKey.HASHES:
        assert client.connect() is True
    else:
        with pytest.raises(paramiko.AuthenticationException, match="use an ECDSA key, or paramiko 3"):
            client.connect()
    client.close()


def test_ecdsa_key_on_a_server_that_knows_sha1_only(old_server: tuple[str, int]) -> None:
    client = new_client(*old_server, paramiko.ECDSAKey.generate())
    assert client.connect() is True
    client.close()
