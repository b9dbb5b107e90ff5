"""The names that programs for other clouds give to `create_node`, and what they look for afterwards."""

from __future__ import annotations

import gzip
import json
import logging
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from libcloud.compute.base import NodeAuthSSHKey, NodeImage, NodeSize

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.stratuslab import node_options
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.errors import InvalidArgumentError, KeyFileError, NotFoundError, ServiceUnavailableError
from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.state.template import Template

Start = Callable[..., StratusLabNode]
UUID = "0a1b2c3d-0000-4000-8000-0123456789ab"


@pytest.fixture
def template(start: Start, sandbox: Sandbox) -> Callable[..., Template]:
    """Starts a machine and returns its template."""

    def template(**options: object) -> Template:
        return sandbox.machines[int(start(**options).id)].template

    return template


Templates = Callable[..., Template]


def test_a_name_is_optional(driver: StratusLabNodeDriver, image: NodeImage, size: NodeSize) -> None:
    assert driver.create_node(size=size, image=image).name == "one-0"
    assert driver.create_node(image=image, name=None).name == "one-1"
    with pytest.raises(InvalidArgumentError, match="None is not an image"):
        driver.create_node("n", size)


def test_what_dirac_gives(driver: StratusLabNodeDriver, start: Start) -> None:
    [public, *_] = driver.ex_list_networks()
    node = start(
        networks=[public],
        ex_keyname=None,
        ex_config_drive=True,
        ex_userdata="#!/bin/sh\n",
        ex_security_groups=driver.ex_list_security_groups(),
    )
    assert node.extra["networks"] == ["public"]


def test_networks(driver: StratusLabNodeDriver, start: Start) -> None:
    networks = {network.name: network for network in driver.ex_list_networks()}
    assert list(networks) == ["public", "local", "private"]
    assert repr(networks["local"]) == "<StratusLabNetwork 'local'>"
    for options in (
        {"networks": [networks["local"]]},
        {"ex_networks": ["local"]},
        {"ex_network": networks["local"]},
        {"ex_network": "LOCAL", "networks": [networks["local"]]},
        {"networks": "local"},
    ):
        assert start(**options).extra["networks"] == ["local"]
    assert start(networks=[], ex_networks=None).extra["networks"] == ["public"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"networks": ["local", "public"]}, "networks can have one network only"),
        ({"networks": ["local"], "ex_network": "public"}, "name different networks"),
        ({"networks": ["lan"]}, "networks must be 'public', 'local' or 'private', not 'lan'"),
        ({"networks": [5]}, "networks must be"),
        ({"ex_security_groups": ["default", "web"]}, "ex_security_groups has 'web'"),
        ({"ex_metadata": ["a"]}, "ex_metadata must be a mapping"),
        ({"ex_metadata": {"a": None}}, "a in ex_metadata must be a text"),
        ({"ex_metadata": {5: "a"}}, "a name in ex_metadata must be a text"),
        ({"ex_tags": "web"}, "ex_tags must be a list or a mapping"),
        ({"ex_tags": [5]}, "a tag in ex_tags must be a text"),
        ({"ex_volumes": UUID}, "ex_volumes must be a list"),
        ({"ex_volumes": [None]}, "a volume in ex_volumes must be a volume"),
        ({"ex_volumes": ["x"]}, "a volume in ex_volumes must be the uuid"),
        ({"ex_volumes": [UUID], "ex_persistent_disk": UUID}, "the same volume twice"),
        ({"ex_userdata": b"\x1f\x8bnothing"}, "begins as gzipped data does"),
        ({"ex_userdata": b"\xff"}, "a text in UTF-8"),
        ({"ex_save_as": 5}, "ex_save_as must be a text"),
    ],
    ids=str,
)
def test_what_is_refused(start: Start, sandbox: Sandbox, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidArgumentError, match=problem):
        start(**options)
    assert "one.vm.allocate" not in sandbox.requests.operations


def test_an_unknown_name_is_refused_with_a_suggestion(start: Start) -> None:
    with pytest.raises(TypeError, match="create_node has no argument 'ex_metdata'; did you mean 'ex_metadata'"):
        start(ex_metdata={})


def test_a_name_that_resembles_none_is_refused_without_a_suggestion(start: Start) -> None:
    with pytest.raises(TypeError, match=r"create_node has no argument 'ex_destory'$"):
        start(ex_destory=True)


def test_security_groups(driver: StratusLabNodeDriver, start: Start) -> None:
    [group] = driver.ex_list_security_groups()
    assert (group.id, group.name, repr(group)) == ("default", "default", "<StratusLabSecurityGroup 'default'>")
    start(ex_security_groups=[group])
    start(ex_security_groups=["default"])
    start(ex_security_groups=None)


def test_metadata_and_tags_come_back(driver: StratusLabNodeDriver, start: Start, template: Templates) -> None:
    metadata = {"owner": "Zoë", 'odd "name" $X': "a\nb = [c], $NAME", "count": 3}
    expected = {**metadata, "count": "3"}
    node = start(ex_metadata=metadata, ex_tags=["web", "test"])
    for seen in (node, driver.list_nodes()[0], driver.ex_get_node(node.id)):
        assert seen.extra["metadata"] == expected
        assert seen.extra["tags"] == ["web", "test"]
        json.dumps(seen.extra)
    assert driver.ex_get_metadata_for_node(node) == expected
    assert start(ex_tags={"role": "db"}).extra["tags"] == {"role": "db"}
    written = template(ex_metadata={"a": "b"}).vectors("CONTEXT")[0]["LIBCLOUD_METADATA"]
    assert json.loads(b64decode(written)) == {"metadata": {"a": "b"}}


def test_without_metadata_there_is_none(start: Start, template: Templates) -> None:
    assert (start().extra["metadata"], start().extra["tags"], start().extra["key_name"]) == ({}, [], None)
    assert "LIBCLOUD_METADATA" not in template(ex_metadata={}).vectors("CONTEXT")[0]


@pytest.mark.parametrize("written", ["%", "bm90IEpTT04=", "WzFd", "eyJtZXRhZGF0YSI6IFtdLCAia2V5X25hbWUiOiA1fQ=="])
def test_metadata_that_can_not_be_read_is_none(start: Start, written: str) -> None:
    extra = start(ex_context={"LIBCLOUD_METADATA": written}).extra
    assert (extra["metadata"], extra["tags"], extra["key_name"]) == ({}, [], None)


def test_volumes_from_the_start(driver: StratusLabNodeDriver, template: Templates) -> None:
    first, second, third = (driver.create_volume(1, name) for name in "abc")
    disks = template(ex_persistent_disk=first, ex_volumes=[second, third.id], ex_volatile_disk=1).vectors("DISK")
    sources = [disk["SOURCE"].rpartition("/")[2] for disk in disks if disk.get("TYPE") == "block"]
    assert sources == [first.id, second.id, third.id]
    assert len({disk["TARGET"] for disk in disks}) == len(disks) == 6


@pytest.mark.parametrize("kind", ["text", "bytes", "gzip", "path"])
def test_user_data(template: Templates, tmp_path: Path, kind: str) -> None:
    text = "#!/bin/sh\necho hello\n"
    file = tmp_path / "user-data"
    file.write_text(text)
    given = {"text": text, "bytes": text.encode(), "gzip": gzip.compress(text.encode()), "path": file}[kind]
    told = template(ex_userdata=given).vectors("CONTEXT")[0]
    assert gzip.decompress(b64decode(told["CLOUD_INIT_USER_DATA"])).decode() == text


def test_an_image_of_the_root_disk_is_asked_for(template: Templates) -> None:
    made = template(ex_save_as="My image")
    assert made.vectors("DISK")[0]["SAVE"] == "yes"
    assert made.vectors("CREATE_IMAGE") == [{"NEWIMAGE_TITLE": "My image"}]


def test_what_changes_nothing_is_said_once(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    node_options._tell_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            start(ex_availability_zone="a", ex_disk_config="AUTO", ex_assign_public_ip=True, ex_config_drive=True)
    told = [record.getMessage() for record in caplog.records if "changes nothing" in record.getMessage()]
    assert len(told) == 3
    assert all("ex_config_drive" not in message for message in told)


# -- Sizes


def test_a_size_by_its_id_alone(driver: StratusLabNodeDriver, start: Start) -> None:
    node = start(size=NodeSize("c1.xlarge", None, None, None, None, None, driver))
    assert (node.size.id, node.size.ram, node.size.extra["cpu"]) == ("c1.xlarge", 6144, 4)
    with pytest.raises(InvalidArgumentError, match=r"no size 'c9'; choose one of: t1\.micro"):
        start(size=NodeSize("c9", None, None, None, None, None, driver))


def test_a_size_made_by_hand(driver: StratusLabNodeDriver, template: Templates) -> None:
    size = NodeSize("mine", "mine", 2048.0, 5000, None, None, driver, extra={"cpu": 2.0, "swap": "512"})
    made = template(size=size)
    assert (made.text("MEMORY"), made.text("VCPU"), made.vectors("DISK")[1]["SIZE"]) == ("2048", "2", "512")
    without_swap = template(size=NodeSize("m1.large", "", 4096, 0, None, None, driver))
    assert (without_swap.text("VCPU"), without_swap.vectors("DISK")[1]["SIZE"]) == ("2", "6144")


@pytest.mark.parametrize(
    ("ram", "extra", "problem"),
    [
        (1.5, {}, "a size's ram"),
        (0, {}, "a size's ram"),
        ("much", {}, "a size's ram"),
        (1, {"cpu": -1}, "a size's cpu"),
        (1, {"swap": 0.5}, "swap"),
    ],
)
def test_a_size_that_no_machine_can_have(
    driver: StratusLabNodeDriver, start: Start, ram: Any, extra: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=problem):
        start(size=NodeSize("x", "x", ram, 0, 0, 0, driver, extra=extra))


# -- Images


def test_an_image_by_the_name_of_a_disk_as_old_programs_write_it(
    driver: StratusLabNodeDriver, template: Templates
) -> None:
    text = f"pdisk:pdisk.example.org:8445:{UUID}"
    made = template(image=NodeImage(text, text, driver))
    assert made.vectors("DISK")[0]["SOURCE"] == text
    made = template(ex_readonly_disk="http://example.org/data.img")
    assert made.vectors("DISK")[2]["SOURCE"] == "http://example.org/data.img"


# -- Gone is falsy


def test_a_machine_that_is_gone_is_none(driver: StratusLabNodeDriver, start: Start) -> None:
    node = start()
    details = driver.ex_get_node_details(node.id)
    assert details is not None
    assert details.id == node.id
    node.destroy()
    driver.ex_wait_until_gone([node])
    assert driver.ex_get_node_details(node) is None
    assert driver.ex_get_node_details("99") is None
    ended = driver.ex_get_node_details(node.id, ex_include_ended=True)
    assert ended is not None
    assert ended.state == driver.ex_get_node(node.id).state == "terminated"
    assert driver.ex_get_node_details("99", ex_include_ended=True) is None
    with pytest.raises(NotFoundError):
        driver.ex_get_node("99")


def test_a_location_where_none_belongs_is_refused(driver: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    with pytest.raises(InvalidArgumentError, match=r"list_nodes_in_location\(location\) lists one"):
        driver.list_nodes(driver.default_location)
    assert len(sandbox.requests) == 0


# -- Key pairs


def test_a_key_pair_by_its_name(driver: StratusLabNodeDriver, start: Start, template: Templates) -> None:
    pair = driver.create_key_pair("mine")
    assert template(ex_keyname="mine").vectors("CONTEXT")[0]["PUBLIC_KEY"] == pair.public_key
    node = start(ex_keyname="mine")
    assert node.extra["key_name"] == driver.list_nodes()[0].extra["key_name"] == "mine"
    assert driver.ex_create_nodes(["a"], None, node.image, ex_keyname="mine")[0].extra["key_name"] == "mine"
    with pytest.raises(InvalidArgumentError, match="auth and ex_keyname"):
        start(ex_keyname="mine", auth=NodeAuthSSHKey(pair.public_key))


def test_disks_are_attached_as_asked_for(template: Templates) -> None:
    for bus, prefix in (("ide", "hd"), ("scsi", "sd"), ("virtio", "vd")):
        targets = [disk["TARGET"] for disk in template(ex_disks_bus=bus).vectors("DISK")]
        assert targets == [f"{prefix}a", f"{prefix}b"]


def test_an_images_url_is_used_unseen(driver: StratusLabNodeDriver, template: Templates) -> None:
    url = "http://127.0.0.1:1/nothing-listens-here.img"
    image = NodeImage(url, url, driver)
    assert template(image=image, ex_check_image_url=False).vectors("DISK")[0]["SOURCE"] == url
    with pytest.raises(ServiceUnavailableError):
        template(image=image)


def test_another_text_is_an_image_for_the_cloud_to_know(
    driver: StratusLabNodeDriver, template: Templates, caplog: pytest.LogCaptureFixture
) -> None:
    image = NodeImage("/images/of/the/site.img", None, driver)
    assert template(image=image, ex_check_image_url=False).vectors("DISK")[0]["SOURCE"] == "/images/of/the/site.img"
    assert "'/images/of/the/site.img' is not an image" in caplog.text
    with pytest.raises(InvalidArgumentError, match="is not an image"):
        template(image=image)
    with pytest.raises(InvalidArgumentError, match="is not an image"):
        template(image=NodeImage("two\nlines", None, driver), ex_check_image_url=False)


def test_a_key_that_opens_nothing(
    start: Start, template: Templates, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA other@host\n"
    (tmp_path / "broken.pub").write_text(broken)
    auth, pairs = NodeAuthSSHKey(broken), f"ssh,{tmp_path / 'broken.pub'}"
    for options in ({"auth": auth}, {"ex_cloud_init": pairs}):
        with pytest.raises(KeyFileError, match="nobody could enter a machine"):
            start(**options)
        caplog.clear()
        [vector] = template(**options, ex_check_key=False).vectors("CONTEXT")
        assert "nobody could enter a machine" in caplog.text
    assert vector["CLOUD_INIT_AUTHORIZED_KEYS"] == b64encode(broken.encode()).decode()
