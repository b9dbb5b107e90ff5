"""A cloud of today's OpenNebula whose daemon says what the test wants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud
from stratuslab_libcloud.config import OpenNebulaConfig, ServiceConfig, SessionPassword


@pytest.fixture
def one(scripted_daemon: Any) -> OpenNebulaCloud:
    """The cloud of the scripted daemon; its time limit is 5 seconds."""
    service = ServiceConfig(scripted_daemon.url, SessionPassword("jane", "secret"), None, 5, 4, 1 << 24)
    return OpenNebulaCloud.of(
        OpenNebulaConfig("here", "none", "here", "FR", service, None, Path("id_rsa"), Path("keys"))
    )
