"""What a file is not refused for, but its owner should know: told to the log."""

from __future__ import annotations

import functools
import logging
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from stratuslab_libcloud.config import instance_types
from stratuslab_libcloud.config.keys import KNOWN_KEYS

if TYPE_CHECKING:
    from stratuslab_libcloud.config.inifile import IniFile

_log = logging.getLogger("stratuslab_libcloud.config")

_PASSWORDS = ("password", "pdisk_password", "p12_password")


def warn_of_unknown_keys(ini: IniFile) -> None:
    """Tell of each key that nothing reads and no value refers to, with the key that may be meant."""
    known = KNOWN_KEYS | ini.references()
    places: dict[str, list[str]] = {}
    for section in ini.sections_with_shared:
        if section != instance_types.SECTION:
            for key in ini.keys(section):
                if key not in known:
                    places.setdefault(key, []).append(f"[{section}]")
    for key, sections in places.items():
        _warn_once(f"Nothing reads the key '{key}' in {', '.join(sections)} of {ini.name}{_suggestion(key)}")


def warn_of_open_passwords(ini: IniFile, path: Path) -> None:
    """Tell when a file with passwords can be read by other users of this machine."""
    has_password = any(key in _PASSWORDS for section in ini.sections_with_shared for key in ini.keys(section))
    if has_password and _is_open_to_others(path):
        _warn_once(f"Others can read the passwords in {path}; 'chmod 600' keeps them to yourself")


def warn_of_open_key(path: Path) -> None:
    """Tell when a private key can be read by other users of this machine."""
    if _is_open_to_others(path):
        _warn_once(f"Others can read the private key {path}; 'chmod 600' keeps it to yourself")


@functools.cache
def _warn_once(message: str) -> None:
    """Each notice is told once, however many drivers are made."""
    _log.warning("%s", message)


def _is_open_to_others(path: Path) -> bool:
    """Whether other users of this machine may read the file; False where modes say nothing about it."""
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _suggestion(key: str) -> str:
    import difflib

    nearest = difflib.get_close_matches(key, KNOWN_KEYS, n=1)
    return f"; is '{nearest[0]}' meant?" if nearest else ""
