"""Who may use the cloud: users with passwords and login tokens, in groups."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from stratuslab_libcloud.sandbox.state.clock import Clock
from stratuslab_libcloud.sandbox.state.opennebula.errors import AuthenticationError, AuthorizationError, NoExistsError
from stratuslab_libcloud.sandbox.state.opennebula.quotas import Limits
from stratuslab_libcloud.sandbox.state.template import Template
from stratuslab_libcloud.sandbox.state.users import SUPERUSER, Accounts


@dataclass(eq=False)
class Group:
    """Users who share what they permit each other.

    :param creates: its users may create something; not so in a group that nobody has given this right
    """

    id: int
    name: str
    template: Template = field(default_factory=Template)
    limits: Limits = field(default_factory=Limits)
    creates: bool = True


@dataclass(frozen=True)
class LoginToken:
    """What can stand in for a password.

    :param expires: seconds since 1970; -1 for never
    :param group_id: of the group that its user acts for; -1 for all groups
    """

    text: str
    expires: float
    group_id: int


@dataclass(eq=False)
class User:
    """Somebody who may use the cloud.

    :param tokens: that have not been ended; they may have expired
    """

    id: int
    name: str
    password: str
    group: Group
    template: Template = field(default_factory=Template)
    limits: Limits = field(default_factory=Limits)
    tokens: list[LoginToken] = field(default_factory=list)
    enabled: bool = True

    @property
    def is_admin(self) -> bool:
        """Whether the user may see and do everything."""
        return self.group.id == 0

    @property
    def password_hash(self) -> str:
        """As the documents show it."""
        return hashlib.sha256(self.password.encode()).hexdigest()

    def wants_persistent_images(self) -> bool:
        """Whether copies and saved disks become persistent images, by the user's or the group's settings."""
        for template in (self.template, self.group.template):
            for vector in template.vectors("OPENNEBULA"):
                if "DEFAULT_IMAGE_PERSISTENT" in vector:
                    return vector["DEFAULT_IMAGE_PERSISTENT"].upper() == "YES"
        return False


class Users:
    """All users: ``oneadmin``, ``serveradmin`` and those that are given, who are in the group ``users``.

    :param accounts: their names and passwords
    :param ignore_case: names that differ by case only are the same, as they are on MySQL and MariaDB
    """

    def __init__(self, clock: Clock, accounts: Accounts, *, ignore_case: bool = False) -> None:
        self._clock = clock
        self._ignore_case = ignore_case
        self.groups = [Group(0, "oneadmin"), Group(1, "users")]
        self._all: dict[int, User] = {}
        self._add(SUPERUSER, accounts.password(SUPERUSER), self.groups[0])
        self._add("serveradmin", secrets.token_hex(32), self.groups[0])
        for name, password in accounts.users.items():
            if name != SUPERUSER:
                self.add(name, password)

    def add_group(self, name: str, *, creates: bool = True) -> Group:
        """Add a group.

        :param creates: its users may create something
        """
        group = Group(98 + len(self.groups), name, creates=creates)
        self.groups.append(group)
        return group

    def group(self, number: int) -> Group:
        """The group with this number.

        :raises NoExistsError: if there is none
        """
        for group in self.groups:
            if group.id == number:
                return group
        raise NoExistsError("group", number)

    def add(self, name: str, password: str, group: Group | None = None) -> User:
        """Add an ordinary user.

        :param group: instead of ``users``
        """
        return self._add(name, password, group or self.groups[1])

    def named(self, name: str) -> User:
        """The user of this name.

        :raises ValueError: if there is none
        """
        user = self._find(name)
        if user is None:
            names = ", ".join(user.name for user in self._all.values())
            raise ValueError(f"there is no user {name!r}; choose one of: {names}")
        return user

    def __getitem__(self, number: int) -> User:
        """The user with this number.

        :raises NoExistsError: if there is none
        """
        try:
            return self._all[number]
        except KeyError:
            raise NoExistsError("user", number) from None

    def __iter__(self) -> Iterator[User]:
        return iter(list(self._all.values()))

    def authenticate(self, session: str) -> User:
        """Who a session is of: ``name:password`` or ``name:token``.

        :raises AuthenticationError: if it is nobody's
        """
        name, colon, secret = session.partition(":")
        user = self._find(name)
        if not colon or user is None or not user.enabled:
            raise AuthenticationError
        if user.password != secret and all(token.text != secret for token in self.living_tokens(user)):
            raise AuthenticationError
        return user

    def living_tokens(self, user: User) -> list[LoginToken]:
        """A user's tokens that have not expired."""
        now = self._clock.now()
        return [token for token in user.tokens if token.expires < 0 or token.expires > now]

    def login(self, asking: User, name: str, token: str, seconds: int, group_id: int) -> str:
        """Make a token, or end all.

        :param token: its text; one is made up if it is empty
        :param seconds: how long it holds; -1 for ever, 0 to end all tokens
        :return: the token; empty if all were ended
        :raises AuthorizationError: if it is for somebody else
        :raises NoExistsError: if there is no such user
        """
        user = self._find(name)
        if user is None:
            raise NoExistsError("user", -1)
        if not asking.is_admin and asking is not user:
            raise AuthorizationError(asking.id, f"Not authorized to perform MANAGE USER [{user.id}].")
        if seconds == 0:
            user.tokens.clear()
            return ""
        text = token or secrets.token_hex(32)
        expires = -1 if seconds < 0 else int(self._clock.now()) + seconds
        user.tokens = [*self.living_tokens(user), LoginToken(text, expires, group_id)]
        return text

    def _add(self, name: str, password: str, group: Group) -> User:
        user = User(len(self._all), name, password, group)
        user.template.replace("TOKEN_PASSWORD", secrets.token_hex(32))
        self._all[user.id] = user
        return user

    def _find(self, name: str) -> User | None:
        for user in self._all.values():
            if user.name == name or (self._ignore_case and user.name.lower() == name.lower()):
                return user
        return None
