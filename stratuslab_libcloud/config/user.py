"""The user's configuration file: which clouds there are, and what is said about each."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from stratuslab_libcloud.config import instance_types
from stratuslab_libcloud.config.keys import KNOWN_KEYS, SECTION_VARIABLE
from stratuslab_libcloud.config.records import CloudConfig, InstanceType, Place
from stratuslab_libcloud.config.settings import Settings
from stratuslab_libcloud.errors import ConfigurationError

if TYPE_CHECKING:
    from stratuslab_libcloud.config.inifile import IniFile

_log = logging.getLogger("stratuslab_libcloud.config")

DEFAULT_FILE = "~/.stratuslab/stratuslab-user.cfg"

Source = str | os.PathLike[str] | IO[str] | IO[bytes]


class UserConfiguration:
    """What the user's file and environment say about their clouds.

    Made by `load`. A section is looked at when it is asked for, so a mistake in one leaves the others usable.
    """

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
        self._report_unknown_keys()

    @classmethod
    def load(
        cls,
        source: Source | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        default_location: str | None = None,
        timeout: float | None = None,
    ) -> UserConfiguration:
        """Read the file; nothing else is opened and nobody is asked.

        :param source: the file's name, or an object that has its text or bytes; None for
            ``~/.stratuslab/stratuslab-user.cfg``
        :param environ: the environment; None for the process's
        :param default_location: the section to use where no other is asked for
        :param timeout: seconds that a whole call to a service may take, whatever the file says
        :raises ConfigurationError: the file is missing, can not be read as a whole, has no ``[default]``, or
            does not have the default location
        """
        from stratuslab_libcloud.config.inifile import IniFile

        content, name = _read(source)
        ini = IniFile(content, name)
        if "default" not in ini.sections:
            raise ConfigurationError(
                f"{name} has no section '[default]', which holds the settings that all clouds share; "
                "add it, empty if need be.",
                file=name,
                section="default",
            )
        return cls(ini, os.environ if environ is None else environ, default_location, timeout)

    def place(self, section: str) -> Place:
        """How a location is shown to people; works for a section that is broken otherwise.

        :raises ConfigurationError: there is no such section
        """
        self._check_known(section)
        return Place(
            name=self._label(section, "name") or section, country=self._label(section, "country") or "unknown"
        )

    def cloud(self, section: str) -> CloudConfig:
        """All that is set for one location.

        :raises ConfigurationError: there is no such section, or a value in it that can not be meant
        """
        self._check_known(section)
        with self._lock:
            if section not in self._clouds:
                self._clouds[section] = self._read_cloud(section)
            return self._clouds[section]

    def instance_types(self) -> tuple[InstanceType, ...]:
        """The machine sizes: the seven standard ones, then the user's own in the file's order.

        :raises ConfigurationError: names an entry that can not be read
        """
        return instance_types.read(self._ini)

    def _read_cloud(self, section: str) -> CloudConfig:
        from stratuslab_libcloud.config.cloud import read_cloud

        settings = Settings(self._ini, section, self._environ, is_default=section == self.default_section)
        cloud = read_cloud(settings, self.place(section), instance_types.names(self._ini), self._timeout)
        if cloud.compute.verify is False:
            _log.warning(
                "The TLS certificates of location '%s' are not verified ('tls_verify' in %s).",
                section,
                self.file,
            )
        return cloud

    def _find_default_section(self, asked_for: str | None) -> str:
        selected = self._ini.get("default", "selected_section")
        section = asked_for or self._environ.get(SECTION_VARIABLE) or selected or "default"
        known = [name for name in self._ini.sections if name != instance_types.SECTION]
        if section not in known:
            raise self._unknown(section, known)
        return section

    def _find_sections(self) -> tuple[str, ...]:
        def is_location(section: str) -> bool:
            if section == "default":
                return section == self.default_section or "endpoint" in self._ini.keys(section)
            return section != instance_types.SECTION

        return tuple(filter(is_location, self._ini.sections))

    def _check_known(self, section: str) -> None:
        if section not in self.sections:
            raise self._unknown(section, self.sections)

    def _unknown(self, section: str, known: Any) -> ConfigurationError:
        return ConfigurationError(
            f"{self.file} has no section for a location '{section}'; its locations are "
            + ", ".join(f"'{name}'" for name in known)
            + ".",
            file=self.file,
            section=section,
        )

    def _label(self, section: str, key: str) -> str:
        try:
            text = self._ini.get(section, key) or ""
        except ConfigurationError:
            return ""
        is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
        return " ".join((text[1:-1] if is_quoted else text).split())

    def _report_unknown_keys(self) -> None:
        known = KNOWN_KEYS | self._ini.references()
        for section in ("DEFAULT", *self._ini.sections):
            if section == instance_types.SECTION:
                continue
            for key in self._ini.keys(section):
                if key not in known:
                    _report_unknown_key(self.file, section, key)


def _report_unknown_key(file: str, section: str, key: str) -> None:
    import difflib

    nearest = difflib.get_close_matches(key, KNOWN_KEYS, n=1)
    hint = f"; is '{nearest[0]}' meant?" if nearest else ""
    _log.warning("Nothing knows the key '%s' in section '%s' of %s%s", key, section, file, hint)


def _read(source: Source | None) -> tuple[bytes, str]:
    """The content of a file, and its name for messages."""
    if source is not None and not isinstance(source, str | os.PathLike):
        content = source.read()
        name = getattr(source, "name", None)
        return (
            content.encode() if isinstance(content, str) else content,
            name if isinstance(name, str) else "<configuration>",
        )
    path = Path(DEFAULT_FILE if source is None else source).expanduser()
    try:
        return path.read_bytes(), str(path)
    except FileNotFoundError:
        remedy = "; 'stratus-copy-config' puts an example there" if source is None else ""
        raise ConfigurationError(f"There is no configuration file {path}{remedy}.", file=str(path)) from None
    except OSError as error:
        raise ConfigurationError(
            f"The configuration file {path} can not be read: {error.strerror}.", file=str(path)
        ) from None
