"""Traps of OpenNebula's daemon, and faults reported of other clients, that belong to no single call of the driver."""

from __future__ import annotations

import socket
import xmlrpc.client
from collections.abc import Callable
from typing import Any

import pytest
from libcloud.compute.base import NodeImage, StorageVolume
from libcloud.compute.types import NodeState, StorageVolumeState

from stratuslab_libcloud import OpenNebulaNodeDriver
from stratuslab_libcloud.client.opennebula.image import STATES
from stratuslab_libcloud.driver.opennebula.nodes import OpenNebulaNode
from stratuslab_libcloud.errors import (
    ConflictError,
    LimitExceededError,
    MachineFailedError,
    PermissionDeniedError,
    RequestRejectedError,
    ServiceTimeoutError,
)
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox
from stratuslab_libcloud.sandbox.state.opennebula.machine import LcmState, MachineState, VmState

from .conftest import PASSWORDS  # type: ignore[import-not-found]  # pytest finds it

Start = Callable[..., OpenNebulaNode]


def administrator(sandbox: Sandbox, method: str, *arguments: Any) -> Any:
    """Call a method of the daemon as its administrator, and give the value."""
    with xmlrpc.client.ServerProxy(sandbox.compute_url) as proxy:
        password = sandbox.opennebula.users.named("oneadmin").password
        success, value, *_ = getattr(proxy, method)(f"oneadmin:{password}", *arguments)  # type: ignore[misc]
    assert success, value
    return value


def limit(sandbox: Sandbox, quota: str) -> None:
    """Set a quota of alice's."""
    administrator(sandbox, "one.user.quota", sandbox.opennebula.users.named("alice").id, quota)


# Lists


def test_machines_that_the_group_may_see(
    driver: OpenNebulaNodeDriver, bob: OpenNebulaNodeDriver, image: NodeImage, sandbox: Sandbox
) -> None:
    """The filters -3, -1 and -2: mine, my groups', all that I may see."""
    driver.create_node("mine", image=image)
    shared, _ = (bob.create_node(name, image=image) for name in ("shared", "bobs own"))
    administrator(sandbox, "one.vm.chmod", int(shared.id), -1, -1, -1, 1, -1, -1, -1, -1, -1)
    assert [node.name for node in driver.list_nodes()] == ["mine"]
    for filter_ in ("group", "all"):
        assert sorted(node.name for node in driver.list_nodes(ex_filter=filter_)) == ["mine", "shared"]
    number = str(sandbox.opennebula.users.named("bob").id)
    assert [node.name for node in driver.list_nodes(ex_filter=number)] == ["shared"]


def test_a_list_in_ascending_order(scripted_daemon: Any) -> None:
    """A cloud with API_LIST_ORDER = "ASC"."""
    machines = "".join(f"<VM><ID>{number}</ID><STATE>1</STATE></VM>" for number in (0, 2, 10))
    scripted_daemon.answers["one.vmpool.info"] = f"<VM_POOL>{machines}</VM_POOL>"
    driver = OpenNebulaNodeDriver("jane", "secret", ex_endpoint=scripted_daemon.url, timeout=5)
    assert [node.id for node in driver.list_nodes()] == ["0", "2", "10"]
    assert [node.id for node in driver.ex_iterate_nodes()] == ["0", "2", "10"]


def test_names_of_machines_are_not_unique(driver: OpenNebulaNodeDriver, image: NodeImage) -> None:
    ids = {driver.create_node("same", image=image, ex_hold=True).id for _ in range(2)}
    assert {node.id for node in driver.list_nodes(ex_name="same")} == ids
    assert len(ids) == 2


def test_one_machine_is_found_without_a_list(driver: OpenNebulaNodeDriver, image: NodeImage, sandbox: Sandbox) -> None:
    """ansible#50056: a list of 8,000 machines was read to find one."""
    node = driver.create_node("n", image=image, ex_hold=True)
    sandbox.requests.clear()
    assert driver.ex_get_node_details(node.id) is not None
    assert sandbox.requests.operations == ["one.vm.info"]


def test_ids_are_texts_for_libcloud_and_numbers_for_the_daemon(scripted_daemon: Any) -> None:
    """DIRAC's class sends the text, which is the fault -501."""
    machine = "<VM><ID>7</ID><STATE>{}</STATE></VM>"
    scripted_daemon.answers |= {"one.vm.info": machine.format(1), "one.vm.action": 7}
    driver = OpenNebulaNodeDriver("jane", "secret", ex_endpoint=scripted_daemon.url, timeout=5)
    node = driver.ex_get_node("7")
    scripted_daemon.answers["one.vm.info"] = machine.format(6)
    assert node.id == "7"
    assert driver.destroy_node(node)
    assert scripted_daemon.calls[:2] == [("one.vm.info", 7), ("one.vm.action", "terminate-hard", 7)]


def test_nothing_is_searched_by_the_daemon(driver: OpenNebulaNodeDriver, scripted_daemon: Any) -> None:
    """Only MariaDB can do it, differently in each version, and "=" ends 7.4: filters work on the list."""
    scripted_daemon.answers["one.vmpool.info"] = "<VM_POOL></VM_POOL>"
    scripted = OpenNebulaNodeDriver("jane", "secret", ex_endpoint=scripted_daemon.url, timeout=5)
    scripted.list_nodes(ex_name="=", ex_state="running")
    scripted.list_nodes(ex_node_ids=["1", "2"])
    assert all(len(arguments) == 4 for _, *arguments in scripted_daemon.calls)
    assert driver.list_nodes(ex_name="=") == []


def test_each_address_belongs_to_its_network(driver: OpenNebulaNodeDriver, start: Start) -> None:
    """IM #116: addresses mapped to the wrong networks."""
    node = start(networks=["private", "public", "private"])
    networks = {network.name: network.address.rpartition(".")[0] for network in driver.ex_list_networks()}
    assert [nic["network"] for nic in node.extra["nics"]] == ["private", "public", "private"]
    for nic in node.extra["nics"]:
        assert str(nic["ip"]).startswith(networks[nic["network"]].rpartition(".")[0])


def test_private_addresses_of_ipv4_alone(driver: OpenNebulaNodeDriver, start: Start) -> None:
    """Where there is no public IPv4 address, a private one will do."""
    node = start(networks=["private"])
    [(_, addresses)] = driver.wait_until_running([node], force_ipv4=True, timeout=5)
    assert addresses == ["10.1.0.10"]


# The life of a machine


@pytest.mark.parametrize(
    "state",
    [
        *(VmState.HOLD, VmState.CLONING, VmState.CLONING_FAILURE, VmState.SUSPENDED, VmState.POWEROFF),
        *(VmState.STOPPED, VmState.UNDEPLOYED, LcmState.UNKNOWN, LcmState.BOOT_FAILURE, LcmState.PROLOG_FAILURE),
        *(LcmState.EPILOG_FAILURE, LcmState.PROLOG_MIGRATE_UNKNOWN_FAILURE, LcmState.HOTPLUG, LcmState.SHUTDOWN),
    ],
)
def test_destroying_in_any_state(
    driver: OpenNebulaNodeDriver, start: Start, sandbox: Sandbox, state: MachineState
) -> None:
    """terraform #159 (POWEROFF), #78 and #174 (failures); IM #463 (HOTPLUG), which passes."""
    node = start()
    if state == LcmState.HOTPLUG:
        driver.ex_attach_nic(node, "private", ex_timeout=10)
    else:
        sandbox.opennebula.machines.put(int(node.id), state)
    assert driver.destroy_node(node)
    assert driver.ex_get_node(node).state == NodeState.TERMINATED


def test_a_machine_that_does_not_start_again_is_off_again(
    driver: OpenNebulaNodeDriver, start: Start, sandbox: Sandbox
) -> None:
    """3/20 and then 8/0, without a word."""
    node = start()
    driver.stop_node(node)
    sandbox.opennebula.drivers.fail("deploy")
    with pytest.raises(ConflictError, match=r"did not resume .*; it is POWEROFF"):
        driver.start_node(node)
    assert driver.start_node(node)


def test_a_machine_waits_for_its_image(driver: OpenNebulaNodeDriver, image: NodeImage, sandbox: Sandbox) -> None:
    """An image that is LOCKED is accepted: CLONING, and then the machine goes on by itself."""
    copied = driver.copy_image(None, image, "copy")
    node = driver.create_node("n", image=copied, networks=["public"])
    assert node.state in (NodeState.PENDING, NodeState.STARTING)
    driver.wait_until_running([node], wait_period=0.1, timeout=20)
    sandbox.opennebula.drivers.fail("clone")
    broken = driver.copy_image(None, image, "broken")
    failed = driver.create_node("m", image=broken, networks=["public"])
    with pytest.raises(MachineFailedError, match="has failed"):
        driver.wait_until_running([failed], wait_period=0.1, timeout=20)
    assert driver.destroy_node(failed)


def test_a_machine_can_be_renamed_in_any_state(driver: OpenNebulaNodeDriver, image: NodeImage) -> None:
    node = driver.create_node("n", image=image, ex_hold=True)
    assert driver.ex_rename_node(node, "held")
    driver.destroy_node(node)
    assert driver.ex_rename_node(node, "ended")
    assert driver.ex_get_node(node).name == "ended"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"networks": [{"NETWORK_ID": 0, "IP": "203.0.113.9"}]}, "Cannot get IP/MAC lease from virtual network 0"),
        ({"networks": [{"NETWORK_ID": 0, "MAC": "02:00:00:00:00:01"}]}, "restricted attribute MAC"),
        ({"networks": [99]}, "Virtual network with ID: 99 does not exist"),
        ({"image": NodeImage("99", "x", None)}, "Image with ID: 99 does not exist"),
    ],
)
def test_what_the_daemon_refuses_is_told_in_its_words(
    driver: OpenNebulaNodeDriver, image: NodeImage, more: dict[str, Any], reason: str
) -> None:
    """Without "[one.vm.allocate]", which says nothing to users."""
    with pytest.raises((RequestRejectedError, PermissionDeniedError), match=reason) as caught:
        driver.create_node(**{"name": "n", "image": image, **more})  # type: ignore[arg-type]
    assert "[one." not in str(caught.value)
    assert reason in caught.value.service_message
    assert driver.list_nodes() == []


def test_a_root_disk_only_grows(driver: OpenNebulaNodeDriver, bob: OpenNebulaNodeDriver, sandbox: Sandbox) -> None:
    sandbox.opennebula.images.pool[0].size = 3000
    with pytest.raises(RequestRejectedError, match="SIZE of 2048MB is less than the image"):
        driver.create_node("n", image=driver.get_image("0"), ex_disk_size=2)


def test_a_persistent_image_is_for_one_machine(driver: OpenNebulaNodeDriver, start: Start) -> None:
    boot = driver.create_volume(1, "boot")
    image = NodeImage(boot.id, "boot", driver)
    start(image=image)
    with pytest.raises(RequestRejectedError, match="it is persistent and already in use"):
        driver.create_node("second", image=image)


def test_a_group_that_may_create_nothing(sandbox: Sandbox) -> None:
    """As the bare call one.group.allocate makes it."""
    group = administrator(sandbox, "one.group.allocate", "bare")
    administrator(sandbox, "one.user.allocate", "carol", "pw", "core", [group])
    carol = OpenNebulaNodeDriver("carol", "pw", ex_endpoint=sandbox.compute_url)
    with pytest.raises(PermissionDeniedError, match="Not authorized to perform CREATE VM"):
        carol.create_node("n", image=NodeImage("0", "x", carol))


# Quotas: the code 512, and 2048 at resume


@pytest.mark.parametrize(
    ("quota", "resource", "change"),
    [
        ("VM=[RUNNING_VMS=1]", "VM RUNNING_VMS", lambda driver, node: driver.start_node(node)),
        ("VM=[MEMORY=1600]", "VM MEMORY", lambda driver, node: driver.ex_resize_node(node, ex_memory=9000)),
        ("NETWORK=[ID=0,LEASES=1]", "NETWORK LEASES", lambda driver, node: driver.ex_attach_nic(node, "public")),
        ("DATASTORE=[ID=1,SIZE=20]", "DATASTORE SIZE", lambda driver, _: driver.create_volume(1, "v", ex_datastore=1)),
        ("DATASTORE=[ID=100,SIZE=20]", "DATASTORE SIZE", lambda driver, node: driver.create_image(node, "golden")),
    ],
)
def test_a_quota_at_each_kind_of_change(
    driver: OpenNebulaNodeDriver,
    start: Start,
    image: NodeImage,
    sandbox: Sandbox,
    quota: str,
    resource: str,
    change: Callable[[OpenNebulaNodeDriver, OpenNebulaNode], object],
) -> None:
    node = start()
    driver.stop_node(node)
    start("other") if resource == "VM RUNNING_VMS" else None
    limit(sandbox, quota)
    with pytest.raises(LimitExceededError) as caught:
        change(driver, node)
    assert caught.value.resource == resource
    assert caught.value.limit == quota.rpartition("=")[2].rstrip("]")


# Images and volumes


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("INIT", "creating"),
        ("READY", "available"),
        ("USED", "inuse"),
        ("DISABLED", "unknown"),
        ("LOCKED", "creating"),
        ("ERROR", "error"),
        ("CLONE", "updating"),
        ("DELETE", "deleting"),
        ("USED_PERS", "inuse"),
        ("LOCKED_USED", "creating"),
        ("LOCKED_USED_PERS", "creating"),
    ],
)
def test_the_states_of_a_volume(scripted_daemon: Any, state: str, word: str) -> None:
    scripted_daemon.answers["one.image.info"] = (
        f"<IMAGE><ID>0</ID><TYPE>2</TYPE><PERSISTENT>1</PERSISTENT><STATE>{STATES.index(state)}</STATE></IMAGE>"
    )
    driver = OpenNebulaNodeDriver("jane", "secret", ex_endpoint=scripted_daemon.url, timeout=5)
    volume = driver.ex_get_volume(0)
    assert (volume.extra["state"], volume.state) == (state, StorageVolumeState(word))


def test_kernels_files_and_backups_are_no_images_to_start(scripted_daemon: Any) -> None:
    """All types are in one list."""
    pool = "".join(f"<IMAGE><ID>{kind}</ID><TYPE>{kind}</TYPE><STATE>1</STATE></IMAGE>" for kind in range(9))
    scripted_daemon.answers["one.imagepool.info"] = f"<IMAGE_POOL>{pool}</IMAGE_POOL>"
    driver = OpenNebulaNodeDriver("jane", "secret", ex_endpoint=scripted_daemon.url, timeout=5)
    assert [(image.id, image.extra["type"]) for image in driver.list_images()] == [("0", "OS"), ("1", "CDROM")]
    assert driver.list_volumes() == []


@pytest.mark.parametrize(
    ("stores", "chosen"),
    [
        ([(1, 0, 1, 9000, 9000), (5, 0, 0, 9000, 9000)], "5"),  # the first one is disabled
        ([(1, 1, 0, 9000, 9000), (2, 2, 0, 9000, 9000), (5, 0, 0, 9000, 9000)], "5"),  # a system and a file datastore
        ([(1, 0, 0, 0, 0), (5, 0, 0, 9000, 9000)], "5"),  # the first one was never looked at: "Not enough space" (7.4)
        ([(1, 0, 0, 0, 0), (5, 0, 0, 10, 9000)], "1"),  # the other one is full
        ([(5, 0, 0, 9000, 9000), (1, 0, 0, 9000, 9000)], "1"),
    ],
)
def test_the_first_usable_datastore(scripted_daemon: Any, stores: list[tuple[int, ...]], chosen: str) -> None:
    pool = "".join(
        f"<DATASTORE><ID>{number}</ID><TYPE>{kind}</TYPE><STATE>{state}</STATE><FREE_MB>{free}</FREE_MB>"
        f"<TOTAL_MB>{total}</TOTAL_MB></DATASTORE>"
        for number, kind, state, free, total in stores
    )
    scripted_daemon.answers |= {
        "one.datastorepool.info": f"<DATASTORE_POOL>{pool}</DATASTORE_POOL>",
        "one.image.allocate": 7,
        "one.image.info": "<IMAGE><ID>7</ID></IMAGE>",
    }
    OpenNebulaNodeDriver("jane", "secret", ex_endpoint=scripted_daemon.url, timeout=5).create_volume(1, "v")
    (call,) = (call for call in scripted_daemon.calls if call[0] == "one.image.allocate")
    assert str(call[2]) == chosen


def test_a_datastore_that_is_too_small(driver: OpenNebulaNodeDriver) -> None:
    """2048, as a wrong state."""
    with pytest.raises(ConflictError, match="Not enough space in datastore"):
        driver.create_volume(100_000, "large")


def test_devices(driver: OpenNebulaNodeDriver, start: Start) -> None:
    """The next one of `sd` by default; one that is in use is refused."""
    node = start()
    volumes = [driver.create_volume(1, f"v{number}") for number in range(2)]
    driver.attach_volume(node, volumes[0])
    assert volumes[0].extra["attachments"][0]["device"] == "sdb"
    with pytest.raises(ConflictError, match="Target sdb is already in use"):
        driver.attach_volume(node, volumes[1], "sdb")


def test_what_cannot_be_attached(
    driver: OpenNebulaNodeDriver, bob: OpenNebulaNodeDriver, start: Start, sandbox: Sandbox
) -> None:
    """Somebody else's 512; ERROR and DISABLED 2048; a suspended machine 2048."""
    sandbox.opennebula.drivers.fail("mkfs")
    node, broken = start(), driver.create_volume(1, "broken")
    with pytest.raises(ConflictError, match="in the state ERROR: Error copying image in the datastore"):
        driver.attach_volume(node, broken)
    volume, bobs = driver.create_volume(1, "v"), bob.create_volume(1, "v")
    with pytest.raises(PermissionDeniedError):
        driver.attach_volume(node, StorageVolume(bobs.id, "v", 1, driver))
    driver.attach_volume(node, volume)
    driver.detach_volume(volume)
    administrator(sandbox, "one.image.enable", int(volume.id), False)
    with pytest.raises(ConflictError, match="DISABLED"):
        driver.attach_volume(node, volume)
    administrator(sandbox, "one.image.enable", int(volume.id), True)
    driver.ex_suspend_node(node)
    with pytest.raises(ConflictError, match="wrong state SUSPENDED"):
        driver.attach_volume(node, volume)


def test_a_disk_is_known_by_its_image_whatever_the_cloud_fills_in(driver: OpenNebulaNodeDriver, start: Start) -> None:
    """terraform #264, #381: disks were not recognized again; numbers of disks are not used again, either."""
    node, volume = start(), driver.create_volume(1, "v")
    for _ in range(2):
        driver.attach_volume(node, volume)
        disk = driver.ex_get_node(node).extra["disks"][-1]
        assert (disk["image_id"], disk["image"]) == (volume.id, "v")
        driver.detach_volume(volume)
    assert disk["disk_id"] == 3


def test_a_copy_is_for_several_machines_whatever_the_users_default(
    driver: OpenNebulaNodeDriver, image: NodeImage, sandbox: Sandbox
) -> None:
    """DEFAULT_IMAGE_PERSISTENT of the user or the group (terraform #406)."""
    group = sandbox.opennebula.users.named("alice").group
    group.template.replace("OPENNEBULA", {"DEFAULT_IMAGE_PERSISTENT": "YES"})
    assert not driver.copy_image(None, image, "copy").extra["persistent"]


def test_terminating_a_machine_sets_its_volume_free(driver: OpenNebulaNodeDriver, start: Start) -> None:
    node, volume = start(), driver.create_volume(1, "v")
    driver.attach_volume(node, volume)
    driver.destroy_node(node)
    assert driver.ex_get_volume(volume.id).extra["attachments"] == []
    assert driver.destroy_volume(volume)


@pytest.mark.parametrize("stop", ["ex_suspend_node", "ex_undeploy_node", "stop_node"])
def test_a_disk_is_saved_in_each_state_that_has_one(driver: OpenNebulaNodeDriver, start: Start, stop: str) -> None:
    node = start()
    getattr(driver, stop)(node)
    assert driver.create_image(node, "golden", ex_wait=True).extra["state"] == "READY"


def test_a_disk_that_was_never_there_is_not_saved(driver: OpenNebulaNodeDriver, image: NodeImage, start: Start) -> None:
    """8192 in both cases, on hold and for an unknown disk; the context has a number, too."""
    held = driver.create_node("held", image=image, ex_hold=True)
    with pytest.raises(RequestRejectedError, match="has to be RUNNING, POWEROFF or SUSPENDED"):
        driver.create_image(held, "golden")
    for disk_id in (1, 55):
        with pytest.raises(RequestRejectedError, match="DISK does not exist"):
            driver.create_image(start(f"n{disk_id}"), "golden", ex_disk_id=disk_id)


def test_a_volume_with_snapshots_cannot_be_copied(driver: OpenNebulaNodeDriver, start: Start) -> None:
    """Snapshots are no copies; the volume can be destroyed with them."""
    node, volume = start(), driver.create_volume(1, "v")
    driver.attach_volume(node, volume)
    driver.create_volume_snapshot(volume, "s")
    driver.detach_volume(volume)
    with pytest.raises(ConflictError, match="Cannot clone images with snapshots"):
        driver.copy_image(None, NodeImage(volume.id, "v", driver), "copy")
    assert driver.destroy_volume(volume)


# The connection


def test_nothing_that_is_left_early_ends_the_daemon(
    driver: OpenNebulaNodeDriver, image: NodeImage, sandbox: Sandbox
) -> None:
    """A reset ends oned 6.10: neither a list that is not read to its end nor a time limit sends one."""
    driver.ex_create_nodes([f"n{number}" for number in range(20)], image=image, ex_hold=True)
    for _ in range(3):
        nodes = driver.ex_iterate_nodes(ex_details=True)
        next(nodes)
        nodes.close()  # type: ignore[attr-defined]  # it is a generator
    impatient = OpenNebulaNodeDriver("alice", PASSWORDS["alice"], ex_endpoint=sandbox.compute_url, timeout=0.2)
    slow = Fault(FaultKind.DELAY, "opennebula", "one.vmpool.info", seconds=0.5)
    with sandbox.faults.during(slow), pytest.raises(ServiceTimeoutError):
        impatient.list_nodes()
    assert len(driver.list_nodes()) == 20


def test_the_time_limit_of_other_sockets_stays_as_it_is(driver: OpenNebulaNodeDriver) -> None:
    """PyONE's changes the default of the whole process."""
    driver.ex_get_version()
    assert socket.getdefaulttimeout() is None
