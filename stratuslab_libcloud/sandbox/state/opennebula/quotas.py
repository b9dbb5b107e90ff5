"""How much users and groups may have, and how much they have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from stratuslab_libcloud.sandbox.state.opennebula.errors import InternalError, QuotaExceededError
from stratuslab_libcloud.sandbox.state.template import Template

RESOURCES: Mapping[str, tuple[str, ...]] = {
    "DATASTORE": ("IMAGES", "SIZE"),
    "NETWORK": ("LEASES",),
    "VM": (
        "CPU",
        "MEMORY",
        "RUNNING_CPU",
        "RUNNING_MEMORY",
        "RUNNING_VMS",
        "SYSTEM_DISK_SIZE",
        "VMS",
    ),
    "IMAGE": ("RVMS",),
}
"""By kind of quota, what it counts, in the order in which it is checked."""

Key = tuple[str, str]
"""Kind of quota, and the number of the datastore, network or image; empty for machines."""

_CHECKED = ("NETWORK", "VM", "IMAGE", "DATASTORE")


class Amounts:
    """How much of each resource."""

    def __init__(self) -> None:
        self._amounts: dict[Key, dict[str, float]] = {}

    def add(self, kind: str, number: str, amounts: Mapping[str, float]) -> Amounts:
        """Add something; returns itself."""
        mine = self._amounts.setdefault((kind, number), {})
        for name, amount in amounts.items():
            mine[name] = mine.get(name, 0) + amount
        return self

    def add_all(self, others: Iterable[Amounts]) -> Amounts:
        """Add all of them; returns itself."""
        for other in others:
            for (kind, number), amounts in other._amounts.items():
                self.add(kind, number, amounts)
        return self

    def of(self, key: Key, name: str) -> float:
        """How much of one resource."""
        return self._amounts.get(key, {}).get(name, 0)

    def keys(self, kind: str) -> list[Key]:
        """What there is something of, by number."""
        keys = [key for key in self._amounts if key[0] == kind]
        return sorted(keys, key=lambda key: int(key[1] or 0))


class Limits:
    """What a user or a group may have at most."""

    def __init__(self) -> None:
        self._limits: dict[Key, dict[str, str]] = {}

    def update(self, template: Template) -> None:
        """Set limits: a template with ``VM``, ``DATASTORE``, ``NETWORK`` and ``IMAGE``, the latter ones with an ID.

        :raises InternalError: if one is not a number, or an ID is missing
        """
        for kind, resources in RESOURCES.items():
            for vector in template.vectors(kind):
                limits = {name: vector[name] for name in resources if name in vector}
                _check(kind, vector.get("ID", ""), limits)
                self._limits.setdefault((kind, vector.get("ID", "")), {}).update(limits)

    def __bool__(self) -> bool:
        return bool(self._limits)

    def of(self, key: Key, name: str) -> str:
        """The limit of one resource as it was set; -1 for the default, which is none, -2 for none."""
        return self._limits.get(key, {}).get(name, "-1")

    def keys(self, kind: str) -> list[Key]:
        """What there are limits of, by number."""
        keys = [key for key in self._limits if key[0] == kind]
        return sorted(keys, key=lambda key: int(key[1] or 0))

    def check(self, whose: str, used: Amounts, more: Amounts) -> None:
        """Make sure that there may be more.

        :param whose: such as ``user [5]``
        :raises QuotaExceededError: if not
        """
        for kind in _CHECKED:
            for key in more.keys(kind):
                for name in RESOURCES[kind]:
                    self._check_one(whose, key, name, used.of(key, name), more.of(key, name))

    def _check_one(self, whose: str, key: Key, name: str, used: float, more: float) -> None:
        limit = self.of(key, name)
        if more > 0 and float(limit) >= 0 and used + more > float(limit):
            kind, number = key
            where = f"{kind} with ID: {number}" if number else kind
            raise QuotaExceededError(f"{whose} limit of {limit} reached for {name} quota in {where}")


def _check(kind: str, number: str, limits: Mapping[str, str]) -> None:
    if bool(number) != (kind != "VM") or (number and not number.isdecimal()):
        raise InternalError(f"Wrong ID in the quota of {kind}: '{number}'")
    for name, limit in limits.items():
        if not re.fullmatch(r"-[12]|\d+(\.\d+)?", limit):
            raise InternalError(f"Negative limit or bad format in quota {name} = {limit}")
