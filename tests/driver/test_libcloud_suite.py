"""Libcloud's own tests of a driver, over HTTP against the sandbox."""

from __future__ import annotations

import unittest
from pathlib import Path

import libcloud.test.compute as suite
import pytest

from stratuslab_libcloud import StratusLabNodeDriver


@pytest.mark.usefixtures("_driver")
class TestAsLibcloudTestsIt(suite.TestCaseMixin, unittest.TestCase):  # type: ignore[misc]
    """All of them, except that a StratusLab cloud can't reboot a machine."""

    should_list_volumes = True

    @pytest.fixture
    def _driver(self, config_file: Path) -> None:
        self.driver = StratusLabNodeDriver("default", stratuslab_user_config=config_file)
        self.driver.create_node("one to list and to destroy", None, self.driver.list_images()[0])

    def test_reboot_node_response(self) -> None:
        with pytest.raises(NotImplementedError, match="is not offered"):
            self.driver.reboot_node(None)
