"""Documents element by element like those of real daemons, in the same situations.

Compared are names, order and number of elements, and all texts but addresses, times, and the numbers of objects.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from stratuslab_libcloud.sandbox import ManualClock, Sandbox

from .conftest import Call

PLAIN = "CPU=0.5 VCPU=2 MEMORY=512 DISK=[IMAGE_ID=0] NIC=[NETWORK_ID=0] NIC=[NETWORK_ID=1] NAME="
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample sample@example"
WEB = (
    f'{PLAIN}web-1 DESCRIPTION="a <test> & more" LABELS=libcloud LIBCLOUD_MARK=m-1f2e3d4c CONTEXT=[NETWORK=YES,'
    f'SET_HOSTNAME="$NAME",SSH_PUBLIC_KEY="{KEY}",START_SCRIPT_BASE64="IyEvYmluL3NoCmVjaG8gIiRIT01FIgo=",'
    'USERDATA="I2Nsb3VkLWNvbmZpZwo=",USERDATA_ENCODING=base64]'
)
VOLUME = "NAME=data-1 TYPE=DATABLOCK PERSISTENT=YES SIZE=10 LIBCLOUD_MARK=v-11"
NUMBERS = {"ALLOCATED", "HID", "ID", "NEXT_INDEX", "OID", "REQUEST_ID", "RUNNING_VMS", "UID", "USED_LEASES", "VMID"}
SECRETS = {"PASSWORD", "TOKEN_PASSWORD", "UUID"}
SIZES = {"FREE_MB", "REGTIME", "TOTAL_MB", "USED_MB"}
MEMBERS = {"IMAGES", "UPDATED_VMS", "VMS"}
"""Elements with the numbers of other objects, however many there are."""
MASKS = [
    (re.compile(r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}"), "DATE"),
    (re.compile(r"\bdata-\d+\b"), "data"),
    (re.compile(r"\b1795\d{6}\b"), "TIME"),
    (re.compile(r"\b([\da-f]{2}:){5}[\da-f]{2}\b"), "MAC"),
    (re.compile(r"\b(2001:db8|fd00|fe80):[\da-f:]+"), "IPv6"),
    (re.compile(r"\b(?!255)\d+\.\d+\.\d+\.\d+\b"), "IPv4"),
    (re.compile(r"\bone-\d+-"), "one-N-"),
    (re.compile(r"\bhost0\d\b"), "HOST"),
]


@pytest.fixture
def clock() -> ManualClock:
    """In the time of the samples."""
    return ManualClock(1795620000)


@pytest.fixture
def ask(sandbox: Sandbox, ask: Call) -> Call:
    """Asks as `sample` of the group `lab`, as the samples were."""
    users = sandbox.opennebula.users
    users.add("sample", "secret", users.add_group("lab")).template.replace("SSH_PUBLIC_KEY", KEY)
    return lambda method, *arguments: ask(method, *arguments, user="sample")


def lines(document: ET.Element, path: str = "") -> Iterator[str]:
    """A document as lines that are the same for two documents of the same kind."""
    path = f"{path}/{document.tag}"
    text = document.text or ""
    if document.tag in NUMBERS | SECRETS | SIZES or (document.tag == "IMAGE_ID" and text != "0"):
        text = "…"
    for mask, word in MASKS:
        text = mask.sub(word, text)
    yield f"{path} {text}"
    if document.tag not in MEMBERS:
        for child in document:
            yield from lines(child, path)


def assert_like(written: str, real_samples: Path, name: str) -> None:
    """A document is like the real one in a file."""
    real = ET.fromstring((real_samples / "opennebula-today" / f"{name}.xml").read_text())
    assert list(lines(ET.fromstring(written))) == list(lines(real))


@pytest.fixture
def web(ask: Call, clock: ManualClock) -> int:
    machine_id = int(ask("one.vm.allocate", WEB, False))
    clock.advance(10)
    return machine_id


@pytest.fixture
def volume(ask: Call, clock: ManualClock) -> int:
    number = int(ask("one.image.allocate", VOLUME, 100))
    clock.advance(10)
    return number


def test_a_running_machine(ask: Call, real_samples: Path, release: str, web: int) -> None:
    assert_like(ask("one.vm.info", web), real_samples, f"{release}-vm.info.running")


def test_a_running_machine_in_a_list(ask: Call, real_samples: Path, release: str, web: int) -> None:
    assert_like(ask("one.vmpool.info", -3, -1, -1, -1), real_samples, f"{release}-vmpool.info.one")


@pytest.mark.parametrize("release", ["6.10"], indirect=True)
def test_a_pending_machine(ask: Call, real_samples: Path, release: str) -> None:
    assert_like(ask("one.vm.info", ask("one.vm.allocate", WEB, False)), real_samples, "6.10-vm.info.pending")


@pytest.mark.parametrize("release", ["6.10"], indirect=True)
def test_a_machine_while_a_volume_is_attached(
    ask: Call, real_samples: Path, release: str, web: int, volume: int
) -> None:
    ask("one.vm.attach", web, f"DISK=[IMAGE_ID={volume}]")
    assert_like(ask("one.vm.info", web), real_samples, "6.10-vm.info.hotplug")


def test_a_volume_that_is_attached(
    ask: Call, clock: ManualClock, real_samples: Path, release: str, web: int, volume: int
) -> None:
    ask("one.vm.attach", web, f"DISK=[IMAGE_ID={volume}]")
    clock.advance(10)
    assert_like(ask("one.image.info", volume), real_samples, f"{release}-image.info.volume-attached")


@pytest.fixture
def full(ask: Call, clock: ManualClock, web: int, volume: int) -> int:
    """The machine with a volume, an alias and a snapshot of its root disk."""
    for method, *arguments in (
        ("one.vm.attach", f"DISK=[IMAGE_ID={volume}]"),
        ("one.vm.attachnic", "NIC_ALIAS=[NETWORK_ID=0,PARENT=NIC1]"),
        ("one.vm.disksnapshotcreate", 0, "before-upgrade"),
    ):
        ask(method, web, *arguments)
        clock.advance(10)
    return web


def test_everything_about_a_machine_in_a_list(ask: Call, real_samples: Path, release: str, full: int) -> None:
    assert_like(ask("one.vmpool.infoextended", -3, -1, -1, -1), real_samples, f"{release}-vmpool.infoextended.one")


@pytest.mark.parametrize("release", ["6.10"], indirect=True)
def test_an_alias_in_a_list(ask: Call, real_samples: Path, release: str, full: int) -> None:
    assert_like(ask("one.vmpool.info", -3, -1, -1, -1), real_samples, "6.10-vmpool.info.alias")


@pytest.fixture
def many(sandbox: Sandbox, ask: Call, clock: ManualClock) -> list[int]:
    """Machines in many states; those that fail on purpose come first."""
    sandbox.opennebula.drivers.fail("deploy")
    numbers = [ask("one.vm.allocate", f"{PLAIN}broken", False)]
    clock.advance(10)
    numbers.append(ask("one.vm.allocate", "NAME=big CPU=100 MEMORY=16", False))
    for name in ("off", "susp"):
        numbers.append(ask("one.vm.allocate", PLAIN + name, False))
        clock.advance(10)
    numbers.append(ask("one.vm.allocate", f"{PLAIN}held", True))
    for name in ("undep", "gone"):
        numbers.append(ask("one.vm.allocate", PLAIN + name, False))
        clock.advance(10)
    _, _, off, suspended, _, undeployed, gone = numbers
    for action, number in (
        ("poweroff", off),
        ("suspend", suspended),
        ("undeploy", undeployed),
        ("terminate-hard", gone),
    ):
        ask("one.vm.action", action, number)
        clock.advance(10)
    return numbers


def test_machines_in_many_states(ask: Call, real_samples: Path, release: str, many: list[int]) -> None:
    listed = ask("one.vmpool.info", -3, many[0], many[-1], -2)
    assert_like(listed, real_samples, f"{release}-vmpool.info.many-states")


@pytest.mark.parametrize("release", ["6.10"], indirect=True)
def test_single_machines_in_states(ask: Call, real_samples: Path, release: str, many: list[int]) -> None:
    assert_like(ask("one.vm.info", many[-1]), real_samples, "6.10-vm.info.done")
    assert_like(ask("one.vmpool.info", -3, many[0], many[0], -1), real_samples, "6.10-vmpool.info.boot-failure")
    assert_like(ask("one.vmpool.info", -3, many[1], many[1], -1), real_samples, "6.10-vmpool.info.sched-message")


def without_others(pool: str, names: set[str]) -> str:
    """A pool with only the objects of these names."""
    document = ET.fromstring(pool)
    for thing in list(document):
        if thing.findtext("NAME") not in names:
            document.remove(thing)
    return ET.tostring(document, encoding="unicode")


@pytest.mark.parametrize("release", ["6.10"], indirect=True)
def test_images(sandbox: Sandbox, ask: Call, real_samples: Path, release: str, volume: int, web: int) -> None:
    pool = ask("one.imagepool.info", -2, -1, -1)
    # What of the samples' images was the samples' own: their files, and that the dummy driver gives each 1024 MB.
    pool = pool.replace("/some/debian12", "/some/file").replace("/some/rescue", "/some/file.iso")
    pool = pool.replace("<SIZE>600</SIZE>", "<SIZE>1024</SIZE>")
    assert_like(without_others(pool, {"data-1", "rescue", "debian12"}), real_samples, "6.10-imagepool.info")


@pytest.mark.parametrize("release", ["6.10"], indirect=True)
def test_templates(sandbox: Sandbox, ask: Call, real_samples: Path, release: str) -> None:
    template = sandbox.opennebula.templates.pool[0].template
    template.replace("CONTEXT", {"FOO": "tpl", **template.vectors("CONTEXT")[0]})
    template.replace("LOGO", "images/x.png")
    template.replace("SCHED_REQUIREMENTS", "ID=1")
    template.replace("USER_INPUTS", {"N": "O|number|n||3", "ROOTPW": "M|password|Root password"})
    pool = without_others(ask("one.templatepool.info", -2, -1, -1), {"small"})
    assert_like(pool, real_samples, "6.10-templatepool.info")


def test_networks(ask: Call, real_samples: Path, release: str, web: int) -> None:
    # Other ranges are of other sizes.
    pool = re.sub(r"<SIZE><!\[CDATA\[(253|1000)\]\]>", "<SIZE><![CDATA[100]]>", ask("one.vnpool.info", -2, -1, -1))
    pool = pool.replace("<![CDATA[65000]]>", "<![CDATA[1000]]>")
    assert_like(pool, real_samples, f"{release}-vnpool.info")


@pytest.mark.parametrize("release", ["6.10"], indirect=True)
def test_datastores(ask: Call, real_samples: Path, release: str) -> None:
    pool = without_others(ask("one.datastorepool.info"), {"files", "images", "sysdummy"})
    assert_like(pool, real_samples, "6.10-datastorepool.info")


@pytest.mark.parametrize("release", ["6.10"], indirect=True)
def test_zones_and_security_groups(ask: Call, real_samples: Path, release: str, web: int) -> None:
    zones = ask("one.zonepool.info").replace(":2633/", ":26610/")
    groups = without_others(ask("one.secgrouppool.info", -2, -1, -1), {"default"})
    assert_like(f"<X>{zones}{groups}</X>", real_samples, "6.10-zonepool-secgrouppool")


def test_a_user_with_quotas(
    ask: Call, call: Call, real_samples: Path, release: str, many: list[int], full: int
) -> None:
    limits = (
        "VM=[VMS=20,RUNNING_VMS=10,CPU=200,MEMORY=100000,SYSTEM_DISK_SIZE=1000000] "
        "DATASTORE=[ID=100,IMAGES=5,SIZE=10000] NETWORK=[ID=0,LEASES=20]"
    )
    assert call("oneadmin", "one.user.quota", 4, limits) == [True, 4, 0]
    assert_like(ask("one.user.info", -1), real_samples, f"{release}-user.info.quotas")
