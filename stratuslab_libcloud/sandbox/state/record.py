"""The record of a machine, which OpenNebula 3.2 keeps as XML and reads again after it was created.

Values are put into CDATA sections, names and keys are put in as they are. So markup in a name is markup.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from stratuslab_libcloud.sandbox.state.errors import AllocationError
from stratuslab_libcloud.sandbox.state.template import Template
from stratuslab_libcloud.sandbox.state.vm import Machine

_END_OF_CDATA = "]]>"


def check_record(name: str, template: Template) -> None:
    """Check that the record of a new machine is well-formed.

    :raises AllocationError: if it is not
    """
    try:
        read_name(name)
    except ET.ParseError:
        raise _not_xml() from None
    for _, value in template:
        pairs = {"": value} if isinstance(value, str) else value
        if any(_END_OF_CDATA in text or key[:1].isdigit() for key, text in pairs.items()):
            raise _not_xml()


def read_name(name: str) -> str:
    """The name of a machine as it is read from its record.

    :raises xml.etree.ElementTree.ParseError: if the record is not well-formed
    """
    return ET.fromstring(f"<VM><NAME>{name}</NAME></VM>").findtext("NAME") or ""


def stored(machine: Machine) -> Machine:
    """A machine as its last record that could be stored has it: the first one, if its name spoils each further one."""
    if _can_be_stored_again(machine.name):
        return machine
    return Machine(machine.id, machine.owner, machine.name, machine.template, machine.created)


def _can_be_stored_again(name: str) -> bool:
    if "&" not in name:
        return True
    try:
        read_name(read_name(name))
    except ET.ParseError:
        return False
    return True


def _not_xml() -> AllocationError:
    return AllocationError("Error transforming the VM to XML.")
