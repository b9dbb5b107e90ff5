"""``one.user*`` and ``one.group*``: who may use the cloud, and how much of it."""

from __future__ import annotations

from typing import ClassVar

from stratuslab_libcloud.sandbox.compute.xmlrpc import Parameters
from stratuslab_libcloud.sandbox.opennebula.documents import Documents
from stratuslab_libcloud.sandbox.opennebula.methods import MethodGroup, Table, read_template, update
from stratuslab_libcloud.sandbox.opennebula.user_xml import DEFAULT_GROUP_QUOTAS, DEFAULT_USER_QUOTAS
from stratuslab_libcloud.sandbox.state.opennebula.cloud import OpenNebula
from stratuslab_libcloud.sandbox.state.opennebula.errors import AllocateError, AuthorizationError
from stratuslab_libcloud.sandbox.state.opennebula.quotas import Amounts
from stratuslab_libcloud.sandbox.state.opennebula.users import Group, User


class UserMethods(MethodGroup):
    """The methods, over a cloud's state."""

    def __init__(self, cloud: OpenNebula, documents: Documents) -> None:
        self._cloud = cloud
        self._users = cloud.users
        self._documents = documents.users

    def _find(self, user: User, number: int, right: str) -> User:
        found = user if number == -1 else self._users[number]
        if not user.is_admin and (found is not user or right == "ADMIN"):
            raise AuthorizationError(user.id, f"Not authorized to perform {right} USER [{found.id}].")
        return found

    def _allocate(self, user: User, parameters: Parameters) -> int:
        name, password, _ = parameters.text(), parameters.text(), parameters.text("core")
        if not user.is_admin:
            raise AuthorizationError(user.id, "Not authorized to perform CREATE USER.")
        if any(other.name == name for other in self._users):
            raise AllocateError("user", "NAME is already taken.")
        groups = parameters.numbers()
        return self._users.add(name, password, self._users.group(groups[0]) if groups else None).id

    def _info(self, user: User, parameters: Parameters) -> str:
        found = self._find(user, parameters.number(), "USE")
        mine = self._documents.user(found, self._users.living_tokens(found))
        quotas = self._documents.quotas(found.limits, self._used_by(found))
        return f"<USER>{mine}{quotas}{DEFAULT_USER_QUOTAS}</USER>"

    def _login(self, user: User, parameters: Parameters) -> str:
        name, token = parameters.text(), parameters.text()
        seconds, group_id = parameters.number(), parameters.number(-1)
        return self._users.login(user, name, token, seconds, group_id)

    def _update(self, user: User, parameters: Parameters) -> int:
        number, text, append = parameters.number(), parameters.text(), parameters.number()
        found = self._find(user, number, "MANAGE")
        found.template = update(found.template, read_template(self._cloud, text), append)
        return found.id

    def _quota(self, user: User, parameters: Parameters) -> int:
        number, text = parameters.number(), parameters.text()
        found = self._find(user, number, "ADMIN")
        found.limits.update(read_template(self._cloud, text))
        return found.id

    def _pool_info(self, user: User, parameters: Parameters) -> str:
        seen = [other for other in self._users if user.is_admin or other is user]
        users = "".join(f"<USER>{self._documents.user(u, self._users.living_tokens(u))}</USER>" for u in seen)
        quotas = "".join(
            f"<QUOTAS><ID>{u.id}</ID>{self._documents.quotas(u.limits, self._used_by(u))}</QUOTAS>" for u in seen
        )
        return f"<USER_POOL>{users}{quotas}{DEFAULT_USER_QUOTAS}</USER_POOL>"

    def _group_allocate(self, user: User, parameters: Parameters) -> int:
        name = parameters.text()
        if not user.is_admin:
            raise AuthorizationError(user.id, "Not authorized to perform CREATE GROUP.")
        return self._users.add_group(name, creates=False).id

    def _group_info(self, user: User, parameters: Parameters) -> str:
        number = parameters.number()
        group = self._find_group(user, user.group.id if number == -1 else number, "USE")
        quotas = self._documents.quotas(group.limits, self._used_by_group(group))
        return f"<GROUP>{self._group(group)}{quotas}{DEFAULT_GROUP_QUOTAS}</GROUP>"

    def _group_quota(self, user: User, parameters: Parameters) -> int:
        number, text = parameters.number(), parameters.text()
        group = self._find_group(user, number, "ADMIN")
        group.limits.update(read_template(self._cloud, text))
        return group.id

    def _group_pool_info(self, user: User, parameters: Parameters) -> str:
        seen = [group for group in self._users.groups if user.is_admin or group is user.group]
        groups = "".join(f"<GROUP>{self._group(group)}</GROUP>" for group in seen)
        quotas = "".join(
            f"<QUOTAS><ID>{g.id}</ID>{self._documents.quotas(g.limits, self._used_by_group(g))}</QUOTAS>" for g in seen
        )
        return f"<GROUP_POOL>{groups}{quotas}{DEFAULT_GROUP_QUOTAS}</GROUP_POOL>"

    def _find_group(self, user: User, number: int, right: str) -> Group:
        group = self._users.group(number)
        if not user.is_admin and (group is not user.group or right == "ADMIN"):
            raise AuthorizationError(user.id, f"Not authorized to perform {right} GROUP [{number}].")
        return group

    def _group(self, group: Group) -> str:
        return self._documents.group(group, [user for user in self._users if user.group is group])

    def _used_by(self, user: User) -> Amounts:
        mine = [thing.amounts() for thing in self._cloud.machines.pool if thing.owner is user]
        return Amounts().add_all(mine).add_all(i.amounts() for i in self._cloud.images.pool if i.owner is user)

    def _used_by_group(self, group: Group) -> Amounts:
        ours = [self._used_by(user) for user in self._users if user.group is group]
        return Amounts().add_all(ours)

    table: ClassVar[Table] = {
        "one.user.allocate": _allocate,
        "one.user.info": _info,
        "one.user.login": _login,
        "one.user.update": _update,
        "one.user.quota": _quota,
        "one.userpool.info": _pool_info,
        "one.userquota.info": lambda self, user, parameters: DEFAULT_USER_QUOTAS,
        "one.group.allocate": _group_allocate,
        "one.group.info": _group_info,
        "one.group.quota": _group_quota,
        "one.grouppool.info": _group_pool_info,
        "one.groupquota.info": lambda self, user, parameters: DEFAULT_GROUP_QUOTAS,
    }
