"""Warnings in the log about things in a file that are not errors, but that its owner should know."""

from __future__ import annotations

import functools
import logging
import os
import stat
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from stratuslab_libcloud.config import instance_types
from stratuslab_libcloud.config.keys import KNOWN_KEYS

if TYPE_CHECKING:
    from stratuslab_libcloud.config.inifile import IniFile

_log = logging.getLogger("stratuslab_libcloud.config")

_MAX_NAMED = 20
_MAX_SHOWN = 60
_PASSWORDS = ("password", "pdisk_password", "p12_password")


def warn_of_unknown_keys(ini: IniFile) -> None:
    """Warn about each key that nothing uses and no value refers to, and suggest a similar key."""
    known = KNOWN_KEYS | ini.references()
    places: dict[str, list[str]] = {}
    for section in ini.sections_with_shared:
        if section != instance_types.SECTION:
            for key in ini.keys(section):
                if key not in known:
                    places.setdefault(key, []).append(f"[{section}]")
    for key, sections in islice(places.items(), _MAX_NAMED):
        _warn_once(f"Nothing uses the key '{key:.{_MAX_SHOWN}}' in {_some(sections)} of {ini.name}{_suggestion(key)}")
    if len(places) > _MAX_NAMED:
        _warn_once(f"Nothing uses {len(places) - _MAX_NAMED} more keys in {ini.name}")


def warn_of_other_encoding(ini: IniFile) -> None:
    """Tell about lines that are not UTF-8."""
    if ini.guessed_lines:
        lines = ", ".join(map(str, ini.guessed_lines))
        _warn_once(f"Not UTF-8, and read as Latin-1: line {lines} of {ini.name}; save the file in the encoding UTF-8")


def warn_of_open_passwords(ini: IniFile, path: Path) -> None:
    """Warn when other users of this machine can read a file with passwords."""
    has_password = any(key in _PASSWORDS for section in ini.sections_with_shared for key in ini.keys(section))
    if has_password and _is_open_to_others(path):
        _warn_once(f"Other users can read the passwords in {path}; 'chmod 600' protects them")


def warn_of_open_key(path: Path) -> None:
    """Warn when other users of this machine can read a private key."""
    if _is_open_to_others(path):
        _warn_once(f"Other users can read the private key {path}; 'chmod 600' protects it")


@functools.cache
def _warn_once(message: str) -> None:
    """Log each warning only once, also when several drivers are made."""
    _log.warning("%s", message)


def _is_open_to_others(path: Path) -> bool:
    """Whether other users of this machine may read the file; False on systems without such file modes."""
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _some(names: list[str]) -> str:
    more = len(names) - _MAX_NAMED
    return ", ".join(names[:_MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


def _suggestion(key: str) -> str:
    import difflib

    similar = difflib.get_close_matches(key, KNOWN_KEYS, n=1)
    return f"; did you mean '{similar[0]}'?" if similar else ""
