"""From the arguments of `create_node` to a machine's template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import NodeImage, NodeSize

from stratuslab_libcloud.client.marks import new_mark
from stratuslab_libcloud.client.opennebula.machine import MARK_ATTRIBUTE
from stratuslab_libcloud.client.opennebula.xml_template import Given, checked_name, render
from stratuslab_libcloud.config import values
from stratuslab_libcloud.driver.arguments import checked, parsed, text
from stratuslab_libcloud.driver.opennebula import context, images
from stratuslab_libcloud.driver.opennebula.nics import nics, security_groups
from stratuslab_libcloud.errors import InvalidArgumentError

if TYPE_CHECKING:
    from stratuslab_libcloud.client.exactly_once import Allocate
    from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud
    from stratuslab_libcloud.client.opennebula.machines import Machines
    from stratuslab_libcloud.client.opennebula.vm_templates import VmTemplate
    from stratuslab_libcloud.driver.opennebula.node_options import CheckedNodeOptions

_LARGEST = 2**31 - 1


@dataclass(frozen=True)
class NewMachine:
    """A machine that will be created.

    :param name: its name
    :param attributes: its template; of one that is made from a VM template, what replaces or adds to that
    :param cpu: virtual CPUs, as far as they are known
    :param ram: MiB, as far as they are known
    :param mark: by which it is found
    :param hold: whether it waits until it is released
    :param template_id: the VM template
    """

    name: str
    attributes: Mapping[str, Any]
    cpu: int
    ram: int
    mark: str
    hold: bool
    template_id: int | None

    def allocator(self, compute: Machines) -> Allocate:
        """What creates it.

        :raises InvalidArgumentError: when a value cannot be written
        """
        marked = {**self.attributes, MARK_ATTRIBUTE: self.mark}
        if self.template_id is None:
            return partial(compute.allocate, render({"NAME": self.name, **marked}), hold=self.hold)
        return partial(compute.instantiate, self.template_id, self.name, render(marked), hold=self.hold)


def new_machines(
    cloud: OpenNebulaCloud,
    names: Iterable[Any],
    size: NodeSize | None,
    image: NodeImage | None,
    auth: Any,
    options: CheckedNodeOptions,
    default_size: NodeSize,
) -> list[NewMachine]:
    """What machines are to be that differ only in their names. The cloud is asked about a template, about networks that
    are named, and about security groups, once.

    :param auth: a `NodeAuthSSHKey`, or None for the configured key file or the keys that the cloud has
    :param default_size: for an image, if no size is given
    :raises StratusLabError: when a value or a file cannot be used
    """
    checked_names = [checked_name(text("a name", name), "a machine") for name in names]
    image_id, template_id = _what_to_start(image, options)
    template = None if template_id is None else cloud.templates.template(template_id)
    if size is None and template is None:
        size = default_size
    capacity = _capacity(None if size is None else checked(NodeSize, size), options)
    keys = context.public_keys(cloud.config, auth)
    own = {} if template is None else next(iter(template.vectors("CONTEXT")), {})
    shared = {
        **capacity,
        **_inputs(template, options),
        **_disks(template, image_id, options),
        **_nics(cloud, template, options),
        **({"SCHED_REQUIREMENTS": options.placement} if options.placement else {}),
        **({"LABELS": options.labels} if options.labels else {}),
        **options.tags,
    }
    return [
        NewMachine(
            name=name,
            attributes={**shared, "CONTEXT": context.merged(own, name, keys, options.context)},
            cpu=int(capacity.get("VCPU", 1)),
            ram=int(capacity.get("MEMORY", 0)),
            mark=new_mark(),
            hold=options.hold,
            template_id=template_id,
        )
        for name in checked_names
    ]


def _what_to_start(image: NodeImage | None, options: CheckedNodeOptions) -> tuple[int | None, int | None]:
    """The IDs of an image and of a template, of which one can be missing."""
    kind, number = (None, None) if image is None else images.kind_and_number(checked(NodeImage, image).id)
    if kind != images.TEMPLATE:
        if number is None and options.template_id is None:
            raise InvalidArgumentError(
                "create_node needs an image or a template: one of list_images(), or ex_template_id="
            )
        return number, options.template_id
    if options.template_id not in (None, number):
        raise InvalidArgumentError(f"the image is template {number}, but ex_template_id is {options.template_id}")
    return None, number


def _capacity(size: NodeSize | None, options: CheckedNodeOptions) -> dict[str, Any]:
    """MEMORY, CPU and VCPU; of a template those alone that the caller gives."""
    found: dict[str, Any] = {}
    if size is not None:
        extra = size.extra or {}
        share = (
            parsed("a size's cpu", getattr(size, "cpu", None) or extra.get("cpu") or 1, values.positive_number) or 1.0
        )
        vcpu = getattr(size, "vcpu", None) or extra.get("vcpu") or (int(share) if share == int(share) else None)
        found["MEMORY"] = parsed("a size's ram", size.ram, values.whole_number(1, _LARGEST))
        found["CPU"] = f"{share:g}"
        if vcpu is not None:
            found["VCPU"] = parsed("a size's vcpu", vcpu, values.whole_number(1, _LARGEST))
    if options.memory is not None:
        found["MEMORY"] = options.memory
    if options.cpu is not None:
        found["CPU"] = f"{options.cpu:g}"
    if options.vcpu is not None:
        found["VCPU"] = options.vcpu
    return found


def _inputs(template: VmTemplate | None, options: CheckedNodeOptions) -> dict[str, str]:
    """What the template asks for: the daemon neither insists on it nor fills defaults in.

    :raises InvalidArgumentError: when something is missing, or is not asked for
    """
    asked = {} if template is None else next(iter(template.vectors("USER_INPUTS")), {})
    surplus = sorted(set(options.user_inputs) - set(asked))
    if surplus:
        raise InvalidArgumentError(f"the template does not ask for {', '.join(surplus)}, which ex_user_inputs has")
    inputs = dict(options.user_inputs)
    for name, question in asked.items():
        # Such as M|password|Root password, or O|number|How many|1..5|3: whether it is mandatory, ..., the default.
        parts = question.split("|")
        if name in inputs or (template is not None and name in template.attributes):
            continue
        if len(parts) > 4 and parts[4].strip():
            inputs[name] = parts[4].strip()
        elif parts[0].strip().upper() == "M":
            words = parts[2].strip() if len(parts) > 2 else name
            raise InvalidArgumentError(f"the template asks for {name} ({words}): give it with ex_user_inputs=")
    return inputs


def _disks(template: VmTemplate | None, image_id: int | None, options: CheckedNodeOptions) -> dict[str, Any]:
    """DISK; of a template none where its own stay as they are, otherwise all of them."""
    if image_id is not None:
        disks: list[dict[str, Any]] = [{"IMAGE_ID": image_id}]
    elif options.disk_size is None and not options.volumes:
        return {}
    else:
        disks = [_given(disk) for disk in template.vectors("DISK")] if template else []
    if options.disk_size is not None:
        if not disks:
            raise InvalidArgumentError("ex_disk_size is for the first disk, and the template has none")
        disks[0]["SIZE"] = options.disk_size
    return {"DISK": [*disks, *({"IMAGE_ID": volume} for volume in options.volumes)]}


def _nics(cloud: OpenNebulaCloud, template: VmTemplate | None, options: CheckedNodeOptions) -> dict[str, Any]:
    """NIC; of a template none where its own stay as they are."""
    groups = security_groups(cloud, options.security_groups)
    if options.networks is not None:
        if template is not None and not options.networks:
            raise InvalidArgumentError("networks cannot be empty for a template: name those that it is to have")
        return {"NIC": nics(cloud, options.networks, groups)}
    if groups is None:
        return {}
    own = [_given(nic) for nic in template.vectors("NIC")] if template else []
    if not own:
        raise InvalidArgumentError(
            "ex_security_groups is for the networks of a machine, and it has none: give networks="
        )
    return {"NIC": [{**nic, "SECURITY_GROUPS": groups} for nic in own]}


def _given(vector: Mapping[str, str]) -> dict[str, Any]:
    return {name: Given(value) for name, value in vector.items()}
