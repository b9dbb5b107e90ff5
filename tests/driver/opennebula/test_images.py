"""Images: what can be started, and making, copying and deleting them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from libcloud.compute.base import NodeImage

from stratuslab_libcloud import OpenNebulaNodeDriver
from stratuslab_libcloud.driver.opennebula.nodes import OpenNebulaNode
from stratuslab_libcloud.errors import (
    ConflictError,
    InvalidArgumentError,
    NameTakenError,
    NotFoundError,
    PermissionDeniedError,
)
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox
from stratuslab_libcloud.sandbox.state.template import Template

Start = Callable[..., OpenNebulaNode]


def test_what_can_be_started(driver: OpenNebulaNodeDriver, sandbox: Sandbox) -> None:
    """All types are in one pool; DIRAC's class offers them all. Templates are there on wish."""
    driver.create_volume(1, "data")
    sandbox.requests.clear()
    images = driver.list_images()
    assert sandbox.requests.operations == ["one.imagepool.info"]
    assert sorted(image.name for image in images) == ["alma9", "debian12", "rescue"]
    assert {image.extra["kind"] for image in images} == {"image"}
    both = driver.list_images(ex_templates=True)
    assert sorted(image.id for image in both if image.extra["kind"] == "template") == ["template-0", "template-1"]


def test_an_image_by_its_id(driver: OpenNebulaNodeDriver) -> None:
    """Images and templates both count from 0: salt #34445, #37079 and #50722 took one for the other."""
    image = driver.get_image("0")
    assert (image.name, image.extra["type"], image.extra["size"]) == ("debian12", "OS", 1024)
    assert driver.get_image("template-0").name == "small"
    with pytest.raises(NotFoundError):
        driver.get_image("99")
    with pytest.raises(InvalidArgumentError, match="is not an image"):
        driver.get_image("debian12")


def test_saving_a_disk(driver: OpenNebulaNodeDriver, start: Start, sandbox: Sandbox) -> None:
    """terraform #406: saved images become persistent if the user's default says so; then one machine can use them."""
    sandbox.opennebula.users.named("alice").template.replace("OPENNEBULA", {"DEFAULT_IMAGE_PERSISTENT": "YES"})
    sandbox.opennebula.users.named("alice").template.replace("DEFAULT_IMAGE_PERSISTENT", "YES")
    node = start()
    saved = driver.create_image(node, "golden", "what it is", ex_wait=True)
    assert (saved.name, saved.extra["state"], saved.extra["persistent"]) == ("golden", "READY", False)
    assert saved.extra["description"] == "what it is"
    assert saved.extra["mark"] not in (None, node.extra["mark"])
    assert not driver.get_image(saved.id).extra["persistent"]
    for name in ("one", "two"):
        start(name, image=saved)
    with pytest.raises(NameTakenError):
        driver.create_image(node, "golden")
    with pytest.raises(ConflictError, match="using it"):
        driver.delete_image(saved)


def test_saving_what_is_powered_off_and_another_disk(driver: OpenNebulaNodeDriver, start: Start) -> None:
    node, volume = start(), driver.create_volume(1, "data")
    driver.attach_volume(node, volume)
    disk = driver.ex_get_node(node).extra["disks"][-1]
    driver.stop_node(node)
    assert driver.create_image(node, "from data", ex_disk_id=str(disk["disk_id"])).extra["type"] == "DATABLOCK"


def test_the_old_drivers_name_for_saving_a_disk(driver: OpenNebulaNodeDriver, start: Start) -> None:
    """ex_node_set_save_name of Libcloud's OCCI driver; today's OpenNebula saves at once, not at shutdown."""
    assert driver.ex_node_set_save_name(start(), "golden") is True
    (saved,) = (image for image in driver.list_images() if image.name == "golden")
    assert (saved.extra["owner"], saved.extra["persistent"]) == ("alice", False)


def test_deleting_a_template(
    driver: OpenNebulaNodeDriver, bob: OpenNebulaNodeDriver, sandbox: Sandbox, image: NodeImage
) -> None:
    """Of one's own; its images stay."""
    cloud, alice = sandbox.opennebula, sandbox.opennebula.users.named("alice")
    numbers = [
        cloud.templates.allocate(alice, Template([("NAME", f"t{n}"), ("MEMORY", "64"), ("CPU", "1")])).id
        for n in range(3)
    ]
    with pytest.raises(PermissionDeniedError):
        bob.ex_delete_template(numbers[0])
    templates = {each.name: each for each in driver.list_images(ex_templates=True)}
    for template in (templates["t0"], templates["t1"].id, numbers[2]):
        assert driver.ex_delete_template(template) is True
        assert driver.ex_delete_template(template) is True
    assert not {"t0", "t1", "t2"} & {each.name for each in driver.list_images(ex_templates=True)}
    with pytest.raises(InvalidArgumentError, match="is not a VM template"):
        driver.ex_delete_template(image)
    with pytest.raises(InvalidArgumentError, match="is not a VM template"):
        driver.ex_delete_template("debian12")
    assert driver.get_image(image.id).name == "debian12"
    with pytest.raises(PermissionDeniedError):
        driver.ex_delete_template("template-0")  # the administrator's


def test_copying_and_deleting(driver: OpenNebulaNodeDriver, image: NodeImage) -> None:
    """A copy takes the original's mark and labels with it; the mark is replaced."""
    copied = driver.copy_image(None, image, "my debian", "mine", ex_wait=True)
    assert (copied.name, copied.extra["owner"], copied.extra["state"]) == ("my debian", "alice", "READY")
    again = driver.copy_image("default", copied, "once more", ex_datastore="images")
    assert again.extra["mark"] != copied.extra["mark"]
    with pytest.raises(NameTakenError):
        driver.copy_image(None, image, "my debian")
    assert driver.delete_image(again)  # LOCKED at first, which is waited out
    assert driver.delete_image(copied)
    assert driver.delete_image(copied)
    with pytest.raises(NotFoundError):
        driver.get_image(copied.id)
    with pytest.raises(InvalidArgumentError, match="is a VM template"):
        driver.delete_image(driver.get_image("template-0"))


@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.RESET_BEFORE])
def test_a_lost_reply_makes_no_second_copy(
    driver: OpenNebulaNodeDriver, image: NodeImage, sandbox: Sandbox, start: Start, kind: FaultKind
) -> None:
    node = start()
    sandbox.faults.add(Fault(kind, "opennebula", "one.image.clone", count=1))
    copied = driver.copy_image(None, image, "copy")
    sandbox.faults.add(Fault(kind, "opennebula", "one.vm.disksaveas", count=1))
    saved = driver.create_image(node, "saved")
    names = [each.name for each in driver.list_images() if each.extra["owner"] == "alice"]
    assert {copied.name, saved.name} == {"copy", "saved"}
    assert len(names) == len(set(names))


def test_a_deletion_that_the_storage_refuses(driver: OpenNebulaNodeDriver, sandbox: Sandbox) -> None:
    """STATE 5 with TEMPLATE/ERROR."""
    volume = driver.create_volume(1, "v")
    sandbox.opennebula.drivers.fail("remove")
    with pytest.raises(ConflictError, match="in the state ERROR"):
        driver.destroy_volume(volume)
    assert driver.ex_get_volume(volume.id).state == "error"
    assert driver.destroy_volume(volume)


def test_what_is_shown_of_each_thing(driver: OpenNebulaNodeDriver, image: NodeImage, start: Start) -> None:
    node, volume = start(), driver.create_volume(1, "data")
    driver.attach_volume(node, volume)
    snapshot = driver.create_volume_snapshot(volume, "s")
    stores = {store.name: store for store in driver.ex_list_datastores()}
    shown = [node, image, driver.get_image("template-0"), volume, snapshot, stores["images"]]
    assert list(map(repr, shown)) == [
        "<OpenNebulaNode 0 'web-1' running at 'default'>",
        "<OpenNebulaImage 0 'debian12' at 'default'>",
        "<OpenNebulaImage template-0 'small' at 'default'>",
        f"<OpenNebulaVolume {volume.id} 'data' 1 GiB at 'default'>",
        f"<OpenNebulaVolumeSnapshot {volume.id}:0 's' at 'default'>",
        "<OpenNebulaDatastore 100 'images' IMAGE at 'default'>",
    ]


def test_networks_groups_datastores(driver: OpenNebulaNodeDriver) -> None:
    """What an ordinary user sees; clusters are none of it."""
    networks = {network.name: network for network in driver.ex_list_networks()}
    assert (networks["private"].address, networks["private"].size) == ("10.1.0.0", 65000)
    assert len({network.uuid for network in networks.values()}) == 3
    assert {group.id: group.name for group in driver.ex_list_security_groups()} == {"0": "default", "100": "web"}
    assert {store.extra["type"] for store in driver.ex_list_datastores()} == {"FILE", "IMAGE", "SYSTEM"}
    with pytest.raises(NotImplementedError, match="administrators only"):
        driver.ex_list_clusters()
