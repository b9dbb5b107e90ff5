"""What is there to choose from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests_mock

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError, NotFoundError, ServiceUnavailableError
from stratuslab_libcloud.sandbox import Sandbox

CONFIGURATION = """\
[default]
selected_section = lal
[lal]
name = "LAL, Orsay"
country = 'FR'
endpoint = https://lal.example.org/one-proxy/xmlrpc
[instance_types]
tiny = (1, 128, 0)
m1.small = 1, 2048, 2048
[grnet]
endpoint = https://grnet.example.org/one-proxy/xmlrpc
"""


@pytest.fixture
def offline(tmp_path: Path) -> StratusLabNodeDriver:
    """A driver for clouds that are not there."""
    file = tmp_path / "offline.cfg"
    file.write_text(CONFIGURATION)
    return StratusLabNodeDriver(stratuslab_user_config=file)


def test_locations_are_the_sections(offline: StratusLabNodeDriver) -> None:
    assert [(place.id, place.name, place.country) for place in offline.list_locations()] == [
        ("lal", "LAL, Orsay", "FR"),
        ("grnet", "grnet", "unknown"),
    ]


def test_sizes_are_the_standard_ones_and_the_users_own(offline: StratusLabNodeDriver) -> None:
    assert [(size.id, size.extra["cpu"], size.cpu, size.ram, size.extra["swap"]) for size in offline.list_sizes()] == [
        ("t1.micro", 1, 1, 512, 512),
        ("m1.small", 1, 1, 2048, 2048),
        ("m1.medium", 1, 1, 3072, 3072),
        ("m1.large", 2, 2, 6144, 6144),
        ("m1.xlarge", 4, 4, 8192, 8192),
        ("c1.medium", 2, 2, 1536, 1536),
        ("c1.xlarge", 4, 4, 6144, 6144),
        ("tiny", 1, 1, 128, 0),
    ]


def test_a_size_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "broken.cfg"
    file.write_text(CONFIGURATION + "[instance_types]\nbroken = 1.5, 512, 512\n")
    with pytest.raises(ConfigurationError, match="broken"):
        StratusLabNodeDriver(stratuslab_user_config=file).list_sizes()


def test_lists_are_the_callers_own(driver: StratusLabNodeDriver) -> None:
    driver.list_sizes().clear()
    driver.list_locations().clear()
    assert len(driver.list_sizes()) == 7
    assert len(driver.list_locations()) == 1


def test_images_are_the_valid_entries(driver: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    images = driver.list_images()
    assert sandbox.requests.operations == ["GET /metadata"]
    assert len(images) >= 10
    assert all(image.name for image in images)
    ttylinux = next(image for image in images if image.extra["os"] == "ttylinux")
    assert sorted(ttylinux.extra) == [
        "architecture",
        "checksums",
        "compression",
        "created",
        "creator",
        "description",
        "disk_bus",
        "endorsed",
        "endorser",
        "endorsers",
        "format",
        "hypervisor",
        "inbound_ports",
        "kind",
        "locations",
        "os",
        "os_version",
        "publisher",
        "size",
        "tag",
        "title",
        "valid_until",
        "version",
    ]
    assert "@" in ttylinux.extra["endorser"]
    assert len(ttylinux.extra["checksums"]["SHA-1"]) == 40
    json.dumps([image.extra for image in images])


def test_an_image_endorsed_twice_is_there_once_with_both_endorsers(driver: StratusLabNodeDriver) -> None:
    images = driver.list_images()
    assert len({image.id for image in images}) == len(images)
    [twice] = [image for image in images if len(image.extra["endorsers"]) == 2]
    both = [image for image in driver.list_images(ex_all_endorsers=True) if image.id == twice.id]
    assert [image.extra["endorser"] for image in both] == twice.extra["endorsers"]
    assert twice.extra["endorsed"] == max(image.extra["endorsed"] for image in both)
    assert driver.get_image(twice.id).extra["endorser"] == twice.extra["endorser"]


@pytest.mark.parametrize(
    ("selection", "is_wanted"),
    [
        ({"ex_os": "ubuntu"}, lambda extra: extra["os"] == "Ubuntu"),
        ({"ex_architecture": "x86_64"}, lambda extra: extra["architecture"] == "x86_64"),
        ({"ex_kind": "disk"}, lambda extra: extra["kind"] == "disk"),
        ({"ex_name": "ttylinux"}, lambda extra: extra["title"] == "ttylinux"),
        ({"ex_name": re.compile("Ubuntu.*")}, lambda extra: extra["title"].startswith("Ubuntu")),
        ({"ex_os": "Ubuntu", "ex_name": re.compile(".*web.*")}, lambda extra: "web" in extra["title"]),
    ],
    ids=["os", "architecture", "kind", "name", "pattern", "two"],
)
def test_images_of_a_kind(driver: StratusLabNodeDriver, selection: dict[str, Any], is_wanted: Any) -> None:
    images = driver.list_images()
    wanted = [image.id for image in images if is_wanted(image.extra)]
    assert 0 < len(wanted) < len(images)
    assert [image.id for image in driver.list_images(**selection)] == wanted


def test_images_of_an_endorser(driver: StratusLabNodeDriver) -> None:
    [twice] = [image for image in driver.list_images() if len(image.extra["endorsers"]) == 2]
    for endorser in twice.extra["endorsers"]:
        [found] = [image for image in driver.list_images(ex_endorser=endorser) if image.id == twice.id]
        assert found.extra["endorser"] == endorser
        assert found.extra["endorsers"] == twice.extra["endorsers"]
    assert driver.list_images(ex_endorser="nobody@example.org") == []


ENTRY = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dcterms="http://purl.org/dc/terms/">
<rdf:Description><dcterms:identifier>{}</dcterms:identifier><dcterms:title>Linux</dcterms:title>
<dcterms:created>{}</dcterms:created></rdf:Description></rdf:RDF>"""


def test_the_newest_image_of_each_name(driver: StratusLabNodeDriver) -> None:
    entries = [
        ENTRY.format(letter * 27, f"201{year}-01-01T00:00:00Z") for letter, year in zip("ABC", "231", strict=True)
    ]
    with requests_mock.Mocker() as mock:
        mock.get(requests_mock.ANY, text=f"<metadata>{''.join(entries)}</metadata>")
        assert [image.id[0] for image in driver.list_images()] == ["A", "B", "C"]
        assert [image.id[0] for image in driver.list_images(ex_latest=True)] == ["B"]


@pytest.mark.parametrize("selection", [{"ex_os": 5}, {"ex_name": 5}, {"ex_kind": []}], ids=str)
def test_a_selection_that_is_none(driver: StratusLabNodeDriver, sandbox: Sandbox, selection: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match="must be a text"):
        driver.list_images(**selection)
    assert len(sandbox.requests) == 0


def test_an_image_has_its_name_at_a_node_when_it_is_known(
    driver: StratusLabNodeDriver, sandbox: Sandbox, config_file: Path
) -> None:
    image = driver.ex_get_image(next(i.id for i in driver.list_images() if i.name == "ttylinux"))
    assert driver._locations.cloud(None).marketplace.known_name(image.id) == "ttylinux"
    node = driver.create_node("n", None, image)
    sandbox.requests.clear()
    assert [node.image.name, driver.list_nodes()[0].image.name] == ["ttylinux", "ttylinux"]
    assert sandbox.requests.operations == ["one.vmpool.info"]
    other = StratusLabNodeDriver(stratuslab_user_config=config_file)
    assert other.list_nodes()[0].image.name == image.id


def test_sizes_of_a_location_that_is_none(driver: StratusLabNodeDriver) -> None:
    assert len(driver.list_sizes(location=driver.default_location)) == 7
    with pytest.raises(ConfigurationError, match="no location 'nowhere'"):
        driver.list_sizes(location="nowhere")


def test_disk_price_and_bandwidth_of_a_size(driver: StratusLabNodeDriver) -> None:
    assert {(size.disk, size.price, size.bandwidth) for size in driver.list_sizes()} == {(0, 1.0, 1000)}


def test_an_image_without_a_title_has_the_first_line_of_its_description_as_its_name(
    driver: StratusLabNodeDriver, samples: Path
) -> None:
    entry = (samples / "marketplace/valid-single-entry.xml").read_text()
    entry = entry.replace("<dcterms:title>linux-with-my-apps</dcterms:title>", "")
    entry = entry.replace("A 32-bit ttylinux...", "\n  First line\nsecond line")
    with requests_mock.Mocker() as mock:
        mock.get(requests_mock.ANY, text=entry)
        assert [image.name for image in driver.list_images()] == ["First line"]


def test_one_image(driver: StratusLabNodeDriver, sandbox: Sandbox) -> None:
    listed = driver.list_images()[0]
    image = driver.get_image(listed.id)
    assert (image.id, image.name, image.extra["os"]) == (listed.id, listed.name, listed.extra["os"])


def test_an_image_that_is_not_there(driver: StratusLabNodeDriver) -> None:
    with pytest.raises(NotFoundError, match="there is no valid image"):
        driver.get_image("A" * 27)
    with pytest.raises(InvalidArgumentError, match="is not an image"):
        driver.get_image("Ubuntu")


@pytest.mark.parametrize("body", ["", "<?xml version='1.0'?><error>no metadata matching query found</error>"])
def test_an_empty_marketplace_has_no_images(driver: StratusLabNodeDriver, body: str) -> None:
    with requests_mock.Mocker() as mock:
        mock.get(requests_mock.ANY, status_code=404, text=body)
        assert driver.list_images() == []


def test_a_page_that_is_not_found_is_no_empty_marketplace(driver: StratusLabNodeDriver) -> None:
    with requests_mock.Mocker() as mock:
        mock.get(requests_mock.ANY, status_code=404, text="<html><title>Not Found</title></html>")
        with pytest.raises(NotFoundError, match="Not Found"):
            driver.list_images()


def test_a_marketplace_that_fails_is_an_error(driver: StratusLabNodeDriver) -> None:
    with requests_mock.Mocker() as mock:
        mock.get(requests_mock.ANY, status_code=500, text="<html>oops</html>")
        with pytest.raises(ServiceUnavailableError, match="status 500"):
            driver.list_images()


def test_a_size_by_its_name(driver: StratusLabNodeDriver) -> None:
    size = driver.ex_get_size("m1.small")
    assert (size.id, size.name, size.driver) == ("m1.small", "m1.small", driver)
    with pytest.raises(
        InvalidArgumentError, match=r"there is no size 'm1\.smal'; choose one of: t1\.micro, m1\.small, "
    ):
        driver.ex_get_size("m1.smal")
    with pytest.raises(InvalidArgumentError, match="name must be a text"):
        driver.ex_get_size(None)  # type: ignore[arg-type]
