"""The session of a service: whose credentials it uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.sandbox import Sandbox


def test_netrc_does_not_speak_for_the_user(
    driver: StratusLabNodeDriver, sandbox: Sandbox, clean_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clean_environment / ".netrc").write_text("machine 127.0.0.1 login mallory password wrong\n")
    monkeypatch.setenv("NETRC", str(clean_environment / ".netrc"))
    driver.list_nodes()
    driver.list_volumes()
    driver.list_images()
    assert {request.user for request in sandbox.requests} <= {"alice", ""}
    assert {request.status for request in sandbox.requests} == {200}
