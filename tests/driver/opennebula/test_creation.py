"""Creating nodes: what is sent, what arrives, what is refused because it would not; each exactly once."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from libcloud.compute.base import NodeAuthPassword, NodeAuthSSHKey, NodeImage, NodeSize
from libcloud.compute.types import NodeState

from stratuslab_libcloud import OpenNebulaNodeDriver
from stratuslab_libcloud.driver.opennebula.nodes import OpenNebulaNode
from stratuslab_libcloud.errors import (
    InvalidArgumentError,
    KeyPairNotFoundError,
    LimitExceededError,
    NotFoundError,
    RequestRejectedError,
)
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox
from stratuslab_libcloud.sandbox.state.template import Template

Start = Callable[..., OpenNebulaNode]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJpYUQ5cGqPZCTHGkPK0Y2mKSEW7mGIdLOnBO0XBLvLK jane@laptop"
SCRIPT = '#!/bin/sh\necho $HOME "$(date)" \\\n]]> \N{GRINNING FACE}\n'


def context_of(driver: OpenNebulaNodeDriver, node: OpenNebulaNode) -> dict[str, str]:
    return {name: value for name, value in driver.ex_get_node(node).extra["context"].items() if name[:3] != "ETH"}


def test_two_requests_from_an_image(driver: OpenNebulaNodeDriver, image: NodeImage, sandbox: Sandbox) -> None:
    sandbox.requests.clear()
    node = driver.create_node("web-1", image=image, networks=[0])
    assert len(sandbox.requests.operations) == 2
    assert sandbox.requests.operations[0] == "one.vm.allocate"
    assert node.public_ips
    assert (node.image.id, node.size.name) == ("0", "m1.small")
    assert node.state in (NodeState.PENDING, NodeState.STARTING)


def test_everything_arrives(driver: OpenNebulaNodeDriver, image: NodeImage) -> None:
    """$, quotes, ]]>, emoji: scripts and user data go in base64, with the encoding that cloud-init wants."""
    node = driver.create_node(
        "web 1 (é)",
        image=image,
        networks=["private", 0, {"network": "six", "network_uname": "oneadmin"}],
        auth=NodeAuthSSHKey(f"{KEY}\n{KEY}2\n"),
        ex_userdata=SCRIPT,
        ex_start_script=SCRIPT.encode(),
        ex_context={"greeting": 'say "hi"\nto \\all', "number": 7, "ip": '$NIC[IP, NETWORK="private"]'},
        ex_labels=["a", "b c"],
        ex_tags={"role": 'the "web"'},
        ex_placement="CLUSTER_ID = 0",
        ex_cpu="0.5",
        ex_vcpu=2,
        ex_memory="512",
        ex_disk_size=3,
        ex_security_groups=[0, "100"],
    )
    context = context_of(driver, node)
    assert base64.b64decode(context["USERDATA"]).decode() == SCRIPT
    assert base64.b64decode(context["START_SCRIPT_BASE64"]).decode() == SCRIPT
    assert (context["USERDATA_ENCODING"], context["NETWORK"]) == ("base64", "YES")
    assert context["SSH_PUBLIC_KEY"] == f"{KEY}\n{KEY}2"
    assert context["GREETING"] == 'say "hi"\nto \\all'
    assert (context["NUMBER"], context["IP"]) == ("7", "10.1.0.10")
    assert "SET_HOSTNAME" not in context
    assert (node.extra["cpu"], node.extra["vcpu"], node.extra["memory"]) == (0.5, 2, 512)
    assert (node.extra["labels"], node.extra["disks"][0]["size"]) == (["a", "b c"], 3072)
    assert [nic["network"] for nic in node.extra["nics"]] == ["private", "public", "six"]
    assert node.extra["nics"][0]["security_groups"] == ["0", "100"]
    assert node.extra["user_template"]["ROLE"] == 'the "web"'
    assert node.extra["user_template"]["SCHED_REQUIREMENTS"] == "CLUSTER_ID = 0"
    assert node.extra["mark"].startswith("libcloud-mark-")


def test_a_host_name(driver: OpenNebulaNodeDriver, image: NodeImage) -> None:
    assert context_of(driver, driver.create_node("web-1", image=image))["SET_HOSTNAME"] == "web-1"
    own = driver.create_node("web-2", image=image, ex_context={"HOSTNAME": "x"})
    assert "SET_HOSTNAME" not in context_of(driver, own)


def test_the_key_that_the_cloud_has(driver: OpenNebulaNodeDriver, image: NodeImage, sandbox: Sandbox) -> None:
    sandbox.opennebula.users.named("alice").template.replace("SSH_PUBLIC_KEY", KEY)
    node = driver.create_node("n", image=image)
    assert context_of(driver, node)["SSH_PUBLIC_KEY"] == KEY


def test_a_key_pair_by_its_name(driver: OpenNebulaNodeDriver, image: NodeImage) -> None:
    pair = driver.create_key_pair("mine")
    node = driver.create_node("n", image=image, ex_keyname="mine")
    assert context_of(driver, node)["SSH_PUBLIC_KEY"] == pair.public_key
    (other,) = driver.ex_create_nodes(["m"], image=image, ex_keyname="mine")
    assert context_of(driver, other)["SSH_PUBLIC_KEY"] == pair.public_key
    assert context_of(driver, driver.create_node("o", image=image, ex_keyname=None))["SSH_PUBLIC_KEY"] == ""
    with pytest.raises(InvalidArgumentError, match="auth and ex_keyname"):
        driver.create_node("n", image=image, ex_keyname="mine", auth=NodeAuthSSHKey(KEY))
    with pytest.raises(KeyPairNotFoundError):
        driver.create_node("n", image=image, ex_keyname="none")


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"ex_context": {"a": "costs $5"}}, "contains '\\$'"),
        ({"ex_context": {"a": "$(date)"}}, "contains '\\$'"),
        ({"ex_context": {"a": "x\\"}}, "backslash"),
        ({"ex_context": {"a": "smile \N{GRINNING FACE}"}}, "U\\+FFFF"),
        ({"ex_context": {"a": " x"}}, "cuts off"),
        ({"ex_context": "a=b"}, "mapping"),
        ({"ex_context": {"a": "b"}, "context": {"a": "b"}}, "mean the same"),
        ({"ex_tags": {"CPU": "2"}}, "means something else"),
        ({"ex_tags": "x"}, "mapping"),
        ({"ex_labels": ["a,b"], "ex_hold": True}, "comma"),
        ({"networks": ["nowhere"]}, "there is no network 'nowhere'; choose one of: '"),
        ({"networks": [True]}, "a network is"),
        ({"networks": [0], "ex_security_groups": [77]}, "no security group 77; choose one of: 100 "),
        ({"ex_security_groups": [0]}, "it has none"),
        ({"ex_memory": "much"}, "ex_memory"),
        ({"ex_cpu": 0}, "ex_cpu"),
        ({"ex_lifetime": -1}, "ex_lifetime"),
        ({"auth": NodeAuthPassword("x")}, "NodeAuthSSHKey"),
        ({"auth": NodeAuthSSHKey(KEY.replace("jane@laptop", "$USER"))}, "contains '\\$'"),
        ({"ex_user_inputs": {"N": 1}}, "does not ask"),
        ({"image": NodeImage("ubuntu", "ubuntu", None)}, "is not an image"),
        ({"image": None}, "an image or a template"),
    ],
)
def test_what_is_refused_before_it_is_sent(
    driver: OpenNebulaNodeDriver, image: NodeImage, sandbox: Sandbox, more: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=problem):
        driver.create_node(**{"name": "n", "image": image, **more})  # type: ignore[arg-type]
    assert "one.vm.allocate" not in sandbox.requests.operations


@pytest.mark.parametrize("name", ["a/b", "", "n" * 129, "$x", "\N{GRINNING FACE}", None])
def test_names_that_are_refused(driver: OpenNebulaNodeDriver, image: NodeImage, name: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        driver.create_node(name, image=image)


def test_an_argument_that_does_not_exist(driver: OpenNebulaNodeDriver, image: NodeImage) -> None:
    with pytest.raises(TypeError, match="create_node has no argument 'ex_user_data'; did you mean 'ex_userdata'"):
        driver.create_node("n", image=image, ex_user_data="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="ex_create_nodes has no argument 'locaton'; did you mean 'location'"):
        driver.ex_create_nodes(["n"], image=image, locaton="x")  # type: ignore[call-arg]


def test_an_image_that_does_not_exist(driver: OpenNebulaNodeDriver) -> None:
    """A nested missing object is 8192, and no NotFoundError of the machine."""
    with pytest.raises(RequestRejectedError, match="Image with ID: 99 does not exist"):
        driver.create_node("n", image=NodeImage("99", "x", driver))


def test_a_quota(driver: OpenNebulaNodeDriver, image: NodeImage, sandbox: Sandbox) -> None:
    alice = sandbox.opennebula.users.named("alice")
    alice.limits.update(Template([("VM", {"VMS": "1", "CPU": "-2", "MEMORY": "-2", "SYSTEM_DISK_SIZE": "-2"})]))
    driver.create_node("first", image=image)
    with pytest.raises(LimitExceededError) as caught:
        driver.create_node("second", image=image)
    assert (caught.value.resource, caught.value.limit) == ("VM VMS", "1")
    assert {"kind": "VM", "id": None, "resource": "VMS", "used": 1.0, "limit": 1.0} in driver.ex_get_quotas()
    assert driver.ex_limits()["max_vms"] == 1.0


def test_sizes_of_any_kind(driver: OpenNebulaNodeDriver, image: NodeImage) -> None:
    """CPU is a number such as 0.5: int() fails, as in DIRAC's class."""
    plain = NodeSize("x", "x", 256, 10, 0, 0.0, driver, extra={"cpu": "0.25"})
    node = driver.create_node("n", plain, image)
    assert (node.extra["cpu"], node.extra["memory"]) == (0.25, 256)
    large = driver.create_node("n", driver.ex_get_size("m1.large"), image)
    assert (large.extra["cpu"], large.extra["vcpu"], large.size.name) == (2.0, 2, "m1.large")
    with pytest.raises(InvalidArgumentError, match="there is no size"):
        driver.ex_get_size("none")


@pytest.fixture
def template(driver: OpenNebulaNodeDriver) -> NodeImage:
    """The template `large`, with two networks."""
    return next(image for image in driver.list_images(ex_templates=True) if image.name == "large")


def test_a_template_and_its_capacity(driver: OpenNebulaNodeDriver, template: NodeImage) -> None:
    assert (template.id, template.extra["kind"]) == ("template-1", "template")
    node = driver.create_node("web-1", image=template)
    assert (node.name, node.extra["memory"], node.extra["vcpu"]) == ("web-1", 4096, 4)
    assert [nic["network"] for nic in node.extra["nics"]] == ["public", "private"]
    assert node.extra["template_id"] == "1"
    sizes = {size.name: size for size in driver.list_sizes()}
    assert (sizes["large"].ram, sizes["large"].cpu, sizes["large"].extra["vcpu"]) == (4096, 2.0, 4)


def test_the_context_of_a_template_is_merged(
    driver: OpenNebulaNodeDriver, template: NodeImage, sandbox: Sandbox
) -> None:
    """CONTEXT of the extra text replaces the template's whole: NETWORK and the rest would be lost."""
    own = sandbox.opennebula.templates.pool[1].template
    own.replace("CONTEXT", {"NETWORK": "YES", "FOO": "tpl $NAME", "SSH_PUBLIC_KEY": "$USER[SSH_PUBLIC_KEY]"})
    node = driver.create_node("n", image=template, auth=NodeAuthSSHKey(KEY), ex_context={"bar": "mine"})
    context = context_of(driver, node)
    assert context["SSH_PUBLIC_KEY"] == KEY
    assert (context["NETWORK"], context["FOO"], context["BAR"]) == ("YES", "tpl n", "mine")


def test_what_replaces_parts_of_a_template(driver: OpenNebulaNodeDriver, template: NodeImage) -> None:
    """All DISKs by the given DISKs, all NICs by the given NICs."""
    volume = driver.create_volume(1, "data")
    node = driver.create_node(
        "n",
        driver.ex_get_size("m1.small"),
        ex_template_id="1",
        ex_disk_size=2,
        ex_volumes=[volume],
        networks=["private"],
        ex_labels="mine",
    )
    assert [(disk["image"], disk["size"]) for disk in node.extra["disks"]] == [("debian12", 2048), ("data", 1024)]
    assert [nic["network"] for nic in node.extra["nics"]] == ["private"]
    assert (node.extra["memory"], node.extra["labels"]) == (1536, ["mine"])
    web = next(group for group in driver.ex_list_security_groups() if group.name == "web")
    with_groups = driver.create_node("n", image=template, ex_security_groups=[web])
    assert all("100" in nic["security_groups"] for nic in with_groups.extra["nics"])
    with pytest.raises(InvalidArgumentError, match="cannot be empty for a template"):
        driver.create_node("n", image=template, networks=[])
    with pytest.raises(InvalidArgumentError, match="the image is template 1, but"):
        driver.create_node("n", image=template, ex_template_id=0)
    with pytest.raises(NotFoundError):
        driver.create_node("n", ex_template_id=99)


def test_what_a_template_asks_for(driver: OpenNebulaNodeDriver, template: NodeImage, sandbox: Sandbox) -> None:
    """USER_INPUTS are not enforced and not filled by oned."""
    own = sandbox.opennebula.templates.pool[1].template
    own.replace("USER_INPUTS", {"N": "O|number|n||3", "ROOTPW": "M|password|Root password"})
    with pytest.raises(InvalidArgumentError, match=r"asks for ROOTPW \(Root password\)"):
        driver.create_node("n", image=template)
    node = driver.create_node("n", image=template, ex_user_inputs={"rootpw": "x"})
    assert (node.extra["user_template"]["N"], node.extra["user_template"]["ROOTPW"]) == ("3", "x")


def test_several_at_once(driver: OpenNebulaNodeDriver, image: NodeImage) -> None:
    names = [f"n{number}" for number in range(10)]
    nodes = driver.ex_create_nodes(names, None, image, networks=[0], ex_hold=True)
    assert [node.name for node in nodes] == names
    assert len({node.id for node in nodes}) == 10
    assert [context_of(driver, node)["SET_HOSTNAME"] for node in nodes[:2]] == ["n0", "n1"]


@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.STATUS_AFTER, FaultKind.RESET_BEFORE])
@pytest.mark.parametrize("from_template", [False, True])
def test_a_lost_reply_creates_no_second_machine(
    driver: OpenNebulaNodeDriver,
    image: NodeImage,
    template: NodeImage,
    sandbox: Sandbox,
    kind: FaultKind,
    from_template: bool,
) -> None:
    """A request that has arrived whole is carried out, whatever becomes of the connection (terraform #112, #224)."""
    operation = "one.template.instantiate" if from_template else "one.vm.allocate"
    sandbox.faults.add(Fault(kind, "opennebula", operation, status=502, count=1))
    node = driver.create_node("n", image=template if from_template else image)
    assert [each.id for each in driver.list_nodes()] == [node.id]
    assert node.extra["mark"]


def test_a_lifetime_that_cannot_be_set(driver: OpenNebulaNodeDriver, image: NodeImage, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(FaultKind.STATUS, "opennebula", "one.vm.schedadd", status=403, count=1))
    with pytest.raises(Exception, match="403"):
        driver.create_node("n", image=image, ex_lifetime=60)
    assert driver.list_nodes() == []
