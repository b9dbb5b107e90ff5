"""The sandbox's machines, as an SSH client of another make sees them: where they are, who gets in, how they end."""

from __future__ import annotations

import functools
import gc
import logging
import socket
import threading
import time
from pathlib import Path

import paramiko
import pytest

from stratuslab_libcloud.sandbox.guests.ssh_servers import SshServers
from stratuslab_libcloud.sandbox.guests.starting import starting

from ..conftest import BYTES, KEY, OTHER_KEY, Connect, long_sleep, public, run, runs, wait_for

# Where a machine listens


def test_machine_listens_on_its_own_address_where_it_can(ssh_servers: SshServers, connect: Connect) -> None:
    with socket.socket() as probe:
        try:
            probe.bind(("127.18.3.4", 0))
        except OSError:
            pytest.skip("only 127.0.0.1 can be listened on here")
        port = probe.getsockname()[1]
    place = ssh_servers.open(7, [public(KEY)], address="127.18.3.4", port=port)
    assert place == ("127.18.3.4", port)
    assert run(connect(place), "echo there") == (b"there\n", b"", 0)


def test_machine_without_an_address_is_at_the_gateway(ssh_servers: SshServers) -> None:
    host, port = ssh_servers.open(7, [public(KEY)], address=None)
    assert host == "127.0.0.1"
    assert port > 0


def test_machine_whose_port_is_taken_is_at_the_gateway(ssh_servers: SshServers, connect: Connect) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        place = ssh_servers.open(7, [public(KEY)], address="127.0.0.1", port=port)
    assert place[0] == "127.0.0.1"
    assert place[1] != port
    assert run(connect(place), "echo there")[0] == b"there\n"


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.7", "::", "nowhere"])
def test_only_loopback_is_listened_on(ssh_servers: SshServers, address: str) -> None:
    with pytest.raises(ValueError, match=address):
        ssh_servers.open(7, [public(KEY)], address=address)


def test_a_machine_is_opened_once(ssh_servers: SshServers) -> None:
    ssh_servers.open(7, [], address=None)
    with pytest.raises(ValueError, match="machine 7 is open already"):
        ssh_servers.open(7, [], address=None)


def test_a_machine_can_come_back_with_an_empty_home(ssh_servers: SshServers, connect: Connect) -> None:
    run(connect(ssh_servers.open(7, [public(KEY)], address=None)), "touch was-here")
    ssh_servers.close(7)
    assert run(connect(ssh_servers.open(7, [public(KEY)], address=None)), "ls")[0] == b""


# Who gets in


@pytest.mark.parametrize("user", ["root", "ubuntu", "jürgen"])
def test_any_user_gets_in_with_the_key(ssh_servers: SshServers, connect: Connect, user: str) -> None:
    keys = ["", "nonsense", public(OTHER_KEY), f"{public(KEY)} of jürgen"]
    client = connect(ssh_servers.open(7, keys, address=None), user=user)
    assert run(client, 'echo "$USER $LOGNAME"')[0].decode() == f"{user} {user}\n"


@pytest.mark.parametrize("keys", [[], ["nonsense"], [public(OTHER_KEY)]])
def test_nobody_gets_in_with_another_key(ssh_servers: SshServers, connect: Connect, keys: list[str]) -> None:
    place = ssh_servers.open(7, keys, address=None)
    with pytest.raises(paramiko.AuthenticationException):
        connect(place)


def test_nobody_gets_in_with_a_password(ssh_servers: SshServers, connect: Connect) -> None:
    place = ssh_servers.open(7, [public(KEY)], address=None)
    with pytest.raises(paramiko.BadAuthenticationType, match="publickey"):
        connect(place, key=None, password="root")


def test_one_machines_key_does_not_open_another(ssh_servers: SshServers, connect: Connect) -> None:
    ssh_servers.open(7, [public(KEY)], address=None)
    place = ssh_servers.open(8, [public(OTHER_KEY)], address=None)
    with pytest.raises(paramiko.AuthenticationException):
        connect(place)


def test_a_key_that_is_added_on_the_machine_opens_it(ssh_servers: SshServers, connect: Connect) -> None:
    place = ssh_servers.open(7, [public(KEY)], address=None)
    with connect(place).open_sftp() as sftp, sftp.open(".ssh/authorized_keys", "a") as file:
        file.write(public(OTHER_KEY))
    assert run(connect(place, OTHER_KEY), "echo in")[0] == b"in\n"


@pytest.mark.parametrize("kind", ["ssh-ed25519", "rsa-sha2-256"])
def test_host_keys_are_common_to_all_machines(ssh_servers: SshServers, connect: Connect, kind: str) -> None:
    others = {"ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"} - {kind}
    algorithms = {"keys": sorted(others)}
    seven = connect(ssh_servers.open(7, [public(KEY)], address=None), disabled_algorithms=algorithms)
    eight = connect(ssh_servers.open(8, [public(KEY)], address=None), disabled_algorithms=algorithms)
    keys = [client.get_transport().get_remote_server_key() for client in (seven, eight)]
    assert keys[0] == keys[1]


# How it ends


def test_closing_ends_processes_connections_and_files(tmp_path: Path, connect: Connect) -> None:
    with SshServers(tmp_path) as ssh_servers:
        place = ssh_servers.open(7, [public(KEY)], address=None)
        client = connect(place)
        background, daemon, foreground = (long_sleep() for _ in range(3))
        run(client, f"{background} >/dev/null 2>&1 & setsid {daemon} >/dev/null 2>&1 & exit")
        _, out, _ = client.exec_command(f"echo begun; exec {foreground}")
        assert out.readline() == "begun\n"
        assert all(wait_for(functools.partial(runs, command)) for command in (background, daemon, foreground))
        ssh_servers.close(7)
        assert wait_for(lambda: not any(map(runs, (background, daemon, foreground))))
        assert list(tmp_path.iterdir()) == []
        assert wait_for(lambda: not client.get_transport().is_active())
        with pytest.raises(OSError, match="onnect"):
            connect(place)


def test_closing_leaves_the_others(ssh_servers: SshServers, connect: Connect) -> None:
    ssh_servers.open(7, [public(KEY)], address=None)
    eight = connect(ssh_servers.open(8, [public(KEY)], address=None))
    ssh_servers.close(7)
    assert run(eight, "echo still here")[0] == b"still here\n"


def test_closing_while_files_are_written(tmp_path: Path, connect: Connect) -> None:
    with SshServers(tmp_path) as ssh_servers:
        client = connect(ssh_servers.open(7, [public(KEY)], address=None))
        _, out, _ = client.exec_command("echo begun; i=0; while :; do mkdir -p d$i; echo > d$i/f; i=$((i+1)); done")
        assert out.readline() == "begun\n"
        ssh_servers.close(7)
        assert list(tmp_path.iterdir()) == []


def test_client_that_leaves_in_the_middle_of_much_output(
    ssh_servers: SshServers, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    place = ssh_servers.open(7, [public(KEY)], address=None)
    channel = connect(place).get_transport().open_session()
    child = f"cat /dev/zero {long_sleep().removeprefix('sleep ')}"
    channel.exec_command(f"echo begun; exec {child}")
    assert channel.makefile("rb").readline() == b"begun\n"
    channel.close()
    assert wait_for(lambda: not runs(child))
    assert run(connect(place), "echo fine")[0] == b"fine\n"
    assert "asyncio" not in [record.name for record in caplog.records]


def test_closing_what_is_not_open_does_nothing(ssh_servers: SshServers) -> None:
    ssh_servers.close(7)


def test_stopping_ends_everything(connect: Connect) -> None:
    ssh_servers = SshServers()
    place = ssh_servers.open(7, [public(KEY)], address=None)
    child = long_sleep()
    run(connect(place), f"{child} >/dev/null 2>&1 & exit")
    ssh_servers.stop()
    ssh_servers.stop()
    assert wait_for(lambda: not runs(child))
    with pytest.raises(OSError, match="onnect"):
        connect(place)
    with pytest.raises(RuntimeError, match="stopped"):
        ssh_servers.open(7, [], address=None)


def test_a_given_root_is_used_and_left(tmp_path: Path, connect: Connect) -> None:
    root = tmp_path / "guests"
    with SshServers(root) as ssh_servers:
        run(connect(ssh_servers.open(7, [public(KEY)], address=None)), "echo here > file")
        assert [file.read_text() for file in root.glob("*/root/file")] == ["here\n"]
    assert list(root.iterdir()) == []


# What is heard of it


def test_logins_are_not_logged(ssh_servers: SshServers, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert run(connect(ssh_servers.open(7, [public(KEY)], address=None)), "echo fine")[0] == b"fine\n"
    assert [record for record in caplog.records if record.name.startswith("asyncssh")] == []


def test_logins_are_logged_at_a_level_that_was_set(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="asyncssh")
    with SshServers() as ssh_servers:
        connect(ssh_servers.open(7, [public(KEY)], address=None))
    assert [record for record in caplog.records if record.name.startswith("asyncssh")] != []


# Many


def test_many_machines_at_once(ssh_servers: SshServers, connect: Connect) -> None:
    places = {number: ssh_servers.open(number, [public(KEY)], address=None) for number in range(20)}
    results: dict[int, bytes] = {}

    def use(number: int) -> None:
        results[number] = run(connect(places[number]), f"echo {number} > me; sleep 0.2; cat me")[0]

    threads = [threading.Thread(target=use, args=(number,)) for number in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: f"{number}\n".encode() for number in range(20)}


def test_files_are_where_commands_see_them(guest: paramiko.SSHClient) -> None:
    with guest.open_sftp() as sftp:
        home = sftp.normalize(".")
        with sftp.open("one", "wb") as file:
            file.write(BYTES)
            file.chmod(0o700)
        sftp.mkdir(f"{home}/folder")
        with sftp.open(f"{home}/folder/two", "wb") as file:
            file.write(b"two")
        sftp.chdir("folder")
        assert sftp.getcwd() == f"{home}/folder"
    assert run(guest, "pwd")[0].decode() == f"{home}\n"
    assert run(guest, "cat one")[0] == BYTES
    assert run(guest, "test -x one && cat folder/two")[0] == b"two"


def test_file_that_a_command_made_can_be_fetched_changed_and_removed(guest: paramiko.SSHClient) -> None:
    run(guest, "echo one > file; ln -s file link")
    with guest.open_sftp() as sftp:
        with sftp.open("link", "a") as file:
            file.write("two\n")
        with sftp.open("file") as file:
            assert file.read() == b"one\ntwo\n"
        sftp.rename("file", "renamed")
        sftp.remove("link")
        assert [name for name in sftp.listdir(".") if not name.startswith(".")] == ["renamed"]
        assert sftp.listdir(".ssh") == ["authorized_keys"]


@pytest.mark.parametrize("path", ["/usr/bin/env", "/dev/null", "/proc/self/environ", "way-out/env", "/../usr/x"])
def test_files_that_a_machine_shares_with_the_computer_are_refused(guest: paramiko.SSHClient, path: str) -> None:
    run(guest, "ln -s /usr/bin way-out")
    with guest.open_sftp() as sftp:
        with pytest.raises(PermissionError, match="files of this sandbox machine are in the folders of its own, not"):
            sftp.stat(path)
        with pytest.raises(PermissionError):
            sftp.open(path, "w")
        with pytest.raises(PermissionError):
            sftp.remove("/usr")


def test_a_file_can_be_run_as_soon_as_it_is_closed(guest: paramiko.SSHClient) -> None:
    """A program that another sandbox of this process just starts has it open for a moment: "Text file busy"."""
    with guest.open_sftp() as sftp:
        file = sftp.open("script", "w")
        file.write("#!/bin/sh\necho it runs\n")
        closing = threading.Thread(target=file.close)
        with starting:
            closing.start()
            closing.join(0.2)
            assert closing.is_alive()
        closing.join(10)
        assert not closing.is_alive()
    assert run(guest, "chmod +x script && ./script")[0] == b"it runs\n"


def test_machine_without_sftp_runs_commands_all_the_same(ssh_servers: SshServers, connect: Connect) -> None:
    client = connect(ssh_servers.open(7, [public(KEY)], address=None, sftp=False))
    with pytest.raises(paramiko.SSHException):
        client.open_sftp()
    assert run(client, "cat > file && cat file", BYTES)[0] == BYTES


def test_sftp_session_ends_with_a_status(guest: paramiko.SSHClient) -> None:
    channel = guest.open_sftp().get_channel()
    channel.shutdown_write()
    assert channel.recv_exit_status() == 0


def test_big_file_through_sftp(guest: paramiko.SSHClient, tmp_path: Path) -> None:
    data = BYTES * 20_000
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data)
    with guest.open_sftp() as sftp:
        sftp.put(str(source), "big")
        sftp.get("big", str(target))
    assert target.read_bytes() == data


def test_temporary_files_can_be_reached_as_by_commands(guest: paramiko.SSHClient) -> None:
    folder = run(guest, "mktemp -d /tmp/guest-XXXXXXXX")[0].decode().strip()
    try:
        with guest.open_sftp() as sftp:
            with sftp.open(f"{folder}/file", "w") as file:
                file.write("content")
            assert sftp.listdir(folder) == ["file"]
        assert run(guest, f"cat {folder}/file")[0] == b"content"
    finally:
        run(guest, f"rm -r {folder}")


def test_forced_command(ssh_servers: SshServers, connect: Connect) -> None:
    key = f'command="echo Please login as ubuntu; exit 142" {public(KEY)}'
    client = connect(ssh_servers.open(7, [key], address=None))
    assert run(client, "echo in")[0] == b"Please login as ubuntu\n"
    with pytest.raises(paramiko.SFTPError, match="Garbage"):
        client.open_sftp()


def test_one_session_only(ssh_servers: SshServers, connect: Connect) -> None:
    client = connect(ssh_servers.open(7, [public(KEY)], address=None, max_sessions=1))
    first = client.get_transport().open_session()
    with pytest.raises(paramiko.ChannelException):
        client.get_transport().open_session()
    first.exec_command("true")
    first.recv_exit_status()
    first.close()
    deadline = time.monotonic() + 5
    while True:
        try:
            assert run(client, "echo in")[0] == b"in\n"
            return
        except paramiko.ChannelException:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_nothing_of_asyncio_is_printed_when_a_client_goes_away(
    ssh_servers: SshServers, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    client = connect(ssh_servers.open(7, [public(KEY)], address=None))
    for _ in range(5):
        client.exec_command("sleep 0.05 & echo some; exit 0")
        client.exec_command("while :; do echo much; done & exit 0")
    time.sleep(0.3)
    client.close()
    ssh_servers.close(7)
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
