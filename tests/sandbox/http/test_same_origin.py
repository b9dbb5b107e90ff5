"""A web page in the browser of this computer's user cannot reach a sandbox, not even with a right password."""

from __future__ import annotations

import pytest
import requests

from stratuslab_libcloud.sandbox import Sandbox

from ..conftest import ALICE


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example.org"},
        {"Host": "attacker.example.org:80"},
        {"Host": "127.0.0.1.example.org"},
        {"Host": "[::1"},
        {"Host": ""},
        {"Origin": "http://attacker.example.org"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["pdisk/pswd/disks", "marketplace/metadata", "nowhere"])
def test_requests_of_other_sites_are_refused(
    sandbox: Sandbox, http: requests.Session, path: str, headers: dict[str, str]
) -> None:
    answer = http.get(f"{sandbox.url}/{path}", auth=ALICE, headers=headers)
    assert answer.status_code == 403


def test_port_translation_refuses_them_too(sandbox: Sandbox, http: requests.Session) -> None:
    url = f"{sandbox.port_translation_url}/cgi-bin/vmports.py?vmid=0"
    assert http.get(url).status_code == 200
    assert http.get(url, headers={"Host": "attacker.example.org"}).status_code == 403


def test_own_requests_are_answered(sandbox: Sandbox, http: requests.Session) -> None:
    url = f"{sandbox.disks_url}/pswd/disks"
    port = sandbox.url.rpartition(":")[2]
    assert http.get(url, auth=ALICE).status_code == 200
    assert http.get(url, auth=ALICE, headers={"Origin": sandbox.url}).status_code == 200
    assert http.get(url.replace("127.0.0.1", "localhost"), auth=ALICE).status_code == 200
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert http.get(url, auth=ALICE, headers=followed).status_code == 200
    own = {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}
    assert http.get(url, auth=ALICE, headers=own).status_code == 200
