"""A cloud of the other kind than the one that a caller takes it for, recognized by the way in which it refuses.

Before a StratusLab cloud stands a proxy that asks for an HTTP user, and behind that an OpenNebula whose refusals have
three items. Today's daemon never asks for an HTTP user, and its refusals have four items, since 5.12 five; where no
proxy is before it, its web server calls itself Abyss, and it has another path than StratusLab's proxy.
"""

from __future__ import annotations

from stratuslab_libcloud.errors import RefusedCredentialsError, ServiceError

_ITEMS_BEFORE_TODAY = 3
_DAEMON_PATH, _DAEMON_SERVER = "/RPC2", "Abyss"

_FOR_STRATUSLAB = "for a StratusLab cloud there is StratusLabNodeDriver, or a section without 'kind = opennebula'"
_FOR_TODAY = "for an OpenNebula without StratusLab there is OpenNebulaNodeDriver, or a section with 'kind = opennebula'"


def explain_status(error: ServiceError, *, is_for_today: bool) -> ServiceError:
    """An HTTP error, with what it means if it comes from a cloud of the other kind.

    :param is_for_today: whether the caller takes it for an OpenNebula of today
    """
    if is_for_today and error.http_code == 401:
        problem = "the server asks for an HTTP user, as StratusLab's clouds do and OpenNebula does not"
        return RefusedCredentialsError(f"{problem}: {_FOR_STRATUSLAB}", error.call, error.http_code)
    if not is_for_today and error.http_code == 404 and _is_by_a_daemon(error):
        error.amend(_FOR_TODAY)
    return error


def explain_refusal(error: ServiceError, items: int, *, is_for_today: bool) -> None:
    """Add to a daemon's refusal what it means if it comes from a cloud of the other kind.

    :param items: how many the refusal has
    :param is_for_today: whether the caller takes it for an OpenNebula of today
    """
    if is_for_today and items == _ITEMS_BEFORE_TODAY:
        error.amend(f"it answers as an OpenNebula older than 5.4: {_FOR_STRATUSLAB}")
    if not is_for_today and items > _ITEMS_BEFORE_TODAY and isinstance(error, RefusedCredentialsError):
        error.amend(f"it answers as an OpenNebula of today: {_FOR_TODAY}")


def _is_by_a_daemon(error: ServiceError) -> bool:
    return _DAEMON_SERVER in error.server or error.call.url.endswith(_DAEMON_PATH)
