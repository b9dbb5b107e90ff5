"""The session of a service: whose credentials it uses, by which proxy, and what it keeps to itself."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import requests_mock
import urllib3

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.client.http.session import ServiceSession
from stratuslab_libcloud.client.http.shared_connections import connections_to
from stratuslab_libcloud.config import Certificate, Password, ServiceConfig, SessionPassword
from stratuslab_libcloud.errors import ConfigurationError
from stratuslab_libcloud.sandbox import Sandbox

URL = "https://one.example.org/xmlrpc"
PROXY = "http://us%40er:p%40w:x@proxy.example.org:3128"
LIMITS = urllib3.Timeout(total=5)


def session(credentials: object = None, proxy_url: str | None = None) -> ServiceSession:
    config = ServiceConfig(URL, credentials, None, 5, 4, 1 << 20)  # type: ignore[arg-type]  # each kind is tried
    return ServiceSession(config, "here", proxy_url)


def sent(by: ServiceSession, url: str = URL) -> requests_mock.request._RequestObjectProxy:
    """A request that was sent, as it would have left."""
    with requests_mock.Mocker() as web:
        web.post(url, status_code=302, headers={"Location": f"{url}/elsewhere"})
        assert by.send_request("POST", url, {"X-More": "y"}, b"body", LIMITS).status_code == 302
        (request,) = web.request_history
        return request


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


def test_a_password_goes_as_http_basic_in_utf_8() -> None:
    request = sent(session(Password("j\xe9", "p:\xe9")))
    assert base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode() == "j\xe9:p:\xe9"


@pytest.mark.parametrize("credentials", [None, SessionPassword("jane", "secret")])
def test_nothing_else_goes_as_http_basic(credentials: object) -> None:
    """Neither a session string's password nor what stands in a URL, to which a service can redirect."""
    for url in (URL, "https://jane:secret@other.example.org/"):
        assert "Authorization" not in sent(session(credentials), url).headers


def test_what_a_request_is_sent_with() -> None:
    request = sent(session())
    assert (request.headers["Accept-Encoding"], request.headers["X-More"], request.body) == ("identity", "y", b"body")
    assert request.timeout is LIMITS


def test_a_certificate_that_cannot_be_used_is_that_of_the_location(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.pem") as caught:
        session(Certificate(tmp_path / "none.pem", tmp_path / "key.pem"))
    assert caught.value.section == "here"


def test_a_proxy_that_is_given_is_used_for_each_url() -> None:
    by = session(proxy_url=PROXY)
    for url in (URL, "http://other.example.org/"):
        assert sent(by, url).proxies == {"http": PROXY, "https": PROXY}
        assert by.proxy_for(url) == "http://proxy.example.org:3128"


def test_the_proxies_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a host to which a service redirects, the environment can say something else."""
    assert session().proxy_for(URL) is None
    monkeypatch.setenv("HTTPS_PROXY", "http://a:b@proxy.example.org")
    monkeypatch.setenv("NO_PROXY", "inside.example.org")
    by = session()
    assert by.proxy_for(URL) == "http://proxy.example.org"
    assert sent(by).proxies["https"] == "http://a:b@proxy.example.org"
    assert by.proxy_for("https://inside.example.org/") is None
    assert by.proxy_for("https://outside.example.org/") == "http://proxy.example.org"
    assert by.proxy_for("https://[") is None
    monkeypatch.setenv("HTTPS_PROXY", "http://changed.example.org")
    assert by.proxy_for(URL) == "http://proxy.example.org"


def test_a_proxy_of_the_environment_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "ftp://proxy.example.org")
    with pytest.raises(ConfigurationError, match="HTTP_PROXY"):
        session()
    assert session(proxy_url="http://proxy.example.org").proxy_for(URL) == "http://proxy.example.org"


@pytest.mark.parametrize("kind", [Password, SessionPassword])
def test_a_password_is_shown_nowhere(kind: type) -> None:
    """Nor is it in Base64, as the header has it."""
    redaction = session(kind("jane", "secret")).redaction
    header = base64.b64encode(b"jane:secret").decode()
    assert redaction.hide(f"<secret> <{header}> <jane>") == "<********> <********> <jane>"
    assert session().redaction.longest == 0


@pytest.mark.parametrize("scheme", ["http://", ""])
def test_the_password_of_a_proxy_is_shown_nowhere(scheme: str) -> None:
    redaction = session(proxy_url=scheme + PROXY.removeprefix("http://")).redaction
    header = base64.b64encode(b"us@er:p@w:x").decode()
    assert redaction.hide(f"<p%40w:x> <p@w:x> <{header}>") == "<********> <********> <********>"


def test_a_password_of_a_proxy_with_an_at_sign_as_it_is() -> None:
    assert session(proxy_url="http://user:p@w@proxy.example.org").redaction.hide("<p@w>") == "<********>"


def test_a_proxy_without_a_password_has_no_secret() -> None:
    assert session(proxy_url="http://user@proxy.example.org").redaction.longest == 0


def test_cookies_are_not_kept() -> None:
    """`requests` would ask its jar's policy."""
    assert session().cookies.get_policy().is_not_allowed("one.example.org")


def test_the_connections_are_those_of_the_services_address() -> None:
    assert session().shared is connections_to(URL, 4)
    assert session().shared is not connections_to("https://other.example.org", 4)
    for url in ("http://one.example.org/", URL):
        assert session().get_adapter(url) is session().shared.adapter


def test_authorities_that_cannot_be_read_are_those_of_the_location(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    config = ServiceConfig(URL, None, tmp_path / "ca.pem", 5, 4, 1 << 20)
    with pytest.raises(ConfigurationError, match=r"named by tls_ca_bundle for location 'here'") as caught:
        ServiceSession(config, "here", None)
    assert caught.value.section == "here"
