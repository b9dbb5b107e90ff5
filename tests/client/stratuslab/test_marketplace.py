"""The Marketplace."""

from __future__ import annotations

import pytest

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.errors import NotFoundError
from stratuslab_libcloud.sandbox import Sandbox


def test_images(cloud: Cloud, sandbox: Sandbox) -> None:
    images = cloud.marketplace.images()
    image = cloud.marketplace.image(images[0].identifier)
    assert image in images
    assert cloud.marketplace.image(image.identifier) is image
    assert cloud.marketplace.source(image.identifier) == f"{sandbox.marketplace_url}/metadata/{image.identifier}"


def test_of_several_entries_the_one_that_was_endorsed_last_is_the_image(cloud: Cloud) -> None:
    entries: dict[str, list[str]] = {}
    for image in cloud.marketplace.images():
        entries.setdefault(image.identifier, []).append(image.endorsed)
    identifier, endorsed = next((key, dates) for key, dates in entries.items() if len(dates) > 1)
    assert cloud.marketplace.image(identifier).endorsed == max(endorsed)


def test_where_a_url_leads(cloud: Cloud, sandbox: Sandbox) -> None:
    url = f"{sandbox.marketplace_url}/metadata"
    assert cloud.marketplace.lasting_url(url) == url
    with pytest.raises(NotFoundError):
        cloud.marketplace.lasting_url(f"{sandbox.url}/nothing/here")
