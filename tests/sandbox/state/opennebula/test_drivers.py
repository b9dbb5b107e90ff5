"""The drivers under OpenNebula, which fail when they are told to."""

from __future__ import annotations

import pytest

from stratuslab_libcloud.sandbox.state.opennebula.drivers import OPERATIONS, Drivers


def test_an_operation_fails_as_often_as_one_says() -> None:
    drivers = Drivers()
    drivers.fail("attach", times=2)
    assert [drivers.succeeds("attach") for _ in range(3)] == [False, False, True]
    assert drivers.succeeds("detach")


def test_only_what_drivers_do_can_fail() -> None:
    with pytest.raises(ValueError, match=f"no driver operation 'fly'; choose one of: {', '.join(OPERATIONS)}"):
        Drivers().fail("fly")
