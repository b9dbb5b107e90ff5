"""Several clouds at once: each is asked, and one that does not answer neither hides nor loses the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from libcloud.compute.base import NodeImage

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.errors import (
    ConfigurationError,
    NoLocationAnsweredError,
    PartialListError,
    ServiceUnavailableError,
)
from stratuslab_libcloud.sandbox import Sandbox

TwoClouds = tuple[StratusLabNodeDriver, Sandbox, Sandbox]


@pytest.fixture
def nodes_at_both(two_clouds: TwoClouds, image: NodeImage) -> TwoClouds:
    """A machine at each of two clouds."""
    driver, _, _ = two_clouds
    for place in driver.list_locations():
        driver.create_node(f"at {place.id}", None, image, location=place)
    return two_clouds


def test_all_locations_are_listed(nodes_at_both: TwoClouds) -> None:
    driver, here, there = nodes_at_both
    here.requests.clear()
    there.requests.clear()
    assert [(node.name, node.location.id) for node in driver.list_nodes()] == [
        ("at default", "default"),
        ("at other", "other"),
    ]
    assert here.requests.operations == there.requests.operations == ["one.vmpool.info"]


def test_one_location_is_listed(nodes_at_both: TwoClouds) -> None:
    driver, _, _ = nodes_at_both
    assert [node.name for node in driver.list_nodes_in_location(driver.list_locations()[1])] == ["at other"]


def test_a_node_is_destroyed_where_it_is(nodes_at_both: TwoClouds) -> None:
    driver, _, _ = nodes_at_both
    driver.list_nodes()[1].destroy()
    assert [node.name for node in driver.list_nodes()] == ["at default"]


def test_what_the_others_said_is_in_the_exception(nodes_at_both: TwoClouds) -> None:
    driver, here, _ = nodes_at_both
    here.stop()
    with pytest.raises(PartialListError, match="1 of 2 locations could not be asked: 'default'") as caught:
        driver.list_nodes()
    assert [node.name for node in caught.value.found] == ["at other"]
    assert list(caught.value.errors) == ["default"]
    assert isinstance(caught.value.errors["default"], ServiceUnavailableError)


def test_found_is_named_only_where_something_was_found(two_clouds: TwoClouds) -> None:
    driver, _, other = two_clouds
    other.stop()
    for ask in (driver.list_nodes, lambda: list(driver.ex_iterate_nodes())):
        with pytest.raises(PartialListError) as caught:
            ask()
        assert caught.value.found == []
        assert not any(word in str(caught.value) for word in ("found", "yielded", "ex_partial"))


@pytest.mark.parametrize("partial", [False, True])
def test_none_that_answers_is_no_empty_list(nodes_at_both: TwoClouds, partial: bool) -> None:
    driver, here, there = nodes_at_both
    calls: list[Callable[[], object]] = [
        lambda: driver.list_nodes(ex_partial=partial),
        lambda: driver.list_volumes(ex_partial=partial),
        lambda: list(driver.ex_iterate_nodes(ex_partial=partial)),
    ]
    here.stop()
    there.stop()
    for call in calls:
        with pytest.raises(NoLocationAnsweredError, match=r"^none of 2 locations could be asked: '") as caught:
            call()
        assert {place: type(error) for place, error in caught.value.errors.items()} == {
            "default": ServiceUnavailableError,
            "other": ServiceUnavailableError,
        }


def test_the_only_location_does_not_answer(driver: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    sandbox.stop()
    for partial in (False, True):
        with pytest.raises(ServiceUnavailableError):
            driver.list_nodes(ex_partial=partial)
        with pytest.raises(ServiceUnavailableError):
            list(driver.ex_iterate_nodes(ex_partial=partial))


def test_the_partial_answer_can_be_asked_for(nodes_at_both: TwoClouds, caplog: pytest.LogCaptureFixture) -> None:
    driver, _, there = nodes_at_both
    there.stop()
    with caplog.at_level(logging.WARNING):
        assert [node.name for node in driver.list_nodes(ex_partial=True)] == ["at default"]
        assert {volume.location.id for volume in driver.list_volumes(ex_partial=True, ex_all=True)} == {"default"}
    assert "location 'other' is left out" in caplog.text


def test_a_broken_section_does_not_stop_the_others(sandbox: Sandbox, config_file: Path) -> None:
    with config_file.open("a") as file:
        file.write("[broken]\nendpoint = https://cloud.example.org/\nvnc_port = many\n")
    driver = StratusLabNodeDriver(stratuslab_user_config=config_file)
    assert [place.id for place in driver.list_locations()] == ["default", "broken"]
    assert driver.list_nodes_in_location(driver.list_locations()[0]) == []
    with pytest.raises(PartialListError, match="vnc_port") as caught:
        driver.list_nodes()
    assert isinstance(caught.value.errors["broken"], ConfigurationError)


def test_each_location_has_its_own_credentials(sandbox: Sandbox, config_file: Path) -> None:
    sandbox.write_config(config_file, section="bobs", user="bob")
    driver = StratusLabNodeDriver(stratuslab_user_config=config_file)
    driver.list_nodes()
    assert sorted(request.user for request in sandbox.requests) == ["alice", "bob"]
