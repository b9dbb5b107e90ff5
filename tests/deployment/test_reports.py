"""What working threads report, and the thread that passes it on."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from libcloud.compute.base import Node
from libcloud.compute.deployment import ScriptDeployment
from libcloud.compute.types import NodeState

from stratuslab_libcloud.deployment.limits import Deadline
from stratuslab_libcloud.deployment.reports import Reports, Steps, Tell
from stratuslab_libcloud.deployment.several import DeployedNode, GroupOptions, deploy_all, machines_for


def test_the_waiting_thread_passes_on_all_that_was_reported() -> None:
    heard: list[tuple[Any, ...]] = []
    threads = set()

    def tell(*report: Any) -> None:
        threads.add(threading.current_thread())
        heard.append(report)

    reports = Reports(tell)
    with ThreadPoolExecutor(4) as pool:
        outcomes = [pool.submit(reports.put, number, 40, "words", None) for number in range(40)]
        while not reports.wait(outcomes, 1):
            pass
    assert sorted(heard) == [(number, 40, "words", None) for number in range(40)]
    assert threads == {threading.current_thread()}


@pytest.mark.parametrize("listens", [True, False])
def test_waiting_has_a_limit_and_ends_with_the_outcome(listens: bool) -> None:
    reports = Reports((lambda *report: None) if listens else None)
    outcome: Future[None] = Future()
    began = time.monotonic()
    assert not reports.wait([outcome], 0.2)
    assert time.monotonic() - began >= 0.2
    outcome.set_result(None)
    assert reports.wait([outcome], 60)
    assert time.monotonic() - began < 30


def test_its_exception_is_that_of_the_waiting() -> None:
    def fail(*report: Any) -> None:
        raise KeyError(report[2])

    reports = Reports(fail)
    reports.put(0, 1, "words", None)
    with pytest.raises(KeyError, match="words"):
        reports.wait([], 60)


def test_where_nobody_listens_nothing_is_kept() -> None:
    reports = Reports(None)
    reports.put(0, 1, "words", None)
    assert reports._underway.empty()


@pytest.mark.parametrize("listens", [True, False])
def test_of_several_deployments_each_tells_only_where_somebody_listens(listens: bool) -> None:
    """Listening looks ten times a second, on each machine."""
    tellers = []

    def deploy(machine: DeployedNode, deadline: Deadline, tell: Tell | None) -> Node:
        tellers.append(tell)
        return Node("1", machine.name, NodeState.RUNNING, [], [], None)  # type: ignore[arg-type]

    machines = machines_for([ScriptDeployment("true")], "n", ["here"])
    options = GroupOptions(1, None, destroy_on_failure=False, destroy_when_done=False)
    deploy_all(machines, deploy, lambda node: True, options, (lambda *report: None) if listens else None)
    assert [teller is not None for teller in tellers] == [listens]


def test_steps_are_counted() -> None:
    heard: list[tuple[Any, ...]] = []
    reports = Reports(lambda *report: heard.append(report))
    steps = Steps(reports, 2)
    steps.tell("first")
    steps.node = "a node"
    steps.next("second")
    steps.next("done")
    reports.wait([], 0)
    assert heard == [(0, 2, "first", None), (1, 2, "second", "a node"), (2, 2, "done", "a node")]
