"""Users, groups and quotas in OpenNebula's XML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape

from stratuslab_libcloud.sandbox.compute.template_xml import cdata, template_xml, vector_xml
from stratuslab_libcloud.sandbox.opennebula.object_xml import ids_xml
from stratuslab_libcloud.sandbox.state.opennebula.quotas import RESOURCES, Amounts, Key, Limits
from stratuslab_libcloud.sandbox.state.opennebula.users import Group, LoginToken, User

_NO_QUOTAS = (
    "<DATASTORE_QUOTA></DATASTORE_QUOTA><NETWORK_QUOTA></NETWORK_QUOTA><VM_QUOTA></VM_QUOTA><IMAGE_QUOTA></IMAGE_QUOTA>"
)
DEFAULT_USER_QUOTAS = f"<DEFAULT_USER_QUOTAS>{_NO_QUOTAS}</DEFAULT_USER_QUOTAS>"
DEFAULT_GROUP_QUOTAS = f"<DEFAULT_GROUP_QUOTAS>{_NO_QUOTAS}</DEFAULT_GROUP_QUOTAS>"


class UserXml:
    """Writes users and groups as 6.10 does."""

    vm_extras: Sequence[str] = ()

    def user(self, user: User, tokens: Iterable[LoginToken]) -> str:
        """A user, without quotas and without the element around it.

        :param tokens: that have not expired
        """
        return (
            f"<ID>{user.id}</ID><GID>{user.group.id}</GID><GROUPS><ID>{user.group.id}</ID></GROUPS>"
            f"<GNAME>{escape(user.group.name)}</GNAME><NAME>{escape(user.name)}</NAME>"
            f"<PASSWORD>{cdata(user.password_hash)}</PASSWORD><AUTH_DRIVER><![CDATA[core]]></AUTH_DRIVER>"
            f"<ENABLED>{user.enabled:d}</ENABLED>{''.join(map(_token_xml, tokens))}{template_xml(user.template)}"
        )

    def group(self, group: Group, users: Iterable[User]) -> str:
        """A group, without quotas and without the element around it."""
        return (
            f"<ID>{group.id}</ID><NAME>{escape(group.name)}</NAME>{template_xml(group.template)}"
            f"{ids_xml('USERS', (user.id for user in users))}<ADMINS></ADMINS>"
        )

    def quotas(self, limits: Limits, used: Amounts) -> str:
        """What somebody may have, and has: an element for each kind of quota."""
        return "".join(self._kind(kind, limits, used) for kind in ("DATASTORE", "NETWORK", "VM", "IMAGE"))

    def _kind(self, kind: str, limits: Limits, used: Amounts) -> str:
        keys = set(limits.keys(kind))
        if kind != "VM":
            keys |= set(used.keys(kind))
        quotas = "".join(
            f"<{kind}>{vector_xml(self._quota(key, limits, used))}</{kind}>"
            for key in sorted(keys, key=lambda key: int(key[1] or 0))
        )
        return f"<{kind}_QUOTA>{quotas}</{kind}_QUOTA>"

    def _quota(self, key: Key, limits: Limits, used: Amounts) -> Mapping[str, str]:
        kind, number = key
        quota = {"ID": number} if number else {}
        for name in (*RESOURCES[kind], *(self.vm_extras if kind == "VM" else ())):
            quota[name] = limits.of(key, name)
            quota[f"{name}_USED"] = _number(used.of(key, name))
        return quota


class UserXml74(UserXml):
    """Writes users and groups as 7.4 does."""

    vm_extras = ("PCI_DEV", "PCI_NIC", "RUNNING_PCI_DEV", "RUNNING_PCI_NIC")


def _token_xml(token: LoginToken) -> str:
    return (
        f"<LOGIN_TOKEN><TOKEN>{cdata(token.text)}</TOKEN><EXPIRATION_TIME>{int(token.expires)}</EXPIRATION_TIME>"
        f"<EGID>{token.group_id}</EGID></LOGIN_TOKEN>"
    )


def _number(amount: float) -> str:
    return f"{amount:.0f}" if amount == int(amount) else f"{amount:.2f}"
