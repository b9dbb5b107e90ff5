"""The locations of a driver, and the cloud behind each."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from libcloud.common.types import LibcloudError
from libcloud.compute.base import Node, NodeDriver, NodeLocation, StorageVolume

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.config import UserConfiguration
from stratuslab_libcloud.driver.stratuslab.nodes import location_of
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError, PartialListError

T = TypeVar("T")

_log = logging.getLogger(__name__)

Location = NodeLocation | str | None

_IN_EXCEPTION = "what the others said is in this exception's `found`, and ex_partial=True returns it"
_GONE_THROUGH = "what the others said was gone through already, and ex_partial=True lets it be all there is"


class Locations:
    """The sections of a configuration as Libcloud's locations. A cloud is made when it is first asked for.

    :param configuration: the user's
    :param driver: whose locations they are
    :param proxy_url: an HTTP proxy to use instead of the environment's
    :param image_lifetime: seconds for which clouds keep images, see `client.marketplace`
    """

    def __init__(
        self,
        configuration: UserConfiguration,
        driver: NodeDriver,
        proxy_url: str | None,
        image_lifetime: float | None = None,
    ) -> None:
        self._configuration = configuration
        self._driver = driver
        self.proxy_url = proxy_url
        self._image_lifetime = image_lifetime
        self._clouds: dict[str, Cloud] = {}
        self._lock = threading.Lock()
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
                f"there is no location '{section}' in {self._configuration.file}; there are {known}",
                file=self._configuration.file,
                section=section,
            )
        return self._locations[section]

    def of(self, thing: Node | StorageVolume) -> NodeLocation:
        """Where a node or a volume is.

        :raises InvalidArgumentError: when another driver has it, whose cloud there is another one
        """
        where = self.find(location_of(thing, self._configuration.default_section))
        if thing.driver is not self._driver:
            self._check_same_cloud(thing, where)
        return where

    def cloud(self, location: Location) -> Cloud:
        """The cloud at a location.

        :raises ConfigurationError: when there is no such location, or its section can not be used
        """
        section = self.find(location).id
        with self._lock:
            if section not in self._clouds:
                config = self._configuration.cloud(section)
                self._clouds[section] = Cloud(config, self.proxy_url, self._image_lifetime)
            return self._clouds[section]

    def close(self) -> None:
        """Close the idle connections to all clouds."""
        with self._lock:
            clouds = list(self._clouds.values())
        for cloud in clouds:
            cloud.close()

    def cloud_of(self, thing: Node | StorageVolume) -> Cloud:
        """The cloud in which a node or a volume is."""
        return self.cloud(self.of(thing))

    def is_same_cloud(self, other: Locations, location: Location) -> bool:
        """Whether the location is the same cloud, seen by the same user, for another driver."""
        ours, theirs = self.cloud(location).config.compute, other.cloud(location).config.compute
        return (ours.url, ours.credentials) == (theirs.url, theirs.credentials)

    def _check_same_cloud(self, thing: Node | StorageVolume, where: NodeLocation) -> None:
        theirs = getattr(thing.driver, "_locations", None)
        if not (isinstance(theirs, Locations) and theirs.is_same_cloud(self, where)):
            raise InvalidArgumentError(
                f"{type(thing).__name__} {thing.id} is of another driver, for which location '{where.id}' is not "
                "the same cloud"
            )

    def ask_all(self, ask: Callable[[NodeLocation], list[T]], partial: bool) -> list[T]:
        """Ask all locations at the same time; nothing that one of them says is lost.

        :param partial: whether to leave out those that do not answer, with a warning
        :raises PartialListError: when one does not answer; it has what the others said
        """
        from stratuslab_libcloud.client.parallel import outcomes

        found: list[T] = []
        errors: dict[str, LibcloudError] = {}
        for location, outcome in zip(self.all(), outcomes(ask, self.all()), strict=True):
            if isinstance(outcome, LibcloudError):
                errors[location.id] = outcome
            else:
                found += outcome
        if errors:
            _report(errors, len(self._locations), partial, _IN_EXCEPTION, found)
        return found

    def ask_while_read(
        self,
        ask: Callable[[NodeLocation, Callable[[list[T]], None]], None],
        places: Sequence[NodeLocation],
        partial: bool,
    ) -> Iterator[tuple[NodeLocation, list[T]]]:
        """Ask locations at the same time, and yield each part of what they say as it comes.

        :param ask: is called with a location and with what takes the parts of the answer
        :raises PartialListError: at the end, when one did not answer, or not all of it
        """
        from stratuslab_libcloud.client.parallel import parts

        errors: dict[str, LibcloudError] = {}
        for location, part in parts(ask, places):
            if isinstance(part, LibcloudError):
                errors[location.id] = part
            else:
                yield location, part
        if errors:
            _report(errors, len(places), partial, _GONE_THROUGH)


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
    reasons = "; ".join(f"'{section}': {error}" for section, error in errors.items())
    raise PartialListError(
        f"{len(errors)} of {asked} locations could not be asked: {reasons}; {rest}", found=found, errors=errors
    )
