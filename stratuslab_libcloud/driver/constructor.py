"""The arguments of a driver's constructor: Libcloud's, and what they mean for the configuration.

All of them may be texts, since many programs pass on what stands in a file of their own. One that is None or empty
has not been given.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any, TypedDict, TypeVar

from stratuslab_libcloud.config import UserConfiguration, values
from stratuslab_libcloud.config.arguments import KEY_OF_ARGUMENT, Argument, Arguments
from stratuslab_libcloud.config.endpoints import Endpoint
from stratuslab_libcloud.config.keys import OPENNEBULA, STRATUSLAB
from stratuslab_libcloud.driver.argument_names import check_names
from stratuslab_libcloud.driver.arguments import text
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError

T = TypeVar("T")

_log = logging.getLogger(__name__)

_SAME_AS = {
    "arg_user_id": "key",
    "arg_key": "secret",
    "ca_cert": "ex_ca_cert",
    "cert_file": "ex_pem_certificate",
    "key_file": "ex_pem_key",
}
"""Other names that programs use for an argument."""

_ELSEWHERE = {"user": "key", "username": "key", "password": "secret"}
"""What is refused, since Libcloud has another name for it."""

_WITHOUT_MEANING = {
    "api_version": "the services have one version",
    "path": "the path of a service is a part of its endpoint",
    "retry_delay": "a read is repeated while there is time for it",
    "backoff": "a read is repeated while there is time for it",
}
"""What programs give to any driver, and why it changes nothing here."""

_NO_SECTION = ("default", "unused-key")
"""What stands for the default location, whatever that is called: in the old documentation, and in StratusLab's own
published programs, which had to give some key."""

_BESIDE_A_CONFIGURATION = frozenset({"proxy_url", "ex_image_lifetime", *_WITHOUT_MEANING})
"""What may be given beside a configuration that has been loaded."""

_FILES = ("ex_pem_certificate", "ex_pem_key", "ex_ca_cert", "ex_public_key_file", "ex_key_pairs_directory")
_URLS = ("proxy_url", "ex_pdisk_endpoint", "ex_marketplace_endpoint")


class ConnectionOptions(TypedDict, total=False):
    """What the constructor of each driver takes by keyword, besides Libcloud's seven arguments.

    :param timeout: seconds that a whole call to a service may take, whatever the file says
    :param proxy_url: an HTTP proxy to use instead of the environment's
    :param stratuslab_user_config: the configuration file's name, or an object that it can be read from; by default
        ``~/.stratuslab/stratuslab-user.cfg``, or no file at all where ``host`` or ``ex_endpoint`` is given. Or a
        `UserConfiguration` that has been loaded, beside which nothing says where a cloud is or who the user is
    :param stratuslab_default_location: the section to use where no location is given; by default the one that
        ``selected_section`` names, else ``default``
    :param ex_locations: the only sections to use, as a list or separated by commas; ``region`` is for one
    :param ex_endpoint: the URL of the compute service; ``host``, ``port`` and ``secure`` say the same in parts
    :param ex_pem_certificate: the file of a client certificate, instead of ``key`` and ``secret``
    :param ex_pem_key: the file of its private key
    :param ex_ca_cert: the certificates of the authorities to trust, a file or a folder
    :param ex_public_key_file: the SSH key that new machines get
    :param ex_key_pairs_directory: where Libcloud's key pairs are files
    :param verify_ssl_cert: False to verify no certificate
    """

    timeout: float | str | None
    proxy_url: str | None
    stratuslab_user_config: str | os.PathLike[str] | IO[str] | IO[bytes] | UserConfiguration | None
    stratuslab_default_location: str | None
    ex_locations: Iterable[str] | None
    ex_endpoint: str | None
    ex_pem_certificate: str | os.PathLike[str] | None
    ex_pem_key: str | os.PathLike[str] | None
    ex_ca_cert: str | os.PathLike[str] | None
    ex_public_key_file: str | os.PathLike[str] | None
    ex_key_pairs_directory: str | os.PathLike[str] | None
    verify_ssl_cert: bool | str | None
    arg_user_id: str | None
    arg_key: str | None
    ca_cert: str | os.PathLike[str] | None
    cert_file: str | os.PathLike[str] | None
    key_file: str | os.PathLike[str] | None
    path: Any
    retry_delay: Any
    backoff: Any


class ConstructorArguments:
    """What a driver was made of.

    :param positional: Libcloud's seven, by name
    :param options: the keywords
    :param known: the keywords that this driver has
    :param default_port: of the compute service, where it is reached without TLS
    :param kind: of the clouds that the driver is for
    :raises TypeError: for a keyword that the driver does not have
    :raises InvalidArgumentError: for a value that is not valid, or two that contradict each other
    """

    def __init__(
        self,
        positional: Mapping[str, Any],
        options: Mapping[str, Any],
        known: Iterable[str],
        default_port: int,
        kind: str = STRATUSLAB,
    ) -> None:
        check_names("the driver", options, [*positional, *known], _ELSEWHERE)
        self._given: dict[str, Any] = {}
        self._left_out: str | None = None
        self._kind = kind
        for name, value in {**positional, **options}.items():
            if value is not None and value != "":
                self._add(_SAME_AS.get(name, name), value)
        self._arguments = Arguments(self._by_key(default_port))
        self._check_pairs()
        for name, reason in _WITHOUT_MEANING.items():
            if name in self._given:
                _tell_once(name, reason)

    def __repr__(self) -> str:
        """The names alone: the values may be passwords."""
        return f"<{type(self).__name__} {', '.join(self._given)}>"

    def get(self, name: str) -> Any:
        """The value of an argument; None if it was not given."""
        return self._given.get(name)

    def without_secrets(self) -> ConstructorArguments:
        """The arguments without a password or an open file, which a pickle must not contain."""
        copy = object.__new__(ConstructorArguments)
        copy._kind = self._kind
        copy._given = {name: value for name, value in self._given.items() if not _is_secret(name, value)}
        copy._left_out = next((name for name in self._given if name not in copy._given), self._left_out)
        copy._arguments = Arguments() if copy._left_out else self._arguments
        return copy

    def load_configuration(self) -> UserConfiguration:
        """Read the configuration that the driver is for.

        :raises ConfigurationError: the file cannot be read, or has no such section; or a part of the arguments is
            missing, because they come from a pickle
        """
        if self._left_out:
            what = "an open configuration file" if self._left_out == "stratuslab_user_config" else "a password"
            problem = f"The driver was made with {what}, which a pickle does not contain: make the driver anew"
            raise ConfigurationError(f"{problem}, and use it with the nodes and volumes that the pickle contains.")
        source = self.get("stratuslab_user_config")
        if isinstance(source, UserConfiguration):
            return self._as_loaded(source)
        key = self._section_in_key()
        if key is not None and self._arguments.is_a_cloud and "stratuslab_user_config" not in self._given:
            raise InvalidArgumentError(self._no_password())  # without a file, there is no section that it could be
        try:
            return UserConfiguration.load(
                source,
                default_location=key or self._default_location(),
                locations=self._locations(),
                arguments=self._arguments,
                timeout=self.get("timeout"),
                kind=self._kind,
            )
        except ConfigurationError as error:
            if key is None or error.section != key:
                raise
            shown = f", not '{key}'" if ":" not in key else ""  # what follows a colon may be a password
            raise InvalidArgumentError(
                f"key alone must be 'default' or the name of a section of the configuration file{shown}; "
                "a user's name needs secret= as well, which is the password."
            ) from None

    def _as_loaded(self, configuration: UserConfiguration) -> UserConfiguration:
        """A configuration that needs nothing more."""
        others = [name for name in self._given if name not in ("stratuslab_user_config", *_BESIDE_A_CONFIGURATION)]
        if others:
            raise InvalidArgumentError(
                f"Beside a configuration that has been loaded, {others[0]} would change nothing."
            )
        if configuration.kind != self._kind:
            raise InvalidArgumentError(
                f"This driver is for {self._kind}, and the configuration for {configuration.kind}."
            )
        return configuration

    def _no_password(self) -> str:
        other_ways = ", or key='user:password', or neither and a file in ONE_AUTH" if self._kind == OPENNEBULA else ""
        return f"key is a user's name, and the password is missing: give secret= as well{other_ways}."

    def _add(self, name: str, value: Any) -> None:
        known = self._given.setdefault(name, value)
        if known is not value and known != value:
            others = [other for other, same in _SAME_AS.items() if same == name]
            raise InvalidArgumentError(f"{name} and {' or '.join(others)} mean the same, but have different values.")

    def _by_key(self, default_port: int) -> dict[str, Argument]:
        """The arguments that stand for keys of the file."""
        by_key = {}
        for name, key in KEY_OF_ARGUMENT.items():
            value = self.get(name)
            if value is not None and not (name == "key" and "secret" not in self._given):
                by_key[key] = Argument(name, _as_text(name, value))
        endpoint = self._endpoint(default_port)
        if endpoint:
            by_key["endpoint"] = endpoint
        return by_key

    def _endpoint(self, default_port: int) -> Argument | None:
        """Where the compute service is, of one argument or of Libcloud's three."""
        names = [name for name in ("host", "ex_endpoint") if name in self._given]
        secure = self._parsed("secure", values.truth)
        port = self._parsed("port", values.whole_number(1, 65535))
        if not names:
            if port:
                raise InvalidArgumentError("port needs host=, which is where the cloud is.")
            if secure is False:
                _tell_once("secure", "the endpoints of the configuration file say it")
            return None
        if len(names) == 2:
            raise InvalidArgumentError("host and ex_endpoint both say where the compute service is: give one of them.")
        [name] = names
        written = text(name, self.get(name))
        try:
            endpoint = Endpoint.parse(written)
        except ValueError as error:
            raise InvalidArgumentError(f"{name} must be {error}.") from None
        if port is None and secure is None:
            return Argument(name, written)
        if secure is not None and endpoint.scheme not in ("", "https" if secure else "http"):
            raise InvalidArgumentError(f"{name} begins with {endpoint.scheme}://, but secure is {secure}.")
        if port is not None and endpoint.port not in (None, port):
            raise InvalidArgumentError(f"{name} has the port {endpoint.port}, but port is {port}.")
        endpoint = endpoint._replace(port=port or endpoint.port)
        if secure is not None and (self._kind == OPENNEBULA or not secure):
            endpoint = endpoint.with_port(default_port)._replace(scheme="https" if secure else "http")
        return Argument(name, str(endpoint))

    def _check_pairs(self) -> None:
        """Refuse credentials of which one would be ignored."""
        if "secret" in self._given and "key" not in self._given:
            raise InvalidArgumentError("secret is a password: it needs key=, which is the user's name.")
        if "secret" in self._given and "ex_pem_certificate" in self._given:
            raise InvalidArgumentError("key and secret are one way to say who you are, ex_pem_certificate is another.")
        if "ex_pem_key" in self._given and "ex_pem_certificate" not in self._given:
            raise InvalidArgumentError("ex_pem_key needs ex_pem_certificate=, the certificate that belongs to it.")
        if "region" in self._given and "ex_locations" in self._given:
            raise InvalidArgumentError("region is for one location and ex_locations for several: give one of them.")

    def _section_in_key(self) -> str | None:
        """The section that the key names where it is alone, other than ``default``, which can be any."""
        if "key" not in self._given or "secret" in self._given:
            return None
        key = _as_text("key", self.get("key"))
        if key in _NO_SECTION:
            return None
        if self._default_location() not in (None, key):
            raise InvalidArgumentError("key and stratuslab_default_location name different sections.")
        return key

    def _default_location(self) -> str | None:
        location = self.get("stratuslab_default_location")
        return None if location is None else text("stratuslab_default_location", location)

    def _locations(self) -> list[str] | None:
        if "region" in self._given:
            return [text("region", self.get("region"))]
        locations = self.get("ex_locations")
        if locations is None:
            return None
        if isinstance(locations, str):
            locations = [name.strip() for name in locations.split(",")]
        try:
            names = [text("a location in ex_locations", location) for location in locations]
        except TypeError:
            raise InvalidArgumentError(f"ex_locations must be a list of sections, not {locations!r}.") from None
        if not names:
            raise InvalidArgumentError("ex_locations must have at least one location.")
        return names

    def _parsed(self, name: str, parse: Callable[[str], T]) -> T | None:
        value = self.get(name)
        if value is None:
            return None
        try:
            return parse(str(value).strip())
        except ValueError as error:
            raise InvalidArgumentError(f"{name} must be {error}, not {value!r}.") from None


def _is_secret(name: str, value: Any) -> bool:
    """Whether a pickle must not contain an argument: a password, or a URL or an open file, which may contain one."""
    if name == "stratuslab_user_config":
        return not isinstance(value, str | os.PathLike)
    return name == "secret" or (name in _URLS and "@" in str(value))


def _as_text(name: str, value: Any) -> str:
    if name in _FILES and isinstance(value, os.PathLike):
        value = os.fspath(value)
    if name == "verify_ssl_cert" and isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{name} must be a text, not an object of type {type(value).__name__}.")
    return value if name == "secret" else text(name, value)


@functools.cache
def _tell_once(name: str, reason: str) -> None:
    """Say in the log, once, that an argument changes nothing."""
    _log.warning("The driver's argument '%s' changes nothing: %s.", name, reason)
