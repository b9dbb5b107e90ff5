"""The keywords of `create_node` for OpenNebula, and their values once they are checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from libcloud.compute.base import StorageVolume

from stratuslab_libcloud.client.opennebula.xml_template import checked_value
from stratuslab_libcloud.config import values
from stratuslab_libcloud.driver.arguments import parsed, text
from stratuslab_libcloud.driver.opennebula import context
from stratuslab_libcloud.errors import InvalidArgumentError

if TYPE_CHECKING:
    from stratuslab_libcloud.driver.opennebula.networks import OpenNebulaNetwork, OpenNebulaSecurityGroup

MIB_IN_GIB = 1024
_LARGEST = 2**31 - 1

_NO_TAGS = frozenset(
    {
        *(
            "NAME",
            "CPU",
            "VCPU",
            "MEMORY",
            "DISK",
            "NIC",
            "NIC_ALIAS",
            "CONTEXT",
            "OS",
            "GRAPHICS",
            "FEATURES",
            "INPUT",
        ),
        *("RAW", "TEMPLATE_ID", "VMID", "LABELS", "SCHED_REQUIREMENTS", "SCHED_ACTION", "LIBCLOUD_MARK"),
    }
)
"""Attributes that mean something to OpenNebula or have an argument of their own."""


class NodeOptions(TypedDict, total=False):
    """The keywords of `create_node`.

    :param networks: the networks to be in: objects of `ex_list_networks`, ids, names, or mappings with OpenNebula's own
        NIC attributes such as ``{"NETWORK_ID": 0, "IP": "10.0.0.5"}``; a template's own if not given, otherwise none
    :param ex_security_groups: for all of these networks: objects of `ex_list_security_groups`, or ids
    :param ex_keyname: the name of a key pair, instead of ``auth``
    :param ex_context: pairs for the contextualization
    :param context: the same; the name that Libcloud's old driver had for it
    :param ex_userdata: user data for cloud-init; a text or bytes
    :param ex_start_script: a script that OpenNebula's own contextualization runs at each start
    :param ex_template_id: a VM template to make the machine from
    :param ex_user_inputs: values that the template asks for, by their names
    :param ex_memory: MiB, instead of the size's
    :param ex_cpu: the share of physical CPUs, such as 0.5, instead of the size's
    :param ex_vcpu: virtual CPUs, instead of the size's
    :param ex_disk_size: GiB to which the first disk is enlarged
    :param ex_volumes: volumes to attach from the start: objects, or ids
    :param ex_labels: names under which Sunstone shows the machine
    :param ex_tags: attributes of USER_TEMPLATE, by name
    :param ex_placement: an expression that a host must satisfy, such as ``CLUSTER_ID = 0``
    :param ex_hold: whether the machine waits until `ex_release_node`
    :param ex_lifetime: seconds after which the cloud ends the machine, whatever becomes of this program
    """

    networks: Any
    ex_security_groups: Iterable[OpenNebulaSecurityGroup | str | int] | None
    ex_keyname: str | None
    ex_context: Mapping[str, Any] | None
    context: Mapping[str, Any] | None
    ex_userdata: str | bytes | None
    ex_start_script: str | bytes | None
    ex_template_id: str | int | None
    ex_user_inputs: Mapping[str, Any] | None
    ex_memory: int | str | None
    ex_cpu: float | str | None
    ex_vcpu: int | str | None
    ex_disk_size: int | str | None
    ex_volumes: Iterable[StorageVolume | str | int] | None
    ex_labels: Iterable[str] | str | None
    ex_tags: Mapping[str, Any] | None
    ex_placement: str | None
    ex_hold: bool | str | None
    ex_lifetime: int | str | None


class CheckedNodeOptions:
    """The keywords of one call of `create_node`.

    :raises InvalidArgumentError: when a value is not possible
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        given = options.get
        if given("context") is not None and given("ex_context") is not None:
            raise InvalidArgumentError("context and ex_context mean the same: give one of them")
        self.networks: list[OpenNebulaNetwork | str | int | Mapping[str, Any]] | None = several(
            "networks", given("networks")
        )
        self.security_groups = several("ex_security_groups", given("ex_security_groups"))
        self.context = context.given_context(given("ex_context") or given("context") or {})
        if given("ex_userdata") is not None:
            self.context |= context.user_data(given("ex_userdata"))  # type: ignore[arg-type]  # it is not None
        if given("ex_start_script") is not None:
            self.context |= context.start_script(given("ex_start_script"))  # type: ignore[arg-type]
        self.template_id = parsed("ex_template_id", given("ex_template_id"), values.whole_number(0, _LARGEST))
        self.user_inputs = tags("ex_user_inputs", given("ex_user_inputs"))
        self.memory = parsed("ex_memory", given("ex_memory"), values.whole_number(1, _LARGEST))
        self.cpu = parsed("ex_cpu", given("ex_cpu"), values.positive_number)
        self.vcpu = parsed("ex_vcpu", given("ex_vcpu"), values.whole_number(1, _LARGEST))
        gibibytes = parsed("ex_disk_size", given("ex_disk_size"), values.whole_number(1, 1 << 20))
        self.disk_size = None if gibibytes is None else gibibytes * MIB_IN_GIB
        self.volumes = [_volume_id(volume) for volume in several("ex_volumes", given("ex_volumes")) or ()]
        self.labels = labels_text(given("ex_labels"))
        self.tags = tags("ex_tags", given("ex_tags"))
        placement = given("ex_placement")
        self.placement = placement and checked_value("ex_placement", text("ex_placement", placement))
        self.hold = bool(parsed("ex_hold", given("ex_hold"), values.truth))
        self.lifetime = parsed("ex_lifetime", given("ex_lifetime"), values.whole_number(1, _LARGEST))


def several(name: str, given: Any) -> list[Any] | None:
    """An argument that is one thing or several; None where it was not given."""
    if given is None:
        return None
    if isinstance(given, (str, int, Mapping)) or not isinstance(given, Iterable):
        return [given]
    return list(given)


def labels_text(labels: Any) -> str | None:
    """Labels as OpenNebula has them, separated by commas.

    :raises InvalidArgumentError: when one has a comma in it, or is no text
    """
    if labels is None:
        return None
    one_by_one = labels.split(",") if isinstance(labels, str) else list(labels)
    for label in one_by_one:
        if "," in checked_value("a label", text("a label", label).strip()):
            raise InvalidArgumentError(f"a label cannot have a comma in it: {label!r}")
    return ",".join(label.strip() for label in one_by_one)


def tags(argument: str, given: Any) -> dict[str, str]:
    """Attributes of USER_TEMPLATE; their names are in capitals, as OpenNebula's are.

    :raises InvalidArgumentError: when they are no pairs, or a name has another meaning
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidArgumentError(f"{argument} must be a mapping of names to values, not {given!r}")
    attributes = {}
    for name, value in given.items():
        key = text(f"a name in {argument}", name).upper()
        if key in _NO_TAGS:
            raise InvalidArgumentError(f"{argument} cannot have {name!r}, which means something else to OpenNebula")
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        attributes[key] = text(f"{name} in {argument}", str(value) if is_number else value)
    return attributes


def _volume_id(volume: Any) -> int:
    number = volume.id if isinstance(volume, StorageVolume) else volume
    return parsed("a volume's id", number, values.whole_number(0, _LARGEST)) or 0
