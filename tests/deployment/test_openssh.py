"""Deployments on a real OpenSSH server, which does not always do what a paramiko or an asyncssh does."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from libcloud.compute.base import Node
from libcloud.compute.deployment import Deployment, FileDeployment, MultiStepDeployment, ScriptDeployment

from stratuslab_libcloud.errors import DeploymentFailedError, MachineFailedError

from .conftest import KEY, StartOpenSsh, public_text
from .openssh import USER, OneMachine, OpenSshServer

CLOUD_IMAGE = (
    """command="echo 'Please login as the user \\"ubuntu\\" rather than the user \\"root\\".';echo;exit 142" """
    + public_text(KEY)
)
"""What cloud-init writes for root."""


class Deploy:
    """Deploys on a server of OpenSSH's."""

    def __init__(self, key_file: Path) -> None:
        self.key_file = key_file

    def __call__(self, server: OpenSshServer, deployment: Deployment, **options: Any) -> Node:
        self.driver = OneMachine(server.port)
        return self.driver.deploy(deployment, public_text(KEY), self.key_file, **options)


@pytest.fixture
def deploy(key_file: Path) -> Deploy:
    return Deploy(key_file)


def script(server: OpenSshServer, text: str, **options: Any) -> ScriptDeployment:
    return ScriptDeployment(f"#!/bin/sh\n{text}\n", name=f"{server.folder}/script.sh", **options)


@pytest.mark.parametrize("settings", [(), ("MaxSessions 1",)], ids=["", "one session at a time"])
def test_files_and_scripts(
    settings: tuple[str, ...], start_openssh: StartOpenSsh, deploy: Deploy, tmp_path: Path
) -> None:
    server = start_openssh(*settings)
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 8000)
    steps = []
    for number in range(3):
        steps += [
            FileDeployment(str(source), f"{server.folder}/deep/file-{number}"),
            script(server, f"cmp {source} $FOLDER/deep/file-{number} && echo same", delete=True),
        ]
    deploy(server, MultiStepDeployment(steps))
    assert [step.stdout for step in steps[1::2]] == ["same\n"] * 3
    assert not (server.folder / "script.sh").exists()


def test_much_output_is_kept_to_its_end(start_openssh: StartOpenSsh, deploy: Deploy) -> None:
    server = start_openssh()
    step = script(server, "seq 1 3000000")
    deploy(server, step)
    assert step.stdout.startswith("[21840320 bytes are cut off here]\n")
    assert step.stdout.endswith("2999999\n3000000\n")
    step = script(server, "seq 1 3000000")
    deploy(server, step, ex_output_limit=23_000_000)
    assert step.stdout == "".join(f"{number}\n" for number in range(1, 3_000_001))


@pytest.mark.parametrize("talk", ["while :; do echo tick; sleep 0.2; done", "while :; do echo tick; done", "sleep 600"])
def test_background_job_that_goes_on_writing(talk: str, start_openssh: StartOpenSsh, deploy: Deploy) -> None:
    server = start_openssh()
    step = script(server, f"({talk}) & echo $! > $FOLDER/job; echo done")
    started = time.monotonic()
    deploy(server, step, ex_deploy_timeout=20)
    assert time.monotonic() - started < 8
    assert "tick\n" in step.stdout or step.stdout == "done\n"
    assert step.exit_status == 0


def test_session_that_is_stopped_while_a_script_runs(
    start_openssh: StartOpenSsh, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stratuslab_libcloud.deployment.connection.KEEPALIVE_SECONDS", 0.5)
    monkeypatch.setattr("stratuslab_libcloud.deployment.connection.SILENCE_SECONDS", 1.5)
    server = start_openssh()
    stopper = stop_when_ready(server, signal.SIGSTOP)
    with pytest.raises(
        DeploymentFailedError, match=r"the server said nothing for 1\.5 seconds, while /.*script\.sh ran"
    ):
        deploy(server, script(server, "touch $FOLDER/ready; sleep 600"))
    stopper.join()
    server.signal_sessions(signal.SIGCONT)


def test_script_that_is_silent_for_long_is_left_alone(
    start_openssh: StartOpenSsh, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stratuslab_libcloud.deployment.connection.KEEPALIVE_SECONDS", 0.3)
    monkeypatch.setattr("stratuslab_libcloud.deployment.connection.SILENCE_SECONDS", 1.0)
    server = start_openssh()
    step = script(server, "sleep 2.5; echo done")
    deploy(server, step)
    assert step.stdout == "done\n"


def test_machine_that_ended_is_said_to_have(
    start_openssh: StartOpenSsh, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(self: OneMachine, *, timeout: float, **_: Any) -> Any:
        if timeout == 0:
            raise MachineFailedError("machine 1 has ended and will not run", node=self.node)
        return [(self.node, self.node.public_ips)]

    monkeypatch.setattr(OneMachine, "wait_until_running", ended)
    server = start_openssh()
    stopper = stop_when_ready(server, signal.SIGKILL)
    with pytest.raises(DeploymentFailedError, match="not deployed: machine 1 has ended and will not run"):
        deploy(server, script(server, "touch $FOLDER/ready; sleep 600"))
    stopper.join()


def stop_when_ready(server: OpenSshServer, number: int) -> threading.Thread:
    def wait_and_stop() -> None:
        while not (server.folder / "ready").exists():
            time.sleep(0.02)
        server.signal_sessions(number)

    thread = threading.Thread(target=wait_and_stop)
    thread.start()
    return thread


# Users that are turned away


def test_forced_command_is_repeated(start_openssh: StartOpenSsh, deploy: Deploy) -> None:
    server = start_openssh(authorized_keys=CLOUD_IMAGE)
    started = time.monotonic()
    with pytest.raises(DeploymentFailedError) as caught:
        deploy(server, script(server, "true"), timeout=60)
    assert time.monotonic() - started < 10
    assert f'runs no commands for {USER}: to {USER} it says: Please login as the user "ubuntu"' in str(caught.value)
    assert "ssh_alternate_usernames" in str(caught.value)


def test_after_a_forced_command_comes_the_next_user(start_openssh: StartOpenSsh, deploy: Deploy) -> None:
    # There is one user that can be logged in to; it is turned away the first time.
    server = start_openssh(authorized_keys=CLOUD_IMAGE)

    def let_in(options: Callable[[], None]) -> None:
        server.authorized_keys.write_text(public_text(KEY))

    from stratuslab_libcloud.deployment.ssh_client import DeploymentSSHClient, TurnedAwayError

    original = DeploymentSSHClient.check_user

    def check_and_let_in(self: DeploymentSSHClient) -> None:
        try:
            original(self)
        except TurnedAwayError:
            server.authorized_keys.write_text(public_text(KEY))
            raise

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DeploymentSSHClient, "check_user", check_and_let_in)
        step = script(server, "echo in")
        deploy(server, step, ssh_username=USER, ssh_alternate_usernames=[USER])
    assert step.stdout == "in\n"


def test_account_for_sftp_alone_takes_files(start_openssh: StartOpenSsh, deploy: Deploy, tmp_path: Path) -> None:
    server = start_openssh("ForceCommand internal-sftp")
    source = tmp_path / "source"
    source.write_text("content")
    deploy(server, FileDeployment(str(source), f"{server.folder}/file"))
    assert (server.folder / "file").read_text() == "content"
