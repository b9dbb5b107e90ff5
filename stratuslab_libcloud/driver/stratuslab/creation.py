"""From the arguments of `create_node` to the template of a machine."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from libcloud.compute.base import NodeAuthSSHKey, NodeImage

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.marks import new_mark
from stratuslab_libcloud.client.opennebula.contextualization import (
    CLOUD_INIT,
    RAW_USER_DATA,
    Part,
    check_public_keys,
    cloud_init_pairs,
    configured_pairs,
    context,
    parse_parts,
    public_keys_in,
    read_public_keys,
)
from stratuslab_libcloud.client.opennebula.template import WithVariables
from stratuslab_libcloud.client.stratuslab.identifiers import is_disk_id, is_image_id, is_image_url
from stratuslab_libcloud.client.stratuslab.machine_template import MachineTemplate, RootDisk, known_bus
from stratuslab_libcloud.config import InstanceType, MachineOptions, values
from stratuslab_libcloud.deployment.public_keys import usable_keys
from stratuslab_libcloud.driver.arguments import checked, text
from stratuslab_libcloud.driver.stratuslab.images import StratusLabImage
from stratuslab_libcloud.driver.stratuslab.node_options import CheckedNodeOptions, check_location
from stratuslab_libcloud.errors import InvalidArgumentError, KeyFileError

_log = logging.getLogger(__name__)


def machine_template(
    cloud: Cloud, name: str | None, shape: InstanceType, image: NodeImage, auth: Any, options: CheckedNodeOptions
) -> MachineTemplate:
    """What the machine is to be; asks the Marketplace about an image that it does not know yet.

    :param auth: a `NodeAuthSSHKey`, or None for the configured key file
    :raises StratusLabError: when the image, a file or a value cannot be used
    """
    machine = options.over(cloud.config.machine, cloud.config.section)
    volumes = options.volumes_with(machine, cloud.config.section)
    root, ports = _root_disk(cloud, checked(NodeImage, image), machine)
    return MachineTemplate(
        name="" if name is None else text("name", name),
        cpu=shape.cpu,
        ram=shape.ram,
        swap=shape.swap,
        root=root,
        context=_context(cloud, auth, machine, options),
        inbound_ports=ports,
        options=machine,
        persistent_disks=tuple(_disk_source(cloud, uuid) for uuid in volumes),
        readonly_disk=machine.readonly_disk and _data_source(cloud, machine.readonly_disk),
        mark=new_mark(),
    )


def machine_templates(
    cloud: Cloud, names: Iterable[str], shape: InstanceType, image: NodeImage, auth: Any, options: CheckedNodeOptions
) -> list[MachineTemplate]:
    """What several machines are to be that differ only in their names.

    :raises InvalidArgumentError: when the names are not several texts
    :raises StratusLabError: as `machine_template`
    """
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise InvalidArgumentError(f"ex_create_nodes takes several names, such as ['a', 'b'], not {names!r}")
    checked_names = [text("a name", name) for name in names]
    if not checked_names:
        return []
    first = machine_template(cloud, checked_names[0], shape, image, auth, options)
    return [replace(first, name=name, mark=new_mark()) for name in checked_names]


def keys_of_machine(cloud: Cloud, auth: Any, keywords: Mapping[str, Any]) -> tuple[str, str]:
    """The public keys that will open a machine, and where they are from.

    :param keywords: of the call to `create_node` that is to come
    :raises StratusLabError: as `create_node`
    """
    cloud_init = keywords.get("ex_cloud_init") or cloud.config.machine.cloud_init
    if cloud_init and keywords.get("ex_userdata") is None:
        files, _ = parse_parts(cloud_init)
        if files:
            return "\n".join(files), "cloud_init"
    return public_keys(cloud, auth), "user_public_key_file" if auth is None else "auth"


def public_keys(cloud: Cloud, auth: Any, *, check: bool = True) -> str:
    """The public keys that a machine gets.

    :param check: whether keys that nobody could log in with are refused
    :raises InvalidArgumentError: when `auth` is something else than an SSH key
    :raises ConfigurationError: when the configured key file cannot be read
    :raises KeyFileError: when nobody could enter a machine with what is there
    """
    if auth is None:
        file = cloud.config.public_key_file
        keys = read_public_keys(file)
        _check_usable(keys, f"{file}, user_public_key_file", check)
        return keys
    if isinstance(auth, NodeAuthSSHKey) and isinstance(auth.pubkey, str):
        keys = public_keys_in(auth.pubkey)
        check_public_keys(keys, "auth")
        _check_usable(keys, "auth", check)
        return keys
    raise InvalidArgumentError(
        f"auth must be a NodeAuthSSHKey with the text of a public key, not an object of type {type(auth).__name__}: "
        "StratusLab's machines are entered with SSH keys"
    )


def _check_usable(keys: str, origin: str, check: bool) -> None:
    try:
        usable_keys(keys, origin)
    except KeyFileError as error:
        if check:
            raise
        _log.warning("%s", error)


def _root_disk(cloud: Cloud, image: NodeImage, options: MachineOptions) -> tuple[RootDisk, tuple[int, ...]]:
    """The disk to start from, and the ports that the image wants to be reached at."""
    image_id = str(image.id)
    if is_image_id(image_id):
        entry = image.entry if isinstance(image, StratusLabImage) else cloud.marketplace.image(image_id)
        source = cloud.marketplace.source(image_id)
        return RootDisk(source, entry.format or "raw", known_bus(entry.disks_bus)), entry.inbound_ports
    if is_disk_id(image_id):
        check_location(image, cloud.config.section)
        return RootDisk(_disk_source(cloud, image_id)), ()
    if not is_image_url(image_id):
        problem = f"{image_id!r} is not an image: give a Marketplace identifier, a volume's id, or a URL"
        if options.check_image_url or not (image_id and image_id.isprintable()):
            raise InvalidArgumentError(problem)
        _log.warning("%s; the cloud has to know what it is", problem)
    if options.check_image_url and image_id.lower().startswith("http"):
        image_id = cloud.marketplace.lasting_url(image_id)
    return RootDisk(image_id), ()


def _disk_source(cloud: Cloud, disk_id: str) -> str:
    return f"pdisk:{cloud.config.disks_source}/{disk_id}"


def _data_source(cloud: Cloud, image: str) -> str:
    return cloud.marketplace.source(image) if is_image_id(image) else image


def _context(cloud: Cloud, auth: Any, machine: MachineOptions, options: CheckedNodeOptions) -> dict[str, str]:
    keys = public_keys(cloud, auth, check=options.checks_key)
    pairs = {
        name: values.with_plain_quotes(value)
        for name, value in configured_pairs(machine).items()
        if name.upper() != "PUBLIC_KEY"
    }
    pairs.update(options.context_pairs())
    if machine.expand_variables:
        pairs = {name: WithVariables(value) for name, value in pairs.items()}
    pairs.update(options.notes().context_pairs())
    user_data = options.user_data()
    if user_data is not None:
        pairs.update(cloud_init_pairs([keys], [Part(RAW_USER_DATA, user_data, "user-data")]))
    elif machine.cloud_init or machine.context_method == CLOUD_INIT:
        other_keys, parts = parse_parts(machine.cloud_init or "")
        if other_keys:
            _check_usable("\n".join(other_keys), "cloud_init", options.checks_key)
        pairs.update(cloud_init_pairs(other_keys or [keys], parts))
    return context(keys, pairs)
