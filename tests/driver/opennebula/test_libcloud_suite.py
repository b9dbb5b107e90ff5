"""Libcloud's own tests of a driver, over HTTP against the sandbox, with nothing overridden."""

from __future__ import annotations

import unittest
from collections.abc import Iterator

import libcloud.test.compute as suite
import pytest

from stratuslab_libcloud import OpenNebulaNodeDriver
from stratuslab_libcloud.sandbox import Sandbox


class _OverHttp(suite.TestCaseMixin):  # type: ignore[misc]  # Libcloud's has no types
    should_list_volumes = True
    version = ""

    @pytest.fixture(autouse=True)
    def _driver(self) -> Iterator[None]:
        with Sandbox(kind="opennebula", version=self.version, boot_seconds=0, guests=False) as sandbox:
            user, password = next(iter(sandbox.users.items()))
            self.driver = OpenNebulaNodeDriver(user, password, host=sandbox.url)
            node = self.driver.create_node("n", image=self.driver.list_images()[-1], networks=["public"])
            self.driver.wait_until_running([node], wait_period=0.1, timeout=20)
            self.driver.create_volume(1, "v")
            yield


class TestWith610(_OverHttp, unittest.TestCase):
    """All of them."""

    version = "6.10"


class TestWith74(_OverHttp, unittest.TestCase):
    """All of them."""

    version = "7.4"
