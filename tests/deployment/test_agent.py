"""The SSH agent: it opens what no file does, and one that misbehaves holds nobody up."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from libcloud.compute.deployment import ScriptDeployment

from stratuslab_libcloud.deployment.keys import MachineKeys
from stratuslab_libcloud.errors import DeploymentFailedError

from .conftest import KEY, KEYS, OTHER_KEY, Deploy, ServerDriver, Write, find, private_text, public_text, refused


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_agent: None) -> Iterator[Callable[[Any], None]]:
    """An SSH agent; call it to add a key."""
    if not shutil.which("ssh-agent"):
        pytest.skip("ssh-agent is not installed")
    path = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))

    def add(key: Any) -> None:
        subprocess.run(["ssh-add", "-q", "-"], input=private_text(key), check=True)

    with process:
        yield add
        process.terminate()


@pytest.mark.parametrize("kind", ["RSA 2048", "ECDSA P-256", "Ed25519"])
def test_key_of_an_agent_opens_a_machine(
    kind: str, agent: Callable[[Any], None], key_file: Path, driver: ServerDriver, deploy: Deploy
) -> None:
    key_file.unlink()
    agent(KEYS["RSA 3072"])
    agent(KEYS[kind])
    driver.keys = [public_text(KEYS[kind])]
    script = ScriptDeployment("echo done")
    deploy(script, public_keys=public_text(KEYS[kind]))
    assert script.stdout == "done\n"


def test_agent_opens_what_a_locked_file_would(agent: Callable[[Any], None], write: Write) -> None:
    agent(KEY)
    assert find(KEY, write(private_text(KEY, passphrase="secret"))) == "the SSH agent"


def test_agent_has_another_key_only(
    agent: Callable[[Any], None], key_file: Path, driver: ServerDriver, deploy: Deploy
) -> None:
    key_file.unlink()
    agent(OTHER_KEY)
    assert "no SSH agent has its private half" in refused(deploy, driver)


def test_agent_of_a_session_that_has_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key_file: Path, driver: ServerDriver, deploy: Deploy
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "nothing"))
    key_file.unlink()
    assert "no SSH agent has its private half" in refused(deploy, driver)


def test_file_goes_before_the_agent(agent: Callable[[Any], None], key_file: Path) -> None:
    agent(KEY)
    assert find(KEY, key_file) == str(key_file)


def test_missing_file_that_was_named_is_an_error_all_the_same(
    agent: Callable[[Any], None], tmp_path: Path, driver: ServerDriver, deploy: Deploy
) -> None:
    agent(KEY)
    refused(deploy, driver, ssh_key=tmp_path / "nothing")


# Agents that misbehave


class FakeAgent:
    """Says to each request what it was told to say, in pieces, and then nothing more."""

    def __init__(self, path: Path) -> None:
        self.answers: list[list[bytes]] = []
        self.hangs_up = False
        self._ended = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            with connection:
                for pieces in self.answers:
                    connection.recv(65536)
                    for piece in pieces:
                        connection.sendall(piece)
                        self._ended.wait(0.05 if len(pieces) > 1 else 0)
                if not self.hangs_up:
                    self._ended.wait()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_agent: None, key_file: Path) -> Iterator[FakeAgent]:
    """An agent that a test tells what to say, beside no file with the key."""
    monkeypatch.setattr("stratuslab_libcloud.deployment.agent.LISTING_SECONDS", 0.2)
    monkeypatch.setattr("stratuslab_libcloud.deployment.agent.SIGNING_SECONDS", 0.2)
    key_file.unlink()
    fake = FakeAgent(tmp_path / "agent")
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    yield fake
    fake.stop()


def message(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def identities(*keys: bytes, count: int | None = None) -> bytes:
    number = len(keys) if count is None else count
    return message(b"\x0c" + number.to_bytes(4, "big") + b"".join(message(key) + message(b"") for key in keys))


NO_ANSWER = r"the SSH agent gave no answer within 0\.2 seconds"


@pytest.mark.parametrize(
    ("pieces", "complaint"),
    [
        ([], NO_ANSWER),
        ([b"\0\0"], NO_ANSWER),
        ([b"\0\0\1\0", *[b"x"] * 100], NO_ANSWER),
        ([b"\xff\xff\xff\xff"], "the SSH agent gave no answer: what it sent is none"),
        ([b"\0\0\0\0"], "the SSH agent gave no answer: what it sent is none"),
        ([message(b"\x05")], "the SSH agent refuses to answer"),
        ([message(b"\x0c")], "no SSH agent has its private half"),
        ([identities()], "no SSH agent has its private half"),
        ([identities(count=2**32 - 1)], "no SSH agent has its private half"),
        ([identities(b"\xff" * 10, count=2**32 - 1)], "no SSH agent has its private half"),
        ([message(b"\x0c\0\0\0\1\xff\xff\xff\xff")], "no SSH agent has its private half"),
    ],
    ids=["silent", "stops", "drips", "4 GB", "0 bytes", "refuses", "no number", "none", "2^32", "2^32, one", "torn"],
)
def test_agent_that_talks_nonsense_or_not_at_all(
    pieces: list[bytes], complaint: str, fake: FakeAgent, driver: ServerDriver, deploy: Deploy
) -> None:
    fake.answers = [pieces]
    started = time.monotonic()
    text = refused(deploy, driver)
    assert time.monotonic() - started < 3
    assert re.search(complaint, text)
    assert "with ssh_key, or add it to the agent with ssh-add" in text


def test_agent_that_hangs_up(fake: FakeAgent, driver: ServerDriver, deploy: Deploy) -> None:
    fake.answers, fake.hangs_up = [[]], True
    assert "the SSH agent gave no answer: it ended the connection" in refused(deploy, driver)


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [([], NO_ANSWER), ([[message(b"\x05")]] * 100, "the SSH agent refuses to answer")],
    ids=["silent", "refuses"],
)
def test_agent_that_does_not_sign(
    answers: list[list[bytes]], complaint: str, fake: FakeAgent, driver: ServerDriver, deploy: Deploy
) -> None:
    [key] = MachineKeys(public_text(KEY), "auth").parse()
    fake.answers = [[identities(key.data)], *answers]
    before = set(threading.enumerate())
    with pytest.raises(DeploymentFailedError, match=f"does not let root in with the key: {complaint}"):
        deploy(ScriptDeployment("true"), timeout=0.5)
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()
    assert len(driver.nodes) == 1
