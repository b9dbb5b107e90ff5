"""What of a template is the administrators' to say."""

from __future__ import annotations

from stratuslab_libcloud.sandbox.state.template import Template

_TEXTS = ("CPU_COST", "DISK_COST", "EMULATOR", "MEMORY_COST", "USER_PRIORITY")
_VECTORS = {
    "CONTEXT": ("FILES",),
    "DISK": ("ORIGINAL_SIZE", "SIZE_PREV", "TOTAL_BYTES_SEC", "TOTAL_IOPS_SEC"),
    "NIC": ("BRIDGE", "EXTERNAL", "FILTER", "MAC", "VLAN_ID"),
    "NIC_ALIAS": ("BRIDGE", "EXTERNAL", "FILTER", "MAC", "VLAN_ID"),
    "RAW": ("DATA",),
}


def restricted_attribute(template: Template) -> tuple[str, str] | None:
    """The first attribute that ordinary users may not give: its name, and the attribute that it is in, if any."""
    for name, value in template:
        if name in _TEXTS or name == "PCI":
            return name, name
        for key in _VECTORS.get(name, ()):
            if not isinstance(value, str) and key in value:
                return key, name
    return None
