"""The port translation service."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stratuslab_libcloud.sandbox import Sandbox

from .conftest import ports, start


def test_ports_of_all_machines_or_of_one(sandbox: Sandbox) -> None:
    first, second = start(sandbox), start(sandbox)
    assert {str(first), str(second)} <= set(ports(sandbox))
    assert set(ports(sandbox, first)) == {str(first)}
    assert ports(sandbox, 9999) == {}


def test_port_translation_is_recorded_as_a_service_of_its_own(sandbox: Sandbox) -> None:
    ports(sandbox)
    assert sandbox.requests[-1].service == "pat"
    assert sandbox.requests[-1].operation == "GET /cgi-bin/vmports.py"


def test_port_translation_speaks_plain_http_even_beside_tls(tmp_path: Path) -> None:
    with Sandbox(boot_seconds=0, tls=True) as sandbox:
        assert sandbox.port_translation_url.startswith("http://")
        machine_id = start(sandbox)
        assert str(machine_id) in ports(sandbox)
        text = sandbox.write_config(tmp_path / "cfg").read_text()
        assert "port_translation = true" in text
        assert f"pat_service_host = {urlsplit(sandbox.port_translation_url).netloc}\n" in text
        assert "pat_gateway_host = 127.0.0.1" in text


def test_without_guests_there_is_no_port_translation(tmp_path: Path) -> None:
    with Sandbox(guests=False) as sandbox:
        with pytest.raises(RuntimeError, match="guests"):
            _ = sandbox.port_translation_url
        assert "pat_" not in sandbox.write_config(tmp_path / "cfg").read_text()
