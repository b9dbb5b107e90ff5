"""The way from a wish to a machine that is deployed, and what has become of the machine when it is not."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from libcloud.compute.base import Node
from libcloud.compute.deployment import Deployment, MultiStepDeployment, ScriptDeployment, SSHKeyDeployment
from libcloud.compute.types import DeploymentError, NodeState

from stratuslab_libcloud.errors import (
    DeploymentFailedError,
    MachineFailedError,
    MissingDependencyError,
    ScriptFailedError,
)

from .conftest import KEY, OTHER_KEY, Deploy, ServerDriver, public_text

FAILING = ScriptDeployment("exit 3", name="failing.sh")

# A machine's number is in its own name, or where it has no view of its own, in the path of its home.
_NUMBER = "$(echo $PWD $(uname -n) | grep -o 'machine-[0-9]*' | head -n 1 | tr -dc 0-9)"


class Call(Deployment):
    def __init__(self, function: Any) -> None:
        self.function = function

    def run(self, node: Node, client: Any) -> Node:
        self.function(client)
        return node


# The node


def test_node_is_the_one_that_runs_and_says_how_to_reach_it(deploy: Deploy, driver: ServerDriver) -> None:
    node = deploy(ScriptDeployment("true"), ssh_username="ubuntu")
    assert node.state == NodeState.RUNNING
    assert node.id == driver.nodes[0].id
    assert node.extra == {"ssh_host": node.public_ips[0], "ssh_port": driver.port, "ssh_username": "ubuntu"}


def test_keywords_reach_create_node(deploy: Deploy, driver: ServerDriver) -> None:
    deploy(ScriptDeployment("true"), create_keywords={"name": "n", "ex_network": "local"})
    assert driver.created_with == {"name": "n", "ex_network": "local"}


def test_a_step_may_return_another_node(deploy: Deploy) -> None:
    other = Node("77", "other", NodeState.RUNNING, [], [], None)

    class Replacing(Deployment):
        def run(self, node: Node, client: Any) -> Node:
            return other

    assert deploy(Replacing()) is other


# Waiting


@pytest.mark.parametrize("asks_meanwhile", [False, True])
def test_machine_whose_ssh_comes_late(
    asks_meanwhile: bool, deploy: Deploy, driver: ServerDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    if asks_meanwhile:  # and is told nothing, which is no reason to give up
        monkeypatch.setattr("stratuslab_libcloud.deployment.ssh_access.CHECK_SECONDS", 0)
    open_machine = driver.open
    opener = []

    def open_later(node: Node) -> None:
        opener.append(threading.Timer(0.3, open_machine, [node]))
        opener[0].start()

    driver.open = open_later  # type: ignore[method-assign]
    step = ScriptDeployment("echo done")
    deploy(step)
    assert step.stdout == "done\n"
    opener[0].join()


def test_key_that_comes_later_than_ssh(deploy: Deploy, driver: ServerDriver, homes: Any) -> None:
    driver.keys = []
    open_machine = driver.open

    def contextualize(node: Node) -> None:
        (homes / f"machine-{node.id}" / "root" / ".ssh" / "authorized_keys").write_text(public_text(KEY))

    timers = []

    def open_and_contextualize_later(node: Node) -> None:
        open_machine(node)
        timers.append(threading.Timer(0.3, contextualize, [node]))
        timers[0].start()

    driver.open = open_and_contextualize_later  # type: ignore[method-assign]
    step = ScriptDeployment("echo done")
    deploy(step)
    assert step.stdout == "done\n"
    timers[0].join()


def test_other_user_name(deploy: Deploy, driver: ServerDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    from stratuslab_libcloud.sandbox.guests import ssh_servers as guests

    begin = guests._Login.begin_auth
    asked = []

    def begin_for_ubuntu(self: Any, username: str) -> bool:
        asked.append(username)
        return begin(self, username) if username == "ubuntu" else True

    monkeypatch.setattr(guests._Login, "begin_auth", begin_for_ubuntu)
    node = deploy(ScriptDeployment("true"), ssh_alternate_usernames=["centos", "ubuntu", "fedora"])
    assert node.extra["ssh_username"] == "ubuntu"
    assert asked == ["root", "centos", "ubuntu"]


def test_time_limit_holds_for_all_user_names_together(deploy: Deploy, driver: ServerDriver) -> None:
    driver.keys = [public_text(OTHER_KEY)]
    started = time.monotonic()
    with pytest.raises(DeploymentFailedError) as caught:
        deploy(ScriptDeployment("true"), timeout=0.5, ssh_alternate_usernames=["a", "b", "c", "d"])
    assert time.monotonic() - started < 3
    message = str(caught.value)
    assert "nobody could log in within 0.5 seconds" in message
    assert f"{driver.nodes[0].public_ips[0]} port {driver.port}" in message
    assert "root or a or b or c or d" in message
    assert caught.value.node.id == driver.nodes[0].id


def test_machine_without_ssh(deploy: Deploy, driver: ServerDriver) -> None:
    driver.open = lambda node: None  # type: ignore[method-assign]
    with pytest.raises(DeploymentFailedError, match=r"there is no SSH at 127\.[\d.]+ port \d+: Connection refused"):
        deploy(ScriptDeployment("true"), timeout=0.2)


def test_attempts_are_soon_at_first_and_seldomer_later(deploy: Deploy, driver: ServerDriver) -> None:
    attempts: list[float] = []

    def listen(node: Node) -> None:
        server = socket.create_server((node.public_ips[0], driver.port))
        closing.callback(server.close)
        threading.Thread(target=turn_away, args=(server,), daemon=True).start()

    def turn_away(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                server.accept()[0].close()
                attempts.append(time.monotonic())

    driver.open = listen  # type: ignore[method-assign]
    with contextlib.ExitStack() as closing, pytest.raises(DeploymentFailedError, match="nobody could log in within 2"):
        deploy(ScriptDeployment("true"), timeout=2, wait_period=5)
    pauses = [later - earlier for earlier, later in itertools.pairwise(attempts)]
    assert 4 <= len(pauses) <= 7
    assert sum(pauses[:2]) < sum(pauses[-2:])


def test_machine_that_failed_to_boot_is_known_at_once(deploy: Deploy, driver: ServerDriver) -> None:
    def fail(node: Node) -> None:
        raise MachineFailedError("the disk is full", node=node)

    driver.before_running = fail
    with pytest.raises(DeploymentFailedError, match="the disk is full") as caught:
        deploy(ScriptDeployment("true"))
    assert caught.value.node is driver.nodes[0]
    assert caught.value.original_error is caught.value.__cause__
    assert isinstance(caught.value.original_error, MachineFailedError)


# What becomes of a machine that was not deployed


def test_it_stays_and_the_message_says_so(deploy: Deploy, driver: ServerDriver) -> None:
    with pytest.raises(ScriptFailedError) as caught:
        deploy(FAILING)
    assert driver.destroyed == []
    number = driver.nodes[0].id
    assert str(caught.value) == (
        f"machine {number} in 'here' was not deployed: the script failing.sh ended with status 3; "
        "the machine is still there, and node.destroy() ends it"
    )
    assert caught.value.node.state == NodeState.RUNNING
    assert caught.value.node.destroy() is True
    assert driver.destroyed == [number]


@pytest.mark.parametrize("before", [True, False])
def test_it_is_destroyed_if_so_wished(before: bool, deploy: Deploy, driver: ServerDriver) -> None:
    def fail(node: Node) -> None:
        raise RuntimeError("no power")

    if before:
        driver.before_running = fail
    with pytest.raises(DeploymentFailedError, match=r"; the machine was destroyed$") as caught:
        deploy(FAILING, ex_destroy_on_failure=True)
    assert driver.destroyed == [caught.value.node.id]


def test_it_can_not_be_destroyed(deploy: Deploy, driver: ServerDriver) -> None:
    def fail(node: Node) -> None:
        raise RuntimeError("no power")

    driver.on_destroy = fail
    with pytest.raises(ScriptFailedError, match=r"ended with status 3; .* may still be there: no power$") as caught:
        deploy(FAILING, ex_destroy_on_failure=True)
    assert caught.value.node.id == driver.nodes[0].id


@pytest.mark.parametrize("destroy", [True, False])
@pytest.mark.parametrize("before", [True, False])
def test_interruption(
    destroy: bool, before: bool, deploy: Deploy, driver: ServerDriver, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    if before:
        driver.before_running = interrupt
    with pytest.raises(KeyboardInterrupt):
        deploy(Call(interrupt), ex_destroy_on_failure=destroy)
    number = driver.nodes[0].id
    assert driver.destroyed == [number] * destroy
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    fate = "the machine was destroyed" if destroy else "the machine is still there, and node.destroy() ends it"
    assert f"machine {number} in 'here': interrupted before it was deployed; {fate}" in told


def test_success_destroys_nothing(deploy: Deploy, driver: ServerDriver) -> None:
    deploy(ScriptDeployment("true"), ex_destroy_on_failure=True)
    assert driver.destroyed == []


def test_error_is_libclouds(deploy: Deploy, driver: ServerDriver) -> None:
    with pytest.raises(DeploymentError) as caught:
        deploy(FAILING)
    assert caught.value.driver is driver
    assert "status 3" in str(caught.value.value)


# At the end of the process


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is registered to be called at the end of the process."""
    registered: list[Any] = []
    monkeypatch.setattr(atexit, "register", registered.append)

    def unregister(function: Any) -> None:
        registered[:] = [other for other in registered if other != function]

    monkeypatch.setattr(atexit, "unregister", unregister)
    return registered


@pytest.mark.parametrize("destroy", [True, False])
def test_at_exit_after_an_interruption(destroy: bool, deploy: Deploy, driver: ServerDriver, exits: list[Any]) -> None:
    calls: list[dict[str, Any]] = []

    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deploy(Call(interrupt), ex_destroy_on_failure=destroy, at_exit_func=lambda **given: calls.append(given))
    for function in exits:
        function()
    expected = [] if destroy else [{"driver": driver, "node": driver.nodes[0]}]
    assert calls == expected


@pytest.mark.parametrize("step", [ScriptDeployment("true"), FAILING])
def test_at_exit_does_nothing_after_the_end(step: Deployment, deploy: Deploy, exits: list[Any]) -> None:
    seen = []

    def look(_: Any) -> None:
        seen.extend(exits)

    try:
        deploy(MultiStepDeployment([Call(look), step]), at_exit_func=lambda **_: None)
    except ScriptFailedError:
        assert step is FAILING
    assert len(seen) == 1
    assert exits == []


@pytest.mark.parametrize("destroy", [True, False])
def test_what_fails_right_after_the_start_loses_no_machine(
    destroy: bool, deploy: Deploy, driver: ServerDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> None:
        raise RuntimeError("no more functions")

    monkeypatch.setattr(atexit, "register", fail)
    with pytest.raises(DeploymentFailedError, match="no more functions") as caught:
        deploy(ScriptDeployment("true"), at_exit_func=lambda **_: None, ex_destroy_on_failure=destroy)
    assert caught.value.node is driver.nodes[0]
    assert driver.destroyed == [caught.value.node.id] * destroy


def test_one_end_leaves_the_functions_of_others(deploy: Deploy, exits: list[Any]) -> None:
    def common(**_: Any) -> None:
        """Do nothing."""

    counts = []

    def within(_: Any) -> None:
        deploy(ScriptDeployment("true"), at_exit_func=common)
        counts.append(len(exits))

    deploy(Call(within), at_exit_func=common)
    assert counts == [1]
    assert exits == []


# Many at once


def test_twenty_at_once(deploy: Deploy, driver: ServerDriver) -> None:
    results: dict[int, Any] = {}
    # All share one deployment, and yet each notices its own script.
    shared = MultiStepDeployment(
        [SSHKeyDeployment("ssh-rsa A"), ScriptDeployment(f"#!/bin/sh\nsleep 0.5; [ $(({_NUMBER} % 2)) = 0 ]")]
    )

    def one(number: int) -> None:
        try:
            results[number] = deploy(shared, timeout=50)
        except DeploymentFailedError as error:
            results[number] = error

    started = time.monotonic()
    threads = [threading.Thread(target=one, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - started < 10
    nodes = [result for result in results.values() if isinstance(result, Node)]
    errors = [result for result in results.values() if isinstance(result, ScriptFailedError)]
    assert len(nodes) == len(errors) == 10
    assert all(int(node.id) % 2 == 0 for node in nodes)
    assert all(int(error.node.id) % 2 == 1 for error in errors)
    assert len({node.extra["ssh_host"] for node in nodes}) == 10


# Without paramiko


def test_without_paramiko_it_says_how_to_install_it(deploy: Deploy, driver: ServerDriver, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "paramiko", None)
    for name in [name for name in sys.modules if name.startswith("stratuslab_libcloud.deployment.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(
        MissingDependencyError, match=r"pip install 'stratuslab-libcloud-drivers\[deploy\]>=26'"
    ) as caught:
        deploy(ScriptDeployment("true"))
    assert isinstance(caught.value, RuntimeError)
    assert not driver.nodes


def test_without_paramiko_the_rest_can_be_imported() -> None:
    code = (
        "import sys; sys.modules['paramiko'] = None; import stratuslab_libcloud.driver, stratuslab_libcloud.deployment"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
