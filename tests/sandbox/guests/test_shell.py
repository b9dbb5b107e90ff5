"""What is run on a sandbox machine, as an SSH client of another make sees it."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import paramiko
import pytest

from stratuslab_libcloud.sandbox.guests.ssh_servers import SshServers

from ..conftest import BYTES, KEY, Connect, long_sleep, public, run, runs, wait_for


def test_command_runs_at_home_in_a_clean_environment(
    guest: paramiko.SSHClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_USER", "visible")
    out, _, _ = run(guest, 'pwd; echo "$HOME"; env')
    directory, home, *environment = out.decode().splitlines()
    assert directory == home
    assert directory != str(Path.home())
    names = {line.partition("=")[0] for line in environment}
    assert {"PATH", "HOME", "USER", "LANG"} <= names
    assert not names - {"PATH", "HOME", "USER", "LANG", "LOGNAME", "SHELL", "PWD", "OLDPWD", "SHLVL", "_"}


def test_each_machine_has_a_home_of_its_own(ssh_servers: SshServers, connect: Connect) -> None:
    seven, eight = (connect(ssh_servers.open(number, [public(KEY)], address=None)) for number in (7, 8))
    run(seven, "echo seven > name")
    assert run(seven, "cat name")[0] == b"seven\n"
    assert run(eight, "cat name")[2] == 1


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("echo out; echo err >&2; exit 3", (b"out\n", b"err\n", 3)),
        ("printf '\\000\\377\\n'", (b"\x00\xff\n", b"", 0)),
        ("exit 255", (b"", b"", 255)),
        ("no-such-command 2>/dev/null", (b"", b"", 127)),
        ("kill -9 $$", (b"", b"", -1)),
        ("exec >&-; echo err >&2; exit 4", (b"", b"err\n", 4)),
        ("echo 'one  two' | (read line; echo \"[$line]\")", (b"[one  two]\n", b"", 0)),
    ],
)
def test_output_and_status_arrive(guest: paramiko.SSHClient, command: str, expected: tuple[bytes, bytes, int]) -> None:
    assert run(guest, command) == expected


def test_megabytes_go_both_ways_unchanged(guest: paramiko.SSHClient) -> None:
    data = BYTES * 20_000
    assert run(guest, "cat > file; wc -c < file", data)[0].split() == [str(len(data)).encode()]
    assert run(guest, "cat file") == (data, b"", 0)
    assert run(guest, "head -c 1000000 file >&2") == (b"", data[:1_000_000], 0)


def test_all_output_is_there_before_the_status(guest: paramiko.SSHClient) -> None:
    # What a client sees that stops at the exit status, as Libcloud's does.
    channel = guest.get_transport().open_session()
    channel.exec_command("head -c 1000000 /dev/zero")
    channel.recv_exit_status()
    received = 0
    while channel.recv_ready():
        received += len(channel.recv(1 << 20))
    assert received == 1_000_000


def test_command_that_reads_nothing_of_its_input_ends(guest: paramiko.SSHClient) -> None:
    into, out, _ = guest.exec_command("exit 5")
    with contextlib.suppress(OSError):
        for _ in range(100):
            into.write(BYTES * 256)
            into.flush()
    assert out.channel.recv_exit_status() == 5


def test_shell_without_a_command_reads_its_input(guest: paramiko.SSHClient) -> None:
    channel = guest.get_transport().open_session()
    channel.invoke_shell()
    channel.sendall(b"echo from-stdin\nexit 6\n")
    assert channel.makefile("rb").read() == b"from-stdin\n"
    assert channel.recv_exit_status() == 6


def test_terminal_is_one(guest: paramiko.SSHClient) -> None:
    channel = guest.get_transport().open_session()
    channel.get_pty("xterm", width=91, height=17)
    channel.exec_command("tty; stty size; echo $TERM; exec cat")
    output = channel.makefile("rb")
    assert output.readline().startswith(b"/dev/")
    assert output.readline().strip() == b"17 91"
    assert output.readline().strip() == b"xterm"
    channel.sendall(b"\x03")
    # Ctrl-C is a signal there, so it is the terminal of the session.
    assert channel.recv_exit_status() == -1


def test_unknown_subsystem_does_nothing(guest: paramiko.SSHClient) -> None:
    channel = guest.get_transport().open_session()
    channel.invoke_subsystem("netconf")
    assert channel.makefile("rb").read() == b""
    assert channel.recv_exit_status() != 0


def test_commands_run_at_the_same_time(guest: paramiko.SSHClient) -> None:
    # Each waits for the other: one after the other would never end.
    script = "mkfifo {0} 2>/dev/null; echo {0} > {0} & cat {1}"
    run(guest, "mkfifo a b")
    results = {}

    def one(mine: str, other: str) -> None:
        results[mine] = run(guest, script.format(mine, other))[0]

    threads = [threading.Thread(target=one, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {"a": b"b\n", "b": b"a\n"}


def test_a_signal_reaches_the_command(guest: paramiko.SSHClient) -> None:
    channel = guest.get_transport().open_session()
    channel.get_pty()
    channel.exec_command("trap 'echo resized; exit 8' WINCH; echo ready; while :; do sleep 0.05; done")
    output = channel.makefile("rb")
    assert output.readline().strip() == b"ready"
    channel.resize_pty(width=50)
    assert b"resized" in output.read()
    assert channel.recv_exit_status() == 8


def test_command_that_takes_too_long_is_killed_with_its_children(connect: Connect) -> None:
    with SshServers(command_seconds=0.3) as ssh_servers:
        client = connect(ssh_servers.open(7, [public(KEY)], address=None))
        child = long_sleep()
        _, err, status = run(client, f"{child} & wait")
        assert (err, status) == (b"the sandbox ended this command after 0.3 seconds\n", 124)
        assert wait_for(lambda: not runs(child))
        client.close()


def test_process_in_the_background_does_not_hold_the_command(guest: paramiko.SSHClient) -> None:
    child = long_sleep()
    assert run(guest, f"{child} & exit 7")[2] == 7
    assert runs(child)
