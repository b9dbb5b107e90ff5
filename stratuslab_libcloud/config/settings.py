"""The only place that decides which value of a key is used for a cloud.

The order is: the driver's arguments, environment, the cloud's section with ``[DEFAULT]``, ``[default]`` with
``[DEFAULT]``, built-in value. (An argument of a call comes before all of them; the caller handles it.) An empty value
hides those after it, so that the built-in value is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeVar, overload

from stratuslab_libcloud.config.arguments import WITHOUT_A_FILE, Arguments, argument_of
from stratuslab_libcloud.config.keys import KEYS_OF_ALL_CLOUDS, KEYS_OF_ONE_KIND, VARIABLES
from stratuslab_libcloud.config.values import is_quoted
from stratuslab_libcloud.errors import ConfigurationError

if TYPE_CHECKING:
    from stratuslab_libcloud.config.inifile import IniFile

_MAX_SHOWN = 200

Value = TypeVar("Value")
Default = TypeVar("Default")


class Setting(NamedTuple):
    """A value that the user set, and where.

    :param text: the value, not empty
    :param key: the key, or the name of the environment variable or of the driver's argument
    :param section: the section that contains it; None for the environment and for arguments
    :param file: the file that contains it; None for the environment and for arguments
    :param argument: what it is, if it is an argument, such as ``the driver's argument``
    """

    text: str
    key: str
    section: str | None = None
    file: str | None = None
    argument: str | None = None

    def __repr__(self) -> str:
        return f"Setting({self})"

    def __str__(self) -> str:
        if self.argument:
            return f"{self.argument} {self.key}"
        if self.section is None:
            return f"the environment variable {self.key}"
        return f"'{self.key}' in section '{self.section}' of {self.file}"

    def error(self, expected: str) -> ConfigurationError:
        """The exception that says what would be correct."""
        text = _printable(self.text)
        quotes = " (quotes are part of a value: leave them out)" if is_quoted(text) else ""
        message = f"{self} must be {expected}, not '{text}'{quotes}."
        return ConfigurationError(message[0].upper() + message[1:], file=self.file, section=self.section, key=self.key)


class Settings:
    """The values that are used for one cloud.

    :param ini: the file
    :param section: the cloud's section
    :param environ: the environment
    :param arguments: the driver's
    :param is_default: whether it is the default location, for which the environment is
    :param is_of_another_kind: whether ``[default]`` is another kind of cloud, whose address and user are not taken
    """

    def __init__(
        self,
        ini: IniFile,
        section: str,
        environ: Mapping[str, str],
        arguments: Arguments,
        *,
        is_default: bool,
        is_of_another_kind: bool = False,
    ) -> None:
        self._ini = ini
        self._environ = environ
        self._arguments = arguments
        self._is_default = is_default
        self._not_from_default = KEYS_OF_ONE_KIND if is_of_another_kind else frozenset[str]()
        self.section = section
        self.file = ini.name

    def find(self, key: str) -> Setting | None:
        """The setting that is used; None to use the built-in value."""
        argument = self._arguments.find(key)
        if argument:
            return Setting(argument.text, argument.name, argument=argument.what)
        if self._arguments.hides(key):
            return None
        variable = VARIABLES.get(key)
        if variable and (self._is_default or key in KEYS_OF_ALL_CLOUDS) and self._environ.get(variable):
            return Setting(self._environ[variable], variable)
        sections = (self.section,) if key in self._not_from_default else (self.section, "default")
        for section in sections:
            text = self._ini.get(section, key)
            if text is not None:
                return Setting(text, key, section, self.file) if text else None
        return None

    @overload
    def read(self, key: str, parse: Callable[[str], Value]) -> Value | None: ...

    @overload
    def read(self, key: str, parse: Callable[[str], Value], default: Default) -> Value | Default: ...

    def read(self, key: str, parse: Callable[[str], Value], default: Default | None = None) -> Value | Default | None:
        """The value that is used, converted from its text.

        :param key: the key
        :param parse: converts the text, or raises a ValueError that says what would be correct
        :param default: the built-in value
        :raises ConfigurationError: the text is not valid
        """
        setting = self.find(key)
        if setting is None:
            return default
        try:
            return parse(setting.text.strip())
        except ValueError as error:
            raise setting.error(str(error)) from None

    def called(self, key: str) -> str:
        """How a message calls what the user can set: the key, or the driver's argument where there is no file."""
        return f"'{argument_of(key) if self.file == WITHOUT_A_FILE else key}'"

    def error(self, problem: str, key: str) -> ConfigurationError:
        """The exception for a key that is missing; ``problem`` follows "Section S of FILE"."""
        whose = "The driver" if self.file == WITHOUT_A_FILE else f"Section '{self.section}' of {self.file}"
        message = f"{whose} {problem}."
        return ConfigurationError(message, file=self.file, section=self.section, key=key)


def _printable(text: str) -> str:
    """The text as a message may show it: short, on one line, and without a possible password before an ``@``."""
    _, at, rest = text.rpartition("@")
    line = " ".join((f"...@{rest}" if at else text).split())
    return line if len(line) <= _MAX_SHOWN else line[:_MAX_SHOWN] + "..."
