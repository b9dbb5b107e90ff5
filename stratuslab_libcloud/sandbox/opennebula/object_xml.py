"""What the documents of all objects have in common."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

from stratuslab_libcloud.sandbox.state.opennebula.objects import Lock, PoolObject

_RIGHTS = ("OWNER_U", "OWNER_M", "OWNER_A", "GROUP_U", "GROUP_M", "GROUP_A", "OTHER_U", "OTHER_M", "OTHER_A")


def identity_xml(thing: PoolObject) -> str:
    """Its number, owner, group and name."""
    return (
        f"<ID>{thing.id}</ID><UID>{thing.owner.id}</UID><GID>{thing.group.id}</GID>"
        f"<UNAME>{escape(thing.owner.name)}</UNAME><GNAME>{escape(thing.group.name)}</GNAME>"
        f"<NAME>{escape(thing.name)}</NAME>"
    )


def permissions_xml(thing: PoolObject) -> str:
    """Who may do what with it."""
    rights = "".join(f"<{name}>{bit}</{name}>" for name, bit in zip(_RIGHTS, thing.permissions, strict=True))
    return f"<PERMISSIONS>{rights}</PERMISSIONS>"


def lock_xml(lock: Lock | None) -> str:
    """That it is locked, if it is."""
    if lock is None:
        return ""
    return (
        f"<LOCK><LOCKED>{lock.level}</LOCKED><OWNER>{lock.user_id}</OWNER><TIME>{int(lock.time)}</TIME>"
        f"<REQ_ID>{lock.request_id}</REQ_ID></LOCK>"
    )


def ids_xml(element: str, numbers: Iterable[int]) -> str:
    """Numbers of other objects."""
    return f"<{element}>{''.join(f'<ID>{number}</ID>' for number in numbers)}</{element}>"


def pool_xml(element: str, documents: Iterable[str]) -> str:
    """The documents of a pool."""
    return f"<{element}>{''.join(documents)}</{element}>"
