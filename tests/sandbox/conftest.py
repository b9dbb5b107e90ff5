"""A cloud on a clock that the test moves, and requests to it: XML-RPC, plain HTTP, SSH to its machines."""

from __future__ import annotations

import configparser
import random
import socket
import subprocess
import time
import xml.etree.ElementTree as ET
import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import paramiko
import pytest
import requests

from stratuslab_libcloud.sandbox import ManualClock, Sandbox
from stratuslab_libcloud.sandbox.guests.ssh_servers import SshServers

ALICE = ("alice", "secret")
USERS = {"alice": "secret", "bob": "s3cret%x", "pdisk": "pdisk"}
CALL = xmlrpc.client.dumps(("", -3, -1, -1, -1), "one.vmpool.info")
ALLOCATE = xmlrpc.client.dumps(("", "CPU=1"), "one.vm.allocate")
TEMPLATE = (Path(__file__).parent / "machine.template").read_text()
KEY = paramiko.RSAKey.generate(2048)
OTHER_KEY = paramiko.ECDSAKey.generate()
BYTES = bytes(range(256))
Connect = Callable[..., paramiko.SSHClient]
Oned = Callable[..., Any]


@pytest.fixture
def clock() -> ManualClock:
    """The time that the sandbox lives by."""
    return ManualClock()


@pytest.fixture
def sandbox(clock: ManualClock) -> Iterator[Sandbox]:
    """A machine runs three seconds after it was created, when the test has moved the clock so far."""
    with Sandbox(users=USERS, clock=clock, boot_seconds=3) as sandbox:
        yield sandbox


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def oned(sandbox: Sandbox) -> Iterator[Oned]:
    """Calls a method of the compute service as a user: ``oned("alice", "one.vm.info", 7)``."""
    proxies: dict[str, xmlrpc.client.ServerProxy] = {}

    def call(user: str, method: str, *parameters: Any) -> Any:
        if user not in proxies:
            password = quote(sandbox.state.accounts.password(user), safe="")
            url = sandbox.compute_url.replace("://", f"://{quote(user, safe='')}:{password}@")
            proxies[user] = xmlrpc.client.ServerProxy(url.replace("/xmlrpc", "/pswd/xmlrpc"))
        return getattr(proxies[user], method)("ignored", *parameters)

    yield call
    for proxy in proxies.values():
        proxy("close")()


def ok(answer: Any) -> Any:
    """The value in an answer of the compute service, which is no refusal."""
    success, value, code = answer
    assert success, value
    assert code == 0
    return value


def info(oned: Oned, machine_id: int, user: str = "alice") -> ET.Element:
    """A machine as the compute service tells it."""
    return ET.fromstring(ok(oned(user, "one.vm.info", machine_id)))


def states(oned: Oned, machine_id: int) -> tuple[int, int]:
    machine = info(oned, machine_id)
    return int(machine.findtext("STATE", "")), int(machine.findtext("LCM_STATE", ""))


@pytest.fixture
def machine_id(oned: Oned) -> int:
    return int(ok(oned("alice", "one.vm.allocate", TEMPLATE)))


def listed(oned: Oned, *parameters: int, user: str = "alice") -> list[int]:
    pool = ET.fromstring(ok(oned(user, "one.vmpool.info", *parameters)))
    return [int(machine.findtext("ID", "")) for machine in pool]


# Machines over SSH


def public(key: paramiko.PKey) -> str:
    """The line that a key is in a file of public keys."""
    return f"{key.get_name()} {key.get_base64()} somebody@somewhere"


@pytest.fixture
def ssh_servers() -> Iterator[SshServers]:
    with SshServers() as ssh_servers:
        yield ssh_servers


def login(
    place: tuple[str, int], key: paramiko.PKey = KEY, user: str = "root", **options: object
) -> paramiko.SSHClient:
    """Log in to a host and port.

    :param options: of paramiko, instead of those that are used here
    """
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    connection = socket.create_connection(place, timeout=10)
    # paramiko leaves this as it is, which costs 40 ms or 80 a login.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    chosen: dict[str, Any] = {"pkey": key, "allow_agent": False, "look_for_keys": False, **options}
    try:
        client.connect(*place, user, sock=connection, **chosen)
    except BaseException:
        client.close()
        raise
    return client


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Does `login`, until the test ends."""
    with ExitStack() as ending:
        yield lambda *place, **options: ending.enter_context(login(*place, **options))


@pytest.fixture
def guest(ssh_servers: SshServers, connect: Connect) -> paramiko.SSHClient:
    """A login to a machine."""
    return connect(ssh_servers.open(7, [public(KEY)], address=None))


def run(client: paramiko.SSHClient, command: str, stdin: bytes = b"") -> tuple[bytes, bytes, int]:
    """Run a command; its output, what it printed as errors, and its status."""
    into, out, err = client.exec_command(command)
    if stdin:
        into.write(stdin)
    into.close()
    stdout, stderr = out.read(), err.read()
    return stdout, stderr, out.channel.recv_exit_status()


def wait_for(condition: Callable[[], bool]) -> bool:
    """Whether something becomes true within ten seconds."""
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def long_sleep() -> str:
    """A command that takes ten minutes, and that no other test runs: for `runs`."""
    return f"sleep 600.{random.SystemRandom().randrange(10**9):09}"


def runs(command: str) -> bool:
    """Whether a process runs this command, on whichever machine; a machine's numbers of processes are its own."""
    shown = subprocess.run(["ps", "-Ao", "args"], capture_output=True, text=True, check=True)
    return command in shown.stdout.splitlines()


# Requests without a client


def compute(sandbox: Sandbox) -> str:
    return sandbox.compute_url.replace("/xmlrpc", "/pswd/xmlrpc")


def has_seen(sandbox: Sandbox, number: int) -> Callable[[], bool]:
    return lambda: len(sandbox.requests) >= number


def allocate(sandbox: Sandbox, session: requests.Session, timeout: float = 5) -> requests.Response:
    return session.post(compute(sandbox), data=ALLOCATE, auth=ALICE, timeout=timeout)


def images(sandbox: Sandbox, session: requests.Session, timeout: float = 5) -> requests.Response:
    return session.get(f"{sandbox.marketplace_url}/metadata", timeout=timeout)


def http_connection(sandbox: Sandbox) -> HTTPConnection:
    return HTTPConnection(urlsplit(sandbox.url).netloc, timeout=5)


def ask(connection: HTTPConnection) -> HTTPResponse:
    if connection.sock is None:
        connection.connect()
    connection.auto_open = 0
    connection.request("GET", "/marketplace")
    answer = connection.getresponse()
    answer.read()
    return answer


def sections(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser()
    parser.read(path)
    return {name: dict(parser[name]) for name in parser.sections()}
