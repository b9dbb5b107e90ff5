"""The disk service's forms and documents: what a client says of a disk, and what the service says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl

from stratuslab_libcloud.sandbox.state.disk import Disk, DiskFields, DiskType, Mount, Visibility
from stratuslab_libcloud.sandbox.state.errors import InvalidDiskError, UnhandledInputError


def parse_form(body: bytes) -> Mapping[str, str]:
    """The values of a form; of a name given twice, the first."""
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    return dict(reversed(pairs))


def disk_fields(form: Mapping[str, str]) -> DiskFields:
    """What a form says of a disk.

    :raises InvalidDiskError: if size or visibility cannot be read
    :raises UnhandledInputError: if there is no such type
    """
    return DiskFields(
        size=_size(form.get("size")),
        owner=form.get("owner"),
        group=form.get("group"),
        visibility=_visibility(form.get("visibility")),
        tag=form.get("tag"),
        quarantine=form.get("quarantine"),
        identifier=form.get("identifier"),
        type=_type(form.get("type")),
        seed=form.get("seed") == "on",
    )


def disk_json(disk: Disk, count: int) -> str:
    """One disk in full."""
    return _object(
        [
            *_common_members(disk, count),
            ("type", disk.type.value),
            ("visibility", disk.visibility.value),
        ]
    )


def disks_json(disks: Sequence[Disk], count: Callable[[Disk], int]) -> str:
    """A listing."""
    return f"[{','.join(_object(_common_members(disk, count(disk))) for disk in disks)}]"


def mounts_json(mounts: Sequence[Mount]) -> str:
    """The mounts of one disk."""
    return json.dumps([{"vmId": mount.vm_id, "device": mount.device} for mount in mounts])


def attached_json(mount: Mount) -> str:
    """What is said of a new mount."""
    return json.dumps({"node": mount.node, "vm_id": mount.vm_id, "target": mount.device, "uuid": [mount.disk]})


def detached_json(mount: Mount) -> str:
    """What is said of a mount that was removed."""
    return json.dumps({"diskId": mount.disk, "mountId": mount.id, "vmId": mount.vm_id, "target": mount.device})


def _common_members(disk: Disk, count: int) -> list[tuple[str, str]]:
    optional = [("quarantine", disk.quarantine)] if disk.quarantine else []
    identifier = [("identifier", disk.identifier)] if disk.identifier else []
    return [
        ("uuid", disk.uuid),
        ("tag", json.dumps(disk.tag, ensure_ascii=False)[1:-1]),
        *optional,
        ("count", f"{count:,}"),
        ("owner", disk.owner),
        *identifier,
        ("size", f"{disk.size:,}"),
    ]


def _object(members: Sequence[tuple[str, str]]) -> str:
    # Put together by hand, since the service escapes nothing but the tag.
    return "{" + ",".join(f'"{name}":"{value}"' for name, value in members) + "}"


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise InvalidDiskError(f'Error parsing size: For input string: "{text}"')
    return int(text)


def _visibility(text: str | None) -> Visibility | None:
    if text is None:
        return None
    try:
        return Visibility(text.upper())
    except ValueError:
        raise InvalidDiskError(f"Invalid value for form element visibility: {text}") from None


def _type(text: str | None) -> DiskType | None:
    if text is None:
        return None
    try:
        return DiskType(text)
    except ValueError:
        raise UnhandledInputError(f"No enum constant DiskType.{text}") from None
