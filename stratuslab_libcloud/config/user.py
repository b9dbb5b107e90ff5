"""The user's configuration file: which clouds there are, and the settings of each."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from stratuslab_libcloud.config import instance_types, values
from stratuslab_libcloud.config.arguments import WITHOUT_A_FILE, Arguments
from stratuslab_libcloud.config.chosen_sections import (
    ChosenSections,
    choose,
    kind_of,
    kind_of_default,
    no_such_section,
)
from stratuslab_libcloud.config.configuration import Identity, identity_of
from stratuslab_libcloud.config.keys import OPENNEBULA, SECTION_VARIABLE, STRATUSLAB
from stratuslab_libcloud.config.records import AnyCloudConfig, CloudConfig, InstanceType, OpenNebulaConfig, Place
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError

if TYPE_CHECKING:
    from stratuslab_libcloud.config.inifile import IniFile
    from stratuslab_libcloud.config.settings import Settings
    from stratuslab_libcloud.config.source import Source

_log = logging.getLogger("stratuslab_libcloud.config")


class UserConfiguration:
    """What the user's file and environment say about their clouds.

    Made by `load`. A section is read when it is asked for, so the others can be used when one contains a mistake.
    Threads may share it.

    :ivar file: the file's name, for messages
    :ivar kind: of its clouds: ``stratuslab`` or ``opennebula``
    :ivar sections: the locations, in the file's order
    :ivar default_section: the location to use if no other is asked for: the argument of `load`, else the
        variable ``STRATUSLAB_USER_CONFIG_SECTION``, ``selected_section`` in ``[default]``, or ``default``
    """

    file: str
    kind: str
    sections: tuple[str, ...]
    default_section: str

    def __init__(
        self,
        ini: IniFile,
        environ: Mapping[str, str],
        arguments: Arguments,
        sections: ChosenSections,
        timeout: float | None,
        kind: str = STRATUSLAB,
    ) -> None:
        self._ini = ini
        self._environ = environ
        self._arguments = arguments
        self._timeout = timeout
        self._clouds: dict[str, AnyCloudConfig] = {}
        self.file = ini.name
        self.kind = kind
        self.sections, self.default_section = sections

    @classmethod
    def load(
        cls,
        source: Source | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        default_location: str | None = None,
        locations: Sequence[str] | None = None,
        arguments: Arguments | None = None,
        timeout: float | str | None = None,
        kind: str | None = STRATUSLAB,
    ) -> UserConfiguration:
        """Read the file. No other file is opened, and nothing is sent.

        There are warnings in the log about unknown keys, and about passwords that other users can read.

        :param source: the file's name, or an open file; None for ``~/.stratuslab/stratuslab-user.cfg``, or for no file
            at all if the arguments are those of a cloud
        :param environ: the environment; None for the process's
        :param default_location: the location to use if no other is asked for
        :param locations: the only locations there are, the first one as the default if the file's is none of them
        :param arguments: what the driver was given; they are used at all of the locations, which are the default one
            alone if the arguments say who the user is or where the cloud is, and `locations` does not say more
        :param timeout: seconds that a whole call to a service may take, instead of the file's time limit
        :param kind: ``stratuslab``, or ``opennebula``, for which the settings of OpenNebula's own tools will do, too;
            None for that of the section that is the default location
        :raises ConfigurationError: the file is missing, cannot be read as a whole, has no ``[default]``, or
            does not have the default location, or one of the others
        :raises InvalidArgumentError: the timeout is not a number above 0
        """
        from stratuslab_libcloud.config import notices
        from stratuslab_libcloud.config.inifile import IniFile
        from stratuslab_libcloud.config.source import open_ini

        arguments = arguments or Arguments()
        environ = dict(os.environ if environ is None else environ)
        if kind == OPENNEBULA and source is None:
            arguments = _with_settings_of_tools(arguments, environ)
        if source is None and arguments.is_a_cloud:
            ini = IniFile(f"[default]\nkind = {kind or STRATUSLAB}".encode(), WITHOUT_A_FILE)
            environ.pop(SECTION_VARIABLE, None)
        else:
            ini = open_ini(source)
        if "default" not in ini.sections:
            problem = "has no section '[default]', which contains the settings of all clouds: add it; it may be empty"
            raise ConfigurationError(f"{ini.name} {problem}.", file=ini.name, section="default")
        notices.warn_of_unknown_keys(ini)
        notices.warn_of_other_encoding(ini)
        kind = kind or kind_of_default(ini, environ, default_location)
        sections = choose(ini, environ, default_location, locations, arguments, kind)
        return cls(ini, environ, arguments, sections, _seconds(timeout), kind)

    def place(self, section: str) -> Place:
        """A location as it is shown to people; this works also for a section with mistakes.

        :raises ConfigurationError: there is no such section
        """
        self._check_known(section)
        name, country = (self._label(section, key) for key in ("name", "country"))
        return Place(name or section, country or "unknown")

    def identity(self, section: str) -> Identity:
        """Which cloud a location is, and for which user.

        :raises ConfigurationError: as `cloud`
        """
        return identity_of(self.cloud(section))

    def cloud(self, section: str) -> AnyCloudConfig:
        """All settings of one location; they are read and checked the first time, and then cached.

        :raises ConfigurationError: there is no such section, or a value in it is not valid
        """
        self._check_known(section)
        cloud = self._clouds.get(section)
        # Without a lock, which a fork could copy while it is held.
        return cloud or self._clouds.setdefault(section, self._read_cloud(section))

    def instance_types(self) -> tuple[InstanceType, ...]:
        """The machine sizes: the seven standard ones, then the user's own in the file's order.

        :raises ConfigurationError: names an entry that cannot be read
        """
        return instance_types.read(self._ini)

    def _read_cloud(self, section: str) -> AnyCloudConfig:
        cloud = self._read_opennebula(section) if self.kind == OPENNEBULA else self._read_stratuslab(section)
        if cloud.compute.verify is False:
            message = "The TLS certificates of location '%s' are not verified ('tls_verify' in %s)."
            _log.warning(message, section, self.file)
        return cloud

    def _read_stratuslab(self, section: str) -> CloudConfig:
        from stratuslab_libcloud.config.cloud import read_cloud

        return read_cloud(self.settings(section), self.place(section), instance_types.names(self._ini), self._timeout)

    def _read_opennebula(self, section: str) -> OpenNebulaConfig:
        from stratuslab_libcloud.config.opennebula import read_opennebula

        return read_opennebula(self.settings(section), self.place(section), self._timeout)

    def settings(self, section: str) -> Settings:
        """The single settings of a location, for keys that are not in the records: those of the commands alone.

        :raises ConfigurationError: there is no such section
        """
        from stratuslab_libcloud.config.settings import Settings

        self._check_known(section)
        return Settings(
            self._ini,
            section,
            self._environ,
            self._arguments,
            is_default=section == self.default_section and self.kind == STRATUSLAB,  # whose the variables are
            is_of_another_kind=kind_of(self._ini, "default") != self.kind,
        )

    def _check_known(self, section: str) -> None:
        if section not in self.sections:
            raise no_such_section(self.file, section, self.sections)

    def _label(self, section: str, key: str) -> str:
        """A name to show, without the quotes that many files have around it; '' if it cannot be read."""
        try:
            text = self._ini.get(section, key) or ""
        except ConfigurationError:
            return ""
        return " ".join((text[1:-1] if values.is_quoted(text) else text).split())


def _with_settings_of_tools(arguments: Arguments, environ: Mapping[str, str]) -> Arguments:
    """The arguments, and what OpenNebula's own tools read, unless the user's file has clouds of this kind."""
    from stratuslab_libcloud.config import one_tools
    from stratuslab_libcloud.config.source import has_default_file, open_ini

    if not (arguments.is_a_cloud or arguments.has_credentials or one_tools.are_set(environ)) and has_default_file():
        ini = open_ini(None)
        sections = [name for name in ini.sections if name != instance_types.SECTION]
        if any(kind_of(ini, name) == OPENNEBULA for name in sections):
            return arguments
    return one_tools.completed(arguments, environ)


def _seconds(timeout: float | str | None) -> float | None:
    if timeout is None:
        return None
    try:
        return values.positive_number(str(timeout))
    except ValueError as error:
        raise InvalidArgumentError(f"The timeout must be {error}, in seconds, not '{timeout}'.") from None
