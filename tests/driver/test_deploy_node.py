"""`deploy_node` of the driver, on machines of the sandbox: all of it, over real sockets."""

from __future__ import annotations

import inspect
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from libcloud.compute.base import Node, NodeAuthPassword, NodeAuthSSHKey, NodeDriver
from libcloud.compute.deployment import (
    Deployment,
    FileDeployment,
    MultiStepDeployment,
    ScriptDeployment,
    SSHKeyDeployment,
)
from libcloud.compute.types import NodeState

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.errors import (
    ConfigurationError,
    DeploymentFailedError,
    InvalidArgumentError,
    KeyFileError,
    ScriptFailedError,
)
from stratuslab_libcloud.sandbox import Sandbox

from .conftest import image_named

KEY = ed25519.Ed25519PrivateKey.generate()
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


def public_text(key: Any) -> str:
    form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    return f"{key.public_key().public_bytes(*form).decode()} jane@laptop"


def write_key(file: Path, key: Any) -> Path:
    form = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    file.write_bytes(key.private_bytes(*form))
    file.with_name(f"{file.name}.pub").write_text(public_text(key) + "\n")
    return file


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A cloud whose machines can be logged in to."""
    with Sandbox(boot_seconds=0, guests=True) as sandbox:
        yield sandbox


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The public key file that the configuration names; the private one is beside it."""
    return write_key(tmp_path / "id_pub", KEY).with_name("id_pub.pub")


@pytest.fixture
def other_key(tmp_path: Path) -> Path:
    """A private key file that the configuration does not name."""
    return write_key(tmp_path / "other", OTHER_KEY)


class Deploy:
    """Deploys on a small machine, with the patience of a test."""

    def __init__(self, driver: StratusLabNodeDriver) -> None:
        self.driver = driver

    def __call__(self, deployment: Any, **more: Any) -> Node:
        image = more.pop("image", "Ubuntu 14.04 server")
        chosen = {"name": "n", "size": None, "wait_period": 0.02, "timeout": 20, **more}
        return self.driver.deploy_node(deployment, image=image_named(image, self.driver), **chosen)


@pytest.fixture
def deploy(driver: StratusLabNodeDriver) -> Deploy:
    return Deploy(driver)


def test_the_signature_is_libclouds() -> None:
    ours = inspect.signature(StratusLabNodeDriver.deploy_node).parameters
    theirs = inspect.signature(NodeDriver.deploy_node).parameters
    positional = [name for name, parameter in ours.items() if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    assert positional == [n for n, p in theirs.items() if p.kind is p.POSITIONAL_OR_KEYWORD]


@pytest.mark.parametrize("image", ["Ubuntu 14.04 server", "ttylinux"])
@pytest.mark.parametrize("network", ["public", "local", "private"])
def test_on_every_kind_of_guest_and_network(image: str, network: str, deploy: Deploy, tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_bytes(bytes(range(256)) * 10)
    script = ScriptDeployment("#!/bin/sh\nwc -c < input/data\necho $1 >&2", args=["done"], delete=True)
    steps = [SSHKeyDeployment(public_text(OTHER_KEY)), FileDeployment(str(file), "input/data"), script]
    node = deploy(MultiStepDeployment(steps), image=image, ex_network=network)
    assert isinstance(node, StratusLabNode)
    assert node.state == NodeState.RUNNING
    assert (script.stdout.strip(), script.stderr, script.exit_status) == ("2560", "done\n", 0)
    assert node.extra["ssh_username"] == "root"
    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        key = paramiko.ECDSAKey.from_private_key_file(str(write_key(tmp_path / "other", OTHER_KEY)))
        client.connect(node.extra["ssh_host"], node.extra["ssh_port"], "root", pkey=key)


def test_the_originals_example(driver: StratusLabNodeDriver, other_key: Path, sandbox: Sandbox) -> None:
    size = next(size for size in driver.list_sizes() if size.name == "m1.large")
    location = next(location for location in driver.list_locations() if location.id == "default")
    image = image_named("ttylinux", driver)
    auth = NodeAuthSSHKey(public_text(OTHER_KEY))
    deploy = ScriptDeployment("touch STRATUSLAB_WAS_HERE")
    node = driver.deploy_node(
        name="demo", size=size, location=location, image=image, auth=auth, ssh_key=str(other_key), deploy=deploy
    )
    assert deploy.exit_status == 0
    assert node.destroy() is True
    with pytest.raises(OSError, match="onnect"):
        paramiko.SSHClient().connect(node.extra["ssh_host"], node.extra["ssh_port"])


def test_by_position_as_libcloud_has_it(driver: StratusLabNodeDriver, key_file: Path) -> None:
    script = ScriptDeployment("echo $USER")
    arguments = ("ubuntu", ["root"], 22, 10, str(key_file.with_suffix("")), None, None, 20, 2, "public_ips", None, 1)
    driver.deploy_node(script, *arguments, name="n", size=None, image=image_named("ttylinux", driver))
    assert script.stdout == "ubuntu\n"


@pytest.mark.parametrize(
    "context",
    [{"ex_context_method": "cloud-init"}, {"ex_userdata": "#!/bin/sh\ntrue"}, {"ex_context": {"MOTD": "hello"}}],
)
def test_with_every_contextualization(context: dict[str, Any], deploy: Deploy) -> None:
    script = ScriptDeployment("echo in")
    deploy(script, **context)
    assert script.stdout == "in\n"


def test_the_keys_that_cloud_init_gets_are_the_ones_that_count(deploy: Deploy, other_key: Path) -> None:
    wish = f"ssh,{other_key}.pub"
    with pytest.raises(KeyFileError, match="cloud_init"):
        deploy(ScriptDeployment("true"), ex_cloud_init=wish)
    deploy(ScriptDeployment("true"), ex_cloud_init=wish, ssh_key=other_key)


def test_private_key_that_does_not_fit_starts_no_machine(deploy: Deploy, other_key: Path, sandbox: Sandbox) -> None:
    with pytest.raises(KeyFileError, match=f"{other_key}.* does not belong to the machine"):
        deploy(ScriptDeployment("true"), ssh_key=other_key)
    with pytest.raises(KeyFileError, match=r"id_pub .* does not belong to the machine"):
        deploy(ScriptDeployment("true"), auth=NodeAuthSSHKey(public_text(OTHER_KEY)))
    assert deploy.driver.list_nodes() == []


def test_missing_public_key_file(deploy: Deploy, key_file: Path) -> None:
    key_file.unlink()
    with pytest.raises(ConfigurationError, match="user_public_key_file"):
        deploy(ScriptDeployment("true"))


def test_passwords_are_not_for_these_machines(deploy: Deploy) -> None:
    with pytest.raises(InvalidArgumentError, match="NodeAuthSSHKey") as caught:
        deploy(ScriptDeployment("true"), auth=NodeAuthPassword("secret"))
    assert "secret" not in str(caught.value)
    assert deploy.driver.list_nodes() == []


def test_machine_that_fails_to_boot_is_known_at_once(deploy: Deploy) -> None:
    started = time.monotonic()
    with pytest.raises(DeploymentFailedError, match="has failed and will not run: Error") as caught:
        deploy(ScriptDeployment("true"), image="Broken boot", timeout=50)
    assert time.monotonic() - started < 10
    assert caught.value.node.id == "0"


@pytest.mark.parametrize("destroy", [True, False])
def test_script_that_fails(destroy: bool, deploy: Deploy) -> None:
    with pytest.raises(ScriptFailedError, match="machine 0 in 'default'") as caught:
        deploy(ScriptDeployment("echo problem; exit 7"), ex_destroy_on_failure=destroy)
    assert (caught.value.status, caught.value.output) == (7, "problem")
    node = deploy.driver.ex_get_node(caught.value.node)
    assert (node.state == NodeState.RUNNING) is not destroy


def test_status_is_not_looked_at_if_so_wished(deploy: Deploy) -> None:
    script = ScriptDeployment("exit 7")
    deploy(script, ex_check_exit_status=False)
    assert script.exit_status == 7


class EndsItsMachine(Deployment):
    def run(self, node: Node, client: Any) -> Node:
        node.destroy()
        client.run("sleep 600")
        return node


def test_machine_that_ends_in_the_middle_is_not_waited_for(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratuslab_libcloud.deployment.ssh_access.CHECK_SECONDS", 0.1)
    started = time.monotonic()
    with pytest.raises(DeploymentFailedError) as caught:
        deploy(EndsItsMachine(), timeout=50)
    assert time.monotonic() - started < 10
    assert caught.value.node.id == "0"
    assert deploy.driver.list_nodes() == []


class Interrupted(Deployment):
    """Somebody presses Ctrl-C while a command runs."""

    def run(self, node: Node, client: Any) -> Node:
        main = threading.main_thread().ident
        assert main
        threading.Timer(0.2, signal.pthread_kill, [main, signal.SIGINT]).start()
        client.run("sleep 600")
        return node


@pytest.mark.parametrize("destroy", [True, False])
def test_interruption(destroy: bool, deploy: Deploy, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyboardInterrupt):
        deploy(Interrupted(), ex_destroy_on_failure=destroy)
    assert (deploy.driver.ex_get_node("0").state == NodeState.RUNNING) is not destroy
    assert re.search(r"machine 0 in 'default' \(mark [\w-]+\): interrupted before it was deployed", caplog.text)


def test_public_machine_whose_own_address_can_not_be_had(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratuslab_libcloud.sandbox.guests.ssh_access._own_address", lambda machine: None)
    node = deploy(ScriptDeployment("true"))
    assert node.public_ips[0] != node.extra["ssh_host"] == "127.0.0.1"
    assert node.extra["ssh_port"] != 22


def test_twenty_at_once_take_little_longer_than_one(deploy: Deploy) -> None:
    def timed(number: int) -> float:
        script = ScriptDeployment(f"#!/bin/sh\nsleep 1; echo {number}")
        started = time.monotonic()
        nodes[number] = deploy(script, timeout=50)
        outputs[number] = script.stdout
        return time.monotonic() - started

    nodes: dict[int, Node] = {}
    outputs: dict[int, str] = {}
    one = timed(0)
    threads = [threading.Thread(target=timed, args=[number], daemon=True) for number in range(1, 21)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    twenty = time.monotonic() - started
    assert outputs == {number: f"{number}\n" for number in range(21)}
    assert len({node.id for node in nodes.values()}) == 21
    assert twenty < one + 8


# On a machine that is there already


def test_a_deployment_on_a_machine_that_was_started_before(driver: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    node = driver.create_node("before", None, image_named("Ubuntu 14.04 server", driver))
    told: list[str] = []
    for text in ("one", "two"):
        step = ScriptDeployment(f"#!/bin/sh\necho {text} >> said; cat said")
        found = driver.ex_deploy_on_node(node, step, timeout=20, ex_progress=lambda p: told.append(str(p)))
        assert found.extra["ssh_username"] == "root"
    assert step.stdout == "one\ntwo\n"
    assert len(sandbox.machines) == 1
    assert any(text.startswith(f"deploying on machine {node.id}: ") for text in told)


def test_a_deployment_that_fails_leaves_the_machine_unless_that_is_wanted_otherwise(
    driver: StratusLabNodeDriver, sandbox: Sandbox
) -> None:
    node = driver.create_node("before", None, image_named("Ubuntu 14.04 server", driver))
    for destroy in (False, True):
        with pytest.raises(ScriptFailedError, match=f"machine {node.id} in 'default' was not deployed") as caught:
            driver.ex_deploy_on_node(node, ScriptDeployment("exit 3"), timeout=20, ex_destroy_on_failure=destroy)
        assert caught.value.destroyed is destroy
    assert sandbox.machines[int(node.id)].state.name == "DONE"


def test_what_a_deployment_on_a_node_cannot_be_given(driver: StratusLabNodeDriver) -> None:
    node = driver.create_node("before", None, image_named("Ubuntu 14.04 server", driver))
    with pytest.raises(TypeError, match="image"):
        driver.ex_deploy_on_node(node, ScriptDeployment("true"), image="x")
    not_a_node: Any = "7"
    with pytest.raises(InvalidArgumentError):
        driver.ex_deploy_on_node(not_a_node, ScriptDeployment("true"))
