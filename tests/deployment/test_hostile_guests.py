"""Guests that stall, drip, flood or ask questions: everything has an end, and nothing but a key is given to them."""

from __future__ import annotations

import builtins
import contextlib
import io
import itertools
import socket
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from libcloud.compute.base import Node
from libcloud.compute.deployment import Deployment, FileDeployment, ScriptDeployment

from stratuslab_libcloud.errors import DeploymentFailedError

from .conftest import KEY, public_text
from .openssh import OneMachine

GREETING = b"SSH-2.0-hostile\r\n"

Serve = Callable[[socket.socket], None]


class AttackServer:
    """Serves each connection in a thread of its own; a context manager.

    :param serve: what it does with one
    """

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> AttackServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve_one, args=[connection], daemon=True).start()

    def _serve_one(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._serve(connection)


class Deploy:
    """Deploys on a server of the attacker's."""

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file

    def __call__(self, server: AttackServer, deployment: Deployment, **options: Any) -> Node:
        self.driver = OneMachine(server.port)
        chosen = {"timeout": 2, "ssh_timeout": 0.5, **options}
        return self.driver.deploy(deployment, public_text(KEY), self._key_file, **chosen)

    def fails(self, server: AttackServer, deployment: Deployment, within: float = 5, **options: Any) -> str:
        """The words of the failure, which comes in time."""
        started = time.monotonic()
        with pytest.raises(DeploymentFailedError) as caught:
            self(server, deployment, **options)
        assert time.monotonic() - started < within
        return str(caught.value)


@pytest.fixture
def deploy(key_file: Path) -> Deploy:
    return Deploy(key_file)


# Before SSH is spoken


def endless_lines(connection: socket.socket) -> None:
    """Do as endlessh does: lines before the greeting are allowed, and nobody says how many."""
    for number in itertools.count():
        connection.sendall(b"%x\r\n" % number)
        time.sleep(0.1)


def dripped_greeting(connection: socket.socket) -> None:
    for _ in itertools.count():
        connection.sendall(b"S")
        time.sleep(0.05)


def flood(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"S" * 65536)


def silence(connection: socket.socket) -> None:
    connection.recv(1)
    time.sleep(60)


def greeting_alone(connection: socket.socket) -> None:
    connection.sendall(GREETING)
    time.sleep(60)


def dripped_handshake(connection: socket.socket) -> None:
    connection.sendall(GREETING + struct.pack(">IB", 4092, 4))
    for _ in itertools.count():
        connection.sendall(b"\0")
        time.sleep(0.05)


def flood_of_ignored_packets(connection: socket.socket) -> None:
    connection.sendall(GREETING)
    packet = struct.pack(">IBB", 32764, 4, 2) + bytes(32762)
    while True:
        connection.sendall(packet)


def enormous_packet(connection: socket.socket) -> None:
    connection.sendall(GREETING + struct.pack(">IB", 0x7FFFFFFC, 4) + bytes(65536))
    time.sleep(60)


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (endless_lines, "logging in took longer"),
        (dripped_greeting, "logging in took longer"),
        (flood, "sends data without end"),
        (silence, "logging in took longer"),
        (greeting_alone, "logging in took longer"),
        (dripped_handshake, "logging in took longer"),
        (flood_of_ignored_packets, "sends data without end"),
        (enormous_packet, "announces a packet of"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_before_the_login(attack: Serve, words: str, deploy: Deploy) -> None:
    with AttackServer(attack) as server:
        said = deploy.fails(server, ScriptDeployment("true"))
    assert "nobody could log in within 2 seconds" in said
    assert words in said
    assert "127.0.0.1 port" in said


def test_the_clock_set_back_changes_nothing(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()
    monkeypatch.setattr(time, "time", lambda: 1e9 - 100 * next(ticks))
    with AttackServer(greeting_alone) as server:
        deploy.fails(server, ScriptDeployment("true"))


# Servers that speak SSH


class Guest(paramiko.ServerInterface):
    """Lets the key in and runs commands, as far as the attack leaves that alone."""

    def __init__(self) -> None:
        self.executed: list[str] = []
        self.over = threading.Event()

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.AUTH_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.executed.append(command.decode())
        return self.execute(channel, command)

    def execute(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=self.run, args=[channel, command], daemon=True).start()
        return True

    def run(self, channel: paramiko.Channel, command: bytes) -> None:
        stdin = channel.makefile("rb").read()
        ended = subprocess.run(command, shell=True, capture_output=True, input=stdin, check=False)
        channel.sendall(ended.stdout)
        channel.send_exit_status(ended.returncode)
        channel.close()

    def begins_deployment(self) -> bool:
        """Whether the command that was just asked for is none of those that come before."""
        return len(self.executed) > 1


class AttackGuest(AttackServer):
    """Speaks SSH, with an attacker's side of each connection."""

    host_key = paramiko.ECDSAKey.generate()

    def __init__(self, new_guest: Callable[[], Guest]) -> None:
        self.guests: list[Guest] = []
        self._new_guest = new_guest
        super().__init__(self._speak)

    def __exit__(self, *unused: object) -> None:
        for guest in self.guests:
            guest.over.set()
        super().__exit__(*unused)

    def _speak(self, connection: socket.socket) -> None:
        guest = self._new_guest()
        self.guests.append(guest)
        transport = paramiko.Transport(connection)
        transport.set_log_channel("stratuslab_libcloud.paramiko")
        transport.add_server_key(self.host_key)
        with contextlib.suppress(paramiko.SSHException, EOFError):
            transport.start_server(server=guest)

    @property
    def executed(self) -> list[str]:
        return [command for guest in self.guests for command in guest.executed]


@pytest.fixture(autouse=True)
def short_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("execution.ANSWER_SECONDS", "ssh_client.ANSWER_SECONDS", "connection.OPENING_SECONDS"):
        monkeypatch.setattr(f"stratuslab_libcloud.deployment.{name}", 0.7)


class AsksQuestions(Guest):
    """Takes the key, says that it wants more, and asks for it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_for: list[str] = []

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.AUTH_PARTIALLY_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:
        return "keyboard-interactive,password"

    def check_auth_interactive(self, username: str, submethods: str) -> paramiko.InteractiveQuery:
        self.asked_for.append("keyboard-interactive")
        return paramiko.InteractiveQuery("Your laptop's password, please", "", "Password: ")

    def check_auth_password(self, username: str, password: str) -> int:
        self.asked_for.append("password")
        return paramiko.AUTH_FAILED


def test_questions_of_a_guest_are_not_answered(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def read(*_: object) -> str:
        raise AssertionError("something reads the keyboard")

    monkeypatch.setattr(builtins, "input", read)
    monkeypatch.setattr("getpass.getpass", read)
    typed = io.StringIO("secret\n")
    monkeypatch.setattr(sys, "stdin", typed)
    with AttackGuest(AsksQuestions) as server:
        said = deploy.fails(server, ScriptDeployment("true"), timeout=1)
    assert "the server takes the key, but also wants keyboard-interactive or password" in said
    assert typed.tell() == 0
    assert capfd.readouterr() == ("", "")
    assert all(guest.asked_for == [] for guest in server.guests if isinstance(guest, AsksQuestions))


class NeverAnswersKeys(Guest):
    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.over.wait(30)
        return paramiko.AUTH_FAILED


class NeverOpens(Guest):
    def check_channel_request(self, kind: str, chanid: int) -> int:
        self.over.wait(30)
        return paramiko.OPEN_SUCCEEDED


@pytest.mark.parametrize(
    ("guest", "words"), [(NeverAnswersKeys, "logging in took longer"), (NeverOpens, "opening a channel took longer")]
)
def test_answers_that_never_come_before_a_deployment(guest: type[Guest], words: str, deploy: Deploy) -> None:
    with AttackGuest(guest) as server:
        assert words in deploy.fails(server, ScriptDeployment("true"))


class NeverAnswersExec(Guest):
    def execute(self, channel: paramiko.Channel, command: bytes) -> bool:
        if self.begins_deployment():
            self.over.wait(30)
        return super().execute(channel, command)


class ClosesBeforeTheAnswer(Guest):
    def execute(self, channel: paramiko.Channel, command: bytes) -> bool:
        if self.begins_deployment():
            channel.close()
            return True
        return super().execute(channel, command)


class BreaksBeforeTheAnswer(Guest):
    def execute(self, channel: paramiko.Channel, command: bytes) -> bool:
        if self.begins_deployment():
            channel.get_transport().close()
        return super().execute(channel, command)


class OneCommand(Deployment):
    def run(self, node: Node, client: Any) -> Node:
        client.run("true once")
        return node


@pytest.mark.parametrize(
    ("guest", "words"),
    [
        (NeverAnswersExec, "the answer to the request to run a command took longer than 0.7 seconds, while true ran"),
        (ClosesBeforeTheAnswer, "the server ended the channel while true ran, so it is not known"),
        (BreaksBeforeTheAnswer, "the connection broke while true ran, so it is not known"),
    ],
)
def test_a_command_that_may_have_begun_is_not_begun_again(guest: type[Guest], words: str, deploy: Deploy) -> None:
    with AttackGuest(guest) as server:
        said = deploy.fails(server, OneCommand())
        assert words in said
        assert server.executed.count("true once") == 1


class NeverAnswersSFTP(Guest):
    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        self.over.wait(30)
        return True


class SFTPOfItsOwn(Guest):
    """Answers an SFTP client with bytes of the attacker's choice."""

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        threading.Thread(target=self.speak, args=[channel], daemon=True).start()
        return True

    def speak(self, channel: paramiko.Channel) -> None:
        raise NotImplementedError


class DripsSFTP(SFTPOfItsOwn):
    def speak(self, channel: paramiko.Channel) -> None:
        with contextlib.suppress(OSError):
            channel.sendall(struct.pack(">I", 100_000))
            while not self.over.wait(0.05):
                channel.sendall(b"\2")


@pytest.mark.parametrize("guest", [NeverAnswersSFTP, DripsSFTP])
def test_sftp_that_stalls(guest: type[Guest], deploy: Deploy, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("content")
    with AttackGuest(guest) as server:
        said = deploy.fails(server, FileDeployment(str(source), str(tmp_path / "target")), max_tries=2)
    assert "beginning with SFTP took longer than 0.7 seconds" in said


class AnswersSlowly(paramiko.SFTPServerInterface):
    """Takes files, a little at a time."""

    def stat(self, path: str) -> Any:
        return paramiko.SFTPAttributes()

    def canonicalize(self, path: str) -> str:
        return "/home"

    def open(self, path: str, flags: int, attr: Any) -> Any:
        return SlowFile()


class SlowFile(paramiko.SFTPHandle):
    def write(self, offset: int, data: bytes) -> int:
        time.sleep(0.3)
        return paramiko.SFTP_OK


class WritesSlowly(Guest):
    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        channel.get_transport().set_subsystem_handler("sftp", paramiko.SFTPServer, AnswersSlowly)
        return super().check_channel_subsystem_request(channel, name)


def test_file_that_is_written_a_little_at_a_time(
    deploy: Deploy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stratuslab_libcloud.deployment.ssh_client.STALLED_SECONDS", 1)
    monkeypatch.setattr("stratuslab_libcloud.deployment.ssh_client.LEAST_BYTES_A_SECOND", 1_000_000)
    source = tmp_path / "source"
    source.write_bytes(bytes(1_000_000))
    with AttackGuest(WritesSlowly) as server:
        said = deploy.fails(server, FileDeployment(str(source), "/target"), max_tries=1)
    assert "writing /target took longer than 2 seconds" in said


class AnnouncesMuch(SFTPOfItsOwn):
    def speak(self, channel: paramiko.Channel) -> None:
        with contextlib.suppress(OSError):
            channel.sendall(struct.pack(">I", 2**31))
            while True:
                channel.sendall(bytes(32768))


def test_sftp_answer_that_would_fill_the_memory(deploy: Deploy, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("content")
    with AttackGuest(AnnouncesMuch) as server:
        deploy(server, FileDeployment(str(source), str(target)))  # with the shell instead
    assert target.read_text() == "content"


class SaysMuch(Guest):
    def run(self, channel: paramiko.Channel, command: bytes) -> None:
        if not self.begins_deployment():
            super().run(channel, command)
            return
        with contextlib.suppress(OSError, EOFError):
            while True:
                channel.sendall(b"x" * 32767 + b"\n")


@pytest.fixture
def memory() -> Iterator[Callable[[], int]]:
    """The most bytes that were in use at a time."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def test_endless_output(deploy: Deploy, memory: Callable[[], int]) -> None:
    with AttackGuest(SaysMuch) as server:
        said = deploy.fails(server, OneCommand(), ex_deploy_timeout=3, ex_output_limit=100_000)
    assert "it was not done within 3 seconds (ex_deploy_timeout)" in said
    assert memory() < 50_000_000


class SaysEscapes(Guest):
    def run(self, channel: paramiko.Channel, command: bytes) -> None:
        channel.sendall(b"\x1b]0;owned\x07\x1b[31mgo\naway" + b"!" * 100_000)
        channel.send_exit_status(1)
        channel.close()


def test_words_of_a_guest_do_not_steer_a_terminal(deploy: Deploy) -> None:
    with AttackGuest(SaysEscapes) as server:
        said = deploy.fails(server, OneCommand())
    assert "to " in said
    assert "?]0;owned??[31mgo away!!!" in said
    assert said.isprintable()
    assert len(said) < 1000


# A limit for all of it


class Sleeps(Deployment):
    def run(self, node: Node, client: Any) -> Node:
        time.sleep(30)
        return node


def test_step_of_a_users_own_that_does_not_end(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratuslab_libcloud.deployment.node.UNWINDING_SECONDS", 0.5)
    with AttackGuest(Guest) as server:
        said = deploy.fails(server, Sleeps(), ex_deploy_timeout=1, ex_destroy_on_failure=True)
    assert "it was not done within 1 seconds (ex_deploy_timeout): a step of it does not end; " in said
    assert deploy.driver.destroyed == ["1"]


def test_waiting_counts_as_well(deploy: Deploy) -> None:
    with AttackServer(silence) as server:
        said = deploy.fails(server, ScriptDeployment("true"), timeout=60, ex_deploy_timeout=1)
    assert "it was not done within 1 seconds (ex_deploy_timeout)" in said


def test_what_is_tried_again_counts_as_well(deploy: Deploy) -> None:
    class Fails(Deployment):
        def run(self, node: Node, client: Any) -> Node:
            raise RuntimeError("not yet")

    with AttackGuest(Guest) as server:
        said = deploy.fails(server, Fails(), max_tries=1000, ex_deploy_timeout=1)
    assert "it was not done within 1 seconds (ex_deploy_timeout)" in said
