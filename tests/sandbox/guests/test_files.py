"""The files of a sandbox machine over SFTP, as a client of another make sees them."""

from __future__ import annotations

from pathlib import Path

import paramiko
import pytest

from stratuslab_libcloud.sandbox.guests.ssh_servers import SshServers

from ..conftest import BYTES, KEY, Connect, public, run


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
        assert sorted(sftp.listdir(".")) == [".ssh", "renamed"]


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside", "folder/../../outside", "/", "way-out/passwd", ".."])
def test_files_outside_of_the_home_are_refused(guest: paramiko.SSHClient, path: str) -> None:
    run(guest, "mkdir folder; ln -s /etc way-out")
    with guest.open_sftp() as sftp:
        with pytest.raises(PermissionError, match="files of this sandbox machine are in"):
            sftp.stat(path)
        with pytest.raises(PermissionError):
            sftp.open(path, "w")


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
