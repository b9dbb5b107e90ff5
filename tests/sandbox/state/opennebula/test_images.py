"""Images and volumes: what is refused with which words and code, and which states they pass."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import xmlrpc.client

import pytest

from stratuslab_libcloud.sandbox import ManualClock, Sandbox

from ...opennebula.conftest import Call

BASE = "TYPE=DATABLOCK SIZE=1 NAME="
NEW = "Error allocating a new image."
NO_SIZE = "Cannot parse image SIZE: Wrong number or missing SIZE attribute."
FILES = "KERNEL, RAMDISK and CONTEXT"


@pytest.fixture
def volume(ask: Call, clock: ManualClock) -> int:
    number = int(ask("one.image.allocate", 'NAME=data1 TYPE=DATABLOCK PERSISTENT=YES SIZE=10 MARK="m-9"', 100))
    clock.advance(10)
    return number


def image(ask: Call, number: int) -> ET.Element:
    return ET.fromstring(ask("one.image.info", number))


def state(ask: Call, number: int) -> str:
    return image(ask, number).findtext("STATE", "")


@pytest.mark.parametrize(
    ("template", "datastore", "reason", "code"),
    [
        ("NAME=x TYPE=DATABLOCK", 100, NO_SIZE, 8192),
        ("NAME=x TYPE=OS", 100, NO_SIZE, 8192),
        (BASE.replace("=1", "=1.5") + "x", 100, NO_SIZE, 8192),
        (BASE.replace("=1", "=abc") + "x", 100, NO_SIZE, 8192),
        (BASE.replace("=1", "=-1") + "x", 100, "User [2] : user [2] Image size must be a positive integer value.", 512),
        ("TYPE=DATABLOCK SIZE=1", 100, f"{NEW} Invalid NAME, it cannot be empty", 16384),
        (BASE + "a/b", 100, f"{NEW} Invalid NAME, char '/' is not allowed", 16384),
        (BASE + "x", 999, "Error getting datastore [999].", 1024),
        (
            BASE + "x",
            101,
            f"{NEW} New images can only be allocated in a files or image datastore.",
            16384,
        ),
        (BASE + "x", 2, f"{NEW} Only IMAGES of type {FILES} can be registered in a FILE_DS datastore", 16384),
        (
            "NAME=k TYPE=KERNEL PATH=/x",
            100,
            f"{NEW} IMAGES of type {FILES} cannot be registered in an IMAGE_DS datastore",
            16384,
        ),
        ("NAME=w TYPE=FOO SIZE=1", 100, f"{NEW} Unknown type ", 16384),
        ("NAME=x TYPE=DATABLOCK SIZE=99999999", 100, "Not enough space in datastore", 2048),
        (
            'NAME=s TYPE=OS SOURCE="/x" SIZE=1',
            100,
            "User [2] : Template includes a restricted attribute SOURCE.",
            512,
        ),
    ],
)
def test_what_is_refused(refusal: Call, template: str, datastore: int, reason: str, code: int) -> None:
    assert refusal("one.image.allocate", template, datastore) == (reason, code)


def test_a_datastore_has_to_be_said(call: Call) -> None:
    with pytest.raises(xmlrpc.client.Fault, match="Not enough parameters"):
        call("alice", "one.image.allocate", BASE + "x")


def test_a_volume_is_locked_and_then_ready(ask: Call, clock: ManualClock) -> None:
    number = ask("one.image.allocate", BASE + "x", 100)
    assert state(ask, number) == "4"
    clock.advance(10)
    found = image(ask, number)
    assert [found.findtext(name) for name in ("STATE", "TYPE", "PERSISTENT", "SIZE")] == ["1", "2", "0", "1"]


def test_what_is_given_comes_back(ask: Call, volume: int) -> None:
    found = image(ask, volume)
    assert found.findtext("TEMPLATE/MARK") == "m-9"
    assert found.find("TEMPLATE/SIZE") is None
    assert "<MARK><![CDATA[m-9]]></MARK>" in ask("one.imagepool.info", -3, -1, -1)


def test_files_and_urls_have_the_size_that_the_driver_finds(ask: Call) -> None:
    number = ask("one.image.allocate", 'NAME=p TYPE=OS PATH="http://example.invalid/x.qcow2"', 100)
    found = image(ask, number)
    assert (found.findtext("SIZE"), found.findtext("PATH")) == ("1024", "http://example.invalid/x.qcow2")


@pytest.mark.parametrize(
    ("path", "reason"), [("/tmp/nonexistent", "File not found"), ("http://127.0.0.1:9/x", "Failed to get image head")]
)
def test_other_datastores_look_for_the_file(refusal: Call, path: str, reason: str) -> None:
    template = f'NAME=x TYPE=OS PATH="{path}"'
    assert refusal("one.image.allocate", template, 1) == (f"Cannot parse image SIZE: {reason}", 8192)


def test_a_check_of_the_room_can_be_left_out_and_nothing_is_a_size(ask: Call) -> None:
    ask("one.image.allocate", "NAME=x TYPE=DATABLOCK SIZE=99999999", 100, True)
    ask("one.image.allocate", "NAME=zero TYPE=DATABLOCK SIZE=0", 100, True)


def test_names_are_for_one_image_of_an_owner(ask: Call, refusal: Call, volume: int, release: str) -> None:
    reason = f"{NEW} NAME is already taken by IMAGE {volume}."
    assert refusal("one.image.allocate", BASE + "data1", 100) == (reason, 16384)
    ask("one.image.allocate", BASE + "data1", 100, user="bob")
    assert refusal("one.image.allocate", f'{BASE}"data1 "', 100)[1] == 16384
    if release == "7.4":
        assert refusal("one.image.allocate", BASE + "DATA1", 100) == (reason, 16384)
    else:
        ask("one.image.allocate", BASE + "DATA1", 100)


def test_what_a_driver_could_not_write(sandbox: Sandbox, ask: Call, clock: ManualClock) -> None:
    sandbox.opennebula.drivers.fail("mkfs")
    number = ask("one.image.allocate", BASE + "x", 100)
    clock.advance(10)
    assert state(ask, number) == "5"
    assert image(ask, number).findtext("TEMPLATE/ERROR") == "Error copying image in the datastore"
    ask("one.image.delete", number)


def test_deleting(ask: Call, refusal: Call, clock: ManualClock, volume: int) -> None:
    assert ask("one.image.delete", volume) == volume
    assert state(ask, volume) == "7"
    clock.advance(10)
    reason = (f"Error getting image [{volume}].", 1024)
    assert refusal("one.image.delete", volume) == reason
    assert refusal("one.image.info", volume) == reason


def test_deleting_what_is_locked(ask: Call, refusal: Call, clock: ManualClock) -> None:
    number = ask("one.image.allocate", BASE + "x", 100)
    text, code = refusal("one.image.delete", number)
    assert (text[:45], code) == ("Image locked, use --force flag to remove the ", 8192)
    ask("one.image.delete", number, True)


def test_deleting_what_is_used(ask: Call, refusal: Call, running: int) -> None:
    reason = "User [2] : Not authorized to perform MANAGE IMAGE [0]."
    assert refusal("one.image.delete", 0) == (reason, 512)
    reason = "Cannot delete image. There are 1 VMs using it."
    for arguments in ((0,), (0, True)):
        assert refusal("one.image.delete", *arguments, user="oneadmin") == (reason, 2048)


def test_what_a_driver_could_not_remove(sandbox: Sandbox, ask: Call, clock: ManualClock, volume: int) -> None:
    sandbox.opennebula.drivers.fail("remove")
    ask("one.image.delete", volume)
    clock.advance(10)
    assert state(ask, volume) == "5"


def test_cloning(ask: Call, refusal: Call, clock: ManualClock, volume: int) -> None:
    copy = ask("one.image.clone", volume, "copy", -1)
    assert (state(ask, volume), state(ask, copy)) == ("6", "4")
    assert image(ask, copy).findtext("CLONING_ID") == str(volume)
    assert refusal("one.image.delete", volume) == (
        "Cannot delete image. There are 1 active clone operations.",
        2048,
    )
    clock.advance(10)
    assert (state(ask, volume), state(ask, copy)) == ("1", "1")
    found = image(ask, copy)
    assert [found.findtext(name) for name in ("TEMPLATE/MARK", "CLONING_ID", "PERSISTENT")] == ["m-9", "-1", "0"]
    reason = f"{NEW} NAME is already taken by IMAGE {copy}."
    assert refusal("one.image.clone", volume, "copy") == (reason, 16384)
    assert refusal("one.image.clone", volume, "other", 999) == ("Error getting datastore [999].", 1024)


def test_cloning_an_image_that_machines_use(ask: Call, clock: ManualClock, running: int) -> None:
    copy = ask("one.image.clone", 0, "mine")
    clock.advance(10)
    assert (state(ask, 0), state(ask, copy)) == ("2", "1")
    assert image(ask, copy).findtext("UNAME") == "alice"


def test_what_cannot_be_cloned(sandbox: Sandbox, ask: Call, refusal: Call, clock: ManualClock, volume: int) -> None:
    ask("one.image.enable", volume, False)
    reason = f"{NEW} Cannot clone image in current state: DISABLED"
    assert refusal("one.image.clone", volume, "copy") == (reason, 16384)
    ask("one.image.enable", volume, True)
    sandbox.opennebula.drivers.fail("clone")
    copy = ask("one.image.clone", volume, "copy")
    clock.advance(10)
    assert (state(ask, volume), state(ask, copy)) == ("1", "5")


def test_clones_are_persistent_if_user_or_group_want_that(sandbox: Sandbox, ask: Call, volume: int) -> None:
    group = sandbox.opennebula.users.named("alice").group
    group.template.replace("OPENNEBULA", {"DEFAULT_IMAGE_PERSISTENT": "YES"})
    assert image(ask, ask("one.image.clone", volume, "copy")).findtext("PERSISTENT") == "1"
    ask("one.user.update", 2, "OPENNEBULA=[DEFAULT_IMAGE_PERSISTENT=NO]", 1)
    assert image(ask, ask("one.image.clone", volume, "copy2")).findtext("PERSISTENT") == "0"


def test_persistence(ask: Call, refusal: Call, clock: ManualClock, running: int, volume: int) -> None:
    ask("one.image.persistent", volume, False)
    assert image(ask, volume).findtext("PERSISTENT") == "0"
    ask("one.image.persistent", volume, True)
    ask("one.vm.attach", running, f"DISK=[IMAGE_ID={volume}]")
    reason = "Could not make image non-persistent: Image cannot be in state USED."
    assert refusal("one.image.persistent", volume, False) == (reason, 8192)


def test_disabling(ask: Call, refusal: Call, clock: ManualClock, volume: int) -> None:
    ask("one.image.enable", volume, False)
    assert state(ask, volume) == "3"
    ask("one.image.enable", volume, True)
    assert state(ask, volume) == "1"
    ask("one.image.clone", volume, "copy")
    assert refusal("one.image.enable", volume, False)[1] == 8192


def test_renaming_and_other_types(ask: Call, refusal: Call, volume: int) -> None:
    other = ask("one.image.allocate", BASE + "other", 100)
    ask("one.image.rename", other, "another")
    reason = f"image cannot be renamed to data1 because it collides with image {volume}"
    assert refusal("one.image.rename", other, "data1") == (reason, 2048)
    assert refusal("one.image.rename", other, "a/b")[1] == 2048
    assert refusal("one.image.rename", 0, "mine")[1] == 512
    ask("one.image.chtype", other, "OS")
    found = image(ask, other)
    assert (found.findtext("NAME"), found.findtext("TYPE")) == ("another", "0")
    assert refusal("one.image.chtype", other, "FOO")[1] == 8192


def test_updating_adds_or_replaces(ask: Call, volume: int) -> None:
    ask("one.image.update", volume, 'MARK2="x"', 1)
    assert {e.tag for e in image(ask, volume).iterfind("TEMPLATE/*")} == {"DEV_PREFIX", "MARK", "MARK2"}
    ask("one.image.update", volume, "Y=1", 0)
    assert {e.tag for e in image(ask, volume).iterfind("TEMPLATE/*")} == {"Y"}


def test_images_are_private_until_others_may_use_them(ask: Call, call: Call, volume: int) -> None:
    assert not call("bob", "one.image.info", volume)[0]
    assert "data1" not in ask("one.imagepool.info", -2, -1, -1, user="bob")
    ask("one.image.chmod", volume, -1, -1, -1, 1, -1, -1, -1, -1, -1)
    assert "data1" in ask("one.imagepool.info", -1, -1, -1, user="bob")


def test_datastores(ask: Call, volume: int) -> None:
    stores = ET.fromstring(ask("one.datastorepool.info"))
    types = {store.findtext("NAME"): store.findtext("TYPE") for store in stores}
    assert types == {"images": "0", "default": "0", "system": "1", "sysdummy": "1", "files": "2"}
    assert [store.findtext("NAME") for store in stores if store.findtext("STATE") == "1"] == ["system"]
    images = ET.fromstring(ask("one.datastore.info", 100))
    assert str(volume) in [number.text for number in images.iterfind("IMAGES/ID")]
    used = 1024 + 600 + 10240 + 10
    assert images.findtext("USED_MB") == str(used)
    assert int(images.findtext("FREE_MB", "")) == int(images.findtext("TOTAL_MB", "")) - used
