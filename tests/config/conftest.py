"""What the tests of the configuration share: a way to load a text."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable

import pytest

from stratuslab_libcloud.config import CloudConfig, UserConfiguration

Load = Callable[..., UserConfiguration]


@pytest.fixture
def load() -> Load:
    """Loads an indented text, without the real environment."""

    def load(text: str, **options: object) -> UserConfiguration:
        return UserConfiguration.load(io.StringIO(textwrap.dedent(text)), **{"environ": {}, **options})  # type: ignore[arg-type]

    return load


@pytest.fixture
def cloud(load: Load) -> Callable[..., CloudConfig]:
    """Reads lines as the one section ``[default]``, which has an endpoint and credentials besides."""

    def cloud(lines: str = "", **options: object) -> CloudConfig:
        base = "[default]\nendpoint = cloud.example.org\nusername = jane\npassword = secret\n"
        config = load(base + textwrap.dedent(lines), **options).cloud("default")
        assert isinstance(config, CloudConfig)
        return config

    return cloud
