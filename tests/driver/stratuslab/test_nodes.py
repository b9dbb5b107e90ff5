"""Machines through Libcloud's calls: what a node says, and what becomes of what is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from libcloud.compute.base import NodeAuthPassword, NodeAuthSSHKey, NodeImage, NodeSize
from libcloud.compute.types import NodeState

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.client.opennebula.states import OPENNEBULA_3, OPENNEBULA_TODAY
from stratuslab_libcloud.driver.states import STATE_OF_STATUS
from stratuslab_libcloud.driver.stratuslab import nodes
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.errors import (
    ConfigurationError,
    ConflictError,
    InvalidArgumentError,
    MachineFailedError,
    NotFoundError,
    RefusedCredentialsError,
    RequestRejectedError,
    ServiceUnavailableError,
)
from stratuslab_libcloud.sandbox import LcmState, ManualClock, Pace, Sandbox
from stratuslab_libcloud.sandbox.state.template import Template

Start = Callable[..., StratusLabNode]

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJpYUQ5cGqPZCTHGkPK0Y2mKSEW7mGIdLOnBO0XBLvLK"


def template_of(sandbox: Sandbox, node: StratusLabNode) -> Template:
    return sandbox.machines[int(node.id)].template


def test_a_new_node_says_what_is_known_of_it(start: Start, driver: StratusLabNodeDriver) -> None:
    before = datetime.now(timezone.utc) - timedelta(seconds=2)
    node = start("my node")
    assert (node.id, node.name) == ("0", "my node")
    assert len(node.public_ips) == 1
    assert node.private_ips == []
    assert before <= node.created_at <= datetime.now(timezone.utc)
    assert node.location is driver.list_locations()[0]
    assert (node.size.id, node.size.ram, node.size.disk, node.size.extra) == (
        "m1.small",
        1536,
        0,
        {"cpu": 1, "swap": 1536},
    )
    assert node.extra["location"] == "default"
    assert node.extra["networks"] == ["public"]
    assert node.extra["owner"] == "alice"
    json.dumps(node.extra)


def test_a_node_is_created_with_what_image_and_size_say(
    start: Start, sandbox: Sandbox, image: NodeImage, driver: StratusLabNodeDriver
) -> None:
    large = next(size for size in driver.list_sizes() if size.id == "c1.xlarge")
    template = template_of(sandbox, start(size=large))
    root, swap = template.vectors("DISK")
    assert (template.text("VCPU"), template.text("CPU"), template.text("MEMORY")) == ("4", "4", "6144")
    assert root["SOURCE"] == f"{sandbox.marketplace_url}/metadata/{image.id}"
    assert root["DRIVER"] == image.extra["format"]
    assert (swap["TYPE"], swap["SIZE"]) == ("swap", "6144")
    ports = ",".join(str(port) for port in image.extra["inbound_ports"])
    assert template.text("INBOUND_PORTS") == (ports or None)


def test_size_none_is_the_configured_size(start: Start) -> None:
    assert start(size=None).size.id == "m1.small"


def test_a_plain_size_of_libcloud_will_do(start: Start, driver: StratusLabNodeDriver) -> None:
    node = start(size=NodeSize("any", "any", 777, 100, 0, 0, driver))
    assert (node.size.id, node.size.ram, node.size.extra["swap"]) == ("custom", 777, 1536)


def test_the_public_key_comes_from_auth(start: Start, sandbox: Sandbox) -> None:
    node = start(auth=NodeAuthSSHKey(PUBLIC_KEY))
    assert template_of(sandbox, node).vectors("CONTEXT")[0]["PUBLIC_KEY"] == PUBLIC_KEY


def test_the_public_key_comes_from_the_configured_file(start: Start, sandbox: Sandbox, key_file: Path) -> None:
    assert template_of(sandbox, start()).vectors("CONTEXT")[0]["PUBLIC_KEY"] == key_file.read_text()


def test_another_kind_of_auth_is_refused(start: Start, sandbox: Sandbox) -> None:
    with pytest.raises(InvalidArgumentError, match="NodeAuthSSHKey"):
        start(auth=NodeAuthPassword("secret"))
    assert "one.vm.allocate" not in sandbox.requests.operations


def test_without_a_key_no_machine_is_started(start: Start, sandbox: Sandbox, key_file: Path) -> None:
    key_file.unlink()
    with pytest.raises(ConfigurationError, match=re.escape(str(key_file))):
        start()
    assert "one.vm.allocate" not in sandbox.requests.operations


def test_names_and_keys_arrive_unchanged(start: Start, sandbox: Sandbox) -> None:
    name = 'Jane\'s "node" \\ $NAME; ]\nEVIL = "yes"\n# é漢字'
    key = f'{PUBLIC_KEY} "jane" \\" $5 é\n'
    node = start(name, auth=NodeAuthSSHKey(key))
    template = template_of(sandbox, node)
    assert node.name == name
    assert template.vectors("CONTEXT")[0]["PUBLIC_KEY"] == key
    assert template.text("EVIL") is None


def test_a_kill_that_takes_effect_later(tmp_path: Path, key_file: Path) -> None:
    clock = ManualClock()
    pace = Pace(pending=0, prolog=0, boot=0, cleanup=0, kill=5)
    with Sandbox(clock=clock, pace=pace) as sandbox:
        config = sandbox.write_config(tmp_path / "busy.cfg", public_key_file=key_file)
        driver = StratusLabNodeDriver(stratuslab_user_config=config)
        node = driver.create_node("n", None, driver.list_images()[0])
        assert driver.destroy_node(node)
        assert [each.state for each in driver.list_nodes()] == [NodeState.RUNNING]
        assert driver.destroy_node(node)
        clock.advance(5)
        assert driver.list_nodes() == []
        driver.ex_wait_until_gone([node], timeout=5)


def test_a_disk_can_be_the_image(start: Start, sandbox: Sandbox, driver: StratusLabNodeDriver) -> None:
    volume = driver.create_volume(1, "root")
    node = start(image=driver.get_image(volume.id))
    assert template_of(sandbox, node).vectors("DISK")[0]["SOURCE"] == f"pdisk:{sandbox.disks_url}/{volume.id}"
    assert node.image.id == volume.id


def test_a_url_can_be_the_image(start: Start, sandbox: Sandbox, driver: StratusLabNodeDriver, image: NodeImage) -> None:
    url = f"{sandbox.marketplace_url}/metadata/{image.id}"
    node = start(image=driver.get_image(url))
    assert template_of(sandbox, node).vectors("DISK")[0]["SOURCE"] == url


def test_an_image_that_is_none_is_refused(start: Start, driver: StratusLabNodeDriver) -> None:
    for image_id in ("no image", "../../etc/passwd", ""):
        with pytest.raises(InvalidArgumentError, match="is not an image"):
            start(image=NodeImage(image_id, "x", driver))


def test_an_unknown_image_is_refused_before_a_machine_is_started(
    start: Start, sandbox: Sandbox, driver: StratusLabNodeDriver
) -> None:
    with pytest.raises(NotFoundError, match=r"no valid image A{27}"):
        start(image=NodeImage("A" * 27, "x", driver))
    assert "one.vm.allocate" not in sandbox.requests.operations


@pytest.mark.parametrize(("network", "attribute"), [("public", "public_ips"), ("local", "private_ips")])
def test_addresses_are_sorted_by_the_kind_of_network(start: Start, network: str, attribute: str) -> None:
    node = start(ex_network=network)
    other = "private_ips" if attribute == "public_ips" else "public_ips"
    assert len(getattr(node, attribute)) == 1
    assert getattr(node, other) == []
    assert node.extra["networks"] == [network]


def test_an_address_can_be_asked_for(start: Start) -> None:
    first = start()
    first.destroy()
    assert start(ex_address=first.public_ips[0]).public_ips == first.public_ips


def test_the_clouds_refusal_is_in_the_message(start: Start) -> None:
    with pytest.raises(RequestRejectedError, match="Could not get virtual network for VM"):
        start(ex_address="10.99.99.99")


def test_impossible_options_are_refused(start: Start) -> None:
    for wish in ({"ex_network": "secret"}, {"ex_disks_bus": "sata"}, {"ex_context_method": "magic"}):
        with pytest.raises(InvalidArgumentError, match=next(iter(wish))):
            start(**wish)


def test_listing_gives_the_same_nodes(start: Start, driver: StratusLabNodeDriver) -> None:
    nodes = [start(f"node {n}") for n in range(3)]
    listed = driver.list_nodes()
    assert type(listed) is list
    assert [(n.id, n.name, n.public_ips, n.uuid) for n in listed] == [
        (n.id, n.name, n.public_ips, n.uuid) for n in nodes
    ]
    assert driver.list_nodes_in_location(driver.list_locations()[0])[2].name == "node 2"


def test_a_node_is_a_snapshot(
    slow_node: StratusLabNode, slow_driver: StratusLabNodeDriver, slow_sandbox: Sandbox, clock: ManualClock
) -> None:
    asked = len(slow_sandbox.requests)
    clock.advance(10)
    assert slow_node.state == NodeState.PENDING
    repr(slow_node)
    assert len(slow_sandbox.requests) == asked
    assert slow_driver.ex_get_node(slow_node).state == NodeState.RUNNING


def test_the_host_is_asked_for_when_it_is_not_known_yet(
    slow_node: StratusLabNode, slow_sandbox: Sandbox, clock: ManualClock
) -> None:
    assert slow_node.host is None
    clock.advance(10)
    assert slow_node.host == "node1.example.org"
    asked = len(slow_sandbox.requests)
    assert slow_node.host == "node1.example.org"
    assert len(slow_sandbox.requests) == asked


def test_states_on_the_way(slow_node: StratusLabNode, slow_driver: StratusLabNodeDriver, clock: ManualClock) -> None:
    seen = []
    for _ in range(80):
        state = slow_driver.ex_get_node(slow_node).state
        if not seen or seen[-1] != state:
            seen.append(state)
        clock.advance(0.1)
        if state == NodeState.RUNNING and len(seen) == 3:
            slow_driver.ex_shutdown_node(slow_node)
    assert seen == ["pending", "starting", "running", "stopping", "terminated"]


def test_every_state_of_the_cloud_has_a_state_of_libcloud() -> None:
    assert set(STATE_OF_STATUS) == (OPENNEBULA_3.statuses | OPENNEBULA_TODAY.statuses) - {"ACTIVE"}
    assert all(isinstance(state, NodeState) for state in STATE_OF_STATUS.values())


def test_destroying_takes_one_request_and_no_marketplace(
    start: Start, driver: StratusLabNodeDriver, sandbox: Sandbox, key_file: Path
) -> None:
    node = start()
    key_file.unlink()
    sandbox.requests.clear()
    assert driver.destroy_node(node) is True
    assert sandbox.requests.operations == ["one.vm.action"]
    assert driver.list_nodes() == []


def test_destroying_what_is_gone_is_a_success(start: Start) -> None:
    node = start()
    assert node.destroy() is True
    assert node.destroy() is True
    node.id = "4711"
    assert node.destroy() is True


def test_a_machine_that_never_was_is_not_found(driver: StratusLabNodeDriver) -> None:
    with pytest.raises(NotFoundError, match=r"Error getting virtual machine \[99\].*location 'default'"):
        driver.ex_get_node("99")


@pytest.mark.parametrize("number", [2**31, 2**32, 10**20])
def test_a_number_that_no_machine_can_have(driver: StratusLabNodeDriver, number: int) -> None:
    assert driver.ex_get_node_details(str(number)) is None
    assert driver.list_nodes(ex_node_ids=[number]) == []


@pytest.mark.parametrize("node_id", ["x", "", "-1", "1e3", "٣", "9" * 200])
def test_an_id_that_is_no_number_is_refused(driver: StratusLabNodeDriver, node_id: str) -> None:
    with pytest.raises(InvalidArgumentError, match="IDs are numbers"):
        driver.ex_get_node(node_id)


def test_shutting_down_what_does_not_run_is_a_conflict(
    slow_node: StratusLabNode, slow_driver: StratusLabNodeDriver
) -> None:
    with pytest.raises(ConflictError, match="Wrong state to perform action"):
        slow_driver.ex_shutdown_node(slow_node)


def test_a_reboot_is_not_offered(start: Start) -> None:
    with pytest.raises(NotImplementedError, match="is not offered"):
        start().reboot()


def test_a_wrong_password_is_refused_credentials(sandbox: Sandbox, config_file: Path) -> None:
    sandbox.write_config(config_file, password="wr0ng-one")
    driver = StratusLabNodeDriver(stratuslab_user_config=config_file)
    with pytest.raises(RefusedCredentialsError, match="location 'default'") as caught:
        driver.list_nodes()
    assert "wr0ng-one" not in str(caught.value)
    assert caught.value.http_code == 401


def test_users_do_not_see_each_others_machines(start: Start, sandbox: Sandbox, tmp_path: Path) -> None:
    start()
    other = StratusLabNodeDriver(stratuslab_user_config=sandbox.write_config(tmp_path / "bob.cfg", user="bob"))
    assert other.list_nodes() == []


def test_a_cloud_that_is_down_is_unavailable(driver: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    sandbox.stop()
    with pytest.raises(ServiceUnavailableError, match="no connection could be made: Connection refused"):
        driver.list_nodes()


def test_a_location_that_is_not_there(start: Start) -> None:
    with pytest.raises(ConfigurationError, match=r"no location 'nowhere'.*choose one of: 'default'"):
        start(location="nowhere")


@pytest.mark.parametrize(
    ("network", "ip", "expected"),
    [
        ("other", "10.0.0.1", True),
        ("other", "134.158.75.1", False),
        ("other", "127.0.0.5", False),
        ("other", "no address", True),
        ("public", "10.0.0.1", False),
    ],
)
def test_an_address_of_a_network_of_another_name_is_private_by_itself(network: str, ip: str, expected: bool) -> None:
    assert nodes._is_private(network, ip) is expected


def test_the_image_of_a_node_has_its_source(start: Start, driver: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    start()
    (node,) = driver.list_nodes()
    assert node.image is not None
    assert node.image.extra["source"] == sandbox.machines[0].template.vectors("DISK")[0]["SOURCE"]


def test_lcm_failure_reads_as_a_failure(start: Start, driver: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    node = start()
    machine = sandbox.machines[int(node.id)]
    machine.lcm_state = LcmState.FAILURE
    machine.revision += 1
    assert [(found.state, found.extra["lcm_state"]) for found in driver.list_nodes()] == [(NodeState.ERROR, "FAILURE")]
    with pytest.raises(MachineFailedError, match="has failed"):
        driver.wait_until_running([node], timeout=5)
