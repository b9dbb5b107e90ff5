"""Processes that are forked while a driver is in use, as multiprocessing, Celery and gunicorn do."""

from __future__ import annotations

import os
import pickle
import threading
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.errors import StratusLabError
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]

SECONDS = 30


class Child:
    """A forked process that makes one call; leaving it out of the tests' own affairs, it ends without any clean-up."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._reader, writer = os.pipe()
        self._process = os.fork()
        if self._process:
            os.close(writer)
            return
        threading.Timer(SECONDS, os._exit, [1]).start()
        try:
            result = ("result", call())
        except BaseException:  # noqa: BLE001 - the parent shows it
            result = ("failed", traceback.format_exc())
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(pickle.dumps(result))
        os._exit(0)

    def result(self) -> Any:
        with os.fdopen(self._reader, "rb") as pipe:
            content = pipe.read()
        os.waitpid(self._process, 0)
        assert content, "the child did not answer in time"
        kind, value = pickle.loads(content)
        assert kind == "result", value
        return value


def numbers_seen(driver: StratusLabNodeDriver, numbers: list[str]) -> list[str]:
    return [driver.ex_get_node_details(number).id for number in numbers]


def test_children_and_parent_get_their_own_answers(driver: StratusLabNodeDriver) -> None:
    image = driver.list_images()[0]
    numbers = [driver.create_node(f"n{number}", None, image).id for number in range(8)]
    wanted = numbers * 10
    children = [Child(lambda: numbers_seen(driver, wanted)) for _ in range(10)]
    assert numbers_seen(driver, wanted) == wanted
    for child in children:
        assert child.result() == wanted
    assert [node.id for node in driver.list_nodes()] == numbers


def test_each_process_creates_its_machines_once(driver: StratusLabNodeDriver) -> None:
    image = driver.list_images()[0]

    def create() -> list[str]:
        return [driver.create_node("n", None, image).id for _ in range(5)]

    children = [Child(create) for _ in range(6)]
    created = create()
    for child in children:
        created += child.result()
    assert len(set(created)) == 35
    assert sorted(node.id for node in driver.list_nodes()) == sorted(created)


def test_a_fork_while_all_connections_are_busy_does_not_starve_the_child(
    driver: StratusLabNodeDriver, sandbox: Sandbox
) -> None:
    with sandbox.faults.during(Fault(FaultKind.DELAY, seconds=3, service="compute")):
        threads = [threading.Thread(target=driver.list_nodes, daemon=True) for _ in range(8)]
        for thread in threads:
            thread.start()
        deadline = threading.Event()
        while len(sandbox.requests) < 4 and not deadline.wait(0.01):
            pass
    assert Child(driver.list_nodes).result() == []
    for thread in threads:
        thread.join()


def test_an_iteration_does_not_go_on_in_a_child(driver: StratusLabNodeDriver) -> None:
    image = driver.list_images()[0]
    numbers = [driver.create_node(f"n{number}", None, image).id for number in range(4)]
    iteration = driver.ex_iterate_nodes()
    seen = [next(iteration).id]

    def go_on() -> str:
        with pytest.raises(StratusLabError, match="begun in another process") as caught:
            list(iteration)
        iteration.close()  # type: ignore[attr-defined]
        return str(caught.value) and "".join(node.id for node in driver.ex_iterate_nodes())

    assert Child(go_on).result() == "".join(numbers)
    assert seen + [node.id for node in iteration] == numbers


def test_closing_in_a_child_leaves_the_connections_of_its_parent(
    driver: StratusLabNodeDriver, sandbox: Sandbox
) -> None:
    driver.list_nodes()
    before = sandbox.requests.connections
    Child(driver.ex_close).result()
    driver.list_nodes()
    assert sandbox.requests.connections == before
