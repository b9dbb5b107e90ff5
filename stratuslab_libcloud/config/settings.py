"""The one place that decides which value of a key holds for a cloud.

The order is: environment, the cloud's section with ``[DEFAULT]``, ``[default]`` with ``[DEFAULT]``, built-in.
(The argument of a call comes before them all, and is the caller's.) A value that is there but empty hides
those behind it and leaves the built-in one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, overload

from stratuslab_libcloud.config.keys import KEYS_OF_ALL_CLOUDS, VARIABLES
from stratuslab_libcloud.errors import ConfigurationError

if TYPE_CHECKING:
    from stratuslab_libcloud.config.inifile import IniFile

Value = TypeVar("Value")
Default = TypeVar("Default")


@dataclass(frozen=True)
class Setting:
    """A value that somebody set, and where.

    :param text: the value, not empty
    :param file: the file; None for the environment
    :param section: the section it stands in; None for the environment
    :param key: the key, or the variable's name
    """

    text: str = field(repr=False)
    file: str | None
    section: str | None
    key: str

    def __str__(self) -> str:
        if self.section is None:
            return f"the environment variable {self.key}"
        return f"'{self.key}' in section '{self.section}' of {self.file}"

    def error(self, problem: str) -> ConfigurationError:
        """The exception that says what is wrong here; ``problem`` follows "KEY in section S of FILE"."""
        message = f"{self} {problem}."
        return ConfigurationError(
            message[0].upper() + message[1:], file=self.file, section=self.section, key=self.key
        )


class Settings:
    """What holds for one cloud.

    :param ini: the file
    :param section: the cloud's section
    :param environ: the environment
    :param is_default: whether it is the default location, of which the environment speaks
    """

    def __init__(self, ini: IniFile, section: str, environ: Mapping[str, str], *, is_default: bool) -> None:
        self._ini = ini
        self._environ = environ
        self._is_default = is_default
        self.section = section
        self.file = ini.name

    def find(self, key: str) -> Setting | None:
        """The setting that holds; None when the built-in value does."""
        variable = VARIABLES.get(key)
        if variable and (self._is_default or key in KEYS_OF_ALL_CLOUDS) and self._environ.get(variable):
            return Setting(self._environ[variable], None, None, variable)
        for section in (self.section, "default"):
            text = self._ini.get(section, key)
            if text is not None:
                return Setting(text, self.file, section, key) if text else None
        return None

    @overload
    def read(self, key: str, parse: Callable[[str], Value]) -> Value | None: ...

    @overload
    def read(self, key: str, parse: Callable[[str], Value], default: Default) -> Value | Default: ...

    def read(
        self, key: str, parse: Callable[[str], Value], default: Default | None = None
    ) -> Value | Default | None:
        """The value that holds, made into what it means.

        :param key: the key
        :param parse: makes the value of the text, or raises a ValueError that says what would be right
        :param default: the built-in value
        :raises ConfigurationError: the text can not be meant
        """
        setting = self.find(key)
        if setting is None:
            return default
        try:
            return parse(setting.text)
        except ValueError as error:
            raise setting.error(f"must be {error}, not '{_without_credentials(setting.text)}'") from None

    def error(self, problem: str, key: str | None = None) -> ConfigurationError:
        """The exception for something that is missing; ``problem`` follows "Section S of FILE"."""
        return ConfigurationError(
            f"Section '{self.section}' of {self.file} {problem}.",
            file=self.file,
            section=self.section,
            key=key,
        )


def _without_credentials(text: str) -> str:
    """The text as a message may show it: an address may have a password before its ``@``."""
    credentials, at, address = text.rpartition("@")
    return f"...@{address}" if at else credentials + address
