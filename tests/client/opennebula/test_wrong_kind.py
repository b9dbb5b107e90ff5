"""How a cloud of the other kind is recognized, and when a refusal says nothing about the kind."""

from __future__ import annotations

import pytest

from stratuslab_libcloud.client.opennebula.wrong_kind import explain_refusal, explain_status
from stratuslab_libcloud.errors import (
    Call,
    PermissionDeniedError,
    RefusedCredentialsError,
    RequestRejectedError,
    ServiceError,
)


def error(kind: type[ServiceError], status: int = 0, path: str = "/pswd/xmlrpc", server: str = "") -> ServiceError:
    made = kind("refused", Call("here", "compute", "one.vm.info", f"https://one.example.org{path}"), status)
    made.server = server
    return made


@pytest.mark.parametrize(
    ("given", "is_for_today", "is_known"),
    [
        (error(RefusedCredentialsError, 401), True, True),
        (error(RefusedCredentialsError, 401), False, False),
        (error(RequestRejectedError, 404, server="Xmlrpc-c_Abyss/1.33.14"), False, True),
        (error(RequestRejectedError, 404, path="/pswd/RPC2"), False, True),
        (error(RequestRejectedError, 404), False, False),
        (error(RequestRejectedError, 405, path="/pswd/RPC2", server="Abyss"), False, False),
        (error(RequestRejectedError, 404, path="/RPC2", server="Abyss"), True, False),
    ],
)
def test_a_status(given: ServiceError, is_for_today: bool, is_known: bool) -> None:
    assert ("there is" in str(explain_status(given, is_for_today=is_for_today))) == is_known


@pytest.mark.parametrize(
    ("kind", "items", "is_for_today", "is_known"),
    [
        (RefusedCredentialsError, 3, True, True),
        (PermissionDeniedError, 3, True, True),
        (RefusedCredentialsError, 4, True, False),
        (RefusedCredentialsError, 5, True, False),
        (RefusedCredentialsError, 3, False, False),
        (RefusedCredentialsError, 4, False, True),
        (RefusedCredentialsError, 5, False, True),
        (PermissionDeniedError, 5, False, False),
    ],
)
def test_a_refusal_by_the_number_of_its_items(
    kind: type[ServiceError], items: int, is_for_today: bool, is_known: bool
) -> None:
    """Three in 3.2, four in 5.4 to 5.8, five since 5.12; a proxy of StratusLab may stand before any."""
    refusal = error(kind)
    explain_refusal(refusal, items, is_for_today=is_for_today)
    assert ("there is" in str(refusal)) == is_known
