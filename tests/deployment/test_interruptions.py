"""Ctrl-C, SIGTERM, a handler's own exception and asyncio's cancellation, at each stage of a deployment.

Whatever it is and whenever it comes: the machine that was created is told, and destroyed if that was wanted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from libcloud.compute.base import Node
from libcloud.compute.deployment import Deployment, ScriptDeployment

from .conftest import Deploy, ServerDriver


class HandlersOwnError(Exception):
    """What a program's own signal handler raises."""


class TimeIsUpError(TimeoutError):
    """The same, of a kind that could be mistaken for a network's."""


def exit_politely(*_: object) -> None:
    sys.exit(7)


def raise_own(*_: object) -> None:
    raise HandlersOwnError("time to go")


def raise_timeout(*_: object) -> None:
    raise TimeIsUpError("no more time")


HANDLERS = {
    KeyboardInterrupt: signal.default_int_handler,
    SystemExit: exit_politely,
    HandlersOwnError: raise_own,
    TimeIsUpError: raise_timeout,
}


@pytest.fixture(params=HANDLERS, ids=lambda kind: kind.__name__)
def interruption(request: pytest.FixtureRequest) -> Iterator[type[BaseException]]:
    """What SIGTERM raises in this test."""
    before = signal.signal(signal.SIGTERM, HANDLERS[request.param])
    yield request.param
    signal.signal(signal.SIGTERM, before)


def interrupt() -> None:
    """Send the signal, and let the main thread see it."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.1)


class Runs(Deployment):
    def __init__(self, function: Callable[[], None]) -> None:
        self.function = function

    def run(self, node: Node, client: Any) -> Node:
        self.function()
        client.run("sleep 600")
        return node


def during_creation(driver: ServerDriver) -> Deployment:
    create = driver.create_node

    def create_slowly(**keywords: Any) -> Node:
        interrupt()
        node = create(**keywords)
        node.extra["mark"] = "mark-of-this-one"
        return node

    driver.create_node = create_slowly  # type: ignore[method-assign]
    return ScriptDeployment("true")


def while_waiting_for_the_machine(driver: ServerDriver) -> Deployment:
    def wait(node: Node) -> None:
        interrupt()
        time.sleep(1)

    driver.before_running = wait
    return ScriptDeployment("true")


def while_waiting_for_ssh(driver: ServerDriver) -> Deployment:
    def listen_silently(node: Node) -> None:
        silent = socket.create_server((node.public_ips[0], driver.port))
        threading.Timer(0.3, interrupt).start()
        threading.Timer(3, silent.close).start()

    driver.open = listen_silently  # type: ignore[method-assign]
    return ScriptDeployment("true")


def while_a_command_runs(driver: ServerDriver) -> Deployment:
    return Runs(lambda: threading.Timer(0.2, interrupt).start())


def in_code_of_the_users_own(driver: ServerDriver) -> Deployment:
    def sleep() -> None:
        interrupt()
        time.sleep(5)

    return Runs(sleep)


STAGES = [
    during_creation,
    while_waiting_for_the_machine,
    while_waiting_for_ssh,
    while_a_command_runs,
    in_code_of_the_users_own,
]


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratuslab_libcloud.deployment.node.UNWINDING_SECONDS", 0.5)


@pytest.mark.parametrize("destroy", [True, False], ids=["destroy", "keep"])
@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
def test_at_each_stage(
    stage: Callable[[ServerDriver], Deployment],
    destroy: bool,
    interruption: type[BaseException],
    deploy: Deploy,
    driver: ServerDriver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    started = time.monotonic()
    with pytest.raises(interruption) as caught:
        deploy(stage(driver), ex_destroy_on_failure=destroy)
    assert time.monotonic() - started < 5
    [node] = driver.nodes
    assert driver.destroyed == [node.id] * destroy
    fate = "the machine was destroyed" if destroy else "the machine is still there"
    told = rf"machine {node.id} in 'here'( \(mark mark-of-this-one\))?: interrupted before it was deployed; {fate}"
    assert re.search(told, caplog.text)
    assert ("mark-of-this-one" in caplog.text) is (stage is during_creation)
    if sys.version_info >= (3, 11):
        assert re.search(told, caught.value.__notes__[0])


def test_creation_that_fails_after_an_interruption(
    deploy: Deploy, driver: ServerDriver, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_: Any) -> Node:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        raise RuntimeError("the quota is used up; its mark is m-1")

    driver.create_node = fail  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        deploy(ScriptDeployment("true"))
    assert "interrupted while a machine was created in 'here', which failed: the quota is used up" in caplog.text
    assert "m-1" in caplog.text


def interrupting_clean_up(driver: ServerDriver, times: int) -> threading.Event:
    """Interrupts that often while the machine is being destroyed."""
    goes_on = threading.Event()

    def destroy_slowly(node: Node) -> None:
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
        goes_on.wait(0 if times == 1 else 2)

    driver.on_destroy = destroy_slowly
    return goes_on


@pytest.mark.parametrize("first", ["interruption", "failure"])
def test_the_clean_up_goes_on_after_another_interruption(
    first: str, deploy: Deploy, driver: ServerDriver, caplog: pytest.LogCaptureFixture
) -> None:
    interrupting_clean_up(driver, 1)
    step = Runs(lambda: os.kill(os.getpid(), signal.SIGINT)) if first == "interruption" else ScriptDeployment("exit 1")
    with pytest.raises(KeyboardInterrupt):
        deploy(step, ex_destroy_on_failure=True)
    assert driver.destroyed == [driver.nodes[0].id]
    assert "which goes on; another interruption leaves it" in caplog.text


def test_who_insists_is_told_what_is_left(
    deploy: Deploy, driver: ServerDriver, caplog: pytest.LogCaptureFixture
) -> None:
    goes_on = interrupting_clean_up(driver, 2)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        deploy(ScriptDeployment("exit 1"), ex_destroy_on_failure=True)
    assert time.monotonic() - started < 2
    number = driver.nodes[0].id
    assert (
        f"left before the end of destroying machine {number} in 'here': look whether it is still there" in caplog.text
    )
    goes_on.set()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit])
@pytest.mark.parametrize("destroy", [True, False], ids=["destroy", "keep"])
def test_step_that_ends_the_program(
    destroy: bool, error: type[BaseException], deploy: Deploy, driver: ServerDriver, caplog: pytest.LogCaptureFixture
) -> None:
    def end() -> None:
        raise error

    with pytest.raises(error):
        deploy(Runs(end), ex_destroy_on_failure=destroy)
    assert driver.destroyed == [driver.nodes[0].id] * destroy
    assert f"machine {driver.nodes[0].id} in 'here': interrupted before it was deployed" in caplog.text


def test_cancelled_task_of_asyncio(deploy: Deploy, driver: ServerDriver, caplog: pytest.LogCaptureFixture) -> None:
    # A thread cannot be cancelled: the deployment goes on, and the log says what came of it.
    caplog.set_level(logging.INFO, "stratuslab_libcloud.deployment")

    async def cancel() -> None:
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()
        driver.before_running = lambda node: loop.call_soon_threadsafe(begun.set)
        task = asyncio.create_task(asyncio.to_thread(deploy, ScriptDeployment("sleep 0.5")))
        await begun.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert f"machine {driver.nodes[0].id} in 'here': deployed" in caplog.text
