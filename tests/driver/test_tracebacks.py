"""What a user sees who does not catch an error: few lines, and one cause at the most."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.errors import RefusedCredentialsError, ServiceError, ServiceUnavailableError
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox

ANOTHER = ("The above exception was the direct cause", "During handling of the above exception")


def exceptions_in(error: BaseException) -> int:
    text = "".join(traceback.format_exception(error))
    return 1 + sum(text.count(each) for each in ANOTHER)


def test_a_cloud_that_is_down(config_file: Path, sandbox: Sandbox) -> None:
    driver = StratusLabNodeDriver("default", stratuslab_user_config=config_file, timeout=1)
    sandbox.stop()
    for call in (driver.list_nodes, driver.list_volumes, driver.list_images, lambda: driver.create_volume(1, "v")):
        with pytest.raises(ServiceUnavailableError) as caught:
            call()  # type: ignore[operator]
        assert exceptions_in(caught.value) == 1
        assert len("".join(traceback.format_exception(caught.value)).splitlines()) < 60


def test_a_wrong_password(sandbox: Sandbox, tmp_path: Path) -> None:
    config = sandbox.write_config(tmp_path / "wrong.cfg", password="wrong")
    driver = StratusLabNodeDriver(stratuslab_user_config=config)
    for call in (driver.list_nodes, driver.list_volumes):
        with pytest.raises(RefusedCredentialsError) as caught:
            call()  # type: ignore[operator]
        assert exceptions_in(caught.value) == 1


@pytest.mark.parametrize(
    "kind", [FaultKind.GARBAGE, FaultKind.CUT, FaultKind.RESET_AFTER, FaultKind.WRONG_TYPES, FaultKind.XMLRPC_FAULT]
)
def test_an_odd_answer(driver: StratusLabNodeDriver, sandbox: Sandbox, config_file: Path, kind: FaultKind) -> None:
    hurried = StratusLabNodeDriver("default", stratuslab_user_config=config_file, timeout=1)
    image = driver.list_images()[0]
    with sandbox.faults.during(Fault(kind, "compute")), pytest.raises(ServiceError) as caught:
        hurried.create_node("n", None, image)
    assert exceptions_in(caught.value) <= 2
