"""Bad days: replies that are lost, late or wrong. Nothing is created twice, nothing is lost, nothing hangs."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from libcloud.compute.base import NodeImage

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.driver.stratuslab.volumes import StratusLabVolume
from stratuslab_libcloud.errors import (
    Call,
    ConflictError,
    MalformedReplyError,
    PartialListError,
    RequestRejectedError,
    ServiceError,
    ServiceTimeoutError,
    ServiceUnavailableError,
    UnknownOutcomeError,
)
from stratuslab_libcloud.sandbox import Fault, FaultKind, KeepAlive, Sandbox

Start = Callable[..., StratusLabNode]

ALLOCATE = ("compute", "one.vm.allocate")
CREATE_DISK = ("disks", "POST /disks")
ATTACH = ("disks", "POST /disks/{uuid}/mounts")
DETACH = ("disks", "DELETE /disks/{uuid}/mounts/{mount_id}")
DESTROY_DISK = ("disks", "DELETE /disks/{uuid}")
LOST = [FaultKind.RESET_AFTER, FaultKind.CUT, FaultKind.GARBAGE, FaultKind.WRONG_TYPES, FaultKind.STATUS_AFTER]
LOST_BY_PROXY = [FaultKind.PROXY_FAULT_AFTER, FaultKind.DOUBLED, FaultKind.DOUBLED_FAULT, FaultKind.RESTART]
NOT_DONE = [FaultKind.RESET_BEFORE, FaultKind.REFUSE]


def once(kind: FaultKind, place: tuple[str, str], count: int = 1, **more: float) -> Fault:
    return Fault(kind, *place, count=count, **{"status": 502, "seconds": 0.3, **more})  # type: ignore[arg-type]


@pytest.fixture
def hasty(sandbox: Sandbox, config_file: Path) -> StratusLabNodeDriver:
    """A driver whose calls may take two seconds."""
    return StratusLabNodeDriver(stratuslab_user_config=config_file, timeout=2)


def names(sandbox: Sandbox) -> list[str]:
    return sorted(machine.name for machine in sandbox.machines)


@pytest.mark.parametrize("kind", [*LOST, *LOST_BY_PROXY, *NOT_DONE, FaultKind.PROXY_FAULT], ids=lambda kind: kind.value)
def test_a_machine_is_created_once(
    start: Start, driver: StratusLabNodeDriver, sandbox: Sandbox, kind: FaultKind
) -> None:
    sandbox.faults.add(once(kind, ALLOCATE))
    node = start("the one")
    assert node.name == "the one"
    assert [(found.id, found.name) for found in driver.list_nodes()] == [(node.id, "the one")]
    assert names(sandbox) == ["the one"] * (2 if kind in (FaultKind.DOUBLED, FaultKind.DOUBLED_FAULT) else 1)


def test_a_machine_that_the_driver_has_is_not_ended_as_a_double(
    start: Start, driver: StratusLabNodeDriver, hasty: StratusLabNodeDriver, sandbox: Sandbox, image: NodeImage
) -> None:
    """The proxy doubles it, and the driver cannot look at it before it returns it."""
    sandbox.faults.add(once(FaultKind.DOUBLED, ALLOCATE))
    with sandbox.faults.during(Fault(FaultKind.STATUS, "compute", "one.vmpool.info", status=403)):
        node = driver.create_node("the one", None, image)
    assert node.id == "1"
    driver.list_nodes()
    assert [found.id for found in driver.list_nodes()] == ["1"]
    assert [found.id for found in hasty.list_nodes()] == ["1"]


@pytest.fixture
def lost_way(sandbox: Sandbox, tmp_path: Path, key_file: Path) -> StratusLabNodeDriver:
    """A driver whose endpoints name paths at which nothing is."""
    wrong = {"endpoint": f"{sandbox.url}/other/xmlrpc", "pdisk_endpoint": f"{sandbox.url}/other"}
    file = sandbox.write_config(tmp_path / "wrong.cfg", public_key_file=key_file, **wrong)
    return StratusLabNodeDriver(stratuslab_user_config=file, timeout=5)


def test_nothing_is_called_destroyed_because_of_a_wrong_path(
    start: Start, driver: StratusLabNodeDriver, lost_way: StratusLabNodeDriver
) -> None:
    node, volume = start(), driver.create_volume(1, "v")
    node.driver = volume.driver = lost_way
    with pytest.raises(RequestRejectedError, match="status 404: there is no such service at this URL"):
        lost_way.destroy_node(node)
    with pytest.raises(RequestRejectedError, match="status 404: there is no such service at this URL"):
        lost_way.destroy_volume(volume)
    assert [found.id for found in driver.list_nodes()] == [node.id]
    assert [found.id for found in driver.list_volumes()] == [volume.id]


def test_a_daemon_that_starts_is_waited_for(start: Start, driver: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    node = start()
    sandbox.state.start_daemon(0.5)
    assert [found.id for found in driver.list_nodes()] == [node.id]
    sandbox.state.start_daemon(0.5)
    start("another")
    assert names(sandbox) == sorted(["another", node.name])


def test_waiting_goes_on_while_the_daemon_restarts(
    start: Start, driver: StratusLabNodeDriver, sandbox: Sandbox
) -> None:
    node = start()
    sandbox.faults.add(once(FaultKind.RESTART, ("compute", "one.vm.info"), seconds=0.5))
    ((found, _),) = driver.wait_until_running([node], wait_period=0.05, timeout=30)
    assert found.state == "running"


@pytest.mark.parametrize("kind", [*LOST, *NOT_DONE, FaultKind.STATUS], ids=lambda kind: kind.value)
def test_a_volume_is_created_once(driver: StratusLabNodeDriver, sandbox: Sandbox, kind: FaultKind) -> None:
    sandbox.faults.add(once(kind, CREATE_DISK, count=2))
    volume = driver.create_volume(1, "the one")
    assert [found.id for found in driver.list_volumes()] == [volume.id]


def test_many_creations_under_lost_replies(start: Start, sandbox: Sandbox) -> None:
    start("warm up")
    sandbox.faults.add(Fault(FaultKind.RESET_AFTER, *ALLOCATE, chance=1 / 3))
    sandbox.faults.add(Fault(FaultKind.CUT, "compute", "one.vmpool.info", chance=1 / 5))
    with ThreadPoolExecutor(8) as threads:
        nodes = list(threads.map(start, [f"node {n}" for n in range(200)]))
    assert len({node.id for node in nodes}) == 200
    assert sorted(node.name for node in nodes) == sorted(f"node {n}" for n in range(200))
    assert len(names(sandbox)) == 201


def test_a_creation_that_is_not_answered_is_adopted_when_it_happened(
    hasty: StratusLabNodeDriver, sandbox: Sandbox, image: NodeImage
) -> None:
    sandbox.faults.add(once(FaultKind.NO_ANSWER_AFTER, ALLOCATE))
    assert hasty.create_node("the one", None, image).name == "the one"
    assert names(sandbox) == ["the one"]


def test_a_creation_of_which_nobody_knows_says_so(
    hasty: StratusLabNodeDriver, sandbox: Sandbox, image: NodeImage
) -> None:
    sandbox.faults.add(once(FaultKind.NO_ANSWER, ALLOCATE))
    started = time.monotonic()
    with pytest.raises(UnknownOutcomeError, match="it is not known whether it was created") as caught:
        hasty.create_node("perhaps", None, image)
    assert time.monotonic() - started < 3
    assert caught.value.mark in str(caught.value)
    assert sandbox.requests.operations.count("one.vm.allocate") == 1


def test_the_mark_of_an_unknown_creation_is_found_later(
    hasty: StratusLabNodeDriver, sandbox: Sandbox, image: NodeImage
) -> None:
    sandbox.faults.add(once(FaultKind.NO_ANSWER_AFTER, ALLOCATE))
    sandbox.faults.add(Fault(FaultKind.STATUS, "compute", "one.vmpool.info"))
    with pytest.raises(UnknownOutcomeError) as caught:
        hasty.create_node("there", None, image)
    sandbox.faults.clear()
    assert [node.extra["mark"] for node in hasty.list_nodes()] == [caught.value.mark]


def test_a_volume_of_which_nobody_knows_says_so(hasty: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(FaultKind.RESET_AFTER, "disks"))
    with pytest.raises(UnknownOutcomeError) as caught:
        hasty.create_volume(1, "perhaps")
    sandbox.faults.clear()
    assert [volume.extra["mark"] for volume in hasty.list_volumes()] == [caught.value.mark]


def test_a_double_that_appears_late_is_ended(
    driver: StratusLabNodeDriver, sandbox: Sandbox, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first creation is carried out only after it was looked for: the one gap that no client can close."""
    compute = driver._locations.cloud(None).compute
    allocate, pending = compute.allocate, []

    def late(template: str, timeout: float | None = None) -> int:
        if not pending:
            pending.append(template)
            lost = ServiceUnavailableError("lost", Call("default", "compute", "one.vm.allocate", "http://x"))
            lost.outcome_unknown = True
            raise lost
        allocate(pending[0])
        return allocate(template, timeout)

    monkeypatch.setattr(compute, "allocate", late)
    node = start("the one")
    assert [(found.id, found.name) for found in driver.list_nodes()] == [(node.id, "the one")]


def test_a_refusal_after_a_lost_reply_does_not_hide_what_the_first_try_created(
    driver: StratusLabNodeDriver, sandbox: Sandbox, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first creation is carried out late and takes what the second one would have needed."""
    compute = driver._locations.cloud(None).compute
    allocate, pending = compute.allocate, []

    def late(template: str, timeout: float | None = None) -> int:
        call = Call("default", "compute", "one.vm.allocate", "http://x")
        if not pending:
            pending.append(template)
            lost = ServiceUnavailableError("lost", call)
            lost.outcome_unknown = True
            raise lost
        allocate(pending[0])
        raise RequestRejectedError("nothing is left", call)

    monkeypatch.setattr(compute, "allocate", late)
    node = start("the one")
    assert [(found.id, found.name) for found in driver.list_nodes()] == [(node.id, "the one")]


def test_an_address_that_can_not_be_asked_for_does_not_lose_the_machine(
    driver: StratusLabNodeDriver, hasty: StratusLabNodeDriver, sandbox: Sandbox, image: NodeImage
) -> None:
    with sandbox.faults.during(Fault(FaultKind.STATUS, "compute", "one.vmpool.info", status=500)):
        node = hasty.create_node("the one", None, image)
    assert (node.id, node.name, node.public_ips, node.state) == ("0", "the one", [], "pending")
    assert driver.ex_get_node_details(node).public_ips != []


@pytest.mark.parametrize("kind", LOST + NOT_DONE, ids=lambda kind: kind.value)
def test_attaching_ends_attached(start: Start, driver: StratusLabNodeDriver, sandbox: Sandbox, kind: FaultKind) -> None:
    node, volume = start(), driver.create_volume(1, "v")
    sandbox.faults.add(once(kind, ATTACH))
    assert driver.attach_volume(node, volume) is True
    assert volume.extra["attachments"] == [{"node_id": node.id, "device": "vdz"}]
    assert driver.ex_get_volume(volume.id).extra["attachments"] == volume.extra["attachments"]


@pytest.mark.parametrize("kind", LOST + NOT_DONE, ids=lambda kind: kind.value)
def test_detaching_ends_detached(start: Start, driver: StratusLabNodeDriver, sandbox: Sandbox, kind: FaultKind) -> None:
    node, volume = start(), driver.create_volume(1, "v")
    driver.attach_volume(node, volume)
    sandbox.faults.add(once(kind, DETACH))
    assert driver.detach_volume(volume) is True
    assert driver.ex_get_volume(volume.id).extra["attachments"] == []


@pytest.fixture
def attached(start: Start, driver: StratusLabNodeDriver) -> StratusLabVolume:
    """A volume that is in a machine."""
    volume = driver.create_volume(1, "v")
    driver.attach_volume(start(), volume)
    return volume


def test_what_can_not_be_detached_says_how_it_is(
    attached: StratusLabVolume, hasty: StratusLabNodeDriver, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(FaultKind.RESET_BEFORE, *DETACH))
    with pytest.raises(ServiceUnavailableError, match="the volume is still attached"):
        hasty.detach_volume(attached)


def test_what_can_not_be_looked_at_says_that_nobody_knows(
    attached: StratusLabVolume, hasty: StratusLabNodeDriver, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(FaultKind.RESET_AFTER, "disks"))
    with pytest.raises(ServiceUnavailableError, match="it is not known whether this changed anything"):
        hasty.detach_volume(attached)


@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.CUT, FaultKind.STATUS_AFTER, *NOT_DONE])
def test_destroying_ends_destroyed(
    start: Start, driver: StratusLabNodeDriver, sandbox: Sandbox, kind: FaultKind
) -> None:
    node, volume = start(), driver.create_volume(1, "v")
    sandbox.faults.add(once(kind, DESTROY_DISK))
    sandbox.faults.add(once(kind, ("compute", "one.vm.action")))
    assert driver.destroy_volume(volume) is True
    assert driver.destroy_node(node) is True
    assert driver.list_nodes() == driver.list_volumes() == []


def test_what_can_not_be_destroyed_says_who_knows(
    start: Start, driver: StratusLabNodeDriver, hasty: StratusLabNodeDriver, sandbox: Sandbox
) -> None:
    node, volume = start(), driver.create_volume(1, "v")
    sandbox.faults.add(Fault(FaultKind.RESET_AFTER, "disks"))
    sandbox.faults.add(Fault(FaultKind.RESET_AFTER, "compute"))
    with pytest.raises(ServiceUnavailableError, match=r"still exists: list_volumes\(\) shows it"):
        hasty.destroy_volume(volume)
    with pytest.raises(ServiceUnavailableError, match=r"the machine has ended: ex_get_node\(\) shows it"):
        hasty.destroy_node(node)


@pytest.mark.parametrize(
    "kind",
    [FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER, FaultKind.CUT, FaultKind.STATUS, FaultKind.STATUS_AFTER],
    ids=lambda kind: kind.value,
)
def test_reads_come_through(driver: StratusLabNodeDriver, sandbox: Sandbox, kind: FaultKind) -> None:
    sandbox.faults.add(Fault(kind, count=2))
    assert driver.list_nodes() == []
    sandbox.faults.add(Fault(kind, count=2))
    assert driver.list_volumes() == []
    sandbox.faults.add(Fault(kind, count=2))
    assert len(driver.list_images()) > 5


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.GARBAGE, MalformedReplyError),
        (FaultKind.WRONG_TYPES, MalformedReplyError),
        (FaultKind.XMLRPC_FAULT, ServiceUnavailableError),
        (FaultKind.NO_ANSWER, ServiceTimeoutError),
        (FaultKind.DRIP, ServiceTimeoutError),
        (FaultKind.RESET_BEFORE, ServiceUnavailableError),
    ],
    ids=lambda value: getattr(value, "value", None),
)
def test_a_bad_day_is_an_error_within_the_time_limit(
    hasty: StratusLabNodeDriver, sandbox: Sandbox, kind: FaultKind, error: type[ServiceError]
) -> None:
    sandbox.faults.add(Fault(kind, "compute", seconds=0.2))
    started = time.monotonic()
    with pytest.raises(error, match="location 'default'"):
        hasty.list_nodes()
    assert time.monotonic() - started < 3


def test_threads_get_their_own_answers_on_a_bad_day(
    start: Start, driver: StratusLabNodeDriver, sandbox: Sandbox
) -> None:
    nodes = [start(f"node {n}") for n in range(16)]
    volumes = {driver.create_volume(1, f"volume {n}").id: f"volume {n}" for n in range(16)}
    sandbox.requests.clear()
    sandbox.faults.add(Fault(FaultKind.RESET_AFTER, chance=0.1))
    sandbox.faults.add(Fault(FaultKind.CUT, chance=0.1))

    def ask(number: int) -> bool:
        node = nodes[number % 16]
        volume_id = list(volumes)[number % 16]
        return (
            driver.ex_get_node_details(node).name == node.name
            and driver.ex_get_volume(volume_id).name == volumes[volume_id]
        )

    with ThreadPoolExecutor(32) as threads:
        assert all(threads.map(ask, range(160)))


def test_connections_that_are_closed_while_idle_are_no_error(config_file: Path, tmp_path: Path, key_file: Path) -> None:
    with Sandbox(boot_seconds=0, keep_alive=KeepAlive(3, 0.2)) as sandbox:
        file = sandbox.write_config(tmp_path / "closing.cfg", public_key_file=key_file)
        driver = StratusLabNodeDriver(stratuslab_user_config=file)
        for _ in range(10):
            driver.list_nodes()
        idle = threading.Event()
        idle.wait(0.5)
        driver.create_volume(1, "v")
        assert len(driver.list_volumes()) == 1


def interrupt_soon() -> None:
    """Do as Ctrl-C does, a moment from now."""
    main = threading.main_thread().ident
    timer = threading.Timer(0.3, signal.pthread_kill, [main, signal.SIGINT])
    timer.daemon = True
    timer.start()


def test_an_interruption_ends_a_call_and_its_threads(
    two_clouds: tuple[StratusLabNodeDriver, Sandbox, Sandbox],
) -> None:
    driver, here, there = two_clouds
    here.faults.add(Fault(FaultKind.NO_ANSWER))
    there.faults.add(Fault(FaultKind.NO_ANSWER))
    started = time.monotonic()
    interrupt_soon()
    with pytest.raises(KeyboardInterrupt):
        driver.list_nodes()
    assert time.monotonic() - started < 3
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("stratuslab-")]
    assert not any(thread.is_alive() for thread in ours)


def test_an_interrupted_creation_is_named(
    start: Start, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, driver: StratusLabNodeDriver
) -> None:
    start("warm up")
    with sandbox.faults.during(Fault(FaultKind.NO_ANSWER_AFTER, *ALLOCATE)):
        interrupt_soon()
        with pytest.raises(KeyboardInterrupt):
            start("under way")
    (node,) = [node for node in driver.list_nodes() if node.name == "under way"]
    assert node.extra["mark"] in caplog.text


def test_an_interruption_after_a_creation_names_the_machine(
    start: Start, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    start("warm up")
    with sandbox.faults.during(Fault(FaultKind.NO_ANSWER, "compute", "one.vmpool.info")):
        interrupt_soon()
        with pytest.raises(KeyboardInterrupt):
            start("there")
    mark = sandbox.machines[1].template.text("LIBCLOUD_MARK")
    assert f"at location 'default': created so far: machine 1 (mark {mark})" in caplog.text


def test_one_cloud_with_a_bad_day_does_not_hide_the_other(
    two_clouds: tuple[StratusLabNodeDriver, Sandbox, Sandbox], image: NodeImage
) -> None:
    driver, _, there = two_clouds
    driver.create_node("here", None, image)
    there.faults.add(Fault(FaultKind.GARBAGE))
    with pytest.raises(PartialListError) as caught:
        driver.list_nodes()
    assert [node.name for node in caught.value.found] == ["here"]
    assert isinstance(caught.value.errors["other"], MalformedReplyError)


def test_attaching_to_a_full_machine_is_a_conflict(start: Start, driver: StratusLabNodeDriver) -> None:
    node = start()
    for number in range(26):
        driver.attach_volume(node, driver.create_volume(1, f"v{number}"))
    with pytest.raises(ConflictError, match="no free devices"):
        driver.attach_volume(node, driver.create_volume(1, "one too many"))
