"""A driver that is pointed at a cloud of the other kind says so, and not only that something was refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stratuslab_libcloud import OpenNebulaNodeDriver, StratusLabNodeDriver
from stratuslab_libcloud.errors import RefusedCredentialsError, RequestRejectedError
from stratuslab_libcloud.sandbox import Sandbox

PASSWORDS = {"alice": "secret"}
FOR_STRATUSLAB = "for a StratusLab cloud there is StratusLabNodeDriver, or a section without 'kind = opennebula'"
FOR_TODAY = "for an OpenNebula without StratusLab there is OpenNebulaNodeDriver, or a section with 'kind = opennebula'"


@pytest.fixture
def stratuslab() -> Iterator[Sandbox]:
    with Sandbox(users=PASSWORDS, boot_seconds=0, guests=False) as sandbox:
        yield sandbox


@pytest.fixture(params=["6.10", "7.4"])
def today(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(kind="opennebula", version=request.param, users=PASSWORDS, guests=False) as sandbox:
        yield sandbox


def test_opennebulas_driver_at_stratuslabs_proxy(stratuslab: Sandbox) -> None:
    """The right password there, and yet refused: it does not go as HTTP Basic."""
    driver = OpenNebulaNodeDriver("alice", "secret", ex_endpoint=stratuslab.compute_url)
    with pytest.raises(
        RefusedCredentialsError, match=f"asks for an HTTP user, .* does not: {FOR_STRATUSLAB}"
    ) as caught:
        driver.list_nodes()
    assert caught.value.http_code == 401


def test_opennebulas_driver_at_the_daemon_behind_that_proxy(stratuslab: Sandbox) -> None:
    """Its refusals have three items."""
    driver = OpenNebulaNodeDriver("alice", "wrong", ex_endpoint=f"{stratuslab.url}/RPC2")
    with pytest.raises(RefusedCredentialsError, match=f"answers as an OpenNebula older than 5.4: {FOR_STRATUSLAB}"):
        driver.list_nodes()


@pytest.mark.parametrize("path", ["/RPC2", ""])
def test_stratuslabs_driver_at_an_opennebula(today: Sandbox, path: str) -> None:
    driver = StratusLabNodeDriver("alice", "secret", ex_endpoint=today.url + path)
    with pytest.raises(RequestRejectedError, match=f"status 404: .*; {FOR_TODAY}"):
        driver.list_nodes()


def test_the_right_cloud_with_a_wrong_password(stratuslab: Sandbox, today: Sandbox) -> None:
    for driver in (
        StratusLabNodeDriver("alice", "wrong", ex_endpoint=stratuslab.compute_url),
        OpenNebulaNodeDriver("alice", "wrong", ex_endpoint=today.compute_url),
    ):
        with pytest.raises(RefusedCredentialsError) as caught:
            driver.list_nodes()
        assert "there is" not in str(caught.value)
