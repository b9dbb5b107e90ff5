"""Writes the user's configuration file that points at a sandbox."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path


def write_section(path: Path, section: str, values: Mapping[str, str]) -> None:
    """Put `values` into a section of an INI file, which is made if it is missing; other sections stay.

    The file can be read by its owner only; ``%`` is doubled, as the format asks for.
    """
    parser = configparser.RawConfigParser()
    parser.read(path, encoding="utf-8")
    if not parser.has_section(section):
        parser.add_section(section)
    for key, value in values.items():
        parser.set(section, key, value.replace("%", "%%"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 -- pathlib can not open with a mode
        parser.write(file)
