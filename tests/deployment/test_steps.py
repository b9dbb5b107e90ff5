"""What is done on a machine, in every order, with SFTP and without."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko
import pytest
from libcloud.compute.base import Node
from libcloud.compute.deployment import (
    Deployment,
    FileDeployment,
    MultiStepDeployment,
    ScriptDeployment,
    ScriptFileDeployment,
    SSHKeyDeployment,
)
from libcloud.compute.ssh import SSHCommandTimeoutError
from libcloud.compute.types import DeploymentError

from stratuslab_libcloud.errors import DeploymentFailedError, ScriptFailedError

from .conftest import KEY, OTHER_KEY, Deploy, ServerDriver, public_text


@pytest.fixture(params=[True, False], ids=["sftp", "no-sftp"], autouse=True)
def with_or_without_sftp(request: pytest.FixtureRequest, driver: ServerDriver) -> None:
    driver.sftp = request.param


@pytest.fixture
def home(homes: Path) -> Callable[[Node], Path]:
    return lambda node: homes / f"machine-{node.id}" / "root"


Home = Callable[[Node], Path]


def script(text: str, **options: Any) -> ScriptDeployment:
    return ScriptDeployment(f"#!/bin/sh\n{text}\n", **options)


class Call(Deployment):
    """A step of a user's own."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def run(self, node: Node, client: Any) -> Node:
        self.function(client)
        return node


# What Libcloud's deployments do


def test_script(deploy: Deploy, home: Home) -> None:
    step = script("pwd; echo $# $1; echo problem >&2; exit 0", args=["one", "'two words'"])
    node = deploy(step)
    assert (step.stderr, step.exit_status) == ("problem\n", 0)
    assert re.fullmatch("/.*root\n2 one\n", step.stdout or "")
    assert (home(node) / step.name).stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_script_that_was_written_on_windows(
    mark: str, end: str, deploy: Deploy, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "stratuslab_libcloud.deployment")
    step = ScriptDeployment(f"{mark}#!/bin/sh{end}echo $0{end}", name="windows.sh")
    deploy(step)
    assert (step.stdout or "").endswith("/root/windows.sh\n")
    assert ("script windows.sh is written as Linux wants it" in caplog.text) is (mark + end != "\n")


def test_line_ends_within_a_script_are_left_alone(deploy: Deploy, home: Home) -> None:
    step = script("printf 'a\r\n'; cat <<END\nb\r\nEND")
    node = deploy(step)
    assert (home(node) / step.name).read_bytes() == step.script.encode()


def test_program_for_linux(deploy: Deploy) -> None:
    step = ScriptDeployment("", args=["done"])
    step.script = Path("/bin/echo").read_bytes()
    deploy(step)
    assert step.stdout == "done\n"


def test_file_in_the_home_by_its_sign(deploy: Deploy, home: Home, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("content")
    step = ScriptDeployment("echo ran", name="~/bin/script.sh")
    node = deploy(MultiStepDeployment([FileDeployment(str(source), "~/app.conf"), step]))
    assert (home(node) / "app.conf").read_text() == "content"
    assert (home(node) / "bin/script.sh").exists()
    assert step.stdout == "ran\n"
    assert not (home(node) / "~").exists()


def test_script_without_a_first_line(deploy: Deploy) -> None:
    step = ScriptDeployment("echo ran")
    deploy(step)
    assert step.stdout == "ran\n"


@pytest.mark.parametrize("name", ["plain.sh", "folder/deep/script.sh", "with space.sh", "$(touch trap).sh", "-e.sh"])
@pytest.mark.parametrize("delete", [False, True])
def test_script_by_any_name(name: str, delete: bool, deploy: Deploy, home: Home) -> None:
    step = script("echo ran from $PWD", name=name, delete=delete)
    node = deploy(step)
    assert (step.stdout or "").startswith("ran from /")
    assert (step.stdout or "").endswith("/root\n")
    assert (home(node) / name).exists() is not delete
    assert not (home(node) / "trap").exists()


def test_script_by_absolute_name(deploy: Deploy) -> None:
    step = script("echo ran", name="/root/somewhere/script.sh")
    deploy(step)
    assert step.stdout == "ran\n"


def test_script_that_removes_itself(deploy: Deploy, home: Home) -> None:
    node = deploy(script('rm "$0"; echo once >> ran', delete=True))
    assert (home(node) / "ran").read_text() == "once\n"


def test_script_file(deploy: Deploy, tmp_path: Path) -> None:
    file = tmp_path / "script"
    file.write_text("#!/bin/sh\necho Grüße $1\n")
    step = ScriptFileDeployment(str(file), args=["dir/*"], delete=True)
    deploy(step)
    assert step.stdout == "Grüße dir/*\n"


def test_original_example(deploy: Deploy, home: Home) -> None:
    node = deploy(ScriptDeployment("touch STRATUSLAB_WAS_HERE"))
    assert (home(node) / "STRATUSLAB_WAS_HERE").exists()


@pytest.mark.parametrize("target", ["file", "a/f", "deep/er/file"])
@pytest.mark.parametrize("mode", [0o640, 0o755])
def test_file(target: str, mode: int, deploy: Deploy, home: Home, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 1000)
    source.chmod(mode)
    node = deploy(FileDeployment(str(source), target))
    assert (home(node) / target).read_bytes() == source.read_bytes()
    assert (home(node) / target).stat().st_mode & 0o777 == mode


def test_key(deploy: Deploy, home: Home, driver: ServerDriver) -> None:
    node = deploy(
        MultiStepDeployment([SSHKeyDeployment(public_text(OTHER_KEY)), SSHKeyDeployment("ssh-rsa A no-newline")])
    )
    text = (home(node) / ".ssh" / "authorized_keys").read_text()
    assert text == public_text(KEY) + public_text(OTHER_KEY) + "ssh-rsa A no-newline"


def test_keys_without_newlines_do_not_run_together(deploy: Deploy, home: Home) -> None:
    node = deploy(MultiStepDeployment([SSHKeyDeployment("ssh-rsa A"), SSHKeyDeployment("ssh-rsa B")]))
    assert (home(node) / ".ssh" / "authorized_keys").read_text() == public_text(KEY) + "ssh-rsa A\nssh-rsa B"


# Orders that Libcloud's own client trips over


def test_script_after_key(deploy: Deploy, home: Home) -> None:
    step = script("pwd; echo once >> ran", delete=True)
    node = deploy(MultiStepDeployment([SSHKeyDeployment("ssh-rsa A"), step]))
    assert (step.stdout or "").endswith("/root\n")
    assert (home(node) / "ran").read_text() == "once\n"
    assert sorted(path.name for path in (home(node) / ".ssh").iterdir()) == ["authorized_keys"]


def test_relative_paths_after_others(deploy: Deploy, home: Home, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("content")
    steps = [FileDeployment(str(source), "a/b/one"), FileDeployment(str(source), "c/two"), script("cat a/b/one c/two")]
    node = deploy(MultiStepDeployment(steps))
    assert steps[-1].stdout == "contentcontent"
    assert (home(node) / steps[-1].name).exists()


def test_steps_within_steps(deploy: Deploy, home: Home) -> None:
    def note(word: str) -> ScriptDeployment:
        return script(f"echo {word} >> order")

    inner = MultiStepDeployment([note("two"), MultiStepDeployment(note("three"))])
    node = deploy(MultiStepDeployment([note("one"), inner, MultiStepDeployment(), note("four")]))
    assert (home(node) / "order").read_text().split() == ["one", "two", "three", "four"]


# Exit statuses


def test_script_that_fails(deploy: Deploy, driver: ServerDriver) -> None:
    step = script("echo doing; echo 'no such package' >&2; exit 3")
    with pytest.raises(ScriptFailedError) as caught:
        deploy(step)
    error = caught.value
    assert isinstance(error, DeploymentError)
    assert error.node.id == driver.nodes[0].id
    assert error.status == step.exit_status == 3
    assert error.output == "doing\nno such package"
    assert f"machine {error.node.id} in 'here'" in str(error)
    assert f"the script {step.name} ended with status 3, saying: no such package" in str(error)


def test_script_that_a_signal_ends(deploy: Deploy) -> None:
    # The shell that ran it says so in its status.
    with pytest.raises(ScriptFailedError, match="ended with status 137"):
        deploy(script("kill -9 $$; true"))


class OneCommand(ScriptDeployment):
    def run(self, node: Node, client: Any) -> Node:
        self.stdout, self.stderr, self.exit_status = client.run(self.script)
        return node


def test_command_that_a_signal_ends(deploy: Deploy) -> None:
    with pytest.raises(ScriptFailedError, match="was ended by a signal") as caught:
        deploy(OneCommand("kill -9 $$"))
    assert (caught.value.status, caught.value.output) == (-1, "")


def test_only_the_end_of_much_output_is_carried(deploy: Deploy) -> None:
    step = script("seq 1 20000; exit 1")
    with pytest.raises(ScriptFailedError) as caught:
        deploy(step)
    assert len(caught.value.output) <= 2000
    assert caught.value.output.endswith("19999\n20000")
    assert step.stdout.startswith("1\n2\n")


@pytest.mark.parametrize("nested", [False, True])
def test_what_comes_after_a_script_that_failed_is_not_done(nested: bool, deploy: Deploy, home: Home) -> None:
    failing: Deployment = script("echo one >> ran; exit 1", name="failing.sh")
    steps = [MultiStepDeployment(failing) if nested else failing, script("echo two >> ran")]
    with pytest.raises(ScriptFailedError, match=r"failing\.sh") as caught:
        deploy(MultiStepDeployment(steps))
    assert (home(caught.value.node) / "ran").read_text() == "one\n"


def test_status_is_not_looked_at_if_so_wished(deploy: Deploy) -> None:
    steps = [script("exit 3"), script("echo after")]
    deploy(MultiStepDeployment(steps), ex_check_exit_status=False)
    assert steps[0].exit_status == 3
    assert steps[1].stdout == "after\n"


class PatientScript(ScriptDeployment):
    """A script with a way of its own to run."""

    def run(self, node: Node, client: Any) -> Node:
        super().run(node, client)
        client.run("false")
        return node


@pytest.mark.parametrize("status", [0, 3])
def test_script_that_runs_in_a_way_of_its_own(status: int, deploy: Deploy) -> None:
    step = PatientScript(f"exit {status}")
    if status == 0:
        deploy(step)
    else:
        with pytest.raises(ScriptFailedError, match="ended with status 3"):
            deploy(step)
    assert step.exit_status == status


class BackwardsDeployment(MultiStepDeployment):
    def run(self, node: Node, client: Any) -> Node:
        for step in reversed(self.steps):
            step.run(node, client)
        return node


def test_scripts_within_a_chain_of_a_users_own(deploy: Deploy, home: Home) -> None:
    first, second = script("echo one >> ran; exit 4"), script("echo two >> ran")
    with pytest.raises(ScriptFailedError, match="ended with status 4") as caught:
        deploy(BackwardsDeployment([first, second]))
    assert (home(caught.value.node) / "ran").read_text() == "two\none\n"


# What is tried again, and what is not


def test_step_that_fails_is_tried_again_alone(deploy: Deploy, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratuslab_libcloud.deployment.steps.PAUSE_SECONDS", 0)
    tries = []

    def third_time_lucky(client: Any) -> None:
        tries.append(client.run("cat ran")[0])
        if len(tries) < 3:
            raise RuntimeError("not yet")

    node = deploy(MultiStepDeployment([script("echo once >> ran"), Call(third_time_lucky), script("true")]))
    assert tries == ["once\n"] * 3
    assert (home(node) / "ran").read_text() == "once\n"


def test_step_that_always_fails(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratuslab_libcloud.deployment.steps.PAUSE_SECONDS", 0)
    problem = RuntimeError("my own problem")
    tries = []

    def fail(client: Any) -> None:
        tries.append(1)
        raise problem

    with pytest.raises(DeploymentFailedError, match="RuntimeError: my own problem") as caught:
        deploy(Call(fail), max_tries=2)
    assert len(tries) == 2
    assert caught.value.original_error is problem


def test_script_that_fails_runs_once(deploy: Deploy, home: Home) -> None:
    with pytest.raises(ScriptFailedError) as caught:
        deploy(script("echo once >> ran; exit 1"), max_tries=5)
    assert (home(caught.value.node) / "ran").read_text() == "once\n"


def test_script_that_takes_too_long(deploy: Deploy, home: Home) -> None:
    with pytest.raises(DeploymentFailedError, match=r"slow\.sh did not end within 0\.3 seconds") as caught:
        deploy(script("echo once >> ran; sleep 600", name="slow.sh", timeout=0.3), max_tries=5)
    assert isinstance(caught.value.original_error, SSHCommandTimeoutError)
    assert (home(caught.value.node) / "ran").read_text() == "once\n"


def test_connection_that_breaks_between_steps_is_made_again(deploy: Deploy, home: Home) -> None:
    node = deploy(
        MultiStepDeployment(
            [
                script("echo one >> ran"),
                Call(lambda client: client.close()),
                script("echo two >> ran"),
                Call(lambda client: client.client.get_transport().close()),
                SSHKeyDeployment("ssh-rsa A"),
            ]
        )
    )
    assert (home(node) / "ran").read_text() == "one\ntwo\n"
    assert (home(node) / ".ssh/authorized_keys").read_text().endswith("\nssh-rsa A")


def test_script_during_which_the_connection_breaks_is_not_run_again(
    deploy: Deploy, driver: ServerDriver, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = script("echo once >> ran; echo ready; sleep 600", name="lost.sh")
    original = paramiko.Channel.recv

    def receive_and_break(channel: paramiko.Channel, size: int) -> bytes:
        data = original(channel, size)
        if data == b"ready\n":
            channel.get_transport().close()
        return data

    monkeypatch.setattr(paramiko.Channel, "recv", receive_and_break)
    with pytest.raises(DeploymentFailedError, match=r"the connection broke while /.*lost\.sh ran") as caught:
        deploy(step)
    assert (home(caught.value.node) / "ran").read_text() == "once\n"


# What is told


def test_progress_is_told_in_words(deploy: Deploy, driver: ServerDriver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "stratuslab_libcloud.deployment")
    node = deploy(MultiStepDeployment([SSHKeyDeployment("ssh-rsa A"), script("true", name="setup.sh")]))
    machine = f"machine {node.id} in 'here': "
    place = f"{node.public_ips[0]} port {driver.port}"
    told = [r.getMessage().removeprefix(machine) for r in caplog.records if r.name == "stratuslab_libcloud.deployment"]
    assert [line for line in told if "SFTP" not in line] == [
        "waiting for it to run",
        f"waiting for SSH at {place}",
        f"logged in as root at {place}",
        "installing an SSH key",
        "running script setup.sh",
        "script setup.sh ended with status 0",
        "deployed",
    ]
    assert any("files go over the SSH channel" in line for line in told) is not driver.sftp
