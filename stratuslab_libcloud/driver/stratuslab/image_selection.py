"""Which Marketplace entries a list of images is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from stratuslab_libcloud.client.stratuslab.entries import Image
from stratuslab_libcloud.errors import InvalidArgumentError

Name = str | re.Pattern[str]


class ImageSelection(NamedTuple):
    """What entries must be like; what is None does not matter. Texts are compared in lower case.

    :param os: the operating system, such as ``Ubuntu``
    :param architecture: such as ``x86_64``
    :param endorser: an e-mail address
    :param kind: ``machine`` or ``disk``
    :param name: the image's whole name, or a compiled regular expression that has to match all of it
    :param latest: whether of several images of one name only the newest counts
    :param all_endorsers: whether an image is there once for each endorser
    """

    os: str | None = None
    architecture: str | None = None
    endorser: str | None = None
    kind: str | None = None
    name: Name | None = None
    latest: bool = False
    all_endorsers: bool = False

    def check(self) -> None:
        """Check the arguments before anything is asked.

        :raises InvalidArgumentError: when one is neither a text nor, as a name may be, a regular expression
        """
        for argument in ("os", "architecture", "endorser", "kind"):
            value = getattr(self, argument)
            if value is not None and not isinstance(value, str):
                raise InvalidArgumentError(f"ex_{argument} must be a text, not {value!r}")
        if not isinstance(self.name, (str, re.Pattern, type(None))):
            raise InvalidArgumentError(f"ex_name must be a text or a compiled regular expression, not {self.name!r}")

    def of(self, entries: Iterable[Image]) -> list[tuple[Image, list[str]]]:
        """The entries that are wanted, each with all endorsers of its image."""
        endorsements: dict[str, list[Image]] = {}
        for entry in entries:
            endorsements.setdefault(entry.identifier, []).append(entry)
        wanted: Iterable[list[Image]] = endorsements.values()
        if self._chooses:
            wanted = [[entry for entry in of_one if self._fits(entry)] for of_one in wanted]
        chosen = self._chosen([of_one for of_one in wanted if of_one])
        return [(entry, [other.endorser for other in endorsements[entry.identifier]]) for entry in chosen]

    def _chosen(self, images: Sequence[Sequence[Image]]) -> list[Image]:
        if self.latest:
            newest: dict[str, Sequence[Image]] = {}
            for entries in images:
                best = newest.setdefault(entries[0].name, entries)
                if _age(entries) > _age(best):
                    newest[entries[0].name] = entries
            images = list(newest.values())
        if self.all_endorsers:
            return [entry for entries in images for entry in entries]
        return [max(entries, key=lambda entry: entry.endorsed) for entries in images]

    @property
    def _chooses(self) -> bool:
        """Whether there is an entry that does not fit."""
        wanted = (self.os, self.architecture, self.endorser, self.kind, self.name)
        return any(each is not None for each in wanted)

    def _fits(self, entry: Image) -> bool:
        pairs = (
            (self.os, entry.os),
            (self.architecture, entry.arch),
            (self.endorser, entry.endorser),
            (self.kind, entry.kind or entry.type),
        )
        if any(wanted is not None and wanted.lower() != found.lower() for wanted, found in pairs):
            return False
        if isinstance(self.name, str):
            return entry.name == self.name
        return self.name is None or bool(self.name.fullmatch(entry.name))


def _age(entries: Sequence[Image]) -> tuple[str, str]:
    return max((entry.created, entry.endorsed) for entry in entries)
