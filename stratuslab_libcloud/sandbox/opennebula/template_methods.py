"""``one.template.*`` and ``one.templatepool.*``: templates of machines."""

from __future__ import annotations

from typing import ClassVar

from stratuslab_libcloud.sandbox.compute.template_xml import template_xml
from stratuslab_libcloud.sandbox.compute.xmlrpc import FaultError, Parameters
from stratuslab_libcloud.sandbox.opennebula.methods import (
    MethodGroup,
    Table,
    check_may_create,
    chmod,
    listed,
    read_template,
    update,
)
from stratuslab_libcloud.sandbox.opennebula.object_xml import identity_xml, lock_xml, permissions_xml, pool_xml
from stratuslab_libcloud.sandbox.state.opennebula.cloud import OpenNebula
from stratuslab_libcloud.sandbox.state.opennebula.objects import Right
from stratuslab_libcloud.sandbox.state.opennebula.users import User
from stratuslab_libcloud.sandbox.state.opennebula.vm_templates import VmTemplate


class TemplateMethods(MethodGroup):
    """The methods, over a cloud's state."""

    def __init__(self, cloud: OpenNebula) -> None:
        self._cloud = cloud
        self._templates = cloud.templates

    def _allocate(self, user: User, parameters: Parameters) -> int:
        template = read_template(self._cloud, parameters.text())
        check_may_create(user, "TEMPLATE")
        return self._templates.allocate(user, template).id

    def _info(self, user: User, parameters: Parameters) -> str:
        number, _ = parameters.number(), parameters.boolean(False)
        return _xml(self._templates.pool.find(user, number))

    def _instantiate(self, user: User, parameters: Parameters) -> int:
        if not self._cloud.release.takes_arguments("one.template.instantiate", len(parameters)):
            raise FaultError(-501, "Not enough parameters")
        number, name, on_hold = parameters.number(), parameters.text(), parameters.boolean(False)
        text, persistent = parameters.text(""), parameters.boolean(False)
        check_may_create(user, "VM")
        extra = read_template(self._cloud, text)
        return self._templates.instantiate(user, number, name, extra, on_hold=on_hold, persistent=persistent).id

    def _rename(self, user: User, parameters: Parameters) -> int:
        number, name = parameters.number(), parameters.text()
        self._templates.rename(user, number, name)
        return number

    def _update(self, user: User, parameters: Parameters) -> int:
        number, text, append = parameters.number(), parameters.text(), parameters.number()
        template = self._templates.pool.find(user, number, Right.MANAGE)
        template.template = update(template.template, read_template(self._cloud, text), append)
        return number

    def _delete(self, user: User, parameters: Parameters) -> int:
        number, _ = parameters.number(), parameters.boolean(False)
        self._templates.pool.remove(self._templates.pool.find(user, number, Right.MANAGE))
        return number

    def _pool_info(self, user: User, parameters: Parameters) -> str:
        return pool_xml("VMTEMPLATE_POOL", map(_xml, listed(self._templates.pool, user, parameters)))

    table: ClassVar[Table] = {
        "one.template.allocate": _allocate,
        "one.template.info": _info,
        "one.template.instantiate": _instantiate,
        "one.template.rename": _rename,
        "one.template.update": _update,
        "one.template.delete": _delete,
        "one.template.chmod": lambda self, user, parameters: chmod(self._templates.pool, user, parameters).id,
        "one.templatepool.info": _pool_info,
    }


def _xml(template: VmTemplate) -> str:
    return (
        f"<VMTEMPLATE>{identity_xml(template)}{lock_xml(template.lock)}{permissions_xml(template)}"
        f"<REGTIME>{int(template.time)}</REGTIME>{template_xml(template.template)}</VMTEMPLATE>"
    )
