"""How long what is known of images holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from libcloud.compute.base import NodeImage

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.client.stratuslab import marketplace
from stratuslab_libcloud.errors import InvalidArgumentError
from stratuslab_libcloud.sandbox import Sandbox


class Time:
    """The marketplace module's `time`, which a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Time]:
    """What the time is to what keeps images."""
    moment = Time()
    monkeypatch.setattr(marketplace, "time", moment)
    return moment  # type: ignore[return-value]


def driver_with(config_file: Path, lifetime: float | None) -> StratusLabNodeDriver:
    return StratusLabNodeDriver(stratuslab_user_config=config_file, ex_image_lifetime=lifetime)


def operations_of(sandbox: Sandbox) -> list[str]:
    asked = [operation for operation in sandbox.requests.operations if operation.startswith("GET /metadata")]
    sandbox.requests.clear()
    return asked


def test_a_list_is_asked_for_each_time(driver: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    driver.list_images()
    driver.list_images()
    assert operations_of(sandbox) == ["GET /metadata"] * 2


def test_a_list_can_be_kept_for_a_while(config_file: Path, sandbox: Sandbox, moment: Time) -> None:
    driver = driver_with(config_file, 60)
    images = driver.list_images()
    moment.now += 59
    again = driver.list_images()
    assert [(image.id, image.extra) for image in again] == [(image.id, image.extra) for image in images]
    assert operations_of(sandbox) == ["GET /metadata"]
    moment.now += 2
    driver.list_images()
    assert operations_of(sandbox) == ["GET /metadata"]


def test_a_call_can_have_its_own_lifetime(driver: StratusLabNodeDriver, sandbox: Sandbox, moment: Time) -> None:
    driver.list_images(ex_image_lifetime=60)
    moment.now += 30
    driver.list_images(ex_image_lifetime=60)
    assert operations_of(sandbox) == ["GET /metadata"]
    driver.list_images(ex_image_lifetime=20)
    driver.list_images()
    driver.list_images(ex_image_lifetime=0)
    assert operations_of(sandbox) == ["GET /metadata"] * 3


def test_what_a_caller_does_to_a_kept_list_is_the_callers_own(config_file: Path) -> None:
    driver = driver_with(config_file, 60)
    images = driver.list_images()
    number = len(images)
    images[0].extra["os"] = "mine"
    images.clear()
    assert len(driver.list_images()) == number
    assert driver.list_images()[0].extra["os"] != "mine"


def test_a_machine_is_made_of_what_the_kept_list_says(config_file: Path, sandbox: Sandbox, moment: Time) -> None:
    driver = driver_with(config_file, 60)
    image = driver.list_images()[0]
    operations_of(sandbox)
    driver.create_node("n", None, NodeImage(image.id, "x", driver))
    assert operations_of(sandbox) == []
    moment.now += 61
    driver.create_node("n", None, NodeImage(image.id, "x", driver))
    assert operations_of(sandbox) == ["GET /metadata/{id}"]


def test_a_single_image_is_asked_for_each_time_unless_it_is_younger_than_a_lifetime(
    driver: StratusLabNodeDriver, config_file: Path, sandbox: Sandbox, moment: Time
) -> None:
    image_id = driver.list_images()[0].id
    operations_of(sandbox)
    for several_times, asked in ((driver, 3), (driver_with(config_file, 60), 2)):
        several_times.get_image(image_id)
        several_times.get_image(image_id)
        moment.now += 1000
        several_times.get_image(image_id)
        assert operations_of(sandbox) == ["GET /metadata/{id}"] * asked


def test_an_image_of_the_kept_list_is_the_one_endorsed_last(config_file: Path, driver: StratusLabNodeDriver) -> None:
    keeping = driver_with(config_file, 60)
    images = keeping.list_images(ex_all_endorsers=True)
    twice = next(image for image in images if sum(image.id == other.id for other in images) > 1)
    assert keeping.get_image(twice.id).extra == driver.get_image(twice.id).extra


@pytest.mark.parametrize("lifetime", [-1, float("nan")])
def test_a_lifetime_that_can_not_be_meant(config_file: Path, driver: StratusLabNodeDriver, lifetime: float) -> None:
    with pytest.raises(InvalidArgumentError, match="ex_image_lifetime must be 0 seconds or more"):
        driver_with(config_file, lifetime)
    with pytest.raises(InvalidArgumentError, match="ex_image_lifetime must be 0 seconds or more"):
        driver.list_images(ex_image_lifetime=lifetime)
