"""Templates in OpenNebula's XML: each attribute an element, sorted by name."""

from __future__ import annotations

from collections.abc import Mapping

from stratuslab_libcloud.sandbox.state.template import Template


def template_xml(template: Template, element: str = "TEMPLATE", *, extra: str = "") -> str:
    """A template, in an element of this name.

    :param extra: further elements at its end
    """
    parts = []
    for name, value in template:
        content = cdata(value) if isinstance(value, str) else vector_xml(value)
        parts.append(f"<{name}>{content}</{name}>")
    return f"<{element}>{''.join(parts)}{extra}</{element}>"


def vector_xml(vector: Mapping[str, str]) -> str:
    """The values of a vector, each in its element."""
    return "".join(f"<{name}>{cdata(value)}</{name}>" for name, value in sorted(vector.items()))


def cdata(text: str) -> str:
    """A text as character data."""
    return f"<![CDATA[{text}]]>"
