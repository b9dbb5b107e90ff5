"""VM templates of a cloud of today's OpenNebula: machines that an administrator has prepared."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from stratuslab_libcloud.client.opennebula.daemon import Daemon, read_nothing
from stratuslab_libcloud.client.opennebula.machine import VISIBLE
from stratuslab_libcloud.client.opennebula.xml_values import (
    attributes,
    child,
    integer,
    number,
    object_id,
    only_one,
    read_pool,
    texts,
)


class VmTemplate(NamedTuple):
    """A VM template.

    :param id: its ID
    :param owner: the user's name
    :param attributes: what machines made from it get: texts, mappings, and lists of these
    """

    id: int
    name: str
    owner: str
    attributes: dict[str, Any]

    @property
    def memory(self) -> int | None:
        """MiB; None where it says nothing, or no number."""
        return integer(self._text("MEMORY"))

    @property
    def cpu_share(self) -> float | None:
        """The share of physical CPUs; None where it says nothing."""
        return number(self._text("CPU"))

    @property
    def cpu(self) -> int | None:
        """Virtual CPUs; None where it says nothing."""
        return integer(self._text("VCPU"))

    def vectors(self, name: str) -> list[dict[str, str]]:
        """The vectors of a name, such as DISK or CONTEXT."""
        value = self.attributes.get(name, [])
        several = value if isinstance(value, list) else [value]
        return [each for each in several if isinstance(each, dict)]

    def _text(self, name: str) -> str | None:
        value = self.attributes.get(name)
        return value if isinstance(value, str) else None


class VmTemplates:
    """The VM templates of one cloud.

    :param daemon: the cloud's daemon
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def templates(self) -> list[VmTemplate]:
        """Ask for the templates that the user may use."""
        return self._daemon.call("one.templatepool.info", VISIBLE, -1, -1, read=_read_templates, repeatable=True)

    def template(self, template_id: int) -> VmTemplate:
        """Ask for one template.

        :raises NotFoundError: when there is none
        """
        return self._daemon.call(
            "one.template.info", template_id, read=lambda text: only_one(_read_templates(text)), repeatable=True
        )

    def delete(self, template_id: int) -> None:
        """Delete a template; its images stay.

        :raises NotFoundError: when there is none
        """
        self._daemon.call("one.template.delete", template_id, read=read_nothing, repeatable=True)


def _read_templates(chunks: Iterable[str]) -> list[VmTemplate]:
    return read_pool(chunks, "VMTEMPLATE", "VMTEMPLATE_POOL", _template_of)


def _template_of(element: Element) -> VmTemplate | None:
    values = texts(element)
    template_id = object_id(values.get("ID"))
    if template_id is None:
        return None
    return VmTemplate(
        id=template_id,
        name=values.get("NAME") or "",
        owner=values.get("UNAME") or "",
        attributes=attributes(child(element, "TEMPLATE")),
    )
