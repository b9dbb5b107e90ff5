"""Arguments that cannot be meant: each is refused in one sentence, before anything is sent."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from libcloud.common.types import LibcloudError
from libcloud.compute.base import Node, NodeAuthSSHKey, NodeImage, NodeLocation, NodeSize, StorageVolume
from libcloud.compute.drivers.dummy import DummyNodeDriver
from libcloud.compute.types import NodeState

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.opennebula.context import public_keys
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError, KeyFileError
from stratuslab_libcloud.sandbox import Sandbox

Start = Callable[..., StratusLabNode]
ODD: list[Any] = [None, 7, "7", b"x", [], {}, object()]
PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJpYUQ5cGqPZCTHGkPK0Y2mKSEW7mGIdLOnBO0XBLvLK"


def refused(sandbox: Sandbox, call: Callable[[], object]) -> str:
    """The message of a call that is refused before anything is asked."""
    sandbox.requests.clear()
    with pytest.raises(InvalidArgumentError) as caught:
        call()
    assert len(sandbox.requests) == 0
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
def test_what_is_no_node_or_volume(driver: StratusLabNodeDriver, start: Start, sandbox: Sandbox, odd: Any) -> None:
    node, volume = start(), driver.create_volume(1, "v")
    for call in (
        lambda: driver.destroy_node(odd),
        lambda: driver.ex_shutdown_node(odd),
        lambda: driver.attach_volume(odd, volume),
    ):
        assert "is not a node" in refused(sandbox, call)
    for call in (
        lambda: driver.destroy_volume(odd),
        lambda: driver.detach_volume(odd),
        lambda: driver.attach_volume(node, odd),
    ):
        assert "is not a volume" in refused(sandbox, call)


def test_one_thing_is_not_taken_for_another(driver: StratusLabNodeDriver, start: Start, sandbox: Sandbox) -> None:
    node, volume = start(), driver.create_volume(1, "v")
    size, image = driver.list_sizes()[0], driver.list_images()[0]
    for thing in (volume, size, image, driver.list_locations()[0]):
        assert "is not a node" in refused(sandbox, lambda thing=thing: driver.destroy_node(thing))  # type: ignore[misc]
    assert "is not a volume" in refused(sandbox, lambda: driver.destroy_volume(node))  # type: ignore[arg-type]
    assert len(driver.list_nodes()) == 1


def test_another_providers_node_is_not_ended_here(driver: StratusLabNodeDriver, start: Start, sandbox: Sandbox) -> None:
    start()
    dummy = DummyNodeDriver("creds")  # type: ignore[no-untyped-call]
    foreign = Node("0", "foreign", NodeState.RUNNING, [], [], dummy)
    assert "is of another driver" in refused(sandbox, lambda: driver.destroy_node(foreign))
    assert "is of another driver" in refused(sandbox, lambda: driver.ex_get_node_details(foreign))
    volume = StorageVolume("some-volume", "foreign", 1, dummy)
    assert "is of another driver" in refused(sandbox, lambda: driver.destroy_volume(volume))
    assert [node.state for node in driver.list_nodes()] == ["running"]


def test_another_clouds_node_is_not_ended_here(
    driver: StratusLabNodeDriver, start: Start, sandbox: Sandbox, tmp_path: Path, key_file: Path
) -> None:
    start()
    with Sandbox(boot_seconds=0) as elsewhere:
        config = elsewhere.write_config(tmp_path / "elsewhere.cfg", public_key_file=key_file)
        there = StratusLabNodeDriver(stratuslab_user_config=config)
        foreign = there.create_node("n", None, there.list_images()[0])
        assert "is of another driver" in refused(sandbox, lambda: driver.destroy_node(foreign))
    assert [node.state for node in driver.list_nodes()] == ["running"]


def test_a_node_of_another_driver_for_the_same_cloud_is_ones_own(
    driver: StratusLabNodeDriver, start: Start, config_file: Path
) -> None:
    node = start()
    assert StratusLabNodeDriver(stratuslab_user_config=config_file, timeout=5).destroy_node(node) is True
    assert driver.list_nodes() == []


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("name", 7),
        ("name", "a\udcff"),
        ("size", "m1.small"),
        ("size", NodeSize("x", "x", None, 0, 0, 0, None)),  # type: ignore[arg-type]
        ("size", NodeSize("x", "x", -5, 0, 0, 0, None)),  # type: ignore[arg-type]
        ("size", NodeSize("x", "x", 512, 0, 0, 0, None, extra={"cpu": "2 cores"})),  # type: ignore[arg-type]
        ("image", "an image"),
        ("image", None),
        ("auth", NodeAuthSSHKey(PRIVATE_KEY)),
        ("auth", NodeAuthSSHKey("")),
        ("ex_check_image_url", "perhaps"),
        ("ex_check_key", "perhaps"),
        ("ex_volatile_disk", "x"),
        ("ex_volatile_disk", -3),
        ("ex_volatile_disk", 1.5),
        ("ex_volatile_disk", True),
        ("ex_volatile_disk", 2**70),
        ("ex_persistent_disk", "x"),
        ("ex_persistent_disk", 7),
        ("ex_persistent_disk", []),
        ("ex_readonly_disk", "x"),
        ("ex_address", "134.158.75.300"),
        ("ex_context", {"PUBLIC_KEY": "mine"}),
        ("ex_context", {"target": "hdc"}),
        ("ex_context", {"A": None}),
        ("ex_context", 7),
        ("ex_userdata", 7),
        ("ex_userdata", b"\xff\xfe"),
        ("ex_userdata", "\udcff"),
        ("ex_requirements", 7),
        ("ex_cloud_init", 7),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else type(value).__name__,
)
def test_what_no_machine_can_be_given(start: Start, sandbox: Sandbox, argument: str, value: Any) -> None:
    start("the image is known")
    message = refused(sandbox, lambda: start(**{argument: value}))
    assert "BEGIN" not in message


def test_numbers_may_be_texts(start: Start, sandbox: Sandbox) -> None:
    node = start(ex_volatile_disk="5", ex_context={"COUNT": 3})
    template = sandbox.machines[int(node.id)].template
    assert template.vectors("DISK")[2]["SIZE"] == "5120"
    assert template.vectors("CONTEXT")[0]["COUNT"] == "3"


def test_context_from_a_file_and_user_data_as_bytes(start: Start, sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "context"
    file.write_text("A=1\n")
    node = start(ex_context=file, ex_userdata=b"#!/bin/sh\n")
    told = sandbox.machines[int(node.id)].template.vectors("CONTEXT")[0]
    assert told["A"] == "1"
    assert "CLOUD_INIT_USER_DATA" in told


def test_a_volume_of_another_location_can_not_be_used(
    two_clouds: tuple[StratusLabNodeDriver, Sandbox, Sandbox], image: NodeImage
) -> None:
    driver, _, _ = two_clouds
    there = driver.list_locations()[1]
    volume = driver.create_volume(1, "v", location=there)
    with pytest.raises(InvalidArgumentError, match="at location 'other'"):
        driver.create_node("n", None, image, ex_persistent_disk=volume)
    with pytest.raises(InvalidArgumentError, match="at location 'other'"):
        driver.create_node("n", None, driver.get_image(volume.id, there))


def test_a_private_key_file_is_not_sent(start: Start, sandbox: Sandbox, key_file: Path) -> None:
    key_file.write_text(PRIVATE_KEY)
    start("the image is known", auth=NodeAuthSSHKey(PUBLIC_KEY))
    sandbox.requests.clear()
    with pytest.raises(ConfigurationError, match="contains a private key, which must not leave your computer"):
        start()
    assert len(sandbox.requests) == 0


def test_a_key_that_opens_nothing_starts_no_machine(start: Start, sandbox: Sandbox, key_file: Path) -> None:
    key_file.write_text(f"# {PUBLIC_KEY}\n")
    with pytest.raises(KeyFileError, match=r"id_ed25519\.pub, user_public_key_file\): it is commented out"):
        start()
    with pytest.raises(KeyFileError, match="PKCS#8 format; make it one line"):
        start(auth=NodeAuthSSHKey("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"))
    with pytest.raises(KeyFileError, match=r"cloud_init\): it is commented out"):
        start(auth=NodeAuthSSHKey(PUBLIC_KEY), ex_cloud_init=f"ssh,{key_file}")
    assert "one.vm.allocate" not in sandbox.requests.operations


def test_a_key_that_opens_nothing_starts_no_machine_in_an_opennebula(tmp_path: Path) -> None:
    file = tmp_path / "key.pub"
    config = SimpleNamespace(public_key_file=file)
    file.write_text(f"{PUBLIC_KEY}\n")
    assert public_keys(config, None) == f"{PUBLIC_KEY}\n"  # type: ignore[arg-type]
    file.write_text(f"# {PUBLIC_KEY}\n")
    with pytest.raises(KeyFileError, match=r"key\.pub, user_public_key_file\): it is commented out"):
        public_keys(config, None)  # type: ignore[arg-type]
    with pytest.raises(KeyFileError, match=r"auth\): it is not one in OpenSSH's one-line form"):
        public_keys(config, NodeAuthSSHKey("ssh-rsa AAAA"))  # type: ignore[arg-type]


def test_a_key_file_of_windows_will_do(start: Start, sandbox: Sandbox, key_file: Path) -> None:
    key_file.write_bytes(b"\xef\xbb\xbf" + key_file.read_bytes().replace(b"\n", b"\r\n"))
    key = sandbox.machines[int(start().id)].template.vectors("CONTEXT")[0]["PUBLIC_KEY"]
    assert key.startswith("ssh-ed25519 ")
    assert key.endswith("jane@laptop\n")


def test_ids(driver: StratusLabNodeDriver, start: Start) -> None:
    node = start()
    assert driver.ex_get_node_details(int(node.id)).name == node.name
    for odd in (None, 7, []):
        with pytest.raises(InvalidArgumentError):
            driver.ex_get_volume(odd)  # type: ignore[arg-type]
        with pytest.raises(InvalidArgumentError):
            driver.get_image(odd)  # type: ignore[arg-type]


@pytest.mark.parametrize("nodes", [None, 7, "7"])
def test_what_can_not_be_waited_for(driver: StratusLabNodeDriver, nodes: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="several nodes"):
        driver.wait_until_running(nodes)


def test_one_node_is_not_several(driver: StratusLabNodeDriver, start: Start) -> None:
    with pytest.raises(InvalidArgumentError, match="several nodes"):
        driver.wait_until_running(start())  # type: ignore[arg-type]
    for odd in ("soon", None):
        with pytest.raises(InvalidArgumentError, match="timeout"):
            driver.wait_until_running([start()], timeout=odd)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "keywords",
    [
        {"timeout": "abc"},
        {"timeout": []},
        {"timeout": -1},
        {"proxy_url": 5},
        {"stratuslab_user_config": 5},
        {"stratuslab_user_config": b"x"},
        {"stratuslab_user_config": []},
        {"stratuslab_user_config": "\0"},
        {"stratuslab_default_location": []},
        {"stratuslab_default_location": "nowhere"},
        {"ex_image_lifetime": -1},
        {"ex_image_lifetime": "long"},
    ],
    ids=str,
)
def test_what_no_driver_can_be_made_of(config_file: Path, keywords: dict[str, Any]) -> None:
    with pytest.raises(LibcloudError):
        StratusLabNodeDriver(**{"stratuslab_user_config": config_file, **keywords})


def test_locations_that_are_none(driver: StratusLabNodeDriver) -> None:
    for odd in ("", 0, [], NodeLocation("x", "x", "x", driver)):
        for ask in (driver.list_volumes, driver.list_images, driver.list_nodes_in_location):
            with pytest.raises(LibcloudError):
                ask(odd)  # type: ignore[operator]


def test_nodes_volumes_and_drivers_can_be_copied_and_sent_to_another_process(
    driver: StratusLabNodeDriver, start: Start
) -> None:
    node, volume = start(), driver.create_volume(1, "v")
    assert copy.deepcopy(node).driver is driver
    sent = pickle.loads(pickle.dumps([node, volume, driver.list_images()[0], driver.list_sizes()[0]]))
    assert [thing.id for thing in sent[:2]] == [node.id, volume.id]
    assert sent[0].uuid == node.uuid
    assert sent[0].destroy() is True
    assert sent[0].driver.list_nodes() == []
