"""What `create_node` notes in a machine's contextualization for programs: metadata, tags and the like.

OpenNebula 3.2 keeps nothing else that a user may choose. All of it is one value, ``LIBCLOUD_METADATA``: JSON in
base64, so that any text arrives as it was. On the machine, ``base64 -d`` makes it readable.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from stratuslab_libcloud.driver.arguments import text
from stratuslab_libcloud.errors import InvalidArgumentError

VARIABLE = "LIBCLOUD_METADATA"


class NodeNotes(NamedTuple):
    """The notes of one machine.

    :param metadata: texts by name
    :param tags: a list, or texts by name
    :param key_name: the name of the key pair that it was created with
    :param save_as: the title of the image that is made of it when it is shut down
    """

    metadata: Mapping[str, str] = MappingProxyType({})
    tags: Sequence[str] | Mapping[str, str] = ()
    key_name: str | None = None
    save_as: str | None = None

    def context_pairs(self) -> dict[str, str]:
        """What the contextualization must have for them; nothing if there are none."""
        given = {name: value for name, value in self._asdict().items() if value}
        return {VARIABLE: base64.b64encode(json.dumps(given).encode()).decode()} if given else {}


NOTHING = NodeNotes()


def checked_notes(metadata: Any, tags: Any, key_name: str | None, save_as: str | None) -> NodeNotes:
    """The notes for a new machine.

    :raises InvalidArgumentError: when the metadata or the tags are of another form
    """
    if tags is not None and not isinstance(tags, Mapping):
        tags = [text("a tag in ex_tags", tag) for tag in _several("ex_tags", tags)]
    tags = tags if isinstance(tags, list) else _texts("ex_tags", tags)
    return NodeNotes(_texts("ex_metadata", metadata), tags, key_name, save_as)


def read_notes(context: Mapping[str, Any] | None) -> NodeNotes:
    """The notes in a machine's contextualization; empty if there are none, or they cannot be read."""
    written = (context or {}).get(VARIABLE)
    if not isinstance(written, str):
        return NOTHING
    try:
        given = json.loads(base64.b64decode(written, validate=True))
    except (ValueError, RecursionError):
        return NOTHING
    if not isinstance(given, dict):
        return NOTHING
    metadata, tags, key_name, save_as = (given.get(name) for name in NodeNotes._fields)
    return NodeNotes(
        metadata if isinstance(metadata, dict) else {},
        tags if isinstance(tags, (list, dict)) else [],
        key_name if isinstance(key_name, str) else None,
        save_as if isinstance(save_as, str) else None,
    )


def _several(name: str, values: Any) -> Iterable[Any]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise InvalidArgumentError(f"{name} must be a list or a mapping, not {values!r}")
    return values


def _texts(name: str, values: Any) -> dict[str, str]:
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise InvalidArgumentError(f"{name} must be a mapping, not {values!r}")
    return {text(f"a name in {name}", key): _value(f"{key} in {name}", value) for key, value in values.items()}


def _value(name: str, value: Any) -> str:
    return str(value) if isinstance(value, (int, float)) else text(name, value)
