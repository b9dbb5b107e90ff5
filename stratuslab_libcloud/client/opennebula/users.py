"""The user of a cloud of today's OpenNebula: who it is, its quotas, its tokens.

The document about a user contains the hash of its password, and tokens in clear. None of that is read, and the wire log
leaves the answers out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element

from stratuslab_libcloud.client.opennebula.daemon import Daemon, read_text
from stratuslab_libcloud.client.opennebula.xml_values import child, number, object_id, only_one, read_pool, texts

_MYSELF = -1
_ALL_GROUPS = -1

_QUOTAS = ("VM", "DATASTORE", "NETWORK", "IMAGE")
_USED = "_USED"


class Quota(NamedTuple):
    """How much of something the user may have, and has.

    :param kind: ``VM``, ``DATASTORE``, ``NETWORK`` or ``IMAGE``
    :param id: of the datastore, network or image; None for machines, and for those of a group of hosts
    :param resource: such as ``CPU``, ``MEMORY``, ``SIZE`` or ``LEASES``; memory and sizes in MiB
    :param used: how much there is
    :param limit: how much there may be; None for no limit
    """

    kind: str
    id: int | None
    resource: str
    used: float
    limit: float | None


class User(NamedTuple):
    """What the cloud says about the user itself.

    :param id: its ID
    :param name: its name
    :param group: its primary group
    :param group_ids: of all its groups
    :param ssh_public_key: '' if none is stored in the cloud
    :param quotas: those that are limited or in use
    """

    id: int
    name: str
    group: str
    group_ids: tuple[int, ...]
    ssh_public_key: str
    quotas: tuple[Quota, ...]


class Users:
    """What one cloud knows about the user.

    :param daemon: that is asked
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def myself(self) -> User:
        """Ask for the user itself."""
        return self._daemon.call(
            "one.user.info",
            _MYSELF,
            read=lambda text: only_one(_read_users(text)),
            repeatable=True,
            answer_is_secret=True,
        )

    def login(self, name: str, seconds: int) -> str:
        """Make a token, which can stand for the password.

        :param name: the user's
        :param seconds: how long it is valid; -1 for ever, 0 to end all tokens
        :return: the token; '' for 0 seconds
        """
        return self._daemon.call(
            "one.user.login", name, "", seconds, _ALL_GROUPS, read=read_text, answer_is_secret=True
        )

    def version(self) -> str:
        """The daemon's version, such as ``6.10.0``."""
        return self._daemon.call("one.system.version", read=read_text, repeatable=True)


def _read_users(chunks: Iterable[str]) -> list[User]:
    return read_pool(chunks, "USER", "USER_POOL", _user_of)


def _user_of(element: Element) -> User | None:
    values = texts(element)
    user_id = object_id(values.get("ID"))
    if user_id is None:
        return None
    groups = (object_id(each.text) for each in child(element, "GROUPS").findall("ID"))
    return User(
        id=user_id,
        name=values.get("NAME") or "",
        group=values.get("GNAME") or "",
        group_ids=tuple(group for group in groups if group is not None),
        ssh_public_key=child(element, "TEMPLATE").findtext("SSH_PUBLIC_KEY", ""),
        quotas=tuple(_quotas(element)),
    )


def _quotas(user: Element) -> Iterator[Quota]:
    """The quotas, and where they leave it to the defaults, those."""
    defaults = {quota[:3]: quota.limit for quota in _stated_quotas(child(user, "DEFAULT_USER_QUOTAS"))}
    for quota in _stated_quotas(user):
        limit = defaults.get(quota[:3]) if quota.limit == _DEFAULT else quota.limit
        yield quota._replace(limit=None if limit in (_DEFAULT, _UNLIMITED) else limit)


_DEFAULT, _UNLIMITED = -1, -2


def _stated_quotas(element: Element) -> Iterator[Quota]:
    for kind in _QUOTAS:
        for each in child(element, f"{kind}_QUOTA").findall(kind):
            values = texts(each)
            for name, used in values.items():
                if name.endswith(_USED):
                    resource = name.removesuffix(_USED)
                    limit = number(values.get(resource))
                    yield Quota(kind, object_id(values.get("ID")), resource, number(used) or 0.0, limit)
