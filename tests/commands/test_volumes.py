"""stratus-create-volume, -describe-volumes, -update-volume, -delete-volume, -attach-volume and -detach-volume."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from stratuslab_libcloud import OpenNebulaNodeDriver, StratusLabNodeDriver
from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.state.disk import Disk

from .conftest import Result, RunCommand

NOT_THERE = "00000000-0000-4000-8000-000000000000"

pytestmark = pytest.mark.usefixtures("home_config")


def create(run_command: RunCommand, *arguments: object) -> str:
    """The UUID of a new volume."""
    status, out, err = run_command("create-volume", *arguments)
    assert (status, out[:5], err) == (0, "DISK ", "")
    return out[5:].rstrip("\n")


def fails(result: Result, message: str, status: int = 1) -> bool:
    """Whether a command has failed with a message on standard error, and nothing else."""
    return result.status == status and result.out == "" and message in result.err


def the_disk(sandbox: Sandbox, uuid: str) -> Disk:
    return next(disk for disk in sandbox.disks if disk.uuid == uuid)


@pytest.fixture
def machine() -> str:
    """The ID of a running machine."""
    driver = StratusLabNodeDriver()
    image = next(image for image in driver.list_images() if image.name == "ttylinux")
    [(node, _)] = driver.wait_until_running([driver.create_node(image=image, name=None, size=None)])
    return str(node.id)


# Creating


def test_a_new_volume(run_command: RunCommand, sandbox: Sandbox) -> None:
    disk = the_disk(sandbox, create(run_command, "-s", 7, "-t", "my data"))
    assert (disk.size, disk.tag, disk.visibility.value, disk.owner) == (7, "my data", "PRIVATE", "alice")
    disk = the_disk(sandbox, create(run_command, "--size=1024", "--public", "--"))
    assert (disk.size, disk.tag, disk.visibility.value) == (1024, "", "PUBLIC")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 1, "Error: Missing mandatory -s/--size option\n"),
        (["-s", 0], 1, "Error: Missing mandatory -s/--size option\n"),
        (["-s", 1025], 1, "Error: Volume size must be a valid integer between 1 and 1024\n"),
        (["-s", -1], 1, "Error: Volume size must be a valid integer between 1 and 1024\n"),
        (["-s", "ten"], 2, "invalid int value: 'ten'"),
        (["-s", 1, "-t", "x" * 41], 1, "Tags must have at most 40 characters"),
    ],
)
def test_volumes_that_cannot_be_had(
    run_command: RunCommand, sandbox: Sandbox, arguments: list[object], status: int, message: str
) -> None:
    assert fails(run_command("create-volume", *arguments), message, status)
    assert not sandbox.requests.last(1)


def test_a_password_of_the_disk_service(run_command: RunCommand) -> None:
    assert fails(run_command("create-volume", "-s", 1, "-p", "wrong"), "Error: ")


def test_where_the_disk_service_is_suffices(run_command: RunCommand, sandbox: Sandbox, home_config: Path) -> None:
    home_config.write_text("[default]\n")
    service = ["--pdisk-endpoint", sandbox.disks_url, "-u", "bob", "-p", sandbox.users["bob"]]
    uuid = create(run_command, "-s", 2, *service)
    assert the_disk(sandbox, uuid).owner == "bob"
    assert run_command("describe-volumes", *service).out.startswith(f":: DISK {uuid}\n")
    assert fails(run_command("describe-volumes"), "Error: Missing persistent disk endpoint")


def test_other_credentials_for_the_disk_service(run_command: RunCommand, sandbox: Sandbox) -> None:
    uuid = create(run_command, "-s", 2, "--pdisk-username", "bob", "--pdisk-password", sandbox.users["bob"])
    assert the_disk(sandbox, uuid).owner == "bob"


@pytest.fixture
def service_account(sandbox: Sandbox) -> list[str]:
    """Options for the disk service's own account."""
    return ["--pdisk-username", "pdisk", "--pdisk-password", sandbox.state.accounts.password("pdisk")]


def test_a_copy_on_write_and_what_becomes_of_it(
    run_command: RunCommand, sandbox: Sandbox, service_account: list[str]
) -> None:
    origin = create(run_command, "-s", 3)
    run_command("update-volume", "--machine-image-origin", origin)
    copied = the_disk(sandbox, create(run_command, "--cow", origin, "-t", "a copy", *service_account))
    assert (copied.owner, copied.tag, copied.size, copied.type.value) == ("alice", "a copy", 3, "MACHINE_IMAGE_LIVE")
    assert f"\tidentifier: snapshot:{origin}\n" in run_command("describe-volumes", copied.uuid).out
    rebased = the_disk(sandbox, create(run_command, "--rebase", copied.uuid))
    assert (rebased.owner, rebased.type.value) == ("alice", "MACHINE_IMAGE_ORIGIN")


def test_copies_that_cannot_be_made(run_command: RunCommand) -> None:
    plain = create(run_command, "-s", 3)
    assert fails(run_command("create-volume", "--cow", plain), "only one of type MACHINE_IMAGE_ORIGIN can be copied")
    assert fails(run_command("create-volume", "--rebase", plain), "only one of type MACHINE_IMAGE_LIVE can become")
    assert fails(run_command("create-volume", "--cow", NOT_THERE), "does not exist")
    run_command("update-volume", "--machine-image-origin", plain)
    assert fails(run_command("create-volume", "--cow", plain), "only the disk service's own account may set one")


# Showing


def test_nothing_to_show(run_command: RunCommand) -> None:
    assert run_command("describe-volumes") == (0, "No disk to show\n", "")
    assert run_command("describe-volumes", "--format", "json") == (0, "[]\n", "")


def test_what_is_shown(run_command: RunCommand) -> None:
    first, second = create(run_command, "-s", 5, "-t", "first"), create(run_command, "-s", 1024)
    shown = {
        first: f":: DISK {first}\n\tcount: 0\n\towner: alice\n\ttag: first\n\tsize: 5\n",
        second: f":: DISK {second}\n\tcount: 0\n\towner: alice\n\ttag: \n\tsize: 1,024\n",
    }
    assert run_command("describe-volumes") == (0, shown[second] + shown[first], "")
    assert run_command("describe-volumes", first) == (0, shown[first], "")
    assert run_command("describe-volumes", first, second).out == shown[second] + shown[first]
    assert run_command("describe-volumes", first[:13]).out == shown[first]
    assert run_command("describe-volumes", NOT_THERE) == (0, "No disk to show\n", "")


def test_what_a_machine_started_with(run_command: RunCommand, machine: str) -> None:
    out = run_command("describe-volumes").out
    assert [line.partition(":")[0] for line in out.splitlines()[1:]] == [
        "\tcount", "\ttag", "\towner", "\tidentifier", "\tsize",
    ]  # fmt: skip
    assert "\tidentifier: snapshot:" in out
    assert "\tcount: 1\n" in out
    assert machine


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        (["tag:^grid-"], ["grid-2", "grid-1"]),
        (["tag:grid", "size:3"], ["grid-1"]),
        (["tag:grid", "tag:2"], ["grid-2"]),
        (["size: 1,0"], ["grid-2"]),
        (["tag"], ["grid-2", "other", "grid-1"]),
        (["owner:ali", "count:0", "tag:o"], ["other"]),
        (["identifier:."], []),
        (["colour:red"], []),
    ],
)
def test_filters(run_command: RunCommand, filters: list[str], shown: list[str]) -> None:
    for size, tag in ((3, "grid-1"), (5, "other"), (1024, "grid-2"), (1, "")):
        create(run_command, "-s", size, "-t", tag)
    options = [word for text in filters for word in ("-f", text)]
    listed = json.loads(run_command("describe-volumes", *options, "--format=json").out)
    assert [row["tag"] for row in listed] == shown


def test_a_filter_that_is_no_regular_expression(run_command: RunCommand) -> None:
    assert fails(run_command("describe-volumes", "-f", "tag:("), "Error: '(' is not a regular expression")


def test_formats_for_programs(run_command: RunCommand) -> None:
    uuid = create(run_command, "-s", 1024, "-t", "a, b")
    row = {"id": uuid, "tag": "a, b", "size": 1024, "owner": "alice", "count": 0, "identifier": None}
    assert json.loads(run_command("describe-volumes", "--format", "json").out) == [row]
    [as_csv] = csv.DictReader(io.StringIO(run_command("describe-volumes", "--format", "csv").out))
    assert as_csv == {key: "" if value is None else str(value) for key, value in row.items()}
    header, line = run_command("describe-volumes", "--format", "table").out.splitlines()
    assert header.split() == ["ID", "TAG", "SIZE", "OWNER", "COUNT", "IDENTIFIER"]
    assert line.startswith(uuid)


# Changing


def test_changes(run_command: RunCommand, sandbox: Sandbox) -> None:
    uuid = create(run_command, "-s", 1, "-t", "old")
    assert run_command("update-volume", "-t", "new", "--public", "--data-image-raw-readonly", uuid) == (0, "", "")
    disk = the_disk(sandbox, uuid)
    assert (disk.tag, disk.visibility.value, disk.type.value) == ("new", "PUBLIC", "DATA_IMAGE_RAW_READONLY")
    assert run_command("update-volume", "-t", "", "--private", uuid.upper()) == (0, "", "")
    disk = the_disk(sandbox, uuid)
    assert (disk.tag, disk.visibility.value, disk.type.value) == ("", "PRIVATE", "DATA_IMAGE_RAW_READONLY")


@pytest.mark.parametrize(
    "kind",
    [
        "machine-image-origin",
        "machine-image-live",
        "data-image-origin",
        "data-image-live",
        "data-image-raw-readonly",
        "data-image-raw-read-write",
    ],
)
def test_types(run_command: RunCommand, sandbox: Sandbox, kind: str) -> None:
    uuid = create(run_command, "-s", 1)
    assert run_command("update-volume", f"--{kind}", uuid) == (0, "", "")
    assert the_disk(sandbox, uuid).type.value == kind.upper().replace("-", "_")


def test_no_change_asks_nothing(run_command: RunCommand, sandbox: Sandbox) -> None:
    assert run_command("update-volume", NOT_THERE) == (0, "", "")
    assert not sandbox.requests.last(1)


def test_changes_that_cannot_be_made(run_command: RunCommand) -> None:
    assert fails(run_command("update-volume", "-t", "x"), "Please provide the UUID of the persistent disk")
    assert fails(run_command("update-volume", "-t", "x", NOT_THERE, NOT_THERE), "Only one disk UUID can be specified")
    assert fails(run_command("update-volume", "-t", "x", "abc"), "Invalid UUID abc")
    assert fails(run_command("update-volume", "-t", "x" * 41, NOT_THERE), "at most 40 characters", 2)
    assert fails(run_command("update-volume", "-t", "x", NOT_THERE), "does not exist")


# Deleting


def test_several_are_deleted_in_any_spelling(run_command: RunCommand, sandbox: Sandbox) -> None:
    first, second = create(run_command, "-s", 1), create(run_command, "-s", 1)
    result = run_command("delete-volume", first, second.replace("-", "").upper())
    assert result == (0, f"DELETED {first}\nDELETED {second}\n", "")
    assert not list(sandbox.disks)


def test_deleting_stops_at_the_first_failure(run_command: RunCommand, sandbox: Sandbox) -> None:
    first, second = create(run_command, "-s", 1), create(run_command, "-s", 1)
    status, out, err = run_command("delete-volume", first, NOT_THERE, second)
    assert (status, out) == (1, f"DELETED {first}\n")
    assert err.startswith("Error: ")
    assert [disk.uuid for disk in sandbox.disks] == [second]


def test_deletions_that_cannot_be_made(run_command: RunCommand, sandbox: Sandbox, machine: str) -> None:
    assert fails(run_command("delete-volume"), "at least one persistent disk UUID to delete")
    assert fails(run_command("delete-volume", "abc"), "Error: Invalid UUID abc\n")
    uuid = create(run_command, "-s", 1, "--public")
    assert fails(
        run_command("delete-volume", uuid, "-u", "bob", "-p", sandbox.users["bob"]), "insufficient rights to delete"
    )
    run_command("attach-volume", "-i", machine, uuid)
    assert fails(run_command("delete-volume", uuid), "is in use")


# Attaching and detaching


def test_in_and_out_of_a_machine(run_command: RunCommand, machine: str) -> None:
    first, second = create(run_command, "-s", 1), create(run_command, "-s", 1)
    assert run_command("attach-volume", "--instance", machine, first, second) == (
        0,
        f"ATTACHED {first} in VM {machine} on /dev/vdz\nATTACHED {second} in VM {machine} on /dev/vdy\n",
        "",
    )
    assert "\tcount: 1\n" in run_command("describe-volumes", first).out
    assert run_command("detach-volume", "-i", machine, first, second) == (
        0,
        f"DETACHED {first} from VM {machine} on /dev/vdz\nDETACHED {second} from VM {machine} on /dev/vdy\n",
        "",
    )


def test_machine_0_is_the_default(run_command: RunCommand, machine: str) -> None:
    assert machine == "0"
    uuid = create(run_command, "-s", 1)
    assert run_command("attach-volume", uuid).out == f"ATTACHED {uuid} in VM 0 on /dev/vdz\n"
    assert run_command("detach-volume", uuid).out == f"DETACHED {uuid} from VM 0 on /dev/vdz\n"


@pytest.mark.parametrize("command", ["attach-volume", "detach-volume"])
def test_what_is_missing(run_command: RunCommand, command: str, machine: str) -> None:
    assert fails(run_command(command, "-i", machine), "Please provide at least one persistent disk UUID to ")
    assert fails(run_command(command, "-i", -1, NOT_THERE), "Please provide a VM ID")
    assert fails(run_command(command, "-i", "x", NOT_THERE), "invalid int value: 'x'", 2)
    assert fails(run_command(command, "-i", 4711, NOT_THERE), "Error getting virtual machine [4711]")
    assert fails(run_command(command, "-i", machine, "abc"), "Invalid UUID abc")


def test_attaching_stops_at_the_first_failure(run_command: RunCommand, machine: str) -> None:
    first, second = create(run_command, "-s", 1), create(run_command, "-s", 1)
    status, out, err = run_command("attach-volume", first, NOT_THERE, second)
    assert (status, out) == (1, f"ATTACHED {first} in VM {machine} on /dev/vdz\n")
    assert err.startswith("Error: ")
    assert fails(run_command("attach-volume", first), "already")


def test_a_volume_that_ten_machines_use(run_command: RunCommand, sandbox: Sandbox, machine: str) -> None:
    used, free = create(run_command, "-s", 1), create(run_command, "-s", 1)
    for number in range(100, 110):
        sandbox.disks.attach("alice", used, node="node1", vm_id=str(number), register_only=True)
    assert run_command("attach-volume", "-i", machine, used, free) == (
        1,
        f"DISK {used}: Disk not available\nATTACHED {free} in VM {machine} on /dev/vdz\n",
        "",
    )


def test_detaching_goes_on_after_a_failure(run_command: RunCommand, machine: str) -> None:
    attached, other = create(run_command, "-s", 1), create(run_command, "-s", 1)
    run_command("attach-volume", "-i", machine, attached)
    status, out, err = run_command("detach-volume", "-i", machine, NOT_THERE, other, attached)
    unknown, not_attached, last = out.splitlines()
    assert (status, err, last) == (1, "", f"DETACHED {attached} from VM {machine} on /dev/vdz")
    assert unknown.startswith(f"DISK {NOT_THERE}: ")
    assert "does not exist" in unknown
    assert not_attached.startswith(f"DISK {other}: ")
    assert "is not attached to machine" in not_attached


# On an OpenNebula


@pytest.mark.usefixtures("opennebula_config")
def test_a_volumes_life_on_an_opennebula(run_command: RunCommand) -> None:
    driver = OpenNebulaNodeDriver()
    image = next(image for image in driver.list_images() if image.name == "debian12")
    node = driver.create_node("machine", image=image, networks=["public"])
    driver.wait_until_running([node])
    number = create(run_command, "-s", 2, "-t", "data")
    assert run_command("describe-volumes") == (
        0,
        f":: DISK {number}\n\tcount: 0\n\towner: alice\n\ttag: data\n\tsize: 2\n",
        "",
    )
    attached = run_command("attach-volume", "-i", node.id, number)
    assert attached.out.startswith(f"ATTACHED {number} in VM {node.id} on /dev/")
    assert attached.status == 0
    assert "\tcount: 1\n" in run_command("describe-volumes", number).out
    detached = run_command("detach-volume", "-i", node.id, number)
    device = attached.out.partition("/dev/")[2]
    assert (detached.status, detached.out) == (0, f"DETACHED {number} from VM {node.id} on /dev/{device}")
    assert device.strip() not in ("", "None")
    assert run_command("delete-volume", number) == (0, f"DELETED {number}\n", "")


@pytest.mark.usefixtures("opennebula_config")
def test_what_an_opennebula_does_not_have(run_command: RunCommand) -> None:
    for option in (["--cow", "7"], ["--rebase", "7"], ["-s", "1", "-t", "x", "--public"]):
        assert fails(run_command("create-volume", *option), "for StratusLab's disk service", 2)
    assert fails(run_command("update-volume", "-t", "x", "7"), "keep their names", 2)
    assert fails(run_command("delete-volume", NOT_THERE), "OpenNebula's are numbers")
    assert fails(run_command("create-volume", "-s", 1), "Error: ")
