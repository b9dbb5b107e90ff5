"""A cloud for the tests of the client library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.config import CloudConfig, UserConfiguration


@pytest.fixture
def cloud(config_file: Path) -> Iterator[Cloud]:
    """The sandbox, through the client library."""
    config = UserConfiguration.load(config_file).cloud("default")
    assert isinstance(config, CloudConfig)
    cloud = Cloud(config)
    yield cloud
    cloud.close()


@pytest.fixture
def template() -> str:
    """The template of a small machine."""
    return (
        'CPU = 1 MEMORY = 64 NAME = "n" DISK = [ SOURCE = "http://127.0.0.1/x", TARGET = "hda" ] '
        'NIC = [ NETWORK = "public", NETWORK_UNAME = "oneadmin" ]'
    )
