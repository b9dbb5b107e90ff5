"""The port translation service, by the documents that StratusLab's own sends."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests_mock
import trustme

from stratuslab_libcloud.client.stratuslab.port_translation import PortTranslationService
from stratuslab_libcloud.errors import MalformedReplyError, ServiceUnavailableError

URL = "http://pat.example.org/cgi-bin/vmports.py"


@pytest.fixture
def service() -> Iterator[PortTranslationService]:
    service = PortTranslationService(URL, location="lal", verify=None, timeout=0.5)
    yield service
    service.close()


@pytest.fixture
def web() -> Iterator[requests_mock.Mocker]:
    with requests_mock.Mocker() as web:
        yield web


@pytest.mark.parametrize(
    ("answer", "ports"),
    [
        ('{"23":[["22","15000"]]}', {22: 15000}),
        ('{"23": [["22", "15000"], ["80", "15001"]], "24": [["22", "15002"]]}', {22: 15000, 80: 15001}),
        ('{"23": [[22, 15000]]}', {22: 15000}),
        ('{"23": []}', {}),
        ('{"24": [["22", "15002"]]}', {}),
        ("{}", {}),
    ],
)
def test_ports(answer: str, ports: dict[int, int], service: PortTranslationService, web: requests_mock.Mocker) -> None:
    web.get(f"{URL}?vmid=23", text=answer, complete_qs=True)
    assert service.ports(23) == ports


def test_ports_of_all_machines(service: PortTranslationService, web: requests_mock.Mocker) -> None:
    web.get(URL, text='{"23": [["22", "15000"], ["80", "15001"]], "24": []}', complete_qs=True)
    assert service.all_ports() == {"23": {22: 15000, 80: 15001}, "24": {}}
    for answer in ("[1]", "[]x", '{"23": "22"}', '{"23": [["22"]]}', "null"):
        web.get(URL, text=answer)
        with pytest.raises(MalformedReplyError):
            service.all_ports()


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "[]",
        "null",
        "<html>vmports</html>",
        '{"23": 7}',
        '{"23": {"22": "15000"}}',
        '{"23": [["22"]]}',
        '{"23": [["ssh", "1"]]}',
        '{"23": [["22", "0"]]}',
        '{"23": [["22", "65536"]]}',
        '{"23": [["22", null]]}',
    ],
)
def test_answer_that_says_nothing(answer: str, service: PortTranslationService, web: requests_mock.Mocker) -> None:
    web.get(URL, text=answer)
    with pytest.raises(MalformedReplyError, match="port translation service of location 'lal'") as caught:
        service.ports(23)
    assert f"{URL}?vmid=23" in str(caught.value)


def test_service_that_fails(service: PortTranslationService, web: requests_mock.Mocker) -> None:
    web.get(URL, status_code=500, text="no such table: ports")
    with pytest.raises(ServiceUnavailableError, match="no such table: ports"):
        service.ports(23)


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "25")
        self.end_headers()
        self.wfile.write(b'{"23": [["22", "15000"]]}')

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


class SilentServer(HTTPServer):
    def handle_error(self, *_: Any) -> None:
        """A client that does not trust the server is no error."""


@pytest.fixture
def secure() -> Iterator[tuple[str, Callable[[Path], Path]]]:
    """A service with a certificate of its own authority: its address, and what writes that authority's file."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    def write_bundle(folder: Path) -> Path:
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        return folder / "ca.pem"

    with SilentServer(("127.0.0.1", 0), Answering) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}/cgi-bin/vmports.py", write_bundle
        server.shutdown()
        thread.join()


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize("verified", [True, False])
def test_certificate_of_a_sites_own_authority(verified: bool, secure: Any, tmp_path: Path) -> None:
    url, write_bundle = secure
    verify = write_bundle(tmp_path) if verified else False
    service = PortTranslationService(url, location="lal", verify=verify, timeout=5)
    assert service.ports(23) == {22: 15000}
    service.close()


@pytest.mark.parametrize("verify", [None, True])
def test_certificate_that_nobody_vouches_for(verify: bool | None, secure: Any) -> None:
    url, _ = secure
    service = PortTranslationService(url, location="lal", verify=verify, timeout=5)
    with pytest.raises(ServiceUnavailableError, match="port translation service of location 'lal'"):
        service.ports(23)
    service.close()


def test_service_that_is_not_there() -> None:
    service = PortTranslationService("http://127.0.0.1:1/vmports.py", location="lal", verify=None, timeout=0.5)
    with pytest.raises(ServiceUnavailableError, match="vmports, port translation service of location 'lal'"):
        service.ports(23)
    service.close()
