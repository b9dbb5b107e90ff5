"""Nodes of both kinds of cloud, made of documents: each value of a node, and where it comes from."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from libcloud.compute.base import NodeImage, NodeLocation
from libcloud.compute.types import NodeState

from stratuslab_libcloud.client.opennebula.machine import VirtualMachine
from stratuslab_libcloud.client.opennebula.machine_xml import read_machines
from stratuslab_libcloud.client.opennebula.states import OPENNEBULA_3, OPENNEBULA_TODAY, StateNames
from stratuslab_libcloud.driver.nodes import LocatedNode, addresses_in
from stratuslab_libcloud.driver.opennebula.nodes import OpenNebulaNode, labels_in
from stratuslab_libcloud.driver.stratuslab.node_notes import NodeNotes
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode

CREATED, ENDED = "1795619988", "1795620000"
DRIVER: Any = SimpleNamespace(type="a kind")
HERE = NodeLocation("here", "Here", "FR", DRIVER)
SIZE: Any = object()


def machine(inside: str, names: StateNames, state: str = "3", lcm_state: str = "3") -> VirtualMachine:
    document = f"<VM><ID>7</ID><NAME>web-1</NAME><STATE>{state}</STATE><LCM_STATE>{lcm_state}</LCM_STATE>{inside}</VM>"
    (read,) = read_machines([document], names)
    return read


def today(inside: str = "", *, state: str = "3", lcm_state: str = "3") -> OpenNebulaNode:
    return OpenNebulaNode(machine(inside, OPENNEBULA_TODAY, state, lcm_state), HERE, SIZE, None, DRIVER)


def known(image_id: str) -> str | None:
    return "Ubuntu" if image_id == "AAAAAAAAAAAAAAAAAAAAAAAAAAA" else None


def stratuslab(inside: str = "", *, state: str = "3", lcm_state: str = "3", driver: Any = DRIVER) -> StratusLabNode:
    return StratusLabNode(machine(inside, OPENNEBULA_3, state, lcm_state), HERE, SIZE, driver, known)


def nic(network: str, ip: str = "", more: str = "") -> str:
    return f"<NIC><NETWORK>{network}</NETWORK><IP>{ip}</IP><MAC>02:00</MAC>{more}</NIC>"


# Both


def test_what_every_node_has() -> None:
    for node in (today(f"<STIME>{CREATED}</STIME>"), stratuslab(f"<STIME>{CREATED}</STIME>")):
        assert (node.id, node.name, node.state, node.size) == ("7", "web-1", NodeState.RUNNING, SIZE)
        assert node.created_at == datetime.fromtimestamp(int(CREATED), timezone.utc)
        assert (node.location, node.driver) == (HERE, DRIVER)
        assert repr(node) == f"<{type(node).__name__} 7 'web-1' running at 'here'>"
        assert node.get_uuid() == hashlib.sha1(b"7:a kind:here").hexdigest()
        assert node.uuid == node.get_uuid()


def test_a_state_that_nobody_knows() -> None:
    for node in (today(lcm_state="99"), stratuslab(lcm_state="99")):
        assert (node.state, node.extra["lcm_state"]) == (NodeState.UNKNOWN, "LCM_STATE_99")


def test_addresses_of_a_kind() -> None:
    ips = ["2001:db8::1", "192.0.2.1", "no address"]
    node = LocatedNode(
        HERE, id="7", name="n", state=NodeState.RUNNING, public_ips=ips, private_ips=["10.0.0.1"], driver=DRIVER
    )
    for found in (addresses_in, lambda node, kind, ipv4_only: node.addresses_for(kind, ipv4_only=ipv4_only)):
        assert found(node, "public_ips", ipv4_only=False) == ips
        assert found(node, "public_ips", ipv4_only=True) == ["192.0.2.1"]
        assert found(node, "private_ips", ipv4_only=True) == ["10.0.0.1"]


# Today's OpenNebula

ABRIDGED = (
    f"<UNAME>jane</UNAME><GNAME>lab</GNAME><ETIME>{ENDED}</ETIME><LOCK><LOCKED>1</LOCKED></LOCK><TEMPLATE><CPU>0.5</CPU>"
    f"<VCPU>2</VCPU><MEMORY>512</MEMORY>{nic('public', '192.0.2.7')}{nic('private', '10.1.0.7')}</TEMPLATE>"
    "<USER_TEMPLATE><LABELS>a, b,</LABELS><ERROR>no space</ERROR><SCHED_MESSAGE>no host</SCHED_MESSAGE>"
    "<LIBCLOUD_MARK>m</LIBCLOUD_MARK></USER_TEMPLATE>"
    "<HISTORY_RECORDS><HISTORY><HOSTNAME>host01</HOSTNAME></HISTORY></HISTORY_RECORDS>"
    "<MONITORING><CPU>1.5</CPU><MEMORY>2048</MEMORY></MONITORING>"
)


def test_a_node_of_an_abridged_document() -> None:
    node = today(ABRIDGED)
    assert node.extra == {
        "location": "here",
        "state": "ACTIVE",
        "lcm_state": "RUNNING",
        "error": "no space",
        "sched_message": "no host",
        "host": "host01",
        "owner": "jane",
        "group": "lab",
        "cpu": 0.5,
        "vcpu": 2,
        "memory": 512,
        "networks": ["public", "private"],
        "macs": ["02:00", "02:00"],
        "labels": ["a", "b"],
        "locked": True,
        "mark": "m",
        "ended_at": datetime.fromtimestamp(int(ENDED), timezone.utc).isoformat(),
        "monitored_cpu": 1.5,
        "monitored_memory": 2048,
    }
    assert (node.public_ips, node.private_ips) == (["192.0.2.7"], ["10.1.0.7"])


def test_a_node_of_a_document_that_says_little() -> None:
    assert today().extra == {
        "location": "here",
        "state": "ACTIVE",
        "lcm_state": "RUNNING",
        **dict.fromkeys(("error", "sched_message", "host", "cpu", "memory", "mark", "ended_at")),
        **dict.fromkeys(("monitored_cpu", "monitored_memory")),
        "owner": "",
        "group": "",
        "vcpu": 1,
        "networks": [],
        "macs": [],
        "labels": [],
        "locked": False,
    }


def test_a_node_of_a_full_document() -> None:
    disks = (
        "<DISK><DISK_ID>0</DISK_ID><IMAGE_ID>4</IMAGE_ID><IMAGE>debian</IMAGE><TYPE>FILE</TYPE><SIZE>1024</SIZE>"
        "<TARGET>sda</TARGET></DISK><DISK><TYPE>swap</TYPE></DISK>"
    )
    more = "<NIC_ID>1</NIC_ID><NETWORK_ID>5</NETWORK_ID><IP6>2001:db8::7</IP6><SECURITY_GROUPS>0,100,</SECURITY_GROUPS>"
    alias = "<NIC_ALIAS><PARENT>NIC1</PARENT></NIC_ALIAS>"
    context = "<CONTEXT><A>b</A><PASSWORD>enc</PASSWORD></CONTEXT>"
    template = f"<TEMPLATE>{disks}{nic('net', '10.1.0.7', more)}{alias}{context}<TEMPLATE_ID>0</TEMPLATE_ID></TEMPLATE>"
    extra = today(f"<PERMISSIONS/>{template}<USER_TEMPLATE><ROLE>web</ROLE></USER_TEMPLATE>").extra
    assert extra["nics"] == [
        {
            "nic_id": 1,
            "network_id": "5",
            "network": "net",
            "mac": "02:00",
            "ip": "10.1.0.7",
            "ipv6": ["2001:db8::7"],
            "parent": None,
            "security_groups": ["0", "100"],
        },
        {
            "nic_id": None,
            "network_id": None,
            "network": "",
            "mac": "",
            "ip": None,
            "ipv6": [],
            "parent": "NIC1",
            "security_groups": [],
        },
    ]
    assert extra["disks"] == [
        {"disk_id": 0, "image_id": "4", "image": "debian", "type": "FILE", "size": 1024, "device": "sda"},
        {"disk_id": None, "image_id": None, "image": None, "type": "swap", "size": None, "device": None},
    ]
    assert extra["context"] == {"A": "b"}
    assert extra["template_id"] == "0"
    assert extra["user_template"] == {"ROLE": "web"}
    bare = today("<PERMISSIONS/>").extra
    assert (bare["context"], bare["template_id"], bare["user_template"]) == ({}, None, {})


def test_private_addresses_where_there_are_no_public_ones() -> None:
    both = today(f"<TEMPLATE>{nic('a', '192.0.2.7')}{nic('b', '10.1.0.7')}</TEMPLATE>")
    alone = today(f"<TEMPLATE>{nic('b', '10.1.0.7', '<IP6_ULA>fd00::7</IP6_ULA>')}</TEMPLATE>")
    assert both.addresses_for("public_ips", ipv4_only=True) == ["192.0.2.7"]
    assert both.addresses_for("private_ips", ipv4_only=True) == ["10.1.0.7"]
    assert alone.addresses_for("public_ips", ipv4_only=True) == ["10.1.0.7"]
    assert alone.addresses_for("public_ips", ipv4_only=False) == ["10.1.0.7", "fd00::7"]
    six = today(f"<TEMPLATE>{nic('b', '10.1.0.7', '<IP6_GLOBAL>2001:db8::7</IP6_GLOBAL>')}</TEMPLATE>")
    assert six.addresses_for("public_ips", ipv4_only=True) == ["10.1.0.7"]
    assert six.addresses_for("public_ips", ipv4_only=False) == ["2001:db8::7"]


def test_the_image_of_a_node_is_the_one_that_its_driver_knows() -> None:
    image = NodeImage("0", "debian", DRIVER)
    assert OpenNebulaNode(machine("", OPENNEBULA_TODAY), HERE, SIZE, image, DRIVER).image is image


@pytest.mark.parametrize(
    ("template", "labels"),
    [({"LABELS": "a,b c, ,"}, ["a", "b c"]), ({}, []), ({"LABELS": ""}, []), ({"LABELS": ["a", "b"]}, [])],
)
def test_labels(template: dict[str, Any], labels: list[str]) -> None:
    assert labels_in(template) == labels


@pytest.mark.parametrize(
    ("ip", "is_private"),
    [
        *((ip, True) for ip in ("10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1")),
        *(
            (ip, True)
            for ip in ("100.64.0.1", "100.127.0.1", "169.254.1.1", "fc00::1", "fdff::1", "fe80::1", "febf::1")
        ),
        *(
            (ip, False)
            for ip in ("9.255.255.255", "11.0.0.1", "172.15.0.1", "172.32.0.1", "192.167.1.1", "192.169.0.1")
        ),
        *((ip, False) for ip in ("100.63.0.1", "100.128.0.1", "169.253.0.1", "127.0.0.1", "192.0.2.1", "2001:db8::1")),
        *((ip, False) for ip in ("fbff::1", "fec0::1", "::1")),
        *((ip, None) for ip in ("0.0.0.0", "::", "auto", "300.1.1.1")),
    ],
)
def test_which_addresses_are_private(ip: str, is_private: bool | None) -> None:
    """0.0.0.0 stands for none."""
    node = today(f"<TEMPLATE>{nic('a', ip)}</TEMPLATE>")
    assert node.private_ips == ([ip] if is_private else [])
    assert node.public_ips == ([ip] if is_private is False else [])


def test_each_address_is_there_once_and_the_guests_own_only_where_there_is_no_other() -> None:
    reported = "<GUEST_IP>10.9.9.9</GUEST_IP><GUEST_IP_ADDRESSES>10.9.9.9,192.0.2.9</GUEST_IP_ADDRESSES>"
    guest = f"<MONITORING>{reported}</MONITORING>"
    more = "<IP6>2001:db8::7</IP6><EXTERNAL_IP>192.0.2.8</EXTERNAL_IP>"
    node = today(f"<TEMPLATE>{nic('a', '10.1.0.7', more)}{nic('b', '10.1.0.7')}</TEMPLATE>{guest}")
    assert (node.public_ips, node.private_ips) == (["2001:db8::7", "192.0.2.8"], ["10.1.0.7"])
    node = today(f"<TEMPLATE>{nic('a')}</TEMPLATE>{guest}")
    assert (node.public_ips, node.private_ips) == (["192.0.2.9"], ["10.9.9.9"])


# StratusLab


def test_a_stratuslab_node() -> None:
    notes = NodeNotes({"a": "b"}, ["x"], "mine", "title").context_pairs()["LIBCLOUD_METADATA"]
    source = "https://m.example.org/metadata/AAAAAAAAAAAAAAAAAAAAAAAAAAA"
    node = stratuslab(
        f"<UNAME>jane+doe%40example.org</UNAME><GNAME>users</GNAME><ETIME>{ENDED}</ETIME><CPU>12</CPU><MEMORY>34</MEMORY>"
        f"<TEMPLATE><VCPU>2</VCPU><LIBCLOUD_MARK>m</LIBCLOUD_MARK><DISK><SOURCE>{source}</SOURCE></DISK>"
        f"{nic('public', '192.0.2.7')}{nic('local', '10.1.0.7')}<CONTEXT><LIBCLOUD_METADATA>{notes}</LIBCLOUD_METADATA>"
        "</CONTEXT><ERROR><MESSAGE>it failed</MESSAGE></ERROR></TEMPLATE>"
        "<HISTORY_RECORDS><HISTORY><HOSTNAME>node1</HOSTNAME></HISTORY></HISTORY_RECORDS>"
    )
    assert node.extra == {
        "location": "here",
        "host": "node1",
        "vcpu": 2,
        "networks": ["public", "local"],
        "macs": ["02:00", "02:00"],
        "owner": "jane doe@example.org",
        "group": "users",
        "state": "ACTIVE",
        "lcm_state": "RUNNING",
        "error": "it failed",
        "mark": "m",
        "ended_at": datetime.fromtimestamp(int(ENDED), timezone.utc).isoformat(),
        "monitored_cpu": 12.0,
        "monitored_memory": 34,
        "metadata": {"a": "b"},
        "tags": ["x"],
        "key_name": "mine",
        "save_as": "title",
    }
    assert node.image is not None
    assert (node.image.id, node.image.name, node.image.driver) == ("A" * 27, "Ubuntu", DRIVER)
    assert node.image.extra == {"source": source}
    assert (node.public_ips, node.private_ips) == (["192.0.2.7"], ["10.1.0.7"])


def test_a_stratuslab_node_of_which_little_is_known() -> None:
    node = stratuslab()
    assert (node.extra["ended_at"], node.extra["metadata"], node.extra["tags"]) == (None, {}, [])
    assert (node.image, node.public_ips, node.private_ips) == (None, [], [])
    tags = NodeNotes({}, {"a": "b"}).context_pairs()["LIBCLOUD_METADATA"]
    node = stratuslab(f"<TEMPLATE><CONTEXT><LIBCLOUD_METADATA>{tags}</LIBCLOUD_METADATA></CONTEXT></TEMPLATE>")
    assert node.extra["tags"] == {"a": "b"}


def test_an_image_whose_name_is_not_known_is_named_by_its_id() -> None:
    node = stratuslab("<TEMPLATE><DISK><SOURCE>http://example.org/x.img</SOURCE></DISK></TEMPLATE>")
    assert node.image is not None
    assert (node.image.id, node.image.name) == ("http://example.org/x.img", "http://example.org/x.img")


@pytest.mark.parametrize(
    ("network", "ip", "is_private"),
    [
        ("public", "10.0.0.1", False),
        ("local", "192.0.2.1", True),
        ("private", "8.8.8.8", True),
        ("other", "8.8.8.8", False),
        ("other", "10.0.0.1", True),
        ("other", "127.0.0.1", False),
        ("other", "no address", True),
    ],
)
def test_the_network_says_which_addresses_are_private(network: str, ip: str, is_private: bool) -> None:
    """Of one whose name says nothing, the address."""
    node = stratuslab(f"<TEMPLATE>{nic(network, ip)}{nic(network)}</TEMPLATE>")
    assert (node.public_ips, node.private_ips) == (([], [ip]) if is_private else ([ip], []))


def test_the_host_is_asked_for_once_where_it_is_not_known() -> None:
    asked: list[Any] = []

    def ex_get_node(node: Any) -> Any:
        asked.append(node)
        return SimpleNamespace(extra={"host": "node1"})

    driver = SimpleNamespace(type="a kind", ex_get_node=ex_get_node)
    node = stratuslab(driver=driver)
    assert (node.host, node.host) == ("node1", "node1")
    assert asked == [node]
    history = "<HISTORY_RECORDS><HISTORY><HOSTNAME>node2</HOSTNAME></HISTORY></HISTORY_RECORDS>"
    assert stratuslab(history, driver=driver).host == "node2"
    assert len(asked) == 1
