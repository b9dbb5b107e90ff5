"""The further lists of the daemon: hosts, networks, users and groups, and its own images and templates: none."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import xmlrpc.client
from pathlib import Path
from typing import Any

import pytest

from stratuslab_libcloud.sandbox import ManualClock, Sandbox
from stratuslab_libcloud.sandbox.state.users import SUPERUSER

from ..conftest import TEMPLATE, Oned, ok
from .conftest import shape


def document(oned: Oned, user: str, method: str, *parameters: Any) -> ET.Element:
    return ET.fromstring(ok(oned(user, method, *parameters)))


@pytest.fixture
def with_machine(sandbox: Sandbox, oned: Oned, clock: ManualClock) -> str:
    """A cloud with a machine that runs; its address."""
    machine_id = ok(oned("alice", "one.vm.allocate", TEMPLATE))
    clock.advance(10)
    return str(sandbox.machines[machine_id].nics[0]["IP"])


@pytest.mark.parametrize(
    ("sample", "method", "parameters"),
    [
        ("hostpool.info", "one.hostpool.info", ()),
        ("host.info", "one.host.info", (0,)),
        ("vnpool.info", "one.vnpool.info", (-2, -1, -1)),
        ("vn.info", "one.vn.info", (0,)),
        ("userpool.info", "one.userpool.info", ()),
    ],
)
@pytest.mark.usefixtures("with_machine")
def test_the_xml_is_that_of_the_real_daemon(
    real_samples: Path, oned: Oned, sample: str, method: str, parameters: tuple[int, ...]
) -> None:
    real = ET.parse(real_samples / f"opennebula-3.2.1/{sample}.xml").getroot()
    ours = document(oned, SUPERUSER, method, *parameters)
    if sample.startswith("vn"):  # what an administrator notes of a network is free text
        for root in (real, ours):
            for network in root.iter("VNET"):
                template = network.find("TEMPLATE")
                assert template is not None
                template.clear()
    real_one, our_one = (root[0] if sample.endswith("pool.info") else root for root in (real, ours))
    assert (ours.tag, shape(our_one)) == (real.tag, shape(real_one))


def test_everybody_sees_the_networks_and_their_leases(sandbox: Sandbox, oned: Oned, with_machine: str) -> None:
    pool = document(oned, "bob", "one.vnpool.info", -2, -1, -1)
    assert [network.findtext("NAME") for network in pool] == ["public", "local", "private"]
    assert [network.findtext("TOTAL_LEASES") for network in pool] == ["1", "0", "0"]
    lease = document(oned, "bob", "one.vn.info", 0).find("LEASES/LEASE")
    assert lease is not None
    assert (lease.findtext("IP"), lease.findtext("VID"), lease.findtext("USED")) == (with_machine, "0", "1")
    ends = (pool[0].findtext("RANGE/IP_START"), pool[0].findtext("RANGE/IP_END"))
    addresses = list(sandbox.networks["public"].addresses.hosts())
    assert ends == (str(addresses[0]), str(addresses[-1]))


@pytest.mark.parametrize(
    ("user", "parameters", "names"),
    [
        ("alice", (-3, -1, -1), []),
        ("alice", (-1, -1, -1), []),
        ("alice", (0, -1, -1), ["public", "local", "private"]),
        ("alice", (2, -1, -1), []),
        (SUPERUSER, (-3, -1, -1), ["public", "local", "private"]),
        ("alice", (-2, 1, 1), ["local"]),
        ("alice", (-2, 1, -1), ["local", "private"]),
    ],
)
def test_networks_are_filtered_by_owner_and_number(
    oned: Oned, user: str, parameters: tuple[int, ...], names: list[str]
) -> None:
    assert [n.findtext("NAME") for n in document(oned, user, "one.vnpool.info", *parameters)] == names


@pytest.mark.usefixtures("with_machine")
def test_administrators_see_the_hosts(oned: Oned) -> None:
    hosts = document(oned, SUPERUSER, "one.hostpool.info")
    assert [host.findtext("NAME") for host in hosts] == [f"node{number}.example.org" for number in range(1, 5)]
    busy = document(oned, SUPERUSER, "one.host.info", 0)
    usage = [busy.findtext(f"HOST_SHARE/{name}") for name in ("RUNNING_VMS", "CPU_USAGE", "MEM_USAGE")]
    assert usage == ["1", "100", str(128 * 1024)]


def test_users_see_themselves_and_no_password(sandbox: Sandbox, oned: Oned) -> None:
    for user in ("alice", "bob"):
        pool = document(oned, user, "one.userpool.info")
        assert [each.findtext("NAME") for each in pool] == [user]
        assert document(oned, user, "one.user.info", -1).findtext("ID") == pool[0].findtext("ID")
        assert sandbox.users[user] not in ET.tostring(pool, "unicode")
        assert [group.findtext("NAME") for group in document(oned, user, "one.grouppool.info")] == ["users"]
    everybody = document(oned, SUPERUSER, "one.userpool.info")
    assert [each.findtext("NAME") for each in everybody] == ["oneadmin", "serveradmin", "alice", "bob"]
    groups = document(oned, SUPERUSER, "one.grouppool.info")
    members = {group.findtext("NAME"): [number.text for number in group.iter("ID")][1:] for group in groups}
    assert members == {"oneadmin": ["0", "1"], "users": ["2", "3"]}


@pytest.mark.parametrize(("pool", "element"), [("image", "IMAGE_POOL"), ("template", "VMTEMPLATE_POOL")])
def test_there_are_no_images_and_templates_of_its_own(oned: Oned, pool: str, element: str) -> None:
    found = document(oned, "alice", f"one.{pool}pool.info", -2, -1, -1)
    assert (found.tag, len(found)) == (element, 0)


@pytest.mark.parametrize(
    ("method", "parameters", "answer"),
    [
        ("one.vnpool.info", (-4, -1, -1), [False, "[VirtualNetworkPoolInfo] Incorrect filter_flag", 4096]),
        ("one.imagepool.info", (-4, -1, -1), [False, "[ImagePoolInfo] Incorrect filter_flag", 4096]),
        ("one.vn.info", (5,), [False, "[VirtualNetworkInfo] Error getting virtual network [5].", 1024]),
        ("one.host.info", (9,), [False, "[HostInfo] Error getting host [9].", 1024]),
        ("one.host.info", (0,), [False, "[HostInfo] User [2] : Not authorized to perform USE HOST [0].", 512]),
        ("one.image.info", (99,), [False, "[ImageInfo] Error getting image [99].", 1024]),
        ("one.template.info", (3,), [False, "[TemplateInfo] Error getting virtual machine template [3].", 1024]),
        ("one.user.info", (99,), [False, "[UserInfo] Error getting user [99].", 1024]),
        ("one.user.info", (0,), [False, "[UserInfo] User [2] : Not authorized to perform USE USER [0].", 512]),
    ],
)
def test_refusals_are_in_the_daemons_words(oned: Oned, method: str, parameters: tuple[int, ...], answer: Any) -> None:
    assert oned("alice", method, *parameters) == answer


@pytest.mark.parametrize("method", ["one.vnpool.info", "one.imagepool.info", "one.templatepool.info"])
def test_a_filter_of_one_number_is_too_little(oned: Oned, method: str) -> None:
    with pytest.raises(xmlrpc.client.Fault) as caught:
        oned("alice", method, -2)
    assert (caught.value.faultCode, caught.value.faultString) == (-501, "Not enough parameters")
