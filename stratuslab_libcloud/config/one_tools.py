"""What every tool of OpenNebula reads: who the user is from ``ONE_AUTH``, where the cloud is from ``ONE_XMLRPC``.

They are used as if they were arguments of the driver. Each has a file in the user's home for when it is not set:
``~/.one/one_auth`` with ``user:password``, ``~/.one/one_endpoint`` with the URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stratuslab_libcloud.config import values
from stratuslab_libcloud.config.arguments import Argument, Arguments
from stratuslab_libcloud.config.files import read_file
from stratuslab_libcloud.errors import ConfigurationError

AUTH_VARIABLE = "ONE_AUTH"
ENDPOINT_VARIABLE = "ONE_XMLRPC"
DEFAULT_ENDPOINT = "http://localhost:2633/RPC2"

_AUTH_FILE = "~/.one/one_auth"
_ENDPOINT_FILE = "~/.one/one_endpoint"
_IN_FILE = "what is in the file"


def are_set(environ: Mapping[str, str]) -> bool:
    """Whether the environment says anything for the tools."""
    return bool(environ.get(AUTH_VARIABLE) or environ.get(ENDPOINT_VARIABLE))


def completed(arguments: Arguments, environ: Mapping[str, str]) -> Arguments:
    """The arguments, and for those that are missing what the tools read.

    :raises ConfigurationError: when there is nothing to read, or a file cannot be read
    """
    given: dict[str, Argument] = {}
    if not arguments.is_a_cloud:
        given["endpoint"] = _endpoint(environ)
    if not arguments.has_credentials:
        given["username"], given["password"] = _credentials(environ)
    return arguments.with_others(given)


def _endpoint(environ: Mapping[str, str]) -> Argument:
    if environ.get(ENDPOINT_VARIABLE):
        return Argument(ENDPOINT_VARIABLE, environ[ENDPOINT_VARIABLE], "the environment variable")
    file = values.path(_ENDPOINT_FILE)
    if file.is_file():
        return Argument(str(file), _read(file), _IN_FILE)
    return Argument("ex_endpoint", DEFAULT_ENDPOINT)


def _credentials(environ: Mapping[str, str]) -> tuple[Argument, Argument]:
    named = environ.get(AUTH_VARIABLE)
    file = values.path(named or _AUTH_FILE)
    if not named and not file.is_file():
        raise ConfigurationError(
            "No user is known for OpenNebula: give a name and a password to the driver, name a file with "
            f"'user:password' in {AUTH_VARIABLE}, put it at {_AUTH_FILE}, or write sections with 'kind = opennebula'."
        )
    user, colon, password = _read(file).partition(":")
    if not (user and colon and password):
        raise ConfigurationError(f"{file} must contain 'user:password', on one line.", file=str(file))
    return Argument(str(file), user, _IN_FILE), Argument(str(file), password, _IN_FILE)


def _read(file: Path) -> str:
    """The first line of a file."""
    try:
        return read_file(file).decode().strip().partition("\n")[0].strip()
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.", file=str(file)) from None
    except ValueError:
        raise ConfigurationError(f"{file} is not a text file in UTF-8.", file=str(file)) from None
