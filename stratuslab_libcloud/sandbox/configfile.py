"""Writes the user's configuration file that points at a sandbox."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path

_SHARED = "default"
_NO_LOCATIONS = ("DEFAULT", "instance_types")
_PUBLIC_KEY = "user_public_key_file"


class ConfigFile:
    """An INI file that the sandbox adds a section to; it is made if it is missing.

    :raises ValueError: if it is there and can not be read
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parser = configparser.RawConfigParser(strict=False)
        try:
            self._parser.read_string(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            pass
        except OSError as problem:
            raise ValueError(f"the configuration file {path} can not be read: {problem.strerror}") from None
        except (configparser.Error, UnicodeDecodeError):
            # What the parser says quotes lines, which may have a password in them.
            raise ValueError(f"{path} is there, but is no configuration file") from None

    def has_public_key(self, section: str) -> bool:
        """Whether the file already says which public key goes into new machines of a section."""
        return any(self._parser.has_option(name, _PUBLIC_KEY) for name in (section, _SHARED))

    def write(self, section: str, values: Mapping[str, str]) -> None:
        """Put values into a section; its other keys and all other sections stay.

        A file without ``[default]``, which has to be there, gets one that selects the section. The file can be read by
        its owner only; ``%`` is doubled, as the format asks for.

        :raises OSError: if the file can not be written
        """
        if not self._parser.has_section(_SHARED):
            self._parser.add_section(_SHARED)
            if section != _SHARED:
                self._set(_SHARED, "selected_section", section)
        if not self._parser.has_section(section):
            self._parser.add_section(section)
        for key, value in values.items():
            self._set(section, key, value)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.fchmod(descriptor, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 -- pathlib can not open with a mode
            self._parser.write(file)

    def _set(self, section: str, key: str, value: str) -> None:
        self._parser.set(section, key, value.replace("%", "%%"))


def check_section(name: str) -> str:
    """Make sure that a section of this name can be a location.

    :return: the name
    :raises ValueError: if it can not
    """
    if name in _NO_LOCATIONS:
        raise ValueError(f"the section [{name}] has a meaning of its own: it can not be a location")
    if not name.strip() or not name.isprintable() or "]" in name:
        raise ValueError(f"a section's name is printable text on one line without ']', not {name!r}")
    return name
