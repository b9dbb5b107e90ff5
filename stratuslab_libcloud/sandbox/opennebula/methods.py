"""What the methods of all objects have in common: their arguments, and how templates among them are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from stratuslab_libcloud.sandbox.compute.template_parser import TemplateError
from stratuslab_libcloud.sandbox.compute.xmlrpc import Parameters
from stratuslab_libcloud.sandbox.opennebula.template_parser import parse_template
from stratuslab_libcloud.sandbox.state.opennebula.cloud import OpenNebula
from stratuslab_libcloud.sandbox.state.opennebula.errors import ActionError, AuthorizationError, InternalError
from stratuslab_libcloud.sandbox.state.opennebula.objects import Pool, Right, T
from stratuslab_libcloud.sandbox.state.opennebula.users import User
from stratuslab_libcloud.sandbox.state.template import Template

Table = Mapping[str, Callable[[Any, User, Parameters], "str | int"]]

_ADMIN_BITS = (2, 5, 8)


class MethodGroup:
    """Methods that belong together.

    :param table: each method, by name; what does it takes the group, the user who asks, and the arguments
    """

    table: ClassVar[Table] = {}

    def call(self, method: str, user: User, parameters: Parameters) -> str | int:
        """Do what a method does.

        :raises FaultError: if an argument is missing, or of the wrong type
        :raises RefusedError: if it cannot be done
        """
        return self.table[method](self, user, parameters)


def read_template(cloud: OpenNebula, text: str) -> Template:
    """A template that a method is given, as the release keeps it.

    :raises InternalError: if it is none
    """
    try:
        return cloud.release.cleaned(parse_template(text))
    except TemplateError as problem:
        raise InternalError(str(problem)) from None


def vector_of(template: Template, *names: str) -> Mapping[str, str]:
    """The first bracketed value of one of these names.

    :raises ActionError: if there is none
    """
    for name in names:
        for vector in template.vectors(name):
            return vector
    raise ActionError(f"The template has no {' or '.join(names)}")


def check_may_create(user: User, kind: str) -> None:
    """Make sure that a user's group may create objects of a kind.

    :raises AuthorizationError: if not
    """
    if not user.is_admin and not user.group.creates:
        raise AuthorizationError(user.id, f"Not authorized to perform CREATE {kind}.")


def chmod(pool: Pool[T], user: User, parameters: Parameters) -> T:
    """Let the owner, the group and others use, manage and administer an object; -1 leaves a right as it is.

    :raises RefusedError: if the user may not do that
    """
    number = parameters.number()
    wanted = [parameters.number() for _ in range(9)]
    thing = pool[number]
    permissions = [old if new < 0 else new for old, new in zip(thing.permissions, wanted, strict=True)]
    administers = any(permissions[bit] != thing.permissions[bit] for bit in _ADMIN_BITS)
    pool.authorize(user, thing, Right.ADMIN if administers else Right.MANAGE)
    thing.permissions = permissions
    return thing


def update(thing_template: Template, attributes: Template, append: int) -> Template:
    """A template that was changed.

    :param append: 1 to add and replace single attributes, 0 to replace all
    """
    changed = thing_template.copy() if append else Template()
    changed.merge(attributes)
    return changed


def listed(pool: Pool[T], user: User, parameters: Parameters) -> list[T]:
    """The objects that a pool's method asks for: by filter flag, first and last number."""
    return pool.listed(user, parameters.number(), parameters.number(), parameters.number())
