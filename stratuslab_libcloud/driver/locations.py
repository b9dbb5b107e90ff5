"""The locations of a driver, and the cloud behind each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from libcloud.common.types import LibcloudError
from libcloud.compute.base import Node, NodeDriver, NodeLocation, StorageVolume, VolumeSnapshot

from stratuslab_libcloud.errors import (
    ConfigurationError,
    InvalidArgumentError,
    NoLocationAnsweredError,
    PartialListError,
)

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.compute import Compute
    from stratuslab_libcloud.config import AnyCloudConfig
    from stratuslab_libcloud.config.configuration import Configuration

_log = logging.getLogger(__name__)

Location = NodeLocation | str | None


class Cloud(Protocol):
    """The services of one cloud, as far as each kind of cloud has them."""

    @property
    def config(self) -> AnyCloudConfig:
        """Where they are."""

    @property
    def compute(self) -> Compute:
        """The machines."""

    def close(self) -> None:
        """Close the idle connections."""


T = TypeVar("T")
CloudT = TypeVar("CloudT", bound=Cloud)

_IN_EXCEPTION = "; the answers of the others are in this exception's `found`; ex_partial=True returns them alone"
_YIELDED_ALREADY = "; the answers of the others have been yielded; with ex_partial=True they are the whole result"


class Locations(Generic[CloudT]):
    """The sections of a configuration as Libcloud's locations. A cloud is made when it is first asked for.

    :param configuration: the user's
    :param driver: whose locations they are
    :param connect: makes the services of a location
    """

    def __init__(self, configuration: Configuration, driver: NodeDriver, connect: Callable[[Any], CloudT]) -> None:
        self._configuration = configuration
        self._driver = driver
        self._connect = connect
        self._clouds: dict[str, CloudT] = {}
        self._locations = {}
        for section in configuration.sections:
            place = configuration.place(section)
            self._locations[section] = NodeLocation(section, place.name, place.country, driver)

    def all(self) -> list[NodeLocation]:
        """All locations, in the file's order."""
        return list(self._locations.values())

    def find(self, location: Location) -> NodeLocation:
        """A location by an object or an id; the default one for None.

        :raises ConfigurationError: when there is none
        """
        if not isinstance(location, (NodeLocation, str, type(None))):
            raise InvalidArgumentError(f"a location is one of list_locations(), or its id, not {location!r}")
        section = location.id if isinstance(location, NodeLocation) else location
        section = self._configuration.default_section if section is None else section
        if section not in self._locations:
            known = ", ".join(f"'{name}'" for name in self._locations)
            raise ConfigurationError(
                f"there is no location '{section}' in {self._configuration.file}; choose one of: {known}",
                file=self._configuration.file,
                section=section,
            )
        return self._locations[section]

    def of(self, thing: Node | StorageVolume | VolumeSnapshot) -> NodeLocation:
        """Where a node or a volume is.

        :raises InvalidArgumentError: when another driver has it, whose cloud there is another one
        """
        where = self.find(location_of(thing, self._configuration.default_section))
        if thing.driver is not self._driver:
            self._check_same_cloud(thing, where)
        return where

    def cloud(self, location: Location) -> CloudT:
        """The cloud at a location.

        :raises ConfigurationError: when there is no such location, or its section cannot be used
        """
        section = self.find(location).id
        cloud = self._clouds.get(section)
        # Without a lock, which a fork could copy while it is held. Of two threads that connect, one is forgotten.
        return cloud or self._clouds.setdefault(section, self._connect(self._configuration.cloud(section)))

    def close(self) -> None:
        """Close the idle connections to all clouds."""
        for cloud in list(self._clouds.values()):
            cloud.close()

    def cloud_of(self, thing: Node | StorageVolume | VolumeSnapshot) -> CloudT:
        """The cloud in which a node or a volume is."""
        return self.cloud(self.of(thing))

    def is_same_cloud(self, other: Locations[Any], location: Location) -> bool:
        """Whether the location is the same cloud, seen by the same user, for another driver."""
        section = self.find(location).id
        return self._configuration.identity(section) == other._configuration.identity(other.find(location).id)

    def _check_same_cloud(self, thing: Node | StorageVolume | VolumeSnapshot, where: NodeLocation) -> None:
        theirs = getattr(thing.driver, "_locations", None)
        if not (isinstance(theirs, Locations) and theirs.is_same_cloud(self, where)):
            raise InvalidArgumentError(
                f"{type(thing).__name__} {thing.id} is of another driver, for which location '{where.id}' is not "
                "the same cloud"
            )

    def ask_all(self, ask: Callable[[NodeLocation], list[T]], partial: bool) -> list[T]:
        """Ask all locations at the same time; no answer is lost.

        :param partial: whether to leave out those that do not answer, with a warning, if at least one does
        :raises PartialListError: when one does not answer; it has what the others answered
        :raises NoLocationAnsweredError: when none of several does
        """
        from stratuslab_libcloud.client.parallel import outcomes

        found: list[T] = []
        errors: dict[str, LibcloudError] = {}
        for location, outcome in zip(self.all(), outcomes(ask, self.all()), strict=True):
            if isinstance(outcome, LibcloudError):
                errors[location.id] = outcome
            else:
                found += outcome
        _check_that_some_answered(errors, len(self._locations))
        if errors:
            _report(errors, len(self._locations), partial, _IN_EXCEPTION if found else "", found)
        return found

    def ask_while_read(
        self,
        ask: Callable[[NodeLocation, Callable[[list[T]], None]], None],
        places: Sequence[NodeLocation],
        partial: bool,
    ) -> Iterator[tuple[NodeLocation, list[T]]]:
        """Ask locations at the same time, and yield each part of what they say as it comes.

        :param ask: is called with a location and with what takes the parts of the answer
        :param partial: whether to leave out those that do not answer, with a warning, if at least one does
        :raises PartialListError: at the end, when one did not answer, or not all of it
        :raises NoLocationAnsweredError: when none of several did
        """
        from stratuslab_libcloud.client.parallel import parts

        errors: dict[str, LibcloudError] = {}
        any_came = False
        for location, part in parts(ask, places):
            if isinstance(part, LibcloudError):
                errors[location.id] = part
            else:
                any_came = True
                yield location, part
        if not any_came:
            _check_that_some_answered(errors, len(places))
        if errors:
            _report(errors, len(places), partial, _YIELDED_ALREADY if any_came else "")


def _check_that_some_answered(errors: dict[str, LibcloudError], asked: int) -> None:
    """Nobody must take it for an empty cloud that none answered."""
    if len(errors) < asked or not errors:
        return
    if asked == 1:
        raise next(iter(errors.values()))
    raise NoLocationAnsweredError(f"none of {asked} locations could be asked: {_reasons(errors)}", errors=errors)


def _report(
    errors: dict[str, LibcloudError], asked: int, partial: bool, rest: str, found: Sequence[object] = ()
) -> None:
    """Say that locations did not answer: in the log, or by an exception."""
    if partial:
        for section, error in errors.items():
            _log.warning("location '%s' is left out: %s", section, error)
        return
    if asked == 1:
        raise next(iter(errors.values()))
    raise PartialListError(
        f"{len(errors)} of {asked} locations could not be asked: {_reasons(errors)}{rest}", found=found, errors=errors
    )


def _reasons(errors: dict[str, LibcloudError]) -> str:
    return "; ".join(f"'{section}': {error}" for section, error in errors.items())


def location_of(thing: Any, default: str) -> str:
    """The id of the location in which a node or a volume is, also of a plain Libcloud object."""
    location = getattr(thing, "location", None)
    if isinstance(location, NodeLocation):
        return str(location.id)
    return str((thing.extra or {}).get("location") or default)
