"""What a call to `create_node` may ask for beyond the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from libcloud.compute.base import NodeImage, StorageVolume

from stratuslab_libcloud.client.opennebula.contextualization import parse_pairs, read_text
from stratuslab_libcloud.config import MachineOptions, values
from stratuslab_libcloud.driver.arguments import parsed, text
from stratuslab_libcloud.driver.stratuslab.nodes import location_of
from stratuslab_libcloud.errors import InvalidArgumentError

_MIB_IN_GIB = 1024
_LARGEST_VOLATILE_DISK = 1 << 20
_OF_THE_DRIVER = frozenset({"PUBLIC_KEY", "TARGET"})


class Wishes(NamedTuple):
    """The ``ex_`` arguments of `create_node`, whose docstring says what they are; None leaves it to the
    configuration."""

    network: str | None = None
    address: str | None = None
    context: Mapping[str, Any] | str | Path | None = None
    context_method: str | None = None
    cloud_init: str | None = None
    userdata: str | bytes | None = None
    requirements: str | None = None
    disks_bus: str | None = None
    persistent_disk: StorageVolume | str | None = None
    readonly_disk: NodeImage | str | None = None
    volatile_disk: int | None = None

    def over(self, options: MachineOptions, location: str) -> MachineOptions:
        """The configuration's options with the wishes in their place.

        :param location: where the machine is to be
        :raises InvalidArgumentError: when a wish is none that can be had
        """
        volatile = parsed("ex_volatile_disk", self.volatile_disk, values.whole_number(1, _LARGEST_VOLATILE_DISK))
        chosen: dict[str, Any] = {
            "network": parsed("ex_network", self.network, values.one_of("public", "local", "private")),
            "address": parsed("ex_address", self.address, values.ip_address),
            "context_method": parsed("ex_context_method", self.context_method, values.context_method),
            "cloud_init": self.cloud_init and text("ex_cloud_init", self.cloud_init),
            "requirements": self.requirements and text("ex_requirements", self.requirements),
            "disks_bus": parsed("ex_disks_bus", self.disks_bus, values.disks_bus),
            "persistent_disk": self._volume_at(location),
            "readonly_disk": parsed("ex_readonly_disk", _id_of(self.readonly_disk), values.image_identifier),
            "volatile_disk": volatile and volatile * _MIB_IN_GIB,
        }
        return options._replace(**{name: value for name, value in chosen.items() if value is not None})

    def context_pairs(self) -> dict[str, str]:
        """The pairs for the contextualization that the caller gave.

        :raises InvalidArgumentError: when they are none, or would take the place of the driver's own
        :raises ConfigurationError: when a line is none, or a file can not be read
        """
        pairs = _pairs(self.context)
        taken = sorted(name for name in pairs if name.upper() in _OF_THE_DRIVER)
        if taken:
            raise InvalidArgumentError(f"ex_context can not have {' and '.join(taken)}: the driver says that itself")
        return pairs

    def userdata_text(self) -> str | None:
        """The user data, if there is any.

        :raises InvalidArgumentError: when it is no text
        """
        if self.userdata is None:
            return None
        try:
            given = self.userdata.decode() if isinstance(self.userdata, bytes) else self.userdata
        except UnicodeDecodeError:
            raise InvalidArgumentError("ex_userdata has to be a text in UTF-8") from None
        return text("ex_userdata", given)

    def _volume_at(self, location: str) -> str | None:
        disk = self.persistent_disk
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
            f"volume {thing.id} is at location '{there}': a machine at '{location}' can not use it"
        )


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
