"""What all objects of OpenNebula have in common: an owner, rights, a lock, a place in a pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

from stratuslab_libcloud.sandbox.state.opennebula.errors import ApiError, AuthorizationError, NoExistsError
from stratuslab_libcloud.sandbox.state.opennebula.users import Group, User


class Right(IntEnum):
    """What somebody may do with an object."""

    USE = 0
    MANAGE = 1
    ADMIN = 2


PRIVATE = (1, 1, 0, 0, 0, 0, 0, 0, 0)
GROUP_USES = (1, 1, 0, 1, 0, 0, 0, 0, 0)
EVERYBODY_USES = (1, 1, 0, 1, 0, 0, 1, 0, 0)


@dataclass(frozen=True)
class Lock:
    """Keeps users from changing an object, its owner included; they can still look at it.

    :param level: 1 for everything, 2 for managing, 3 for administering
    :param user_id: who has locked it
    """

    level: int
    user_id: int
    time: float
    request_id: int


@dataclass(eq=False, kw_only=True)
class PoolObject:
    """Something that somebody owns.

    :param permissions: use, manage and admin for the owner, for the group and for others, 1 or 0 each
    :param time: when it was created, in seconds since 1970
    """

    id: int
    owner: User
    name: str
    permissions: Sequence[int] = PRIVATE
    time: float = 0
    lock: Lock | None = None

    @property
    def group(self) -> Group:
        """The owner's group."""
        return self.owner.group

    def allows(self, user: User, right: Right) -> bool:
        """Whether a user has a right to it."""
        if user.is_admin:
            return True
        if self.lock is not None and right != Right.USE and right >= self.lock.level - 1:
            return False
        return bool(
            (user is self.owner and self.permissions[right])
            or (user.group.id == self.group.id and self.permissions[3 + right])
            or self.permissions[6 + right]
        )


T = TypeVar("T", bound=PoolObject)

MINE, ALL, MINE_AND_GROUP, PRIMARY_GROUP = -3, -2, -1, -4


class Pool(Generic[T]):
    """All objects of one kind.

    :param kind: OpenNebula's name of the kind where it speaks of rights, such as ``VM``
    :param title: its name where one is missing, such as ``virtual machine``
    :param shared: everybody may use them, as the default virtual datacenter says of networks and datastores
    :param group_sees_all: filter -4 lists objects of the group that the user has no right to, as 6.10 does
    """

    def __init__(self, kind: str, title: str, *, shared: bool = False, group_sees_all: bool = False) -> None:
        self.kind = kind
        self._title = title
        self._shared = shared
        self._group_sees_all = group_sees_all
        self._objects: dict[int, T] = {}
        self.next_id = 0

    def take_id(self, number: int | None = None) -> int:
        """The next number; once taken, it is never given again.

        :param number: this one instead, and go on from there
        """
        taken = self.next_id if number is None else number
        self.next_id = max(self.next_id, taken + 1)
        return taken

    def add(self, thing: T) -> T:
        """Have an object that was made with a number taken here."""
        self._objects[thing.id] = thing
        return thing

    def remove(self, thing: T) -> None:
        """Forget an object."""
        self._objects.pop(thing.id, None)

    def get(self, number: int) -> T | None:
        """The object with this number, if there is one."""
        return self._objects.get(number)

    def __getitem__(self, number: int) -> T:
        """The object with this number.

        :raises NoExistsError: if there is none
        """
        try:
            return self._objects[number]
        except KeyError:
            raise NoExistsError(self._title, number) from None

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._objects.values()))

    def __len__(self) -> int:
        return len(self._objects)

    def find(self, user: User, number: int, right: Right = Right.USE) -> T:
        """The object with this number, for somebody who wants to do something with it.

        :raises NoExistsError: if there is none
        :raises AuthorizationError: if the user may not do that
        """
        thing = self[number]
        self.authorize(user, thing, right)
        return thing

    def authorize(self, user: User, thing: T, right: Right) -> None:
        """Make sure that a user may do something with an object.

        :raises AuthorizationError: if not
        """
        if not self._allows(user, thing, right):
            raise AuthorizationError(user.id, f"Not authorized to perform {right.name} {self.kind} [{thing.id}].")

    def named(self, owner: User, name: str) -> T | None:
        """An owner's object of this name."""
        return next((o for o in self._objects.values() if o.owner is owner and o.name == name), None)

    def listed(
        self,
        user: User,
        flag: int,
        first: int = -1,
        last: int = -1,
        is_wanted: Callable[[T], bool] = lambda thing: True,
    ) -> list[T]:
        """What a user sees of the pool, the newest first.

        :param flag: -3 the user's own, -2 all, -1 the user's and the group's, -4 the group's, or a user's number
        :param first: of the numbers; the offset of a page if `last` is below -1
        :param last: of the numbers, -1 for no end; below -1, the negative length of a page
        :param is_wanted: whether an object is listed at all
        :raises ApiError: if there is no such flag
        """
        if flag < PRIMARY_GROUP:
            raise ApiError("Incorrect filter_flag")
        found = [thing for thing in self._newest_first() if is_wanted(thing) and self._is_listed(user, thing, flag)]
        if last < -1:
            return found[max(first, 0) : max(first, 0) - last]
        return [thing for thing in found if first <= thing.id and (last == -1 or thing.id <= last)]

    def _newest_first(self) -> list[T]:
        return [self._objects[number] for number in sorted(self._objects, reverse=True)]

    def _is_listed(self, user: User, thing: T, flag: int) -> bool:
        if flag == PRIMARY_GROUP and self._group_sees_all:
            return thing.group.id == user.group.id
        return self._matches(user, thing, flag) and self._allows(user, thing, Right.USE)

    @staticmethod
    def _matches(user: User, thing: T, flag: int) -> bool:
        if flag == ALL:
            return True
        if flag == PRIMARY_GROUP:
            return thing.group.id == user.group.id
        if flag == MINE_AND_GROUP:
            return thing.owner is user or thing.group.id == user.group.id
        return thing.owner.id == (user.id if flag == MINE else flag)

    def _allows(self, user: User, thing: T, right: Right) -> bool:
        return thing.allows(user, right) or (self._shared and right == Right.USE)
