"""What a pickled driver knows of its configuration without reading it: no settings, and no passwords."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from stratuslab_libcloud.config.chosen_sections import no_such_section
from stratuslab_libcloud.config.configuration import Configuration, Identity
from stratuslab_libcloud.config.records import AnyCloudConfig, InstanceType, Place
from stratuslab_libcloud.errors import ConfigurationError


class Memory(NamedTuple):
    """What a pickle contains.

    :param file: the configuration file's name
    :param default_section: the default location
    :param places: how each location is shown
    :param identities: which cloud each is; without those whose section contains a mistake
    """

    file: str
    default_section: str
    places: dict[str, Place]
    identities: dict[str, Identity]

    @classmethod
    def of(cls, configuration: Configuration) -> Memory:
        """What is to be remembered of a configuration."""
        places = {section: configuration.place(section) for section in configuration.sections}
        identities = {}
        for section in places:
            try:
                identities[section] = configuration.identity(section)
            except ConfigurationError:
                continue
        return cls(configuration.file, configuration.default_section, places, identities)


class RememberedConfiguration:
    """A configuration as another process knew it; it is read when more is needed than its locations.

    :param memory: what is known
    :param load: reads the configuration
    """

    def __init__(self, memory: Memory, load: Callable[[], Configuration]) -> None:
        self._memory = memory
        self._load = load
        self._loaded: Configuration | None = None

    @property
    def file(self) -> str:
        """The file's name, for messages."""
        return self._memory.file

    @property
    def sections(self) -> tuple[str, ...]:
        """The locations."""
        return tuple(self._memory.places)

    @property
    def default_section(self) -> str:
        """The location to use if no other is asked for."""
        return self._memory.default_section

    def place(self, section: str) -> Place:
        """A location as it is shown to people.

        :raises ConfigurationError: there is no such section
        """
        if section not in self._memory.places:
            raise no_such_section(self.file, section, self.sections)
        return self._memory.places[section]

    def identity(self, section: str) -> Identity:
        """Which cloud a location is, and for which user.

        :raises ConfigurationError: it is not known, and cannot be read either
        """
        return self._memory.identities.get(section) or self._now().identity(section)

    def cloud(self, section: str) -> AnyCloudConfig:
        """All settings of one location.

        :raises ConfigurationError: the configuration cannot be read any more
        """
        return self._now().cloud(section)

    def instance_types(self) -> tuple[InstanceType, ...]:
        """The machine sizes.

        :raises ConfigurationError: the configuration cannot be read any more
        """
        return self._now().instance_types()

    def _now(self) -> Configuration:
        if self._loaded is None:  # without a lock, which a fork could copy while it is held
            self._loaded = self._load()
        return self._loaded
