"""From the arguments of a command to the cloud that it is for."""

from __future__ import annotations

import io
import sys
from argparse import Namespace
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from stratus_commands.failures import UsageError
from stratus_commands.options import DEFAULT_FILE
from stratus_commands.parsing import Given

if TYPE_CHECKING:
    from typing_extensions import Self

    from stratuslab_libcloud import OpenNebulaNodeDriver, StratusLabNodeDriver
    from stratuslab_libcloud.config import AnyCloudConfig, CloudConfig, UserConfiguration
    from stratuslab_libcloud.config.settings import Settings
    from stratuslab_libcloud.config.source import Source

_CREDENTIALS = ("username", "password", "pdisk_username", "pdisk_password")
PASSWORDS = ("password", "pdisk_password", "p12_password")
"""The settings that are passwords."""


class Connection:
    """A cloud that a command is for; nothing is sent before it is used.

    As a context manager, it closes its connections at the end.

    :param configuration: whose default location is the cloud
    """

    def __init__(self, configuration: UserConfiguration) -> None:
        self.configuration = configuration

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if "driver" in self.__dict__:
            self.driver.ex_close()

    @property
    def section(self) -> str:
        """The chosen section of the configuration, which is a location of the driver."""
        return self.configuration.default_section

    @property
    def settings(self) -> Settings:
        """The single settings, for keys that are not in the records."""
        return self.configuration.settings(self.section)

    @property
    def is_opennebula(self) -> bool:
        """Whether it is a cloud of today's OpenNebula, and not StratusLab."""
        from stratuslab_libcloud.config.keys import OPENNEBULA

        return self.configuration.kind == OPENNEBULA

    @property
    def config(self) -> AnyCloudConfig:
        """All settings of the cloud.

        :raises ConfigurationError: one is not valid
        """
        return self.configuration.cloud(self.section)

    @property
    def stratuslab(self) -> CloudConfig:
        """As `config`, for what only StratusLab has.

        :raises UsageError: it is another kind of cloud
        """
        from stratuslab_libcloud.config import CloudConfig

        if not isinstance(self.config, CloudConfig):
            raise UsageError(f"This is only for StratusLab, and section '{self.section}' is an OpenNebula")
        return self.config

    @cached_property
    def driver(self) -> StratusLabNodeDriver | OpenNebulaNodeDriver:
        """The driver for this kind of cloud."""
        if self.is_opennebula:
            from stratuslab_libcloud import OpenNebulaNodeDriver

            return OpenNebulaNodeDriver(stratuslab_user_config=self.configuration)
        from stratuslab_libcloud import StratusLabNodeDriver

        return StratusLabNodeDriver(stratuslab_user_config=self.configuration)


def connect(arguments: Namespace, more: Mapping[str, Given] | None = None) -> Connection:
    """The cloud that the arguments and the user's configuration choose.

    Options come before the environment, the section, ``[default]`` and built-in values.

    :param arguments: of the command
    :param more: further settings, by the keys of the configuration file
    :raises UsageError: it is not said where the cloud is
    :raises ConfigurationError: the file cannot be read, or has no such section
    """
    given = {
        key: Given(option, read_password(option) if key in PASSWORDS and text == "-" else text)
        for key, (option, text) in {**arguments.settings, **(more or {})}.items()
    }
    connection = Connection(_load(arguments, given))
    if connection.settings.find("endpoint") is None:
        raise UsageError(
            "Missing cloud endpoint. Please provide --endpoint, or a configuration file: stratus-copy-config writes an "
            f"example to {DEFAULT_FILE}"
        )
    if _lacks_only_a_password(connection.settings):
        given["password"] = Given("--password", _asked_for_password(connection.settings))
        return Connection(_load(arguments, given))
    return connection


def choose(arguments: Namespace) -> Connection:
    """As `connect`, for what can be done without a cloud: it may not be said where that is.

    :raises ConfigurationError: the file cannot be read, or has no such section
    """
    return Connection(_load(arguments, arguments.settings))


def settings_of(arguments: Namespace) -> Settings:
    """The single settings of the chosen section, also where these are not all that a cloud needs.

    :raises ConfigurationError: the file cannot be read, or has no such section
    """
    return choose(arguments).settings


def read_password(what: str, prompt: str | None = None) -> str:
    """A password from the terminal, where it is not shown; a line of standard input if that is no terminal.

    :param what: the user is asked for
    :param prompt: at the terminal; by default it names the same
    :raises UsageError: there is none
    """
    if sys.stdin is None:
        raise UsageError(f"No password can be asked for {what}")
    if sys.stdin.isatty():
        from getpass import getpass

        password = getpass(prompt or f"{what}: ")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise UsageError(f"No password was given for {what}")
    return password


def _load(arguments: Namespace, given: Mapping[str, Given]) -> UserConfiguration:
    from stratuslab_libcloud.config import UserConfiguration
    from stratuslab_libcloud.config.arguments import Argument, Arguments

    chosen = {key: Argument(option, text, "the option") for key, (option, text) in given.items() if text}
    only_certificate = "pem_certificate" in chosen and not set(_CREDENTIALS).intersection(chosen)
    return UserConfiguration.load(
        _source(arguments.config),
        default_location=arguments.section,
        arguments=Arguments(chosen, hides=_CREDENTIALS if only_certificate else ()),
        kind=None,
    )


def _source(file: str | None) -> Source:
    """The configuration; the user's own file may be missing, if the options and the environment say enough."""
    from stratuslab_libcloud.config.source import DEFAULT_FILE, has_default_file

    if file is None and not has_default_file():
        return _NoFile(b"[default]")
    return file or DEFAULT_FILE


class _NoFile(io.BytesIO):
    """A configuration that says nothing."""

    name = "~/.stratuslab/stratuslab-user.cfg, which is not there,"


def _lacks_only_a_password(settings: Settings) -> bool:
    find = settings.find
    return bool(find("username")) and not find("password") and not find("pem_certificate")


def _asked_for_password(settings: Settings) -> str:
    username, endpoint = settings.find("username"), settings.find("endpoint")
    assert username is not None
    assert endpoint is not None
    return read_password(f"'{username.text}' at '{endpoint.text}' password")
