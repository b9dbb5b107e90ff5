"""Interruptions of calls that create something: what was created, or may have been, is told."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest
from libcloud.compute.base import NodeImage

import stratuslab_libcloud
from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox

PACKAGE = str(Path(stratuslab_libcloud.__file__).parent)

Start = Callable[..., StratusLabNode]
Interrupt = Callable[..., None]

SILENCE = FaultKind.NO_ANSWER_AFTER


class AlarmError(Exception):
    """What a program's own signal handler may raise."""


INTERRUPTIONS = [KeyboardInterrupt, SystemExit, AlarmError, asyncio.CancelledError]


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    """Lets a signal handler raise an exception in the main thread, once the sandbox has been asked for something."""
    before = signal.getsignal(signal.SIGUSR1)
    watchers = []

    def when(sandbox: Sandbox, operation: str, error: type[BaseException], times: int = 1) -> None:
        def raise_it(_: int, frame: FrameType | None) -> None:
            if is_in_driver(frame):  # a second signal can come when the call has ended
                raise error

        signal.signal(signal.SIGUSR1, raise_it)
        already = sandbox.requests.operations.count(operation)
        main = threading.main_thread().ident
        assert main is not None

        def watch() -> None:
            pause = threading.Event()
            while sandbox.requests.operations.count(operation) <= already:
                pause.wait(0.01)
            pause.wait(0.3)
            for _ in range(times):
                pause.wait(0.02)
                signal.pthread_kill(main, signal.SIGUSR1)

        watchers.append(threading.Thread(target=watch, daemon=True))
        watchers[-1].start()

    yield when
    for watcher in watchers:  # a signal that comes later would end the process
        watcher.join(10)
    signal.signal(signal.SIGUSR1, before)


def is_in_driver(frame: FrameType | None) -> bool:
    """Whether the driver is being used where a signal came."""
    while frame is not None and not frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return frame is not None


def notes_of(error: BaseException) -> str:
    return "".join(getattr(error, "__notes__", []))


@pytest.mark.parametrize("error", INTERRUPTIONS)
def test_a_machine_that_may_be_there_is_told(
    start: Start,
    sandbox: Sandbox,
    interrupt: Interrupt,
    caplog: pytest.LogCaptureFixture,
    error: type[BaseException],
) -> None:
    start("warm up")
    sandbox.faults.add(Fault(SILENCE, "compute", "one.vm.allocate"))
    interrupt(sandbox, "one.vm.allocate", error)
    with pytest.raises(error) as caught:
        start("under way")
    mark = sandbox.machines[1].template.text("LIBCLOUD_MARK")
    words = f"at location 'default': created so far: none; others may be there: look for {mark} in node.extra['mark']"
    assert words in caplog.text
    assert sys.version_info < (3, 11) or words in notes_of(caught.value)


@pytest.mark.parametrize("error", INTERRUPTIONS)
def test_a_machine_that_is_there_is_told(
    start: Start,
    sandbox: Sandbox,
    interrupt: Interrupt,
    caplog: pytest.LogCaptureFixture,
    error: type[BaseException],
) -> None:
    start("warm up")
    sandbox.faults.add(Fault(SILENCE, "compute", "one.vmpool.info"))
    interrupt(sandbox, "one.vmpool.info", error)
    with pytest.raises(error) as caught:
        start("there")
    mark = sandbox.machines[1].template.text("LIBCLOUD_MARK")
    words = f"at location 'default': created so far: machine 1 (mark {mark})"
    assert words in caplog.text
    assert "others may be there" not in caplog.text
    assert sys.version_info < (3, 11) or words in notes_of(caught.value)


@pytest.mark.parametrize("error", INTERRUPTIONS)
def test_a_volume_that_may_be_there_is_told(
    driver: StratusLabNodeDriver,
    sandbox: Sandbox,
    interrupt: Interrupt,
    caplog: pytest.LogCaptureFixture,
    error: type[BaseException],
) -> None:
    driver.list_volumes()
    sandbox.faults.add(Fault(SILENCE, "disks", "POST /disks"))
    interrupt(sandbox, "POST /disks", error)
    with pytest.raises(error) as caught:
        driver.create_volume(1, "under way")
    (disk,) = sandbox.disks
    words = f"volume was being created, and may be there, at location 'default', with the mark {disk.identifier}"
    assert words in caplog.text
    assert sys.version_info < (3, 11) or words in notes_of(caught.value)


@pytest.mark.parametrize("error", INTERRUPTIONS)
def test_a_volume_that_may_be_attached_is_told(
    start: Start,
    driver: StratusLabNodeDriver,
    sandbox: Sandbox,
    interrupt: Interrupt,
    caplog: pytest.LogCaptureFixture,
    error: type[BaseException],
) -> None:
    node, volume = start(), driver.create_volume(1, "v")
    sandbox.faults.add(Fault(SILENCE, "disks", "POST /disks/{uuid}/mounts"))
    interrupt(sandbox, "POST /disks/{uuid}/mounts", error)
    with pytest.raises(error):
        driver.attach_volume(node, volume)
    assert f"volume {volume.id} was being attached to machine {node.id} of location 'default'" in caplog.text


def test_a_second_interruption_tells_it_as_well(
    driver: StratusLabNodeDriver,
    image: NodeImage,
    sandbox: Sandbox,
    interrupt: Interrupt,
    caplog: pytest.LogCaptureFixture,
) -> None:
    driver.list_nodes()
    sandbox.faults.add(Fault(SILENCE, "compute", "one.vm.allocate"))
    interrupt(sandbox, "one.vm.allocate", KeyboardInterrupt, times=2)
    with pytest.raises(KeyboardInterrupt):
        driver.ex_create_nodes(["a", "b"], None, image)
    assert len(sandbox.machines) == 2
    for machine in sandbox.machines:
        assert str(machine.template.text("LIBCLOUD_MARK")) in caplog.text


def test_the_cancellation_of_a_task_loses_no_machine(
    start: Start, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The thread goes on although nobody waits for it any more; the log names what it creates."""
    caplog.set_level(logging.INFO, "stratuslab_libcloud")
    sandbox.faults.add(Fault(FaultKind.DELAY, "compute", "one.vm.allocate", seconds=0.5))

    async def cancelled() -> None:
        await asyncio.wait_for(asyncio.to_thread(start, "the one"), 0.1)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(cancelled())
    (machine,) = sandbox.machines
    assert (
        f"machine 0 was created at location 'default', with mark {machine.template.text('LIBCLOUD_MARK')}"
        in caplog.text
    )
