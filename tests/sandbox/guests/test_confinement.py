"""What happens on a sandbox machine changes nothing of the computer that it runs on, also if root runs the sandbox."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

import stratuslab_libcloud
from stratuslab_libcloud.sandbox.guests import confinement, write_protection
from stratuslab_libcloud.sandbox.guests.confinement import OwnFolder
from stratuslab_libcloud.sandbox.guests.ssh_servers import SshServers

from ..conftest import KEY, OTHER_KEY, Connect, long_sleep, public, run, runs

SET_UP = """
set -e
echo "127.9.9.9 {mark}" >> /etc/hosts
echo "/shared *(rw,no_root_squash)" >> /etc/exports
mkdir -p /etc/profile.d /etc/{mark} /{mark}
echo "export STRATUSLAB_NC=1" > /etc/profile.d/{mark}.sh
groupadd {mark}
useradd -m -g {mark} {mark}
chown -R {mark}: /home/{mark}
echo "127.9.9.9 slots=1" > /tmp/{mark}
echo "127.9.9.9 slots=1" > /var/tmp/{mark}
mkdir -p /root/.ssh /var/run/{mark}
echo "{mark}" >> /root/.ssh/known_hosts
echo "{mark}" >> /root/.shosts
chmod 777 /etc /etc/passwd /root
hostname {mark}
mount -t tmpfs none /mnt
touch /mnt/{mark} /dev/shm/{mark}
rm /etc/hosts.allow || true
"""
"""What setting up a cluster does, and more."""

WATCHED = ("/", "/etc", "/etc/profile.d", "/home", "/mnt", "/root", "/root/.ssh", "/run", "/srv", "/var")
FILES = (
    "/etc/hosts",
    "/etc/passwd",
    "/etc/group",
    "/etc/shadow",
    "/etc/exports",
    "/root/.ssh/known_hosts",
    "/root/.shosts",
)


def computer() -> dict[str, object]:
    """What a set-up could change of the computer; what cannot be read is no secret that it could change."""
    found: dict[str, object] = {"name": os.uname().nodename}
    for path in map(Path, (*WATCHED, *FILES)):
        try:
            status = path.stat()
            content = sorted(path.iterdir()) if path.is_dir() else path.read_bytes()
        except OSError as problem:
            found[str(path)] = type(problem)
        else:
            found[str(path)] = (status.st_mode, status.st_uid, status.st_gid, content)
    return found


@pytest.fixture
def mark() -> str:
    """A name that nothing on this computer has."""
    return f"m{uuid.uuid4().hex[:12]}"


@pytest.fixture
def has_views(ssh_servers: SshServers) -> None:
    """Skips where machines have no view of their own."""
    ssh_servers.open(1, [], address=None)
    if confinement._best is OwnFolder:
        pytest.skip("this computer permits no name spaces")


@pytest.fixture
def without_views(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a computer that permits no name spaces."""
    monkeypatch.setattr(confinement, "_best", OwnFolder)


# With a private view


@pytest.mark.usefixtures("has_views")
def test_setting_up_a_machine_changes_nothing_of_the_computer(guest: paramiko.SSHClient, mark: str) -> None:
    before = computer()
    _, err, status = run(guest, SET_UP.format(mark=mark))
    assert status == 0, err
    assert run(guest, f"cat /etc/hosts /tmp/{mark}; id -un {mark}; uname -n")[0].decode().count(mark) == 3
    assert computer() == before
    assert not [path for path in ("/tmp", "/var/tmp", "/dev/shm") if Path(path, mark).exists()]
    assert mark not in Path("/proc/self/mountinfo").read_text()


@pytest.mark.usefixtures("has_views")
@pytest.mark.skipif(os.getuid() != 0, reason="the other tests are an ordinary user's then")
def test_an_ordinary_user_has_such_views_too(tmp_path: Path, mark: str) -> None:
    before = computer()
    program = f"""
import asyncio, tempfile
from pathlib import Path
from stratuslab_libcloud.sandbox.guests.confinement import best_confinement
from stratuslab_libcloud.sandbox.guests.machine_root import MachineRoot

async def main():
    confine = await best_confinement()
    with tempfile.TemporaryDirectory() as folder:
        machine = confine(MachineRoot(Path(folder) / "machine"))
        words = await machine.words(["sh", "-c", {SET_UP.format(mark=mark)!r} + "id; cat /etc/hosts"], terminal=None)
        process = await asyncio.create_subprocess_exec(*words, env=machine.environment("root"))
        status = await process.wait()
        await machine.end()
    raise SystemExit(status)

asyncio.run(main())
"""
    done = as_ordinary_user(program)
    assert (done.returncode, done.stderr) == (0, "")
    assert "uid=0(root)" in done.stdout
    assert f"127.9.9.9 {mark}" in done.stdout
    assert computer() == before


def as_ordinary_user(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program as a user who has no rights; skips where no Python can be found that this user may run."""
    packages = [str(Path(stratuslab_libcloud.__file__).parents[1]), *(path for path in sys.path if "-packages" in path)]
    environment = {"PYTHONPATH": ":".join(packages), "PATH": os.environ["PATH"], "HOME": "/nonexistent"}

    def run_by(python: str, program: str) -> subprocess.CompletedProcess[str]:
        words = [python, "-B", "-c", program]
        return subprocess.run(
            words,
            env=environment,
            cwd="/",
            user=12345,
            group=12345,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )

    for python in (sys.executable, "/usr/bin/python3"):
        try:
            if run_by(python, "import stratuslab_libcloud.sandbox.guests.confinement").returncode == 0:
                return run_by(python, program)
        except OSError:
            continue
    pytest.skip("no Python with the sandbox's packages can be run by an ordinary user")


@pytest.mark.usefixtures("has_views")
@pytest.mark.parametrize("path", ["/usr/{mark}", "/boot/{mark}", "/sys/{mark}", "/proc/sys/kernel/domainname"])
def test_what_a_machine_shares_with_the_computer_is_read_only(guest: paramiko.SSHClient, mark: str, path: str) -> None:
    _, err, status = run(guest, f"echo {mark} > {path.format(mark=mark)}")
    assert status != 0
    assert b"Read-only" in err or b"nonexistent" in err or b"denied" in err


@pytest.mark.usefixtures("has_views")
def test_a_machine_has_processes_of_its_own(guest: paramiko.SSHClient) -> None:
    child = long_sleep()
    with subprocess.Popen(child.split()) as process:
        try:
            assert child.encode() not in run(guest, "ps -Ao args")[0]
            assert run(guest, f"kill -9 {process.pid}")[2] != 0 or process.pid < 100
            assert runs(child)
        finally:
            process.kill()


@pytest.mark.usefixtures("has_views")
def test_devices_are_those_that_a_program_needs(guest: paramiko.SSHClient) -> None:
    assert run(guest, "head -c 3 /dev/zero | wc -c; echo gone > /dev/null; test -c /dev/tty")[2] == 0
    names = run(guest, "ls /dev")[0].decode().split()
    assert sorted(names) == sorted(
        ["fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero"]
    )


@pytest.mark.usefixtures("has_views")
def test_the_sandboxs_python_is_there(guest: paramiko.SSHClient) -> None:
    assert run(guest, f"{sys.executable} -c 'import paramiko; print(paramiko.__name__)'")[0] == b"paramiko\n"


@pytest.mark.usefixtures("has_views")
def test_links_lead_to_the_machines_own_files(guest: paramiko.SSHClient, mark: str) -> None:
    run(guest, f"echo {mark} > /etc/{mark}; ln -s /etc/{mark} link; ln -s ../../../../etc/{mark} up; ln -s round round")
    with guest.open_sftp() as sftp:
        for name in ("link", "up", f"/root/../etc/{mark}", f"/../etc/{mark}"):
            with sftp.open(name) as file:
                assert file.read().decode() == f"{mark}\n"
        with sftp.open("link", "w") as file:
            file.write("changed")
        assert sftp.readlink("link") == f"/etc/{mark}"
        with pytest.raises(OSError, match="symbolic links"):
            sftp.stat("round")
        sftp.symlink("/usr/bin", "way-out")
        with pytest.raises(PermissionError):
            sftp.listdir("way-out")
    assert run(guest, f"cat /etc/{mark}")[0] == b"changed"
    assert not Path("/etc", mark).exists()


@pytest.mark.usefixtures("has_views")
def test_a_user_that_a_machine_has_added_logs_in_at_home(ssh_servers: SshServers, connect: Connect, mark: str) -> None:
    place = ssh_servers.open(7, [public(KEY)], address=None)
    run(
        connect(place),
        f"useradd -m {mark}; mkdir ~{mark}/.ssh; echo '{public(OTHER_KEY)}' > ~{mark}/.ssh/authorized_keys",
    )
    client = connect(place, OTHER_KEY, user=mark)
    assert run(client, "pwd; echo $USER")[0].decode() == f"/home/{mark}\n{mark}\n"
    with client.open_sftp() as sftp:
        assert sftp.normalize(".") == f"/home/{mark}"
    with pytest.raises(paramiko.AuthenticationException):
        connect(place, OTHER_KEY)


@pytest.mark.usefixtures("has_views")
def test_a_machine_that_ends_while_its_first_command_begins(ssh_servers: SshServers, connect: Connect) -> None:
    child = long_sleep()
    connect(ssh_servers.open(7, [public(KEY)], address=None)).get_transport().open_session().exec_command(child)
    ssh_servers.close(7)
    assert not runs(child)


# Without one


@pytest.mark.usefixtures("without_views")
@pytest.mark.skipif(write_protection.version() <= 0, reason="this computer has no Landlock")
def test_without_views_absolute_paths_are_refused(guest: paramiko.SSHClient, mark: str) -> None:
    before = computer()
    for path in (f"/etc/{mark}", "/etc/hosts", f"/tmp/{mark}", f"/var/tmp/{mark}", f"/{mark}"):
        assert run(guest, f"echo {mark} >> {path}")[2] != 0
        with guest.open_sftp() as sftp, pytest.raises(PermissionError, match="files of this sandbox machine are in /"):
            sftp.open(path, "w")
    assert run(guest, f"useradd {mark}; mkdir /{mark}; ln -s x /tmp/{mark}; mv file /tmp/{mark}")[2] != 0
    assert computer() == before
    assert not Path("/tmp", mark).exists()
    assert run(guest, "echo in > file; cat file; mktemp >/dev/null && echo made")[0] == b"in\nmade\n"


@pytest.mark.usefixtures("without_views")
@pytest.mark.skipif(write_protection.version() <= 0, reason="this computer has no Landlock")
def test_without_views_a_terminal_is_one(guest: paramiko.SSHClient) -> None:
    channel = guest.get_transport().open_session()
    channel.get_pty("xterm", width=91, height=17)
    channel.exec_command("stty size; exec cat")
    assert channel.makefile("rb").readline().strip() == b"17 91"
    channel.sendall(b"\x03")
    assert channel.recv_exit_status() == -1


@pytest.mark.usefixtures("without_views")
def test_root_runs_nothing_where_nothing_protects_the_computer(
    guest: paramiko.SSHClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_protection, "version", lambda: 0)
    monkeypatch.setattr(os, "getuid", lambda: 0)
    for terminal in (False, True):
        channel = guest.get_transport().open_session()
        if terminal:
            channel.get_pty()
        channel.exec_command("true")
        assert channel.recv_exit_status() == 126
        assert b"run the sandbox as an ordinary user" in channel.recv(1000) + channel.recv_stderr(1000)


@pytest.mark.parametrize(("program", "reason"), [("setsid", "setsid is not installed"), ("nsenter", "nsenter is not")])
def test_it_is_said_why_machines_have_no_views(
    program: str,
    reason: str,
    ssh_servers: SshServers,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(confinement, "_best", None)
    which = confinement.shutil.which
    monkeypatch.setattr(confinement.shutil, "which", lambda name: None if name == program else which(name))
    ssh_servers.open(7, [], address=None)
    ssh_servers.open(8, [], address=None)
    assert caplog.text.count("machines have no private view of this computer, so absolute paths are refused") == 1
    assert reason in caplog.text


def test_a_view_that_cannot_be_made_is_explained(
    ssh_servers: SshServers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(confinement, "_best", None)
    monkeypatch.setattr(confinement, "shown", lambda: ["/nowhere/at/all"])
    ssh_servers.open(7, [], address=None)
    assert "mounting /nowhere/at/all at " in caplog.text


@pytest.fixture(autouse=True)
def _same_confinement_afterwards() -> Iterator[None]:
    before = confinement._best
    yield
    confinement._best = before
