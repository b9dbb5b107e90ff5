"""The user's configuration file: which clouds there are, and the settings of each."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from stratuslab_libcloud.config import instance_types, values
from stratuslab_libcloud.config.keys import SECTION_VARIABLE
from stratuslab_libcloud.config.records import CloudConfig, InstanceType, Place
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError

if TYPE_CHECKING:
    from stratuslab_libcloud.config.inifile import IniFile

_log = logging.getLogger("stratuslab_libcloud.config")

DEFAULT_FILE = "~/.stratuslab/stratuslab-user.cfg"

Source = str | os.PathLike[str] | IO[str] | IO[bytes]


class UserConfiguration:
    """What the user's file and environment say about their clouds.

    Made by `load`. A section is read when it is asked for, so the others can be used when one contains a mistake.
    Threads may share it.

    :ivar file: the file's name, for messages
    :ivar sections: the locations, in the file's order
    :ivar default_section: the location to use if no other is asked for: the argument of `load`, else the
        variable ``STRATUSLAB_USER_CONFIG_SECTION``, ``selected_section`` in ``[default]``, or ``default``
    """

    file: str
    sections: tuple[str, ...]
    default_section: str

    def __init__(
        self, ini: IniFile, environ: Mapping[str, str], default_location: str | None, timeout: float | None
    ) -> None:
        self._ini = ini
        self._environ = dict(environ)
        self._timeout = timeout
        self._clouds: dict[str, CloudConfig] = {}
        self._lock = threading.Lock()
        self.file = ini.name
        self.default_section = self._find_default_section(default_location)
        self.sections = self._find_sections()

    @classmethod
    def load(
        cls,
        source: Source | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        default_location: str | None = None,
        timeout: float | str | None = None,
    ) -> UserConfiguration:
        """Read the file. No other file is opened, and nothing is sent.

        There are warnings in the log about unknown keys, and about passwords that other users can read.

        :param source: the file's name, or an open file; None for
            ``~/.stratuslab/stratuslab-user.cfg``
        :param environ: the environment; None for the process's
        :param default_location: the location to use if no other is asked for
        :param timeout: seconds that a whole call to a service may take, instead of the file's time limit
        :raises ConfigurationError: the file is missing, cannot be read as a whole, has no ``[default]``, or
            does not have the default location
        :raises InvalidArgumentError: the timeout is not a number above 0
        """
        from stratuslab_libcloud.config import notices

        ini = _open(source)
        if "default" not in ini.sections:
            problem = "has no section '[default]', which contains the settings of all clouds: add it; it may be empty"
            raise ConfigurationError(f"{ini.name} {problem}.", file=ini.name, section="default")
        notices.warn_of_unknown_keys(ini)
        return cls(ini, os.environ if environ is None else environ, default_location, _seconds(timeout))

    def place(self, section: str) -> Place:
        """A location as it is shown to people; this works also for a section with mistakes.

        :raises ConfigurationError: there is no such section
        """
        self._check_known(section)
        name, country = (self._label(section, key) for key in ("name", "country"))
        return Place(name or section, country or "unknown")

    def cloud(self, section: str) -> CloudConfig:
        """All settings of one location; they are read and checked the first time, and then cached.

        :raises ConfigurationError: there is no such section, or a value in it is not valid
        """
        self._check_known(section)
        with self._lock:
            if section not in self._clouds:
                self._clouds[section] = self._read_cloud(section)
            return self._clouds[section]

    def instance_types(self) -> tuple[InstanceType, ...]:
        """The machine sizes: the seven standard ones, then the user's own in the file's order.

        :raises ConfigurationError: names an entry that cannot be read
        """
        return instance_types.read(self._ini)

    def _read_cloud(self, section: str) -> CloudConfig:
        from stratuslab_libcloud.config.cloud import read_cloud
        from stratuslab_libcloud.config.settings import Settings

        settings = Settings(self._ini, section, self._environ, is_default=section == self.default_section)
        cloud = read_cloud(settings, self.place(section), instance_types.names(self._ini), self._timeout)
        if cloud.compute.verify is False:
            message = "The TLS certificates of location '%s' are not verified ('tls_verify' in %s)."
            _log.warning(message, section, self.file)
        return cloud

    def _find_default_section(self, asked_for: str | None) -> str:
        known = [name for name in self._ini.sections if name != instance_types.SECTION]
        choices = {
            "the argument": asked_for,
            f"the environment variable {SECTION_VARIABLE}": self._environ.get(SECTION_VARIABLE),
            "'selected_section' in section 'default'": self._ini.get("default", "selected_section"),
        }
        for place, section in choices.items():
            if section in known:
                return section
            if section:
                raise self._unknown(section, known, f", which {place} names")
        return "default"

    def _find_sections(self) -> tuple[str, ...]:
        def is_location(section: str) -> bool:
            if section == "default":
                return section == self.default_section or "endpoint" in self._ini.keys(section)
            return section != instance_types.SECTION

        return tuple(filter(is_location, self._ini.sections))

    def _check_known(self, section: str) -> None:
        if section not in self.sections:
            raise self._unknown(section, self.sections)

    def _unknown(self, section: str, known: Iterable[str], who: str = "") -> ConfigurationError:
        names = ", ".join(f"'{name}'" for name in known)
        message = f"{self.file} has no section for the location '{section}'{who}; its locations are {names}."
        return ConfigurationError(message, file=self.file, section=section)

    def _label(self, section: str, key: str) -> str:
        """A name to show, without the quotes that many files have around it; '' if it cannot be read."""
        try:
            text = self._ini.get(section, key) or ""
        except ConfigurationError:
            return ""
        return " ".join((text[1:-1] if values.is_quoted(text) else text).split())


def _open(source: Source | None) -> IniFile:
    from stratuslab_libcloud.config import notices
    from stratuslab_libcloud.config.inifile import IniFile

    if source is None or isinstance(source, str | os.PathLike):
        path = values.path(DEFAULT_FILE if source is None else os.fspath(source))
        ini = IniFile(_read_file(path, is_default=source is None), str(path))
        notices.warn_of_open_passwords(ini, path)
        return ini
    return _open_object(source)


def _open_object(source: Any) -> IniFile:
    """The file in an open file, or in a similar object."""
    from stratuslab_libcloud.config.inifile import IniFile

    name = getattr(source, "name", None)
    name = name if isinstance(name, str) else "<configuration>"
    content = source.read() if callable(getattr(source, "read", None)) else source
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogateescape")
    if content is source or not isinstance(content, bytes):
        raise InvalidArgumentError(f"The configuration must be the name of a file or an open file, not {source!r}.")
    return IniFile(content, name)


def _read_file(path: Path, *, is_default: bool) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        remedy = "; 'stratus-copy-config' puts an example there" if is_default else ""
        problem = f"There is no configuration file {path}{remedy}."
    except OSError as error:
        problem = f"The configuration file {path} cannot be read: {error.strerror}."
    except ValueError:
        problem = f"{str(path)!r} cannot be the name of a configuration file."
    raise ConfigurationError(problem, file=str(path))


def _seconds(timeout: float | str | None) -> float | None:
    if timeout is None:
        return None
    try:
        return values.positive_number(str(timeout))
    except ValueError as error:
        raise InvalidArgumentError(f"The timeout must be {error}, in seconds, not '{timeout}'.") from None
