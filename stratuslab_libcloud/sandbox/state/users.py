"""Who may use the cloud, and which OpenNebula users they are."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote_plus

SUPERUSER = "oneadmin"
DISK_SERVICE_USER = "pdisk"
DEFAULT_USERS = ("alice", "bob")
"""The names of the users where no others are given; their passwords are random."""


class Accounts:
    """Names and passwords, and subjects of certificates, as the authenticating proxy knows them.

    Passwords that are not given are random: every user of the computer can connect to a sandbox, and whoever knows a
    password can start a machine and run commands as the owner of the sandbox.

    :param passwords: name to password; by default alice and bob. ``oneadmin`` and ``pdisk`` exist besides
    """

    def __init__(self, passwords: Mapping[str, str] | None = None) -> None:
        self.users = {name: _random_password() for name in DEFAULT_USERS} if passwords is None else dict(passwords)
        services = {name: _random_password() for name in (SUPERUSER, DISK_SERVICE_USER)}
        self._passwords = {**services, **self.users}
        self._subjects: set[str] = set()

    def password(self, name: str) -> str:
        """A user's password.

        :raises ValueError: if there is no such user
        """
        if name not in self._passwords:
            raise ValueError(f"there is no user {name!r}; choose one of: {', '.join(self._passwords)}")
        return self._passwords[name]

    def has_password(self, name: str, password: str) -> bool:
        """Whether there is a user of this name, with this password."""
        expected = self._passwords.get(name)
        return expected is not None and hmac.compare_digest(expected.encode(), password.encode())

    def has_certificate(self, subject: str) -> bool:
        """Whether the owner of a certificate with this subject is a user."""
        return subject in self._subjects

    def enrol_certificate(self, subject: str) -> None:
        """Add the owner of certificates with this subject as a user."""
        self._subjects.add(subject)


def _random_password() -> str:
    return secrets.token_urlsafe(16)


@dataclass(frozen=True)
class User:
    """An OpenNebula user; `name` is the account's, URL-encoded."""

    id: int
    account: str
    name: str
    group_id: int
    group: str

    @property
    def is_admin(self) -> bool:
        """Whether the user may see and do everything."""
        return self.group_id == 0


def opennebula_name(account: str) -> str:
    """An account's name as OpenNebula has it, encoded as Java encodes form values."""
    return quote_plus(account, safe="*").replace("~", "%7E")


class Users:
    """OpenNebula's users; a new one gets the next number at the first call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_name: dict[str, User] = {}
        for user in (
            User(0, SUPERUSER, SUPERUSER, 0, "oneadmin"),
            User(1, "serveradmin", "serveradmin", 0, "oneadmin"),
        ):
            self._by_name[user.name] = user

    def of_account(self, account: str) -> User:
        """The user of an account; a new one if the account had none."""
        name = opennebula_name(account)
        with self._lock:
            if name not in self._by_name:
                self._by_name[name] = User(len(self._by_name), account, name, 1, "users")
            return self._by_name[name]

    def __iter__(self) -> Iterator[User]:
        """All users, by number."""
        with self._lock:
            return iter(list(self._by_name.values()))

    def accounts(self) -> list[str]:
        """The accounts of all users, by number."""
        with self._lock:
            return [user.account for user in self._by_name.values()]
