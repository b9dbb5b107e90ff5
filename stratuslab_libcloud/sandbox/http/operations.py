"""What can be asked of each service, in the names that the record of requests and the faults have for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

OPERATIONS: Mapping[str, Sequence[str]] = {
    "compute": ("one.vm.allocate", "one.vm.info", "one.vm.action", "one.vmpool.info"),
    "disks": (
        "GET /",
        "GET /disks",
        "POST /disks",
        "GET /disks/{uuid}",
        "PUT /disks/{uuid}",
        "POST /disks/{uuid}",
        "DELETE /disks/{uuid}",
        "GET /disks/{uuid}/turl",
        "GET /disks/{uuid}/mounts",
        "POST /disks/{uuid}/mounts",
        "GET /disks/{uuid}/mounts/{mount_id}",
        "DELETE /disks/{uuid}/mounts/{mount_id}",
        "GET /instances",
        "GET /instances/{vm_id}",
    ),
    "marketplace": (
        "GET /metadata",
        "GET /metadata/{id}",
        "GET /metadata/{id}/{email}/{created}",
        "GET /metadata/{email}?tag",
        "POST /metadata",
        "POST /metadata (query)",
        "GET /endorsers",
        "GET /endorsers/{email}",
        "GET /endorsers/{email}/tags",
    ),
    "pat": ("GET /cgi-bin/vmports.py",),
}


def matches(pattern: str, name: str) -> bool:
    """Whether a service's or operation's name is one of those that are meant; ``*`` in a pattern is anything."""
    # Nothing but stars is of use here: question marks and brackets stand in names.
    return fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]"))


def check_patterns(service: str, operation: str) -> None:
    """Make sure that there is something to be meant.

    :raises ValueError: if no service, or no operation of those services, has such a name; with those that there are
    """
    services = [name for name in OPERATIONS if matches(service, name)]
    if not services:
        raise ValueError(f"there is no service {service!r}, but {', '.join(OPERATIONS)}")
    operations = [name for of_service in services for name in OPERATIONS[of_service]]
    if not any(matches(operation, name) for name in operations):
        raise ValueError(f"service {service!r} has no operation {operation!r}, but {', '.join(operations)}")
