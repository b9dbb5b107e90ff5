"""https, and users who come with a certificate."""

from __future__ import annotations

import socket
import ssl
import xml.etree.ElementTree as ET
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlsplit

import pytest
import requests

from stratuslab_libcloud.sandbox import CertificateFiles, Sandbox

from ..conftest import USERS

SUBJECT = "CN=Jane Tester,OU=Users,O=StratusLab Sandbox"
JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(users=USERS, tls=True, boot_seconds=0) as sandbox:
        yield sandbox


@pytest.fixture
def http(sandbox: Sandbox, http: requests.Session) -> requests.Session:
    http.verify = str(sandbox.ca_file)
    return http


@pytest.fixture(scope="module")
def jane(sandbox: Sandbox) -> CertificateFiles:
    return sandbox.issue_certificate("Jane Tester")


def pair(files: CertificateFiles) -> tuple[str, str]:
    return str(files.certificate), str(files.key)


def call(
    http: requests.Session, sandbox: Sandbox, credentials: str, method: str, *parameters: Any, **options: Any
) -> Any:
    url = sandbox.compute_url.replace("/xmlrpc", f"/{credentials}/xmlrpc")
    answer = http.post(url, data=xmlrpc.client.dumps(("", *parameters), method), **options)
    answer.raise_for_status()
    (values,), _ = xmlrpc.client.loads(answer.content)
    assert values[0], values
    return values[1]


def test_the_server_is_known_to_those_who_have_its_authority(sandbox: Sandbox, http: requests.Session) -> None:
    assert sandbox.url.startswith("https://")
    assert http.get(f"{sandbox.marketplace_url}/metadata").status_code == 200
    assert http.get(sandbox.marketplace_url.replace("127.0.0.1", "localhost")).status_code == 200
    with pytest.raises(requests.exceptions.SSLError):
        http.get(sandbox.marketplace_url, verify=True)


def test_passwords_work_as_without_tls(sandbox: Sandbox, http: requests.Session) -> None:
    answer = http.get(f"{sandbox.disks_url}/pswd/disks", auth=("alice", "secret"), headers=JSON)
    assert answer.json() == []


def test_connections_are_kept(sandbox: Sandbox, http: requests.Session) -> None:
    sandbox.requests.clear()
    for _ in range(10):
        http.get(sandbox.marketplace_url)
    assert sandbox.requests.connections == 1


def test_a_certificate_is_a_user(sandbox: Sandbox, http: requests.Session, jane: CertificateFiles) -> None:
    assert jane.subject == SUBJECT
    machine_id = call(http, sandbox, "cert", "one.vm.allocate", "CPU=1", cert=pair(jane))
    machine = ET.fromstring(call(http, sandbox, "cert", "one.vm.info", machine_id, cert=pair(jane)))
    assert machine.findtext("UNAME") == quote_plus(SUBJECT)


def test_a_certificates_disks_are_its_subjects(
    sandbox: Sandbox, http: requests.Session, jane: CertificateFiles
) -> None:
    http.cert = pair(jane)
    created = http.post(f"{sandbox.disks_url}/cert/disks", data={"size": "1"}, headers=JSON)
    disk = http.get(f"{sandbox.disks_url}/cert/disks/{created.json()['uuid']}", headers=JSON).json()
    assert disk["owner"] == SUBJECT
    assert http.get(f"{sandbox.disks_url}/cert/disks", headers=JSON).json()[0]["uuid"] == disk["uuid"]


def test_a_proxy_certificate_is_its_user(sandbox: Sandbox, http: requests.Session, jane: CertificateFiles) -> None:
    proxy = sandbox.issue_certificate("Jane Tester", proxy=True)
    assert proxy.certificate == proxy.key
    machine_id = call(http, sandbox, "cert", "one.vm.allocate", "CPU=1", cert=str(proxy.certificate))
    call(http, sandbox, "cert", "one.vm.action", "finalize", machine_id, cert=pair(jane))


@pytest.mark.parametrize("url", ["one-proxy/cert/xmlrpc", "pdisk/cert/disks"])
def test_without_a_certificate_there_is_an_html_403(sandbox: Sandbox, http: requests.Session, url: str) -> None:
    answer = http.post(f"{sandbox.url}/{url}", data="", auth=("alice", "secret"))
    assert answer.status_code == 403
    assert answer.headers["Content-Type"].startswith("text/html")


def test_a_certificate_of_another_authority_is_not_accepted(sandbox: Sandbox, http: requests.Session) -> None:
    with Sandbox(tls=True) as elsewhere:
        stranger = elsewhere.issue_certificate("Jane Tester")
        with pytest.raises(requests.exceptions.ConnectionError):
            http.get(f"{sandbox.disks_url}/cert/disks", cert=pair(stranger))


def test_an_expired_certificate_is_not_accepted(sandbox: Sandbox, http: requests.Session) -> None:
    old = sandbox.issue_certificate("Old Tester", expired=True)
    with pytest.raises(requests.exceptions.ConnectionError):
        http.get(f"{sandbox.disks_url}/cert/disks", cert=pair(old))


def test_a_key_can_be_locked(sandbox: Sandbox) -> None:
    locked = sandbox.issue_certificate("Careful Tester", passphrase="open sesame")
    context = ssl.create_default_context()
    with pytest.raises(ssl.SSLError):
        context.load_cert_chain(locked.certificate, locked.key, password="wrong")
    context.load_cert_chain(locked.certificate, locked.key, password="open sesame")


def test_the_compute_proxy_prefers_the_certificate_and_the_disks_the_password(
    sandbox: Sandbox, http: requests.Session, jane: CertificateFiles
) -> None:
    http.auth, http.cert = ("alice", "secret"), pair(jane)
    machine_id = call(http, sandbox, "pswd", "one.vm.allocate", "CPU=1")
    assert sandbox.machines[machine_id].owner.account == SUBJECT
    created = http.post(f"{sandbox.disks_url}/pswd/disks", data={"size": "1"}, headers=JSON)
    disk = sandbox.disks.get(created.json()["uuid"])
    assert disk is not None
    assert disk.owner == "alice"


def test_a_client_without_a_handshake_keeps_nobody_waiting(sandbox: Sandbox, http: requests.Session) -> None:
    address = urlsplit(sandbox.url)
    with socket.create_connection((address.hostname or "", address.port or 0)) as silent:
        assert http.get(sandbox.marketplace_url, timeout=5).status_code == 200
        silent.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert b"200" not in silent.recv(100)


def test_the_configuration_names_authority_and_certificate(
    sandbox: Sandbox, jane: CertificateFiles, tmp_path: Path
) -> None:
    text = sandbox.write_config(tmp_path / "cfg", certificate=jane).read_text()
    assert f"tls_ca_bundle = {sandbox.ca_file}" in text
    assert f"pem_certificate = {jane.certificate}" in text
    assert f"pem_key = {jane.key}" in text
    assert "password" not in text


def test_files_are_gone_when_the_sandbox_ends() -> None:
    with Sandbox(tls=True) as sandbox:
        files = [sandbox.ca_file, sandbox.issue_certificate("Jane").key]
        assert all(file.exists() for file in files)
    assert not any(file.exists() for file in files)


def test_certificates_need_tls() -> None:
    with Sandbox() as sandbox, pytest.raises(RuntimeError, match="tls=True"):
        sandbox.issue_certificate("Jane")
