"""The wire log in Libcloud's debug file."""

from __future__ import annotations

import io

import libcloud
import requests

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.client.http.redaction import Redaction
from stratuslab_libcloud.client.http.wire_log import WireLog, start_wire_log


def test_libclouds_debug_file_has_requests_and_answers_and_no_secrets(driver: StratusLabNodeDriver) -> None:
    file = io.StringIO()
    libcloud.enable_debug(file)
    try:
        driver.list_nodes()
        driver.create_volume(1, "my volume")
        driver.list_images()
    finally:
        libcloud.reset_debug()
    text = file.getvalue()
    for expected in ("one.vmpool.info", "curl -i -X POST", "HTTP 200", "tag=my+volume", "<rdf:RDF"):
        assert expected in text
    assert "secret" not in text
    assert "YWxpY2U6c2VjcmV0" not in text


def test_a_debug_file_that_can_not_be_written_changes_nothing(driver: StratusLabNodeDriver) -> None:
    file = io.StringIO()
    libcloud.enable_debug(file)
    file.close()
    try:
        assert driver.create_volume(1, "my volume").name == "my volume"
    finally:
        libcloud.reset_debug()


def test_there_is_no_wire_log_while_debugging_is_off() -> None:
    assert start_wire_log("GET", "http://example.org/", None, None, Redaction()) is None


def test_a_request_is_a_command_that_a_shell_understands() -> None:
    file = io.StringIO()
    WireLog(file, Redaction(["s3cret"])).log_request("POST", "http://example.org/", b"it's s3cret")
    assert "curl -i -X POST http://example.org/ --data-binary 'it'\"'\"'s ********'" in file.getvalue()


def test_the_log_of_a_body_has_a_limit() -> None:
    file = io.StringIO()
    log = WireLog(file, Redaction())
    for _ in range(3):
        log.add_body(b"x" * (1 << 20))
    log.add_head(requests.Response())
    log.log_answer()
    assert file.getvalue().count("x") == 1 << 20
