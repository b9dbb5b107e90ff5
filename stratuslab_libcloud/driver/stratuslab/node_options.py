"""The ``ex_`` arguments of `create_node`: what a single call may choose beyond the configuration."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from libcloud.compute.base import NodeImage, StorageVolume

from stratuslab_libcloud.client.opennebula.contextualization import parse_pairs, read_text
from stratuslab_libcloud.config import MachineOptions, values
from stratuslab_libcloud.driver.arguments import parsed, text
from stratuslab_libcloud.driver.locations import location_of
from stratuslab_libcloud.errors import InvalidArgumentError

if TYPE_CHECKING:
    from typing_extensions import Unpack

_MIB_IN_GIB = 1024
_LARGEST_VOLATILE_DISK = 1 << 20
_SET_BY_THE_DRIVER = frozenset({"PUBLIC_KEY", "TARGET"})


class NodeOptions(TypedDict, total=False):
    """The keywords of `create_node`; what is left out, or None, is as the configuration says.

    :param ex_network: ``public``, ``local`` or ``private``
    :param ex_address: the IP address to ask for
    :param ex_context: pairs for the contextualization: a mapping, ``key=value`` lines, or the `Path` of a file
    :param ex_context_method: ``one`` or ``cloud-init``
    :param ex_cloud_init: ``mimetype,file`` pairs for cloud-init, separated by ``#``
    :param ex_expand_variables: whether OpenNebula replaces ``$NAME``, ``$NIC[IP]`` and the like in `ex_context` and
        `ex_requirements`, the configuration's included; otherwise a ``$`` there means itself
    :param ex_userdata: cloud-init's user data, as it is; at most 16384 bytes when gzipped
    :param ex_requirements: an OpenNebula expression that a host must satisfy
    :param ex_disks_bus: ``ide``, ``scsi`` or ``virtio``
    :param ex_persistent_disk: a volume to start with
    :param ex_readonly_disk: a Marketplace image of kind ``disk`` to start with, or the URL of one
    :param ex_volatile_disk: GiB of an additional empty disk that is deleted with the machine
    :param ex_check_image_url: whether it is checked that there is something at an image's URL
    """

    ex_network: str | None
    ex_address: str | None
    ex_context: Mapping[str, Any] | str | Path | None
    ex_context_method: str | None
    ex_cloud_init: str | None
    ex_expand_variables: bool | None
    ex_userdata: str | bytes | None
    ex_requirements: str | None
    ex_disks_bus: str | None
    ex_persistent_disk: StorageVolume | str | None
    ex_readonly_disk: NodeImage | str | None
    ex_volatile_disk: int | None
    ex_check_image_url: bool | None


class CheckedNodeOptions:
    """The keywords of one call of `create_node`, checked.

    :raises TypeError: when there is no such keyword
    """

    def __init__(self, **options: Unpack[NodeOptions]) -> None:
        for name in options:
            _check_name(name)
        self._options = options

    def over(self, configured: MachineOptions, location: str) -> MachineOptions:
        """The configuration's options, replaced by those of the call.

        :param location: where the machine is to be
        :raises InvalidArgumentError: when a value is not possible
        """
        given = self._options.get
        readonly = _id_of(given("ex_readonly_disk"))
        volatile = parsed("ex_volatile_disk", given("ex_volatile_disk"), values.whole_number(1, _LARGEST_VOLATILE_DISK))
        chosen: dict[str, Any] = {
            "network": parsed("ex_network", given("ex_network"), values.one_of("public", "local", "private")),
            "address": parsed("ex_address", given("ex_address"), values.ip_address),
            "context_method": parsed("ex_context_method", given("ex_context_method"), values.context_method),
            "cloud_init": _text("ex_cloud_init", given("ex_cloud_init")),
            "expand_variables": parsed("ex_expand_variables", given("ex_expand_variables"), values.truth),
            "requirements": _text("ex_requirements", given("ex_requirements")),
            "disks_bus": parsed("ex_disks_bus", given("ex_disks_bus"), values.disks_bus),
            "persistent_disk": self._volume_at(location),
            "readonly_disk": parsed("ex_readonly_disk", readonly, values.image_identifier_or_url),
            "volatile_disk": volatile and volatile * _MIB_IN_GIB,
            "check_image_url": parsed("ex_check_image_url", given("ex_check_image_url"), values.truth),
        }
        return configured._replace(**{name: value for name, value in chosen.items() if value is not None})

    def context_pairs(self) -> dict[str, str]:
        """The caller's pairs for the contextualization.

        :raises InvalidArgumentError: when they are not pairs, or would replace the driver's own
        :raises ConfigurationError: when a line is not a pair, or a file cannot be read
        """
        pairs = _pairs(self._options.get("ex_context"))
        taken = sorted(name for name in pairs if name.upper() in _SET_BY_THE_DRIVER)
        if taken:
            raise InvalidArgumentError(f"ex_context cannot have {' and '.join(taken)}: the driver sets that itself")
        return pairs

    def user_data(self) -> str | None:
        """The user data, if there is any.

        :raises InvalidArgumentError: when it is not a text
        """
        given = self._options.get("ex_userdata")
        if given is None:
            return None
        try:
            return text("ex_userdata", given.decode() if isinstance(given, bytes) else given)
        except UnicodeDecodeError:
            raise InvalidArgumentError("ex_userdata has to be a text in UTF-8") from None

    def _volume_at(self, location: str) -> str | None:
        disk = self._options.get("ex_persistent_disk")
        if isinstance(disk, StorageVolume):
            check_location(disk, location)
        return parsed("ex_persistent_disk", _id_of(disk), values.disk_uuid)


def check_location(thing: StorageVolume | NodeImage, location: str) -> None:
    """A volume, or an image that is one, can only be used where it is.

    :raises InvalidArgumentError: when it is elsewhere
    """
    there = location_of(thing, location)
    if there != location:
        raise InvalidArgumentError(
            f"volume {thing.id} is at location '{there}': a machine at '{location}' cannot use it"
        )


def _check_name(name: str) -> None:
    known = NodeOptions.__annotations__
    if name not in known:
        similar = difflib.get_close_matches(name, known, 1)
        hint = f": did you mean {similar[0]}?" if similar else ""
        raise TypeError(f"create_node has no argument {name}{hint}")


def _text(name: str, value: Any) -> str | None:
    return text(name, value) if value else None


def _pairs(context: Mapping[str, Any] | str | Path | None) -> dict[str, str]:
    if context is None:
        return {}
    if isinstance(context, Mapping):
        return {text("a name in ex_context", name): _value(name, value) for name, value in context.items()}
    if isinstance(context, Path):
        return parse_pairs(read_text(context, "ex_context").splitlines(), "ex_context")
    return parse_pairs(text("ex_context", context).splitlines(), "ex_context")


def _value(name: str, value: Any) -> str:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return text(f"{name} in ex_context", str(value) if is_number else value)


def _id_of(thing: Any) -> Any:
    return thing.id if isinstance(thing, (StorageVolume, NodeImage)) else thing
