"""What OpenNebula 3.2 makes of the template of a new machine, and which templates it refuses."""

from __future__ import annotations

from collections.abc import Mapping

from stratuslab_libcloud.sandbox.state.errors import AllocationError
from stratuslab_libcloud.sandbox.state.record import check_record
from stratuslab_libcloud.sandbox.state.template import Template, Value
from stratuslab_libcloud.sandbox.state.variables import VariableError, Variables

_LONGEST_NAME = 128
_SEPARATOR = " @^_^@ "
_DEFAULT_CONTEXT_TARGET = "hdb"
_FIRST_VNC_PORT = 5900


def set_name(template: Template, number: int) -> str:
    """Give a template that has no name the usual one, and the machine's number.

    :return: the name
    :raises AllocationError: if the name is too long
    """
    name = template.text("NAME") or f"one-{number}"
    if len(name.encode()) > _LONGEST_NAME:
        raise AllocationError(f"NAME is too long; max length is {_LONGEST_NAME} chars.")
    template.replace("NAME", name)
    template.replace("VMID", str(number))
    return name


def complete(template: Template, name: str, number: int, variables: Variables) -> None:
    """Replace the variables of a template, and add what it leaves open. Its networks and disks are known already.

    :raises AllocationError: if that cannot be done, or the record of the machine would not be XML
    """
    try:
        _complete_context(template, variables)
        _complete_requirements(template, variables)
    except VariableError:
        raise AllocationError("") from None
    _complete_graphics(template, number)
    check_record(name, template)


def _complete_context(template: Template, variables: Variables) -> None:
    context = _only(template, "CONTEXT")
    if context is None:
        return
    if isinstance(context, str):
        raise AllocationError("Wrong format for CONTEXT attribute.")
    # All of it is expanded as one text, so the separator in a value separates, too.
    text = _SEPARATOR.join(f"{key}={value}" for key, value in sorted(context.items()))
    expanded: dict[str, str] = {}
    for piece in variables.expand(text).split(_SEPARATOR):
        key, _, value = piece.partition("=")
        if value:
            expanded.setdefault(key, value)
    template.replace("CONTEXT", {"TARGET": _DEFAULT_CONTEXT_TARGET, **expanded})


def _complete_requirements(template: Template, variables: Variables) -> None:
    requirements = _only(template, "REQUIREMENTS")
    if requirements is None:
        return
    if not isinstance(requirements, str):
        raise AllocationError("Wrong format for REQUIREMENTS attribute.")
    template.replace("REQUIREMENTS", variables.expand(requirements))


def _complete_graphics(template: Template, number: int) -> None:
    vectors = template.vectors("GRAPHICS")
    if vectors and not vectors[0].get("PORT"):
        first: Mapping[str, str] = {**vectors[0], "PORT": str(_FIRST_VNC_PORT + number)}
        template.replace_vectors("GRAPHICS", [first, *vectors[1:]])


def _only(template: Template, name: str) -> Value | None:
    values = template.values(name)
    if len(values) > 1:
        raise AllocationError(f"Only one {name} attribute can be defined.")
    return values[0] if values else None
