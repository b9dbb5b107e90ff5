"""Opens the user's configuration file, or what a program has in place of one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any

from stratuslab_libcloud.config import notices, values
from stratuslab_libcloud.config.files import MAX_FILE, read_file
from stratuslab_libcloud.config.inifile import IniFile
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError

DEFAULT_FILE = "~/.stratuslab/stratuslab-user.cfg"

Source = str | os.PathLike[str] | IO[str] | IO[bytes]


def has_default_file() -> bool:
    """Whether the user has a configuration file."""
    file = values.path(DEFAULT_FILE)
    return values.has_home(file) and file.is_file()


def open_ini(source: Source | None) -> IniFile:
    """Read the user's file.

    :param source: its name, or an open file; None for ``~/.stratuslab/stratuslab-user.cfg``
    :raises ConfigurationError: it cannot be read
    :raises InvalidArgumentError: it is neither a name nor an open file
    """
    if source is None or isinstance(source, str | os.PathLike):
        _refuse_content(source)
        path = values.path(DEFAULT_FILE if source is None else os.fspath(source))
        if not values.has_home(path):
            problem = f"The configuration file {path} cannot be found: the home directory is not known."
            raise ConfigurationError(problem, file=str(path))
        ini = IniFile(_read_file(path, is_default=source is None), str(path))
        notices.warn_of_open_passwords(ini, path)
        return ini
    return _open_object(source)


def _refuse_content(source: str | os.PathLike[str] | None) -> None:
    """A text of several lines is the content of a file; no message must repeat it, since it contains a password."""
    if isinstance(source, str) and "\n" in source:
        raise InvalidArgumentError(
            "The configuration is given as a text of several lines: give the name of a file, or io.StringIO(text)."
        )


def _open_object(source: Any) -> IniFile:
    """The file in an open file, or in a similar object."""
    name = getattr(source, "name", None)
    name = name if isinstance(name, str) else "<configuration>"
    content = _content_of(source, name) if callable(getattr(source, "read", None)) else source
    if content is source or not isinstance(content, bytes):
        raise InvalidArgumentError(
            "The configuration must be the name of a file or an open file, "
            f"not an object of type {type(source).__name__}."
        )
    return IniFile(content, name)


def _content_of(source: Any, name: str) -> Any:
    """What is in an open file; no message repeats it, and none of another library, which could."""
    try:
        content = source.read(MAX_FILE + 1)
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogateescape")
    except UnicodeError:
        problem = "it is not a text file in UTF-8"
    except (OSError, ValueError):
        problem = "the file is closed" if getattr(source, "closed", False) else "it was not opened for reading"
    else:
        if isinstance(content, bytes) and len(content) > MAX_FILE:
            problem = f"it has more than {MAX_FILE} bytes"
        else:
            return content
    raise ConfigurationError(f"The configuration {name} cannot be read: {problem}.", file=name)


def _read_file(path: Path, *, is_default: bool) -> bytes:
    try:
        return read_file(path)
    except FileNotFoundError:
        remedy = (
            "; 'stratus-copy-config' puts an example there, and a driver with host= needs none" if is_default else ""
        )
        problem = f"There is no configuration file {path}{remedy}."
    except OSError as error:
        problem = f"The configuration file {path} cannot be read: {error.strerror}."
    except ValueError:
        problem = f"{str(path)!r} cannot be the name of a configuration file."
    raise ConfigurationError(problem, file=str(path))
