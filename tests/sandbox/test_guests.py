"""The sandbox's machines, as an SSH client of another make sees them."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
import pytest

from stratuslab_libcloud.sandbox.guests import GuestHouse

KEY = paramiko.RSAKey.generate(2048)
OTHER_KEY = paramiko.ECDSAKey.generate()
BYTES = bytes(range(256))


def public(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.get_base64()} somebody@somewhere"


@pytest.fixture
def house() -> Iterator[GuestHouse]:
    with GuestHouse() as house:
        yield house


@pytest.fixture
def connect() -> Iterator[Callable[..., paramiko.SSHClient]]:
    clients = []

    def connect(
        place: tuple[str, int], key: paramiko.PKey = KEY, user: str = "root", **options: object
    ) -> paramiko.SSHClient:
        client = paramiko.SSHClient()
        clients.append(client)
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        host, port = place
        chosen: dict[str, object] = {"pkey": key, "allow_agent": False, "look_for_keys": False, **options}
        client.connect(host, port, user, **chosen)
        return client

    yield connect
    for client in clients:
        client.close()


Connect = Callable[..., paramiko.SSHClient]


@pytest.fixture
def guest(house: GuestHouse, connect: Connect) -> paramiko.SSHClient:
    return connect(house.open(7, [public(KEY)], address=None))


def run(client: paramiko.SSHClient, command: str, stdin: bytes = b"") -> tuple[bytes, bytes, int]:
    into, out, err = client.exec_command(command)
    if stdin:
        into.write(stdin)
    into.close()
    stdout, stderr = out.read(), err.read()
    return stdout, stderr, out.channel.recv_exit_status()


def wait_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that is dead but not yet reaped counts as dead.
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


# Where a machine listens


def test_machine_listens_on_its_own_address_where_it_can(house: GuestHouse, connect: Connect) -> None:
    with socket.socket() as probe:
        try:
            probe.bind(("127.18.3.4", 0))
        except OSError:
            pytest.skip("only 127.0.0.1 can be listened on here")
        port = probe.getsockname()[1]
    place = house.open(7, [public(KEY)], address="127.18.3.4", port=port)
    assert place == ("127.18.3.4", port)
    assert run(connect(place), "echo there") == (b"there\n", b"", 0)


def test_machine_without_an_address_is_at_the_gateway(house: GuestHouse) -> None:
    host, port = house.open(7, [public(KEY)], address=None)
    assert host == "127.0.0.1"
    assert port > 0


def test_machine_whose_port_is_taken_is_at_the_gateway(house: GuestHouse, connect: Connect) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        place = house.open(7, [public(KEY)], address="127.0.0.1", port=port)
    assert place[0] == "127.0.0.1"
    assert place[1] != port
    assert run(connect(place), "echo there")[0] == b"there\n"


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.7", "::", "nowhere"])
def test_only_loopback_is_listened_on(house: GuestHouse, address: str) -> None:
    with pytest.raises(ValueError, match=address):
        house.open(7, [public(KEY)], address=address)


def test_a_machine_is_opened_once(house: GuestHouse) -> None:
    house.open(7, [], address=None)
    with pytest.raises(ValueError, match="machine 7 is open already"):
        house.open(7, [], address=None)


def test_a_machine_can_come_back_with_an_empty_home(house: GuestHouse, connect: Connect) -> None:
    run(connect(house.open(7, [public(KEY)], address=None)), "touch was-here")
    house.close(7)
    assert run(connect(house.open(7, [public(KEY)], address=None)), "ls")[0] == b""


# Who gets in


@pytest.mark.parametrize("user", ["root", "ubuntu", "jürgen"])
def test_any_user_gets_in_with_the_key(house: GuestHouse, connect: Connect, user: str) -> None:
    keys = ["", "nonsense", public(OTHER_KEY), f"{public(KEY)} of jürgen"]
    client = connect(house.open(7, keys, address=None), user=user)
    assert run(client, 'echo "$USER $LOGNAME"')[0].decode() == f"{user} {user}\n"


@pytest.mark.parametrize("keys", [[], ["nonsense"], [public(OTHER_KEY)]])
def test_nobody_gets_in_with_another_key(house: GuestHouse, connect: Connect, keys: list[str]) -> None:
    place = house.open(7, keys, address=None)
    with pytest.raises(paramiko.AuthenticationException):
        connect(place)


def test_nobody_gets_in_with_a_password(house: GuestHouse, connect: Connect) -> None:
    place = house.open(7, [public(KEY)], address=None)
    with pytest.raises(paramiko.BadAuthenticationType, match="publickey"):
        connect(place, key=None, password="root")


def test_one_machines_key_does_not_open_another(house: GuestHouse, connect: Connect) -> None:
    house.open(7, [public(KEY)], address=None)
    place = house.open(8, [public(OTHER_KEY)], address=None)
    with pytest.raises(paramiko.AuthenticationException):
        connect(place)


def test_a_key_that_is_added_on_the_machine_opens_it(house: GuestHouse, connect: Connect) -> None:
    place = house.open(7, [public(KEY)], address=None)
    with connect(place).open_sftp() as sftp, sftp.open(".ssh/authorized_keys", "a") as file:
        file.write(public(OTHER_KEY))
    assert run(connect(place, OTHER_KEY), "echo in")[0] == b"in\n"


@pytest.mark.parametrize("kind", ["ssh-ed25519", "rsa-sha2-256"])
def test_host_keys_are_common_to_all_machines(house: GuestHouse, connect: Connect, kind: str) -> None:
    others = {"ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"} - {kind}
    algorithms = {"keys": sorted(others)}
    seven = connect(house.open(7, [public(KEY)], address=None), disabled_algorithms=algorithms)
    eight = connect(house.open(8, [public(KEY)], address=None), disabled_algorithms=algorithms)
    keys = [client.get_transport().get_remote_server_key() for client in (seven, eight)]
    assert keys[0] == keys[1]


# What a command has


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


def test_each_machine_has_a_home_of_its_own(house: GuestHouse, connect: Connect) -> None:
    seven, eight = (connect(house.open(number, [public(KEY)], address=None)) for number in (7, 8))
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


# How it ends


def test_command_that_takes_too_long_is_killed_with_its_children(connect: Connect) -> None:
    with GuestHouse(command_seconds=0.3) as house:
        client = connect(house.open(7, [public(KEY)], address=None))
        out, err, status = run(client, "sleep 600 & echo $!; wait")
        assert (err, status) == (b"the sandbox ended this command after 0.3 seconds\n", 124)
        assert wait_for(lambda: not is_alive(int(out)))
        client.close()


def test_process_in_the_background_does_not_hold_the_command(guest: paramiko.SSHClient) -> None:
    out, _, status = run(guest, "sleep 600 & echo $!; exit 7")
    assert status == 7
    assert is_alive(int(out))


def test_closing_ends_processes_connections_and_files(house: GuestHouse, connect: Connect) -> None:
    place = house.open(7, [public(KEY)], address=None)
    client = connect(place)
    home, background = run(client, "pwd; sleep 600 >/dev/null 2>&1 & echo $!")[0].decode().split()
    _, out, _ = client.exec_command("echo $$; exec sleep 600")
    foreground = int(out.readline())
    house.close(7)
    assert wait_for(lambda: not is_alive(foreground))
    assert wait_for(lambda: not is_alive(int(background)))
    assert not Path(home).exists()
    assert wait_for(lambda: not client.get_transport().is_active())
    with pytest.raises(OSError, match="onnect"):
        connect(place)


def test_closing_leaves_the_others(house: GuestHouse, connect: Connect) -> None:
    house.open(7, [public(KEY)], address=None)
    eight = connect(house.open(8, [public(KEY)], address=None))
    house.close(7)
    assert run(eight, "echo still here")[0] == b"still here\n"


def test_closing_while_files_are_written(house: GuestHouse, connect: Connect) -> None:
    client = connect(house.open(7, [public(KEY)], address=None))
    _, out, _ = client.exec_command("pwd; i=0; while :; do mkdir -p d$i; echo > d$i/f; i=$((i+1)); done")
    home = Path(out.readline().strip())
    house.close(7)
    assert not home.exists()


def test_client_that_leaves_in_the_middle_of_much_output(
    house: GuestHouse, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    place = house.open(7, [public(KEY)], address=None)
    channel = connect(place).get_transport().open_session()
    channel.exec_command("echo $$; exec cat /dev/zero")
    pid = int(channel.makefile("rb").readline())
    channel.close()
    assert wait_for(lambda: not is_alive(pid))
    assert run(connect(place), "echo fine")[0] == b"fine\n"
    assert "asyncio" not in [record.name for record in caplog.records]


def test_closing_what_is_not_open_does_nothing(house: GuestHouse) -> None:
    house.close(7)


def test_stopping_ends_everything(connect: Connect) -> None:
    house = GuestHouse()
    place = house.open(7, [public(KEY)], address=None)
    home, pid = run(connect(place), "pwd; sleep 600 >/dev/null 2>&1 & echo $!")[0].decode().split()
    house.stop()
    house.stop()
    assert wait_for(lambda: not is_alive(int(pid)))
    assert not Path(home).parent.exists()
    with pytest.raises(OSError, match="onnect"):
        connect(place)
    with pytest.raises(RuntimeError, match="stopped"):
        house.open(7, [], address=None)


def test_a_given_root_is_used_and_left(tmp_path: Path, connect: Connect) -> None:
    root = tmp_path / "guests"
    with GuestHouse(root) as house:
        client = connect(house.open(7, [public(KEY)], address=None))
        assert Path(run(client, "pwd")[0].decode().strip()).parent == root.resolve()
    assert list(root.iterdir()) == []


def test_a_signal_reaches_the_command(guest: paramiko.SSHClient) -> None:
    channel = guest.get_transport().open_session()
    channel.get_pty()
    channel.exec_command("trap 'echo resized; exit 8' WINCH; echo ready; while :; do sleep 0.05; done")
    output = channel.makefile("rb")
    assert output.readline().strip() == b"ready"
    channel.resize_pty(width=50)
    assert b"resized" in output.read()
    assert channel.recv_exit_status() == 8


# Files


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


def test_machine_without_sftp_runs_commands_all_the_same(house: GuestHouse, connect: Connect) -> None:
    client = connect(house.open(7, [public(KEY)], address=None, sftp=False))
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


# Many


def test_many_machines_at_once(house: GuestHouse, connect: Connect) -> None:
    places = {number: house.open(number, [public(KEY)], address=None) for number in range(20)}
    results: dict[int, bytes] = {}

    def use(number: int) -> None:
        results[number] = run(connect(places[number]), f"echo {number} > me; sleep 0.2; cat me")[0]

    threads = [threading.Thread(target=use, args=(number,)) for number in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: f"{number}\n".encode() for number in range(20)}
