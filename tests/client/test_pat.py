"""The port translation service, by the documents that StratusLab's own sends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests_mock

from stratuslab_libcloud.client.pat import PortTranslationService
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


def test_service_that_is_not_there() -> None:
    service = PortTranslationService("http://127.0.0.1:1/vmports.py", location="lal", verify=None, timeout=0.5)
    with pytest.raises(ServiceUnavailableError, match="vmports, port translation service of location 'lal'"):
        service.ports(23)
    service.close()
