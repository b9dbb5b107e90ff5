"""What a driver's constructor is given instead of keys of the configuration file, or beside a file.

An argument comes before the environment and the file. Arguments that say where a cloud is, or who the user is, also
keep the rest of that from being taken from there: a password is never sent to a host that belongs to another one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

KEY_OF_ARGUMENT: Mapping[str, str] = {
    "host": "endpoint",
    "ex_endpoint": "endpoint",
    "key": "username",
    "secret": "password",
    "ex_pdisk_endpoint": "pdisk_endpoint",
    "ex_marketplace_endpoint": "marketplace_endpoint",
    "ex_pem_certificate": "pem_certificate",
    "ex_pem_key": "pem_key",
    "ex_ca_cert": "tls_ca_bundle",
    "verify_ssl_cert": "tls_verify",
    "ex_public_key_file": "user_public_key_file",
    "ex_key_pairs_directory": "key_pairs_directory",
}
"""The key of the file that an argument of the constructor stands for."""

WITHOUT_A_FILE = "the driver's arguments"
"""What stands in messages for the file's name where there is none."""

_DISKS = frozenset({"pdisk_endpoint", "pdisk_port", "pdisk_protocol"})
_CREDENTIALS = frozenset({"username", "password", "pem_certificate", "pem_key", "pdisk_username", "pdisk_password"})
_OF_ONE_CLOUD = frozenset({"endpoint", "pdisk_endpoint"})

_HIDES: Mapping[str, frozenset[str]] = {
    "endpoint": _DISKS,
    "pdisk_endpoint": _DISKS,
    **dict.fromkeys(_CREDENTIALS, _CREDENTIALS),
    "tls_ca_bundle": frozenset({"tls_verify"}),
}


class Argument(NamedTuple):
    """A value of the constructor, or of a command's option.

    :param name: the argument's name
    :param text: its value, not empty; ``repr()`` leaves it out, since it may be a password
    :param what: what it is, for messages
    """

    name: str
    text: str
    what: str = "the driver's argument"

    def __repr__(self) -> str:
        return f"Argument({self.name})"


class Arguments:
    """The values that were given.

    :param given: by the key of the file that each stands for
    :param hides: the keys that are not taken from the environment and the file either; by default those of which a part
        was given: a driver's user, or cloud, is no mixture
    """

    def __init__(self, given: Mapping[str, Argument] | None = None, hides: Collection[str] | None = None) -> None:
        self._given = dict(given or {})
        belonging = frozenset[str]().union(*(_HIDES.get(key, ()) for key in self._given))
        self._hidden = belonging if hides is None else frozenset(hides)

    def find(self, key: str) -> Argument | None:
        """The argument that stands for a key."""
        return self._given.get(key)

    def hides(self, key: str) -> bool:
        """Whether the environment and the file are not asked for a key."""
        return key in self._given or key in self._hidden

    def with_others(self, others: Mapping[str, Argument]) -> Arguments:
        """These arguments, and others for what they do not say."""
        return Arguments({**others, **self._given})

    @property
    def is_a_cloud(self) -> bool:
        """Whether they say where a cloud is, so that no file is needed."""
        return "endpoint" in self._given

    @property
    def names_of_one_cloud(self) -> list[str]:
        """The names of those that can only be true of a single cloud."""
        return [argument.name for key, argument in self._given.items() if key in _OF_ONE_CLOUD]

    @property
    def has_credentials(self) -> bool:
        """Whether they say who the user is."""
        return not _CREDENTIALS.isdisjoint(self._given)


def argument_of(key: str) -> str:
    """The first argument that stands for a key, for messages; the key itself where there is none."""
    return next((name for name, other in KEY_OF_ARGUMENT.items() if other == key), key)
