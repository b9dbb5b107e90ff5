"""What a new cloud has: networks, datastores, a few images, and templates of machines made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address

from stratuslab_libcloud.sandbox.state.opennebula.datastores import Datastore, DatastoreType
from stratuslab_libcloud.sandbox.state.opennebula.disk_snapshots import DiskSnapshots
from stratuslab_libcloud.sandbox.state.opennebula.image import Image, ImageState, ImageType
from stratuslab_libcloud.sandbox.state.opennebula.networks import AddressRange, Network, mac_of
from stratuslab_libcloud.sandbox.state.opennebula.objects import EVERYBODY_USES, GROUP_USES, Pool
from stratuslab_libcloud.sandbox.state.opennebula.security_groups import SecurityGroup
from stratuslab_libcloud.sandbox.state.opennebula.users import User
from stratuslab_libcloud.sandbox.state.opennebula.vm_templates import VmTemplate
from stratuslab_libcloud.sandbox.state.template import Template, Value

_RULES: tuple[tuple[str, Value], ...] = (
    ("RULE", {"PROTOCOL": "ALL", "RULE_TYPE": "OUTBOUND"}),
    ("RULE", {"PROTOCOL": "ALL", "RULE_TYPE": "INBOUND"}),
)
_WEB_RULES: tuple[tuple[str, Value], ...] = (
    ("RULE", {"PROTOCOL": "ALL", "RULE_TYPE": "OUTBOUND"}),
    ("RULE", {"PROTOCOL": "TCP", "RULE_TYPE": "INBOUND", "RANGE": "22,80,443"}),
)
_DEFAULT_GROUP = (
    "The default security group is added to every network. Use it to add default filter rules for your networks. "
    "You may remove this security group from any network by updating its properties."
)


_IMAGES = {
    "debian12": (ImageType.OS, 1024, "Debian 12"),
    "rescue": (ImageType.CDROM, 600, ""),
    "alma9": (ImageType.OS, 10240, "AlmaLinux 9"),
}


def add_security_groups(pool: Pool[SecurityGroup], owner: User, now: float) -> None:
    """Group 0, which allows everything, and one for web servers."""
    for number, name, description, rules in (
        (0, "default", _DEFAULT_GROUP, _RULES),
        (100, "web", "SSH, HTTP and HTTPS", _WEB_RULES),
    ):
        pool.add(
            SecurityGroup(
                id=pool.take_id(number),
                owner=owner,
                name=name,
                permissions=(1, 1, 1, *EVERYBODY_USES[3:]),
                time=now,
                template=Template([("DESCRIPTION", description), *rules]),
            )
        )


def add_networks(pool: Pool[Network], owner: User, public: IPv4Network, now: float, *, goes_on: bool) -> None:
    """A public network, a private one with both address families, and one with IPv6 only.

    :param goes_on: addresses are given out after the last one, not from the lowest that is free
    """
    networks = (
        ("public", *_public_network(public, goes_on=goes_on)),
        ("private", *_private_network(goes_on=goes_on)),
        ("six", *_ipv6_network(goes_on=goes_on)),
    )
    for name, attributes, addresses in networks:
        number = pool.take_id()
        pool.add(
            Network(
                id=number,
                owner=owner,
                name=name,
                time=now,
                bridge=f"br{number}",
                template=Template({"SECURITY_GROUPS": "0", **attributes}.items()),
                ranges=[addresses],
            )
        )


def _public_network(public: IPv4Network, *, goes_on: bool) -> tuple[Mapping[str, str], AddressRange]:
    first = public.network_address + 1
    attributes = {
        "DNS": str(first),
        "GATEWAY": str(first),
        "NETWORK_ADDRESS": str(public.network_address),
        "NETWORK_MASK": str(public.netmask),
    }
    size = public.num_addresses - 3
    return attributes, AddressRange(0, "IP4", size, mac_of(first + 1), ip=first + 1, goes_on=goes_on)


def _private_network(*, goes_on: bool) -> tuple[Mapping[str, str], AddressRange]:
    first = IPv4Address("10.1.0.10")
    return {"NETWORK_ADDRESS": "10.1.0.0", "NETWORK_MASK": "255.255.0.0"}, AddressRange(
        0,
        "IP4_6",
        65000,
        mac_of(first),
        ip=first,
        global_prefix="2001:db8:0:1::",
        ula_prefix="fd00:1::",
        goes_on=goes_on,
    )


def _ipv6_network(*, goes_on: bool) -> tuple[Mapping[str, str], AddressRange]:
    first = IPv6Address("2001:db8:0:2::10")
    return {}, AddressRange(0, "IP6_STATIC", 1000, 0x02006D640FE0, ip6=first, prefix_length="64", goes_on=goes_on)


def add_datastores(pool: Pool[Datastore], owner: User, now: float) -> None:
    """Those that each OpenNebula has at first, of which the system datastore is disabled, and one each that is used."""
    for number, name, kind, ds_mad, tm_mad in (
        (0, "system", DatastoreType.SYSTEM, "-", "ssh"),
        (1, "default", DatastoreType.IMAGE, "fs", "ssh"),
        (2, "files", DatastoreType.FILE, "fs", "ssh"),
        (100, "images", DatastoreType.IMAGE, "dummy", "dummy"),
        (101, "sysdummy", DatastoreType.SYSTEM, "-", "dummy"),
    ):
        pool.add(
            Datastore(
                id=pool.take_id(number),
                owner=owner,
                name=name,
                permissions=GROUP_USES,
                time=now,
                type=kind,
                ds_mad=ds_mad,
                tm_mad=tm_mad,
                enabled=number != 0,
            )
        )


def add_images(
    pool: Pool[Image], datastores: Pool[Datastore], owner: User, now: float, names: Iterable[str] | None = None
) -> None:
    """Operating systems, and a CD-ROM.

    :param names: of the images that there are, instead of the three; new ones are operating systems
    """
    for name in dict.fromkeys(_IMAGES if names is None else names):
        kind, size, description = _IMAGES.get(name, (ImageType.OS, 1024, ""))
        template = Template([("DEV_PREFIX", "hd" if kind == ImageType.CDROM else "sd")])
        if description:
            template.replace("DESCRIPTION", description)
        pool.add(
            Image(
                id=pool.take_id(),
                owner=owner,
                name=name,
                permissions=EVERYBODY_USES,
                time=now,
                modified=now,
                type=kind,
                datastore=datastores[100],
                size=size,
                format="dummy_format",
                path=f"/some/{name}",
                state=ImageState.READY,
                template=template,
                snapshots=DiskSnapshots(),
            )
        )


def add_templates(pool: Pool[VmTemplate], owner: User, now: float) -> None:
    """A small machine, and a larger one with both public and private addresses."""
    for name, cpu, vcpu, memory, networks in (("small", "1", "1", "256", "0"), ("large", "2", "4", "4096", "01")):
        attributes: list[tuple[str, Value]] = [
            ("CONTEXT", {"NETWORK": "YES", "SSH_PUBLIC_KEY": "$USER[SSH_PUBLIC_KEY]"}),
            ("CPU", cpu),
            ("DESCRIPTION", f"Debian {name}"),
            ("DISK", {"IMAGE_ID": "0", "SIZE": "1500"}),
            ("HYPERVISOR", "dummy"),
            ("LABELS", "tpl"),
            ("LOGO", "images/debian.png"),
            ("MEMORY", memory),
            ("MEMORY_UNIT_COST", "MB"),
            *(("NIC", {"NETWORK_ID": number}) for number in networks),
            ("NIC_DEFAULT", {"MODEL": "virtio"}),
            ("OS", {"ARCH": "x86_64"}),
            ("VCPU", vcpu),
        ]
        pool.add(
            VmTemplate(
                id=pool.take_id(),
                owner=owner,
                name=name,
                permissions=EVERYBODY_USES,
                time=now,
                template=Template(attributes),
            )
        )
