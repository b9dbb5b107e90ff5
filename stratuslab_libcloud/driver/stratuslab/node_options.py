"""The ``ex_`` arguments of `create_node`: what a single call may choose beyond the configuration."""

from __future__ import annotations

import functools
import gzip
import logging
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from libcloud.compute.base import NodeImage, StorageVolume

from stratuslab_libcloud.client.opennebula.contextualization import parse_pairs, read_text
from stratuslab_libcloud.config import MachineOptions, SavedImage, values
from stratuslab_libcloud.driver.arguments import parsed, text
from stratuslab_libcloud.driver.locations import location_of
from stratuslab_libcloud.driver.stratuslab.networks import check_security_groups, only_network
from stratuslab_libcloud.driver.stratuslab.node_notes import NodeNotes, checked_notes
from stratuslab_libcloud.errors import InvalidArgumentError

if TYPE_CHECKING:
    from typing_extensions import Unpack

_log = logging.getLogger(__name__)

_MIB_IN_GIB = 1024
_LARGEST_VOLATILE_DISK = 1 << 20
_GZIP = b"\x1f\x8b"
_WITHOUT_MEANING = {
    "ex_disk_config": "a machine's root disk is as large as its image",
    "ex_availability_zone": "a StratusLab cloud has none",
    "ex_assign_public_ip": "a machine in the public network has a public address, see ex_network",
}
"""What programs give blindly, and why it changes nothing."""

_SET_BY_THE_DRIVER = frozenset({"PUBLIC_KEY", "TARGET"})


class NodeOptions(TypedDict, total=False):
    """The keywords of `create_node`; what is left out, or None, is as the configuration says.

    :param ex_network: ``public``, ``local`` or ``private``, or one of `ex_list_networks`
    :param networks: the same, as the only one in a list; so is ``ex_networks``
    :param ex_address: the IP address to ask for
    :param ex_context: pairs for the contextualization: a mapping, ``key=value`` lines, or the `Path` of a file
    :param ex_context_method: ``one`` or ``cloud-init``
    :param ex_cloud_init: ``mimetype,file`` pairs for cloud-init, separated by ``#``
    :param ex_expand_variables: whether OpenNebula replaces ``$NAME``, ``$NIC[IP]`` and the like in `ex_context` and
        `ex_requirements`, the configuration's included; otherwise a ``$`` there means itself
    :param ex_userdata: cloud-init's user data, as it is: a text, bytes that may be gzipped, or the `Path` of a file; at
        most 16384 bytes when gzipped
    :param ex_keyname: the name of a key pair, instead of ``auth``
    :param ex_metadata: texts by name, which come back in ``node.extra["metadata"]``
    :param ex_tags: texts, or texts by name, which come back in ``node.extra["tags"]``
    :param ex_security_groups: the only one is ``default``; others are refused
    :param ex_volumes: volumes to start with; `ex_persistent_disk` is for a single one
    :param ex_save_as: the title of the image that is made of the root disk when the machine is shut down
    :param ex_config_drive: accepted, since a machine always has one; so are ``ex_disk_config``,
        ``ex_availability_zone`` and ``ex_assign_public_ip``, which change nothing, as the log says once
    :param ex_requirements: an OpenNebula expression that a host must satisfy
    :param ex_disks_bus: ``ide``, ``scsi`` or ``virtio``
    :param ex_persistent_disk: a volume to start with
    :param ex_readonly_disk: a Marketplace image of kind ``disk`` to start with, or the URL of one
    :param ex_volatile_disk: GiB of an additional empty disk that is deleted with the machine
    :param ex_check_key: False to start a machine also with a key that nobody could log in with; the log has a warning
    :param ex_check_image_url: whether it is checked that there is something at an image's URL, and that an image's id
        has the form of one
    """

    ex_network: Any
    networks: Any
    ex_networks: Any
    ex_address: str | None
    ex_context: Mapping[str, Any] | str | Path | None
    ex_context_method: str | None
    ex_cloud_init: str | None
    ex_expand_variables: bool | None
    ex_userdata: str | bytes | Path | None
    ex_keyname: str | None
    ex_metadata: Mapping[str, Any] | None
    ex_tags: Iterable[str] | Mapping[str, Any] | None
    ex_security_groups: Any
    ex_volumes: Iterable[StorageVolume | str] | None
    ex_save_as: str | None
    ex_config_drive: Any
    ex_disk_config: Any
    ex_availability_zone: Any
    ex_assign_public_ip: Any
    ex_requirements: str | None
    ex_disks_bus: str | None
    ex_persistent_disk: StorageVolume | str | None
    ex_readonly_disk: NodeImage | str | None
    ex_volatile_disk: int | None
    ex_check_key: bool | None
    ex_check_image_url: bool | None


class CheckedNodeOptions:
    """The keywords of one call of `create_node`, checked.

    :raises InvalidArgumentError: when a security group is not possible
    """

    def __init__(self, **options: Unpack[NodeOptions]) -> None:
        for name in options:
            if name in _WITHOUT_MEANING and options.get(name) is not None:
                _tell_once(name, _WITHOUT_MEANING[name])
        check_security_groups(options.get("ex_security_groups"))
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
            "network": self._network(),
            "address": parsed("ex_address", given("ex_address"), values.ip_address),
            "context_method": parsed("ex_context_method", given("ex_context_method"), values.context_method),
            "cloud_init": _text("ex_cloud_init", given("ex_cloud_init")),
            "expand_variables": parsed("ex_expand_variables", given("ex_expand_variables"), values.truth),
            "requirements": _text("ex_requirements", given("ex_requirements")),
            "disks_bus": parsed("ex_disks_bus", given("ex_disks_bus"), values.disks_bus),
            "readonly_disk": parsed("ex_readonly_disk", readonly, values.image_identifier_or_url),
            "volatile_disk": volatile and volatile * _MIB_IN_GIB,
            "check_image_url": parsed("ex_check_image_url", given("ex_check_image_url"), values.truth),
            "saved_image": self._saved_image(configured),
        }
        return configured._replace(**{name: value for name, value in chosen.items() if value is not None})

    @property
    def checks_key(self) -> bool:
        """Whether a key that nobody could log in with is refused.

        :raises InvalidArgumentError: when the value is not possible
        """
        return parsed("ex_check_key", self._options.get("ex_check_key"), values.truth) is not False

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

    def notes(self) -> NodeNotes:
        """What is noted in the machine for programs.

        :raises InvalidArgumentError: when metadata or tags are of another form
        """
        given = self._options
        return checked_notes(
            given.get("ex_metadata"),
            given.get("ex_tags"),
            given.get("ex_keyname") or None,
            given.get("ex_save_as") or None,
        )

    def volumes_with(self, machine: MachineOptions, location: str) -> list[str]:
        """The uuids of the volumes to start with: the configured one or the call's in its place, and further ones.

        :param machine: the configuration's options
        :param location: where the machine is to be
        :raises InvalidArgumentError: when one is no volume, is elsewhere, or is there twice
        """
        given = self._options.get
        further = given("ex_volumes")
        if isinstance(further, (str, StorageVolume)) or not isinstance(further, (Iterable, type(None))):
            raise InvalidArgumentError(f"ex_volumes must be a list of volumes, not {further!r}")
        first = given("ex_persistent_disk")
        first = machine.persistent_disk if first is None else first
        uuids = [] if first is None else [_uuid_at("ex_persistent_disk", first, location)]
        uuids += [_uuid_at("a volume in ex_volumes", volume, location) for volume in further or ()]
        if len(set(uuids)) < len(uuids):
            raise InvalidArgumentError("a machine cannot start with the same volume twice")
        return uuids

    def user_data(self) -> str | None:
        """The user data, if there is any.

        :raises InvalidArgumentError: when it is not a text
        :raises ConfigurationError: when the file cannot be read
        """
        given = self._options.get("ex_userdata")
        if given is None:
            return None
        if isinstance(given, Path):
            return read_text(given, "ex_userdata")
        try:
            content = gzip.decompress(given) if isinstance(given, bytes) and given.startswith(_GZIP) else given
            return text("ex_userdata", content.decode() if isinstance(content, bytes) else content)
        except (OSError, EOFError, zlib.error):
            raise InvalidArgumentError("ex_userdata begins as gzipped data does, but cannot be unpacked") from None
        except UnicodeDecodeError:
            raise InvalidArgumentError("ex_userdata must be a text in UTF-8") from None

    def _network(self) -> str | None:
        """The network that is given by any of three names, or None.

        :raises InvalidArgumentError: when they differ, or there is no such network
        """
        names = {
            name: only_network(name, self._options.get(name)) for name in ("ex_network", "networks", "ex_networks")
        }
        chosen = {network for network in names.values() if network}
        if len(chosen) > 1:
            raise InvalidArgumentError(f"{', '.join(names)} name different networks: a machine has one interface")
        return chosen.pop() if chosen else None

    def _saved_image(self, configured: MachineOptions) -> SavedImage | None:
        title = _text("ex_save_as", self._options.get("ex_save_as"))
        return (configured.saved_image or SavedImage())._replace(title=title) if title else None


def check_location(thing: StorageVolume | NodeImage, location: str) -> None:
    """A volume, or an image that is one, can only be used where it is.

    :raises InvalidArgumentError: when it is elsewhere
    """
    there = location_of(thing, location)
    if there != location:
        raise InvalidArgumentError(
            f"volume {thing.id} is at location '{there}': a machine at '{location}' cannot use it"
        )


def _uuid_at(name: str, volume: Any, location: str) -> str:
    if isinstance(volume, StorageVolume):
        check_location(volume, location)
    uuid = parsed(name, _id_of(volume), values.disk_uuid)
    if uuid is None:
        raise InvalidArgumentError(f"{name} must be a volume or its uuid, not {volume!r}")
    return uuid


@functools.cache
def _tell_once(name: str, reason: str) -> None:
    """Say in the log, once, that an argument changes nothing."""
    _log.warning("create_node's argument '%s' changes nothing: %s", name, reason)


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
