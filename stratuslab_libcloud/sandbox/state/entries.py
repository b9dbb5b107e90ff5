"""The Marketplace's entries: which are in force, and who endorsed them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

from stratuslab_libcloud.sandbox.state.clock import Clock
from stratuslab_libcloud.sandbox.state.errors import InvalidEntryError
from stratuslab_libcloud.sandbox.state.lock import StateLock

VALID, EXPIRED, DEPRECATED = "valid", "expired", "deprecated"
ANYWHERE, ON_THE_WEB, ON_PDISK = "all", "web", "pdisk"
_WEB_SCHEMES = ("http:", "https:", "ftp:")


@dataclass(frozen=True)
class Entry:
    """An entry of the Marketplace: what an endorser says of an image. Times are texts such as ``2014-06-01T10:00:00Z``.

    :param identifier: of the image
    :param email: of the endorser, as are `subject` and `issuer`
    :param created: when it was endorsed
    :param valid: until when; None for an entry that is in no listing
    :param deprecated: why it should no longer be used; None if it may be
    :param tag: a name for the newest of an endorser's images of a kind
    :param size: bytes
    :param locations: where the image is
    :param make_document: makes the signed RDF, without an XML declaration: signing takes time, and few are read
    """

    identifier: str
    email: str
    created: str
    subject: str
    issuer: str
    valid: str | None
    deprecated: str | None
    tag: str | None
    title: str | None
    description: str | None
    os: str | None
    os_version: str | None
    os_arch: str | None
    kind: str | None
    size: int
    locations: tuple[str, ...]
    make_document: Callable[[], str] = field(compare=False, repr=False)

    @property
    def document(self) -> str:
        """The signed RDF."""
        return self.make_document()

    @property
    def key(self) -> tuple[str, str, str]:
        """Image, endorser and time, which no other entry has."""
        return (self.identifier, self.email, self.created)

    def is_located(self, where: str) -> bool:
        """Whether the image is at such a place.

        :param where: `ON_THE_WEB`, `ON_PDISK`, or anything else for anywhere
        """
        if where == ON_THE_WEB:
            return not self.locations or any(loc.startswith(_WEB_SCHEMES) for loc in self.locations)
        if where == ON_PDISK:
            return any(location.startswith("pdisk") for location in self.locations)
        return True

    def has_status(self, status: str, now: str) -> bool:
        """Whether the entry is in force, or has which other status.

        :param status: `VALID`, `EXPIRED`, `DEPRECATED`, or anything else for any
        :param now: the time, written like the entry's
        """
        if status == DEPRECATED:
            return self.deprecated is not None
        if status in (VALID, EXPIRED):
            is_valid = self.valid is not None and self.valid > now
            return self.deprecated is None and is_valid == (status == VALID)
        return True


@dataclass(frozen=True)
class ImageBehaviour:
    """How machines behave that start from an image.

    :param sftp: whether they serve SFTP
    :param prolog_error: why their disks cannot be prepared; None if they can
    :param boot_error: why they do not boot; None if they do
    """

    sftp: bool = True
    prolog_error: str | None = None
    boot_error: str | None = None


class Entries:
    """All entries of a Marketplace, including superseded ones."""

    def __init__(self, *, lock: StateLock, clock: Clock) -> None:
        self._lock = lock
        self._clock = clock
        self._entries: dict[tuple[str, str, str], Entry] = {}
        self._latest: dict[tuple[str, str], Entry] = {}
        self._behaviours: dict[str, ImageBehaviour] = {}

    def add(self, entry: Entry) -> None:
        """Publish an entry.

        :raises InvalidEntryError: if the endorser has a newer entry for the image
        """
        endorsement = (entry.identifier, entry.email)
        with self._lock:
            latest = self._latest.get(endorsement)
            if latest is not None and entry.created < latest.created:
                raise InvalidEntryError("older than latest entry")
            self._entries[entry.key] = entry
            self._latest[endorsement] = entry

    def find(self, identifier: str, email: str, created: str) -> Entry | None:
        """One entry, superseded or not."""
        with self._lock:
            return self._entries.get((identifier, email, created))

    def select(
        self,
        *,
        identifier: str | None = None,
        email: str | None = None,
        created: str | None = None,
        status: str = VALID,
        where: str = ANYWHERE,
    ) -> Sequence[Entry]:
        """The entries that fit, newest first: of each endorser the latest on each image, unless a time is given.

        Those without an end of validity never fit.
        """
        now = timestamp(self._clock.now())
        with self._lock:
            entries = list((self._latest if created is None else self._entries).values())
        found = [
            entry
            for entry in entries
            if entry.valid is not None
            and identifier in (None, entry.identifier)
            and email in (None, entry.email)
            and created in (None, entry.created)
            and entry.has_status(status, now)
            and entry.is_located(where)
        ]
        return sorted(found, key=lambda entry: entry.created, reverse=True)

    def with_latest(self) -> Sequence[tuple[Entry, bool]]:
        """All entries, and whether each is the latest of its endorser for its image."""
        with self._lock:
            return [(each, self._latest[each.identifier, each.email] is each) for each in self._entries.values()]

    def tagged(self, email: str, tag: str) -> Entry | None:
        """The newest entry with a tag by an endorser, even if it is deprecated."""
        with self._lock:
            fitting = [e for e in self._latest.values() if e.email == email and e.tag == tag]
        return max(fitting, key=lambda entry: entry.created, default=None)

    def knows(self, identifier: str) -> bool:
        """Whether there is an entry for the image."""
        with self._lock:
            return any(known == identifier for known, _ in self._latest)

    def latest_on(self, identifier: str) -> Entry | None:
        """What was said last of an image, by whomever; None if there is no entry for it."""
        with self._lock:
            entries = [entry for (known, _), entry in self._latest.items() if known == identifier]
        return max(entries, key=lambda entry: entry.created, default=None)

    def behaviour(self, identifier: str) -> ImageBehaviour:
        """How machines behave that start from an image."""
        with self._lock:
            return self._behaviours.get(identifier, ImageBehaviour())

    def behaviours(self) -> Mapping[str, ImageBehaviour]:
        """The behaviour of all images for which it was set, by identifier."""
        with self._lock:
            return dict(self._behaviours)

    def set_behaviour(self, identifier: str, behaviour: ImageBehaviour) -> None:
        """Set how machines behave that start from an image."""
        with self._lock:
            self._behaviours[identifier] = behaviour

    def __iter__(self) -> Iterator[Entry]:
        with self._lock:
            return iter(list(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)


def timestamp(moment: float) -> str:
    """A time, in seconds since 1970, as the Marketplace writes it."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
