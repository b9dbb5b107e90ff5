"""Why OpenNebula refuses something: the kinds that it tells apart by a code, with its own words."""

from __future__ import annotations

from stratuslab_libcloud.sandbox.state.errors import RefusedError


class AuthenticationError(RefusedError):
    """Nobody is known by this name with this password or token."""

    def __init__(self) -> None:
        super().__init__("User couldn't be authenticated, aborting call.")


class AuthorizationError(RefusedError):
    """The user may not do this, for want of a right or because of a quota."""

    def __init__(self, user_id: int, reason: str) -> None:
        super().__init__(f"User [{user_id}] : {reason}")


class NoExistsError(RefusedError):
    """There is no such object.

    :param title: what OpenNebula calls such an object, such as ``virtual machine``
    """

    def __init__(self, title: str, object_id: int) -> None:
        super().__init__(f"Error getting {title} [{object_id}].")
        self.object_id = object_id


class ActionError(RefusedError):
    """The state of the object does not permit it."""


class ApiError(RefusedError):
    """An argument has a value that the method does not know."""


class InternalError(RefusedError):
    """It cannot be done as it was asked."""


class AllocateError(RefusedError):
    """The object cannot be created.

    :param kind: what OpenNebula calls it in this message, such as ``image``
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(f"Error allocating a new {kind}. {reason}")


class InvalidTemplateError(RefusedError):
    """A template asks for something that cannot be; which error that is depends on the call."""


class QuotaExceededError(RefusedError):
    """It would be more than the user or the group may have; which error that is depends on the call."""
