"""Going through nodes while the cloud still tells about them."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from libcloud.compute.base import NodeImage

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.errors import (
    ConfigurationError,
    InvalidArgumentError,
    MalformedReplyError,
    PartialListError,
    ServiceUnavailableError,
)
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox

Start = Callable[..., StratusLabNode]
TwoClouds = tuple[StratusLabNodeDriver, Sandbox, Sandbox]

_LONG = 5


class HaltingCloud:
    """Tells half of a pool of 400 machines, and the rest when it may."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.was_left = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/one-proxy/xmlrpc"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.may_go_on.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _serve(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except OSError:  # closed before anybody came
            return
        with connection:
            while b"</methodCall>" not in connection.recv(65536):
                pass
            body = _reply(400)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body[: len(body) // 2])
            threading.Thread(target=self._watch, args=(connection.dup(),), daemon=True).start()
            self.may_go_on.wait()
            try:
                connection.sendall(body[len(body) // 2 :])
            except OSError:
                self.was_left.set()

    def _watch(self, connection: socket.socket) -> None:
        with connection:
            if not connection.recv(1):
                self.was_left.set()


def _reply(machines: int) -> bytes:
    vms = "".join(f"<VM><ID>{number}</ID><NAME>{'n' * 2000}</NAME><STATE>3</STATE></VM>" for number in range(machines))
    pool = escape(f"<VM_POOL>{vms}</VM_POOL>")
    values = f"<value><boolean>1</boolean></value><value><string>{pool}</string></value>"
    return (
        "<methodResponse><params><param><value><array><data>"
        f"{values}<value><i4>0</i4></value></data></array></value></param></params></methodResponse>"
    ).encode()


@pytest.fixture
def halting() -> Iterator[HaltingCloud]:
    """A cloud that halts in the middle of what it says."""
    cloud = HaltingCloud()
    yield cloud
    cloud.close()


def driver_for(cloud: HaltingCloud, folder: Path, **keywords: object) -> StratusLabNodeDriver:
    file = folder / "halting.cfg"
    file.write_text(f"[default]\nendpoint = {cloud.url}\nusername = alice\npassword = secret\n")
    return StratusLabNodeDriver(stratuslab_user_config=file, **keywords)  # type: ignore[arg-type]


def test_it_gives_what_a_list_gives(start: Start, driver: StratusLabNodeDriver) -> None:
    for number in range(70):
        start(f"node {number}")
    iterated = list(driver.ex_iterate_nodes())
    assert [(n.id, n.name, n.public_ips, n.extra) for n in iterated] == [
        (n.id, n.name, n.public_ips, n.extra) for n in driver.list_nodes()
    ]


def test_it_takes_filters(start: Start, driver: StratusLabNodeDriver) -> None:
    for name in ("a", "b", "c"):
        start(name)
    assert [n.name for n in driver.ex_iterate_nodes(ex_name="b")] == ["b"]
    assert [n.name for n in driver.ex_iterate_nodes(ex_node_ids=range(1, 3))] == ["b", "c"]
    assert [n.name for n in driver.ex_iterate_nodes(ex_state="pending")] == []


def test_what_can_not_be_meant_is_said_at_once(driver: StratusLabNodeDriver) -> None:
    with pytest.raises(InvalidArgumentError, match="ex_state"):
        driver.ex_iterate_nodes(ex_state="asleep")
    with pytest.raises(ConfigurationError, match="no location 'nowhere'"):
        driver.ex_iterate_nodes("nowhere")


def test_nodes_come_while_others_are_still_to_come(halting: HaltingCloud, tmp_path: Path) -> None:
    nodes = driver_for(halting, tmp_path).ex_iterate_nodes()
    assert [next(nodes).id for _ in range(100)] == [str(number) for number in range(100)]
    halting.may_go_on.set()
    assert len(list(nodes)) == 300


def test_leaving_early_ends_the_connection(halting: HaltingCloud, tmp_path: Path) -> None:
    for node in driver_for(halting, tmp_path).ex_iterate_nodes():
        if node.id == "9":
            break
    assert halting.was_left.wait(_LONG)


def test_whoever_takes_long_over_a_node_runs_into_no_time_limit(start: Start, config_file: Path) -> None:
    for number in range(3):
        start(f"node {number}")
    driver = StratusLabNodeDriver(stratuslab_user_config=config_file, timeout=0.5)
    names = []
    for node in driver.ex_iterate_nodes():
        names.append(node.name)
        time.sleep(0.4)
    assert names == ["node 0", "node 1", "node 2"]


def test_the_driver_can_be_used_in_between_although_it_may_open_only_one_connection(
    start: Start, sandbox: Sandbox, config_file: Path, key_file: Path
) -> None:
    for number in range(3):
        start(f"node {number}")
    sandbox.write_config(config_file, public_key_file=key_file, endpoint_connections="1")
    driver = StratusLabNodeDriver(stratuslab_user_config=config_file, timeout=_LONG)
    assert all(node.destroy() for node in driver.ex_iterate_nodes())
    assert driver.list_nodes() == []


def test_a_connection_that_breaks_off_doubles_nothing(
    start: Start, driver: StratusLabNodeDriver, sandbox: Sandbox
) -> None:
    for number in range(80):
        start(f"node {number}")
    sandbox.requests.clear()
    with sandbox.faults.during(Fault(FaultKind.CUT, "compute", "one.vmpool.info", count=1)):
        ids = [int(node.id) for node in driver.ex_iterate_nodes()]
    assert ids == list(range(80))
    assert sandbox.requests.operations == ["one.vmpool.info"] * 2


def test_an_answer_that_stops_making_sense_is_told_after_what_came_before(
    start: Start, driver: StratusLabNodeDriver, sandbox: Sandbox
) -> None:
    start()
    nodes = driver.ex_iterate_nodes()
    with (
        sandbox.faults.during(Fault(FaultKind.GARBAGE, "compute", "one.vmpool.info")),
        pytest.raises(MalformedReplyError, match="cannot be read"),
    ):
        list(nodes)


def test_all_locations_are_gone_through(two_clouds: TwoClouds, start: Start, image: NodeImage) -> None:
    driver, _, _ = two_clouds
    start("here")
    driver.create_node("there", None, image, location=driver.list_locations()[1])
    assert sorted((n.name, n.location.id) for n in driver.ex_iterate_nodes()) == [
        ("here", "default"),
        ("there", "other"),
    ]
    assert [n.name for n in driver.ex_iterate_nodes("other")] == ["there"]


def test_a_location_that_does_not_answer_is_told_at_the_end(
    two_clouds: TwoClouds, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    driver, _, other = two_clouds
    start("here")
    other.stop()
    nodes = driver.ex_iterate_nodes()
    assert next(nodes).name == "here"
    with pytest.raises(PartialListError, match=r"1 of 2 locations .*'other'.*have been yielded") as caught:
        next(nodes)
    assert list(caught.value.errors) == ["other"]
    with caplog.at_level(logging.WARNING):
        assert [n.name for n in driver.ex_iterate_nodes(ex_partial=True)] == ["here"]
    assert "'other' is left out" in caplog.text
    with pytest.raises(ServiceUnavailableError, match="location 'other'"):
        list(driver.ex_iterate_nodes("other"))
