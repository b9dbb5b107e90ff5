"""`ex_deploy_nodes` on machines of two sandboxes: in parallel, with a bound, and nothing lost."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from libcloud.compute.base import Node
from libcloud.compute.deployment import Deployment, MultiStepDeployment, ScriptDeployment

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.deployment.several import DeployedNode
from stratuslab_libcloud.errors import (
    ConfigurationError,
    InvalidArgumentError,
    ScriptFailedError,
    SomeDeploymentsFailedError,
)
from stratuslab_libcloud.sandbox import Sandbox

from .conftest import image_named

KEY = ed25519.Ed25519PrivateKey.generate()


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[StratusLabNodeDriver]:
    """Two clouds whose machines can be logged in to."""
    public, private = serialization.PublicFormat.OpenSSH, serialization.PrivateFormat.OpenSSH
    key_file = tmp_path / "id.pub"
    key_file.write_bytes(KEY.public_key().public_bytes(serialization.Encoding.OpenSSH, public))
    no_passphrase = serialization.NoEncryption()
    (tmp_path / "id").write_bytes(KEY.private_bytes(serialization.Encoding.PEM, private, no_passphrase))
    with Sandbox(boot_seconds=0, guests=True) as one, Sandbox(boot_seconds=0, guests=True) as two:
        config = tmp_path / "config"
        one.write_config(config, public_key_file=key_file)
        two.write_config(config, section="other", public_key_file=key_file)
        yield StratusLabNodeDriver(stratuslab_user_config=config)


class DeployAll:
    def __init__(self, driver: StratusLabNodeDriver) -> None:
        self.driver = driver

    def __call__(self, deployments: Any, **options: Any) -> list[DeployedNode]:
        image = image_named("ttylinux", self.driver)
        chosen = {"names": "worker", "wait_period": 0.1, "timeout": 30, **options}
        return self.driver.ex_deploy_nodes(deployments, image=image, **chosen)


@pytest.fixture
def deploy_all(driver: StratusLabNodeDriver) -> DeployAll:
    return DeployAll(driver)


def scripts(count: int, text: str = "echo $1", **options: Any) -> list[ScriptDeployment]:
    return [ScriptDeployment(text, args=[str(number)], **options) for number in range(count)]


def test_parameter_sweep_over_two_clouds(deploy_all: DeployAll) -> None:
    seen: list[str] = []
    machines = deploy_all(
        scripts(20, "echo result $1"),
        locations=["default", "other"],
        ex_destroy_when_done=True,
        ex_progress=lambda progress: seen.append(progress.detail),
    )
    assert [machine.output for machine in machines] == [f"result {number}\n" for number in range(20)]
    assert [machine.exit_status for machine in machines] == [0] * 20
    assert [machine.name for machine in machines] == [f"worker-{number}" for number in range(1, 21)]
    assert Counter(machine.location.id for machine in machines) == {"default": 10, "other": 10}
    assert {*seen} >= {f"{machine.name}: {state}" for machine in machines for state in ("begun", "deployed")}
    assert all(machine.destroyed and machine.error is None for machine in machines)
    assert deploy_all.driver.list_nodes() == []


def test_machines_stay_unless_they_are_to_go(deploy_all: DeployAll) -> None:
    machines = deploy_all(scripts(3), names=["a", "b", "c"])
    assert {node.name for node in deploy_all.driver.list_nodes()} == {"a", "b", "c"}
    assert [machine.node.name for machine in machines if machine.node] == ["a", "b", "c"]
    assert not any(machine.destroyed for machine in machines)


class Counts(Deployment):
    """Notes how many run at the same time."""

    changed = threading.Condition()
    running = most = 0

    def run(self, node: Node, client: Any) -> Node:
        with self.changed:
            Counts.running += 1
            Counts.most = max(Counts.most, Counts.running)
            self.changed.notify_all()
            self.changed.wait_for(lambda: Counts.most >= 3, 20)  # however long a login takes on a busy computer
        time.sleep(0.2)
        with self.changed:
            Counts.running -= 1
        return node


def test_so_many_at_once(deploy_all: DeployAll, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counts, "most", 0)
    deploy_all([Counts() for _ in range(8)], ex_at_once=3)
    assert Counts.most == 3


def test_one_failure_leaves_the_others_alone(deploy_all: DeployAll) -> None:
    with pytest.raises(SomeDeploymentsFailedError, match="1 of 4 machines were not deployed; worker-2: ") as caught:
        deploy_all(scripts(4, "echo $1; [ $1 != 1 ]"), ex_at_once=2)
    machines = caught.value.machines
    assert [machine.state for machine in machines] == ["deployed", "failed", "deployed", "deployed"]
    assert [machine.output for machine in machines] == ["0\n", "1\n", "2\n", "3\n"]
    assert [machine.exit_status for machine in machines] == [0, 1, 0, 0]
    assert isinstance(machines[1].error, ScriptFailedError)
    assert len(deploy_all.driver.list_nodes()) == 4


def test_one_failure_ends_all_when_that_is_wanted(deploy_all: DeployAll) -> None:
    started = time.monotonic()
    with pytest.raises(SomeDeploymentsFailedError) as caught:
        deploy_all(
            scripts(6, "[ $1 = 1 ] && exit 3; [ $1 = 0 ] || sleep 600"), ex_at_once=3, ex_destroy_on_failure=True
        )
    assert time.monotonic() - started < 20
    states = [machine.state for machine in caught.value.machines]
    assert states[1] == "failed"
    assert states.count("waiting") >= 2
    assert all(machine.destroyed for machine in caught.value.machines if machine.node)
    assert deploy_all.driver.list_nodes() == []


def test_machine_that_cannot_be_started(deploy_all: DeployAll) -> None:
    with pytest.raises(SomeDeploymentsFailedError, match="worker-1: ex_network") as caught:
        deploy_all(scripts(2), ex_network="nonsense")
    assert [machine.node for machine in caught.value.machines] == [None, None]


@pytest.mark.parametrize("option", ["ex_destroy_when_done", "ex_destroy_on_failure", None])
def test_ctrl_c(option: str | None, deploy_all: DeployAll, caplog: pytest.LogCaptureFixture) -> None:
    begun = threading.Semaphore(0)

    class Sleeps(Deployment):
        def run(self, node: Node, client: Any) -> Node:
            begun.release()
            client.run("sleep 600")
            return node

    def press() -> None:
        for _ in range(3):
            begun.acquire()
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        deploy_all([Sleeps() for _ in range(5)], ex_at_once=3, **({option: True} if option else {}))
    presser.join()
    left = deploy_all.driver.list_nodes()
    assert len(left) == (0 if option else 3)
    assert all(f"machine {node.id} ({node.name}) is still there" in caplog.text for node in left)


def test_machine_that_cannot_be_destroyed_is_told(deploy_all: DeployAll, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(node: Node) -> bool:
        raise RuntimeError("no power")

    monkeypatch.setattr(deploy_all.driver, "destroy_node", refuse)
    with pytest.raises(SomeDeploymentsFailedError, match="worker-1: no power") as caught:
        deploy_all(scripts(1), ex_destroy_when_done=True)
    [machine] = caught.value.machines
    assert machine.node is not None
    assert not machine.destroyed


SHARED = ScriptDeployment("true")


@pytest.mark.parametrize(
    ("deployments", "options", "message"),
    [
        ([SHARED, MultiStepDeployment(SHARED)], {}, "each machine needs scripts of its own"),
        (scripts(2), {"names": ["one"]}, "there are 2 deployments, but 1 names"),
        (scripts(1), {"ex_at_once": 0}, "ex_at_once"),
        (scripts(1), {"ssh_port": 0}, "ssh_port"),
        (scripts(1), {"locations": ["nowhere"]}, "nowhere"),
    ],
    ids=["shared", "names", "at once", "port", "location"],
)
def test_what_cannot_be_meant(deployments: Any, options: Any, message: str, deploy_all: DeployAll) -> None:
    with pytest.raises((InvalidArgumentError, ConfigurationError), match=message):
        deploy_all(deployments, **options)
    assert deploy_all.driver.list_nodes() == []


@pytest.mark.parametrize("chosen", [{"location": "other"}, {"locations": "other"}, {"locations": ["other"]}], ids=str)
def test_one_location(deploy_all: DeployAll, chosen: dict[str, Any]) -> None:
    [machine] = deploy_all(scripts(1), **chosen)
    assert machine.node
    assert machine.node.extra["location"] == "other"


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        ({"location": "athens"}, "there is no location 'athens'"),
        ({"locations": "athens"}, "there is no location 'athens'"),
        ({"location": 1}, "a location is one of list_locations"),
        ({"locations": 1}, "locations must be one of list_locations"),
        ({"locations": []}, "locations must be one of list_locations"),
        ({"location": "other", "locations": ["other"]}, "give one of them"),
        ({"names": 5}, "names must be one for each machine"),
        ({"deployments": ScriptDeployment("true")}, "deployments must be one for each machine"),
        ({"deployments": "true"}, "deployments must be one for each machine"),
    ],
    ids=str,
)
def test_arguments_that_are_refused(deploy_all: DeployAll, chosen: dict[str, Any], problem: str) -> None:
    with pytest.raises((ConfigurationError, InvalidArgumentError), match=problem):
        deploy_all(**{"deployments": scripts(1), **chosen})
    assert deploy_all.driver.list_nodes() == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("imge", "; did you mean 'image'"),
        ("ex_destory_on_failure", "; did you mean 'ex_destroy_on_failure'"),
        ("ex_metdata", "; did you mean 'ex_metadata'"),
        ("ssh_usrname", "; did you mean 'ssh_username'"),
        ("name", "; did you mean 'names'"),
        ("ex_destory", "$"),
    ],
)
def test_a_misspelt_argument(deploy_all: DeployAll, name: str, hint: str) -> None:
    with pytest.raises(TypeError, match=f"^ex_deploy_nodes has no argument '{name}'{hint}"):
        deploy_all(scripts(1), **{name: 1})
    called = "imge" if name == "name" else name
    hint = hint.replace("names", "image")
    with pytest.raises(TypeError, match=f"^deploy_node has no argument '{called}'{hint}"):
        deploy_all.driver.deploy_node(ScriptDeployment("true"), **{called: 1})
    assert deploy_all.driver.list_nodes() == []
