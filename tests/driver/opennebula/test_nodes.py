"""Nodes: what a list asks for and what a node says."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from libcloud.compute.base import NodeImage
from libcloud.compute.types import NodeState

from stratuslab_libcloud import OpenNebulaNodeDriver
from stratuslab_libcloud.driver.opennebula.nodes import OpenNebulaNode
from stratuslab_libcloud.errors import InvalidArgumentError, MachineFailedError, WaitTimeoutError
from stratuslab_libcloud.sandbox import Sandbox

Start = Callable[..., OpenNebulaNode]


@pytest.fixture
def scripted(scripted_daemon: Any) -> OpenNebulaNodeDriver:
    """A driver for a daemon that says what the test wants."""
    return OpenNebulaNodeDriver("jane", "secret", ex_endpoint=scripted_daemon.url, timeout=5)


def test_a_list_is_one_request(driver: OpenNebulaNodeDriver, sandbox: Sandbox, start: Start) -> None:
    node = start()
    sandbox.requests.clear()
    (listed,) = driver.list_nodes()
    assert sandbox.requests.operations == ["one.vmpool.info"]
    assert (listed.id, listed.name, listed.state, listed.image.id) == (node.id, "web-1", NodeState.RUNNING, "0")
    assert listed.public_ips == node.public_ips
    assert listed.size.ram == 1536


def test_id_0_is_an_id(driver: OpenNebulaNodeDriver, start: Start) -> None:
    """ansible#48421."""
    node = start()
    assert node.id == "0"
    assert driver.ex_get_node_details(0).name == "web-1"  # type: ignore[union-attr]
    assert driver.ex_get_node_details("0").image.id == "0"  # type: ignore[union-attr]


def test_details(driver: OpenNebulaNodeDriver, start: Start, sandbox: Sandbox) -> None:
    """The abridged list lacks marks, contexts and devices (OpenNebula #4070, #6504, #3076)."""
    start(ex_tags={"role": "web"})
    (abridged,) = driver.list_nodes()
    assert "context" not in abridged.extra
    assert abridged.extra["mark"] is None
    assert "disks" not in abridged.extra
    (full,) = driver.list_nodes(ex_details=True)
    assert sandbox.requests.operations[-1] == "one.vmpool.infoextended"
    assert full.extra["mark"].startswith("libcloud-mark-")
    assert full.extra["user_template"]["ROLE"] == "web"
    assert full.extra["disks"][0]["device"] == "sda"
    assert full.extra["context"]["NETWORK"] == "YES"


def test_whose_machines(driver: OpenNebulaNodeDriver, bob: OpenNebulaNodeDriver, start: Start) -> None:
    """Own ones by default. -4, the primary group's, shows too much on 6.10 and is never asked for."""
    start()
    bob.create_node("bobs", image=bob.get_image("0"))
    assert [node.name for node in driver.list_nodes()] == ["web-1"]
    assert [node.name for node in driver.list_nodes(ex_filter="all")] == ["web-1"]
    assert [node.name for node in bob.list_nodes(ex_filter="mine")] == ["bobs"]
    with pytest.raises(InvalidArgumentError, match="takes none"):
        driver.list_nodes("default")
    with pytest.raises(InvalidArgumentError, match="ex_filter"):
        driver.list_nodes(ex_filter="-4")


def test_filters_and_order(driver: OpenNebulaNodeDriver, image: NodeImage) -> None:
    """The pool is descending; a list of nodes is not."""
    nodes = [driver.create_node(name, image=image, ex_hold=True) for name in "abc"]
    assert [node.name for node in driver.list_nodes()] == ["a", "b", "c"]
    assert [node.name for node in driver.ex_iterate_nodes()] == ["c", "b", "a"]
    assert [node.name for node in driver.list_nodes(ex_node_ids=["0", 2])] == ["a", "c"]
    assert [node.name for node in driver.list_nodes(ex_name="b", ex_state="pending")] == ["b"]
    driver.destroy_node(nodes[0])
    assert [node.name for node in driver.list_nodes(ex_state=NodeState.TERMINATED)] == ["a"]
    assert [node.name for node in driver.list_nodes()] == ["b", "c"]
    assert [node.name for node in driver.ex_iterate_nodes(ex_filter="mine", ex_details=True)] == ["c", "b"]


def test_certain_nodes_by_one_request(driver: OpenNebulaNodeDriver, image: NodeImage, sandbox: Sandbox) -> None:
    nodes = [driver.create_node(name, image=image, ex_hold=True) for name in "abc"]
    driver.destroy_node(nodes[1])
    sandbox.requests.clear()
    assert [node.name for node in driver.ex_get_nodes([2, "0", 1])] == ["c", "a", "b"]
    assert sandbox.requests.operations == ["one.vmpool.infoset"]
    assert [node.name for node in driver.ex_get_nodes(["0", 99])] == ["a"]


def test_waiting_for_many_is_one_request_a_look(
    driver: OpenNebulaNodeDriver, image: NodeImage, sandbox: Sandbox
) -> None:
    nodes = driver.ex_create_nodes([f"n{n}" for n in range(50)], image=image, networks=[0])
    sandbox.requests.clear()
    ready = driver.wait_until_running(nodes, wait_period=0.2, timeout=30)
    assert [node.state for node, _ in ready] == [NodeState.RUNNING] * 50
    assert all(addresses for _, addresses in ready)
    assert set(sandbox.requests.operations) == {"one.vmpool.infoset"}


def test_why_the_scheduler_waits(driver: OpenNebulaNodeDriver, image: NodeImage) -> None:
    node = driver.create_node("too large", image=image, ex_memory=10**9, ex_cpu=1)
    deadline = time.monotonic() + 10
    while driver.ex_get_node(node).extra["sched_message"] is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert driver.ex_get_node(node).extra["sched_message"]
    with pytest.raises(WaitTimeoutError, match=r"pending \(.+\)"):
        driver.wait_until_running([node], timeout=0)


def test_a_machine_that_fails(driver: OpenNebulaNodeDriver, sandbox: Sandbox, image: NodeImage) -> None:
    """Failure states are ERROR at once, and the reason is told."""
    sandbox.opennebula.drivers.fail("deploy")
    node = driver.create_node("n", image=image)
    with pytest.raises(MachineFailedError, match=r"has failed \(boot_failure\) and will not run"):
        driver.wait_until_running([node], wait_period=0.1, timeout=10)
    failed = driver.list_nodes()[0]
    assert (failed.state, failed.extra["lcm_state"]) == (NodeState.ERROR, "BOOT_FAILURE")
    assert failed.extra["error"]
    assert driver.destroy_node(failed)  # terraform #78, #174: destroy of failure states


def test_a_machine_with_private_addresses_alone(driver: OpenNebulaNodeDriver, start: Start) -> None:
    node = start(networks=["private"])
    assert node.public_ips == ["2001:db8:0:1:0:aff:fe01:a"]
    assert node.private_ips == ["10.1.0.10", "fd00:1::aff:fe01:a"]


@pytest.mark.parametrize("document", ["vmpool.info.many-states", "vmpool.info.one"])
@pytest.mark.parametrize("release", ["6.10", "7.4"])
def test_documents_of_real_daemons(
    scripted: OpenNebulaNodeDriver, scripted_daemon: Any, samples: Path, document: str, release: str
) -> None:
    scripted_daemon.answers["one.vmpool.info"] = (samples / f"opennebula-today/{release}-{document}.xml").read_text()
    nodes = scripted.list_nodes(ex_state=list(NodeState))
    assert nodes
    assert NodeState.UNKNOWN not in {node.state for node in nodes}
    if document.endswith("many-states"):
        states = {node.extra["lcm_state"] if node.extra["state"] == "ACTIVE" else node.extra["state"] for node in nodes}
        assert states == {"BOOT_FAILURE", "PENDING", "POWEROFF", "SUSPENDED", "HOLD", "UNDEPLOYED", "DONE"}


def test_addresses_of_every_kind(scripted: OpenNebulaNodeDriver, scripted_daemon: Any) -> None:
    """Aliases, both families, external ones; never 0.0.0.0 (salt #37236) nor a link's own."""
    scripted_daemon.answers["one.vm.info"] = (
        "<VM><ID>0</ID><STATE>3</STATE><LCM_STATE>3</LCM_STATE><TEMPLATE>"
        "<NIC><IP>0.0.0.0</IP><NIC_ID>0</NIC_ID></NIC>"
        "<NIC><IP>10.0.0.1</IP><IP6_LINK>fe80::1</IP6_LINK><IP6_ULA>fd00::1</IP6_ULA><EXTERNAL_IP>192.0.2.9</EXTERNAL_IP></NIC>"
        "<NIC><IP6>2001:db8::1</IP6></NIC><NIC_ALIAS><IP>192.0.2.10</IP><PARENT>NIC1</PARENT></NIC_ALIAS>"
        "</TEMPLATE><MONITORING><GUEST_IP>10.9.9.9</GUEST_IP></MONITORING></VM>"
    )
    node = scripted.ex_get_node(0)
    assert node.public_ips == ["192.0.2.9", "2001:db8::1", "192.0.2.10"]
    assert node.private_ips == ["10.0.0.1", "fd00::1"]


def test_an_address_that_only_the_guest_knows(scripted: OpenNebulaNodeDriver, scripted_daemon: Any) -> None:
    """A network without addresses (ETHER, DHCP) gives none."""
    scripted_daemon.answers["one.vm.info"] = (
        "<VM><ID>0</ID><STATE>3</STATE><LCM_STATE>3</LCM_STATE><TEMPLATE><NIC><MAC>02:00</MAC></NIC></TEMPLATE>"
        "<MONITORING><GUEST_IP>10.9.9.9</GUEST_IP><GUEST_IP_ADDRESSES>10.9.9.9,fd00::9</GUEST_IP_ADDRESSES></MONITORING></VM>"
    )
    assert scripted.ex_get_node(0).private_ips == ["10.9.9.9", "fd00::9"]


def test_the_password_of_a_context_is_not_shown(scripted: OpenNebulaNodeDriver, scripted_daemon: Any) -> None:
    scripted_daemon.answers["one.vm.info"] = (
        "<VM><ID>0</ID><PERMISSIONS/><STATE>3</STATE><TEMPLATE><CONTEXT><A>b</A><PASSWORD>enc</PASSWORD></CONTEXT></TEMPLATE></VM>"
    )
    assert scripted.ex_get_node(0).extra["context"] == {"A": "b"}


def test_a_machine_without_a_network_is_not_waited_for(driver: OpenNebulaNodeDriver, image: NodeImage) -> None:
    node = driver.create_node("n", image=image)
    with pytest.raises(
        MachineFailedError, match="runs, but is in no network and will have no address: networks="
    ) as caught:
        driver.wait_until_running([node], wait_period=0.1, timeout=60)
    assert caught.value.node.id == node.id
