"""Templates of machines, and machines made from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stratuslab_libcloud.sandbox.state.opennebula.errors import (
    ActionError,
    AllocateError,
    AuthorizationError,
    InvalidTemplateError,
)
from stratuslab_libcloud.sandbox.state.opennebula.image import Image, ImageType
from stratuslab_libcloud.sandbox.state.opennebula.images import Images
from stratuslab_libcloud.sandbox.state.opennebula.machine import Machine
from stratuslab_libcloud.sandbox.state.opennebula.machines import Machines
from stratuslab_libcloud.sandbox.state.opennebula.names import refused_name
from stratuslab_libcloud.sandbox.state.opennebula.objects import Pool, PoolObject, Right
from stratuslab_libcloud.sandbox.state.opennebula.restricted import restricted_attribute
from stratuslab_libcloud.sandbox.state.opennebula.users import User
from stratuslab_libcloud.sandbox.state.steps import Steps
from stratuslab_libcloud.sandbox.state.template import Template

_KIND = "virtual machine template"


@dataclass(eq=False, kw_only=True)
class VmTemplate(PoolObject):
    """A template that machines are made from."""

    template: Template


class VmTemplates:
    """All templates of a cloud."""

    def __init__(self, *, pool: Pool[VmTemplate], machines: Machines, images: Images, steps: Steps) -> None:
        self.pool = pool
        self._machines = machines
        self._images = images
        self._steps = steps

    def allocate(self, user: User, template: Template) -> VmTemplate:
        """Create a template.

        :raises RefusedError: if it cannot be
        """
        found = None if user.is_admin else restricted_attribute(template)
        if found:
            raise AuthorizationError(user.id, f"VM Template includes a restricted attribute {found[0]}.")
        name = template.text("NAME") or ""
        own = template.copy()
        own.replace("NAME")
        return self._add(user, name, own)

    def rename(self, user: User, template_id: int, name: str) -> None:
        """Give a template another name.

        :raises RefusedError: if it cannot have this one
        """
        template = self.pool.find(user, template_id, Right.MANAGE)
        refusal = refused_name(name) or self._taken(template.owner, name)
        if refusal:
            raise ActionError(refusal)
        template.name = name

    def instantiate(
        self,
        user: User,
        template_id: int,
        name: str,
        extra: Template,
        *,
        on_hold: bool = False,
        persistent: bool = False,
    ) -> Machine:
        """Create a machine from a template.

        :param name: of the machine; made up if it is empty
        :param extra: each of its attributes replaces all of that name in the template
        :param persistent: copy template and images first, so that the machine's disks stay
        :raises RefusedError: if it cannot be
        """
        source = self.pool.find(user, template_id)
        found = None if user.is_admin else restricted_attribute(extra)
        if found:
            raise AuthorizationError(user.id, f"User Template includes a restricted attribute {found[1]}.")
        template = source.template.copy()
        if persistent:
            copy = self._copy(user, source, name)
            template, source = copy.template.copy(), copy
        template.merge(extra)
        template.replace("NAME", name or f"{source.name}-{self._machines.pool.next_id}")
        try:
            return self._machines.allocate(user, template, on_hold=on_hold, template_id=source.id)
        except InvalidTemplateError as problem:
            raise AllocateError(_KIND, str(problem)) from None

    def _add(self, user: User, name: str, template: Template) -> VmTemplate:
        refusal = refused_name(name) or self._taken(user, name)
        if refusal:
            raise AllocateError(_KIND, refusal)
        number = self.pool.take_id()
        return self.pool.add(VmTemplate(id=number, owner=user, name=name, time=self._steps.now, template=template))

    def _copy(self, user: User, source: VmTemplate, name: str) -> VmTemplate:
        """A copy of a template, with persistent copies of its images; they stay, whatever comes next."""
        name = name or f"{source.name}-copy"
        disks = [
            self._copy_disk(user, disk, f"{name}-disk-{number}")
            for number, disk in enumerate(source.template.vectors("DISK"))
        ]
        template = source.template.copy()
        template.replace("DISK", *disks)
        return self._add(user, name, template)

    def _copy_disk(self, user: User, disk: Mapping[str, str], name: str) -> Mapping[str, str]:
        image = self._image(disk)
        if image is None or image.type == ImageType.CDROM:
            return disk
        copy = self._images.clone(user, image.id, name)
        copy.persistent = True
        return {**{key: value for key, value in disk.items() if not key.startswith("IMAGE")}, "IMAGE_ID": str(copy.id)}

    def _image(self, disk: Mapping[str, str]) -> Image | None:
        number = disk.get("IMAGE_ID", "")
        return self._images.pool.get(int(number)) if number.isdecimal() else None

    def _taken(self, owner: User, name: str) -> str | None:
        other = self.pool.named(owner, name)
        return None if other is None else f"NAME is already taken by TEMPLATE {other.id}."
