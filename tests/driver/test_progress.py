"""`ex_progress`: what a call that takes its time tells of itself, and what the caller's function may do."""

from __future__ import annotations

import inspect
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from libcloud.compute.base import Node, NodeImage, NodeSize
from libcloud.compute.deployment import Deployment, MultiStepDeployment, ScriptDeployment

from stratuslab_libcloud import OpenNebulaNodeDriver, Progress, StratusLabNodeDriver
from stratuslab_libcloud.driver.progress import Task
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.errors import (
    ConflictError,
    InvalidArgumentError,
    PartialSuccessError,
    ScriptFailedError,
    SomeDeploymentsFailedError,
    StratusLabError,
    WaitTimeoutError,
)
from stratuslab_libcloud.sandbox import Fault, FaultKind, ManualClock, Sandbox

from .conftest import image_named

Start = Callable[..., StratusLabNode]

KEY = ed25519.Ed25519PrivateKey.generate()


class Seen(list[Progress]):
    """All that a call tells; it must be told by the thread that made the call."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = threading.current_thread()

    def __call__(self, progress: Progress) -> None:
        assert threading.current_thread() is self.thread
        self.append(progress)

    @property
    def counts(self) -> list[tuple[float, float | None]]:
        """How much was done, and of how much."""
        return [(progress.done, progress.total) for progress in self]

    @property
    def lines(self) -> list[str]:
        """Each as `print` prints it, once."""
        return list(dict.fromkeys(map(str, self)))


@pytest.fixture
def seen() -> Seen:
    return Seen()


# What is told


def test_it_is_a_line_to_read(start: Start, driver: StratusLabNodeDriver, capsys: pytest.CaptureFixture[str]) -> None:
    driver.wait_until_running([start(), start()], ex_progress=print)
    assert capsys.readouterr().out == "waiting until machines are running: 2 of 2 machines\n"
    assert str(Progress("downloading", 4096, None, "bytes", "disk.qcow2")) == "downloading: 4096 bytes (disk.qcow2)"


def test_waiting_until_machines_run(
    slow_driver: StratusLabNodeDriver, slow_node: StratusLabNode, clock: ManualClock, seen: Seen
) -> None:
    clock.advance(10)
    late = slow_driver.create_node("late", None, image_named("ttylinux", slow_driver))
    slow_driver.ex_use_clock(clock)
    slow_driver.wait_until_running([late, slow_node], ex_progress=seen)
    assert seen.lines[0] == "waiting until machines are running: 1 of 2 machines (machine 1: pending)"
    assert seen.lines[-1] == "waiting until machines are running: 2 of 2 machines"
    assert {"machine 1: prolog", "machine 1: boot"} <= {progress.detail for progress in seen}
    assert {progress.subject for progress in seen} == {None}
    one = Seen()
    slow_driver.wait_until_running([late], ex_progress=one)
    assert (one[0].subject.id, one[0].subject.state) == ("1", "running")


def test_waiting_until_machines_are_gone(
    slow_driver: StratusLabNodeDriver, slow_node: StratusLabNode, clock: ManualClock, seen: Seen
) -> None:
    clock.advance(10)
    slow_driver.ex_use_clock(clock)
    slow_node.destroy()
    with pytest.raises(WaitTimeoutError):
        slow_driver.ex_wait_until_gone([slow_node], timeout=0, ex_progress=seen)
    slow_driver.ex_wait_until_gone([slow_node], ex_progress=seen)
    assert seen.lines[0] == "waiting until machines are gone: 0 of 1 machines (machine 0: cleanup)"
    assert seen.lines[-1] == "waiting until machines are gone: 1 of 1 machines"


def test_creating_and_destroying_several(
    two_clouds: tuple[StratusLabNodeDriver, Sandbox, Sandbox], size: NodeSize, image: NodeImage, seen: Seen
) -> None:
    driver, _, _ = two_clouds
    nodes = driver.ex_create_nodes(["a", "b", "c"], size, image, ex_progress=seen)
    assert seen.counts == [(1, 3), (2, 3), (3, 3)]
    assert {progress.detail for progress in seen} == {f"machine {n.id}, {n.name!r}, was created" for n in nodes}
    nodes += driver.ex_create_nodes(["d"], size, image, "other")
    seen.clear()
    driver.ex_destroy_nodes(nodes, ex_progress=seen)
    assert seen.counts == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert sorted(progress.detail for progress in seen) == sorted(f"machine {n.id} was told to end" for n in nodes)
    assert {(p.subject.location.id, p.subject.id) for p in seen} == {(n.location.id, n.id) for n in nodes}


def test_machines_that_are_not_created_or_destroyed_do_not_count(tmp_path: Path, key_file: Path, seen: Seen) -> None:
    with Sandbox(boot_seconds=0, machine_limit=2) as sandbox:
        config = sandbox.write_config(tmp_path / "few.cfg", public_key_file=key_file)
        driver = StratusLabNodeDriver(stratuslab_user_config=config)
        image = image_named("ttylinux", driver)
        with pytest.raises(PartialSuccessError) as caught:
            driver.ex_create_nodes(["a", "b", "c"], None, image, ex_progress=seen)
        assert seen[-1].done == 2
        assert sum("was not created: " in progress.detail for progress in seen) == 1
        stranger = Node("99", "x", "running", [], [], driver)  # type: ignore[arg-type]
        seen.clear()
        driver.ex_destroy_nodes([*caught.value.nodes, stranger], ex_progress=seen)
        assert seen[-1].done == 3  # one that never was is gone


@pytest.fixture
def deploying(tmp_path: Path) -> Iterator[StratusLabNodeDriver]:
    """A driver whose machines can be logged in to."""
    public, private = serialization.PublicFormat.OpenSSH, serialization.PrivateFormat.OpenSSH
    (tmp_path / "id.pub").write_bytes(KEY.public_key().public_bytes(serialization.Encoding.OpenSSH, public))
    (tmp_path / "id").write_bytes(KEY.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
    with Sandbox(boot_seconds=0.5) as sandbox:
        config = sandbox.write_config(tmp_path / "config", public_key_file=tmp_path / "id.pub")
        yield StratusLabNodeDriver(stratuslab_user_config=config)


def deploy(driver: StratusLabNodeDriver, deployment: Deployment, **more: Any) -> Node:
    image = image_named("ttylinux", driver)
    return driver.deploy_node(deployment, name="web", image=image, wait_period=0.05, timeout=30, **more)


def test_deploying(deploying: StratusLabNodeDriver, seen: Seen) -> None:
    scripts = [ScriptDeployment("true", name=f"{name}.sh") for name in "abc"]
    steps = MultiStepDeployment([scripts[0], MultiStepDeployment(scripts[1:])])
    node = deploy(deploying, steps, ex_progress=seen)
    assert {(progress.task, progress.total, progress.unit) for progress in seen} == {
        ("deploying machine 'web'", 6, "steps")
    }
    details = [progress.detail for progress in seen]
    waited = [detail for detail in details if detail.startswith(f"machine {node.id}: ")]
    assert waited
    assert [detail for detail in details if detail not in waited] == [
        "creating it",
        "waiting for it to run",
        "",  # it runs
        "logging in",
        *(f"running script {name}.sh" for name in "abc"),
        "done",
    ]
    assert [progress.done for progress in seen if progress.detail not in waited] == [0, 1, 1, 2, 3, 4, 5, 6]
    assert [progress.subject and progress.subject.id for progress in seen][:2] == [None, node.id]


def test_deploying_on_several_machines(deploying: StratusLabNodeDriver, seen: Seen) -> None:
    machines = deploying.ex_deploy_nodes(
        [ScriptDeployment("echo $1", args=[str(number)], name="s.sh") for number in range(3)],
        "w",
        image=image_named("ttylinux", deploying),
        wait_period=0.05,
        ex_progress=seen,
    )
    counts = [progress.done for progress in seen]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1], seen[0].total, seen[0].unit) == (0, 3, 3, "machines")
    for machine in machines:
        own = [progress.detail for progress in seen if progress.subject is machine]
        wanted = ["begun", "creating it", "logging in", "running script s.sh", "done", "deployed"]
        assert [words for words in own if words.removeprefix(f"{machine.name}: ") in wanted] == [
            f"{machine.name}: {words}" for words in wanted
        ]


def test_making_an_image_of_a_machine(slow_driver: StratusLabNodeDriver, clock: ManualClock, seen: Seen) -> None:
    node = slow_driver.create_node("n", None, image_named("ttylinux", slow_driver), ex_save_as="mine")
    clock.advance(10)
    slow_driver.ex_use_clock(clock)
    made = slow_driver.create_image(node, "mine", ex_progress=seen)
    steps = [(progress.done, progress.detail) for progress in seen]
    assert steps[:2] == [(0, "telling machine 0 to shut down"), (1, "machine 0: shutdown")]
    assert steps[-3:] == [(1, ""), (2, "looking for the image"), (3, "")]
    assert {(progress.task, progress.total) for progress in seen} == {("making image 'mine'", 3)}
    assert seen[-1].subject is made


# OpenNebula


@pytest.mark.sandbox_options(boot_seconds=0.3)
def test_what_is_waited_for_on_opennebula(opennebula_driver: OpenNebulaNodeDriver, seen: Seen) -> None:
    opennebula = opennebula_driver
    image = next(image for image in opennebula.list_images() if image.name == "debian12")
    node = opennebula.create_node("n", None, image, networks=["public"])
    opennebula.wait_until_running([node], wait_period=0.1)
    volume = opennebula.create_volume(1, "v")
    calls: list[tuple[str, Callable[..., object], list[Any], dict[str, Any]]] = [
        (f"attaching volume {volume.id} to machine 0", opennebula.attach_volume, [node, volume], {}),
        (f"resizing volume {volume.id}", opennebula.ex_resize_volume, [volume, 2], {}),
        (f"making a snapshot of volume {volume.id}", opennebula.create_volume_snapshot, [volume, "s"], {}),
        (f"detaching volume {volume.id} from machine 0", opennebula.detach_volume, [volume], {}),
        ("making image 'made'", opennebula.create_image, [node, "made"], {"ex_wait": True}),
        ("copying image 0", opennebula.copy_image, [None, image, "copied"], {"ex_wait": True}),
        ("poweroff of machine 0", opennebula.stop_node, [node], {}),
        ("resizing machine 0", opennebula.ex_resize_node, [node], {"ex_memory": 256}),
        ("resume of machine 0", opennebula.start_node, [node], {}),
        (f"destroying volume {volume.id}", opennebula.destroy_volume, [volume], {}),
        ("destroying machine 0", opennebula.destroy_node, [node], {}),
    ]
    for task, call, arguments, more in calls:
        seen.clear()
        call(*arguments, **more, ex_progress=seen)
        assert {(progress.task, progress.total, progress.unit) for progress in seen} == {(task, 1, "steps")}
        assert (seen[0].done, seen[0].detail, seen[-1].done, seen[-1].detail) == (0, "", 1, "")
        waited = [progress.detail for progress in seen[1:-1]]
        assert all(words.startswith(("machine 0: ", "image ")) for words in waited)
        if call in (opennebula.attach_volume, opennebula.stop_node, opennebula.create_image, opennebula.destroy_node):
            assert waited


def test_what_is_waited_for_on_stratuslab(
    slow_driver: StratusLabNodeDriver, slow_node: StratusLabNode, clock: ManualClock, seen: Seen
) -> None:
    clock.advance(1.2)  # PROLOG
    later = threading.Timer(0.3, clock.advance, [10])
    later.start()
    slow_driver.stop_node(slow_node, ex_progress=seen)
    later.join()
    assert seen.lines == [
        "suspend of machine 0: 0 of 1 steps",
        "suspend of machine 0: 0 of 1 steps (machine 0: prolog)",
        "suspend of machine 0: 1 of 1 steps",
    ]


@pytest.mark.parametrize("kind", [StratusLabNodeDriver, OpenNebulaNodeDriver])
def test_each_call_that_waits_has_it(kind: type) -> None:
    calls = {name: inspect.signature(call).parameters for name, call in inspect.getmembers(kind, inspect.isfunction)}
    waiting = {
        name for name, names in calls.items() if not name.startswith("_") and {"ex_timeout", "wait_period"} & {*names}
    }
    waiting |= {
        "destroy_node",
        "ex_create_nodes",
        "ex_destroy_nodes",
        "ex_deploy_nodes",
        "create_image",
        "start_node",
        "stop_node",
    }
    assert {"wait_until_running", "ex_wait_until_gone", "deploy_node"} <= waiting
    assert [name for name in sorted(waiting) if "ex_progress" not in calls[name]] == []


# What the caller's function may do


class OwnError(Exception):
    """The caller's own."""


def fail_with(error: BaseException, at: float = 0) -> Callable[[Progress], None]:
    def fail(progress: Progress) -> None:
        if progress.done >= at:
            raise error

    return fail


def test_what_is_no_function(driver: StratusLabNodeDriver, size: NodeSize, image: NodeImage, start: Start) -> None:
    wrong: Any = "print"
    node = start()
    calls: list[Callable[[], object]] = [
        lambda: driver.wait_until_running([node], ex_progress=wrong),
        lambda: driver.ex_wait_until_gone([node], ex_progress=wrong),
        lambda: driver.ex_create_nodes(["a"], size, image, ex_progress=wrong),
        lambda: driver.ex_destroy_nodes([node], ex_progress=wrong),
        lambda: driver.stop_node(node, ex_progress=wrong),
        lambda: driver.deploy_node(ScriptDeployment("true"), name="n", image=image, ex_progress=wrong),
        lambda: driver.ex_deploy_nodes([ScriptDeployment("true")], "n", image=image, ex_progress=wrong),
    ]
    for call in calls:
        with pytest.raises(
            InvalidArgumentError, match="ex_progress must be a function that takes a Progress, not 'print'"
        ):
            call()
    assert [(each.id, each.state) for each in driver.list_nodes()] == [(node.id, "running")]
    with pytest.raises(InvalidArgumentError, match="ex_progress"):
        Task(wrong, "a task", None, "bytes")


@pytest.mark.parametrize("error", [OwnError("enough"), KeyboardInterrupt(), StratusLabError("of another call")])
def test_its_exception_ends_waiting(error: BaseException, driver: StratusLabNodeDriver, start: Start) -> None:
    with pytest.raises(type(error)) as caught:
        driver.wait_until_running([start()], ex_progress=fail_with(error))
    assert caught.value is error


@pytest.mark.parametrize("error", [OwnError("enough"), KeyboardInterrupt(), StratusLabError("of another call")])
def test_its_exception_ends_creating_and_what_is_there_is_told(
    error: BaseException,
    driver: StratusLabNodeDriver,
    size: NodeSize,
    image: NodeImage,
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.faults.add(Fault(FaultKind.DELAY, "compute", "one.vm.allocate", seconds=0.02))  # or all may be there before
    with pytest.raises(type(error)) as caught:
        driver.ex_create_nodes([f"n{number}" for number in range(40)], size, image, ex_progress=fail_with(error, 2))
    assert caught.value is error
    created = {node.id: node.extra["mark"] for node in driver.list_nodes()}
    assert 2 <= len(created) < 40
    for machine_id, mark in created.items():
        assert f"machine {machine_id} (mark {mark})" in caplog.text or str(mark) in caplog.text
        assert sys.version_info < (3, 11) or str(mark) in "".join(caught.value.__notes__)  # type: ignore[attr-defined, unused-ignore]  # from Python 3.11 on


def test_its_exception_ends_destroying(
    driver: StratusLabNodeDriver, size: NodeSize, image: NodeImage, sandbox: Sandbox
) -> None:
    nodes = driver.ex_create_nodes([f"n{number}" for number in range(40)], size, image)
    sandbox.faults.add(Fault(FaultKind.DELAY, "compute", "one.vm.action", seconds=0.02))
    with pytest.raises(OwnError):
        driver.ex_destroy_nodes(nodes, ex_progress=fail_with(OwnError(), 1))
    assert 0 < len(driver.list_nodes()) < 40


@pytest.mark.parametrize("destroy", [True, False])
@pytest.mark.parametrize("error", [OwnError("enough"), KeyboardInterrupt(), StratusLabError("of another call")])
@pytest.mark.parametrize("at", [0, 1, 4], ids=["at-creation", "while-waiting", "in-the-script"])
def test_its_exception_ends_a_deployment(
    at: int,
    error: BaseException,
    destroy: bool,
    deploying: StratusLabNodeDriver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    scripts = MultiStepDeployment([ScriptDeployment("true"), ScriptDeployment("sleep 600")])
    with pytest.raises(type(error)) as caught:
        deploy(deploying, scripts, ex_progress=fail_with(error, at), ex_destroy_on_failure=destroy)
    assert caught.value is error
    left = [node.id for node in deploying.list_nodes() if node.state != "stopping"]
    assert left == ([] if destroy else ["0"])
    assert "machine 0 in 'default'" in caplog.text
    assert ("the machine was destroyed" if destroy else "the machine is still there") in caplog.text


@pytest.mark.parametrize("destroy", [True, False])
def test_its_exception_ends_all_deployments(
    destroy: bool, deploying: StratusLabNodeDriver, caplog: pytest.LogCaptureFixture
) -> None:
    image = image_named("ttylinux", deploying)
    scripts = [ScriptDeployment("true"), *(ScriptDeployment("sleep 600") for _ in range(2))]
    with pytest.raises(OwnError):
        deploying.ex_deploy_nodes(
            scripts,
            "w",
            image=image,
            wait_period=0.05,
            ex_destroy_on_failure=destroy,
            ex_progress=fail_with(OwnError(), 1),
        )
    left = [node for node in deploying.list_nodes() if node.state != "stopping"]
    assert len(left) == (0 if destroy else 3)
    assert all(f"machine {node.id} ({node.name}) is still there" in caplog.text for node in left)


def test_a_failure_is_the_failure_also_where_it_is_told(deploying: StratusLabNodeDriver, seen: Seen) -> None:
    with pytest.raises(ScriptFailedError):
        deploy(deploying, ScriptDeployment("exit 3"), ex_progress=seen)
    assert seen[-1].done == 3
    with pytest.raises(SomeDeploymentsFailedError):
        deploying.ex_deploy_nodes(
            [ScriptDeployment("exit 3")], "w", image=image_named("ttylinux", deploying), ex_progress=seen
        )
    assert (seen[-1].done, seen[-1].detail) == (0, "w-1: failed")


@pytest.mark.sandbox_options(boot_seconds=0.3)
@pytest.mark.parametrize("call", ["create_image", "copy_image"])
def test_its_exception_ends_making_an_image_which_is_told(
    call: str, opennebula_driver: OpenNebulaNodeDriver, caplog: pytest.LogCaptureFixture
) -> None:
    image = next(image for image in opennebula_driver.list_images() if image.name == "debian12")
    node = opennebula_driver.create_node("n", None, image, networks=["public"])
    opennebula_driver.wait_until_running([node], wait_period=0.1)
    more = [node] if call == "create_image" else [None, image]
    with pytest.raises(OwnError):
        getattr(opennebula_driver, call)(*more, "new", ex_wait=True, ex_progress=fail_with(OwnError(), 1))
    assert "interrupted while image 'new' was made at location 'opennebula': list_images() may show it" in caplog.text
    assert "new" in {each.name for each in opennebula_driver.list_images()}


def test_a_failure_on_opennebula(opennebula_driver: OpenNebulaNodeDriver, seen: Seen) -> None:
    opennebula = opennebula_driver
    image = next(image for image in opennebula.list_images() if image.name == "debian12")
    node = opennebula.create_node("n", None, image, ex_hold=True)
    with pytest.raises(ConflictError):
        opennebula.stop_node(node, ex_progress=seen)
    assert [progress.done for progress in seen] == [0]
    from stratuslab_libcloud.client import waiting_words

    waiting_words.tell("nobody listens any more")
    assert len(seen) == 1
