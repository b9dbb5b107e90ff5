"""Endpoints as people write them, and the URLs that they mean."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from stratuslab_libcloud.config.endpoints import (
    Endpoint,
    compute_url,
    disks_beside_compute,
    disks_endpoint,
    disks_url,
    marketplace_url,
)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("cloud.example.org", "https://cloud.example.org:2634/pswd/xmlrpc"),
        ("cloud.example.org/", "https://cloud.example.org:2634/pswd/xmlrpc"),
        ("cloud.example.org:2634", "https://cloud.example.org:2634/pswd/xmlrpc"),
        ("cloud.example.org:443", "https://cloud.example.org:443/pswd/xmlrpc"),
        ("cloud.example.org/one-proxy/xmlrpc", "https://cloud.example.org:2634/one-proxy/pswd/xmlrpc"),
        ("cloud.example.org:443/one-proxy/xmlrpc", "https://cloud.example.org:443/one-proxy/pswd/xmlrpc"),
        ("https://cloud.example.org:2634/xmlrpc", "https://cloud.example.org:2634/pswd/xmlrpc"),
        ("https://cloud.example.org/one-proxy/xmlrpc", "https://cloud.example.org/one-proxy/pswd/xmlrpc"),
        ("https://cloud.example.org/one-proxy/xmlrpc/", "https://cloud.example.org/one-proxy/pswd/xmlrpc"),
        ("https://cloud.example.org/one-proxy/pswd/xmlrpc", "https://cloud.example.org/one-proxy/pswd/xmlrpc"),
        ("https://cloud.example.org/one-proxy/cert/xmlrpc", "https://cloud.example.org/one-proxy/pswd/xmlrpc"),
        ("https://cloud.example.org/one-proxy/pswd", "https://cloud.example.org/one-proxy/pswd/xmlrpc"),
        ("https://cloud.example.org", "https://cloud.example.org/pswd/xmlrpc"),
        ("https://cloud.example.org:2634/", "https://cloud.example.org:2634/pswd/xmlrpc"),
        ("HTTPS://cloud.example.org/xmlrpc", "https://cloud.example.org/pswd/xmlrpc"),
        ("http://127.0.0.1:1234/one-proxy/xmlrpc", "http://127.0.0.1:1234/one-proxy/pswd/xmlrpc"),
        ("http://localhost:2633/RPC2", "http://localhost:2633/pswd/RPC2"),
        ("httpd.example.org", "https://httpd.example.org:2634/pswd/xmlrpc"),
        ("https", "https://https:2634/pswd/xmlrpc"),
        ("pswd", "https://pswd:2634/pswd/xmlrpc"),
        ("cloud", "https://cloud:2634/pswd/xmlrpc"),
        ("192.0.2.7", "https://192.0.2.7:2634/pswd/xmlrpc"),
        ("::1", "https://[::1]:2634/pswd/xmlrpc"),
        ("[::1]", "https://[::1]:2634/pswd/xmlrpc"),
        ("[::1]:8080", "https://[::1]:8080/pswd/xmlrpc"),
        ("[2001:db8::1]/one-proxy/xmlrpc", "https://[2001:db8::1]:2634/one-proxy/pswd/xmlrpc"),
        ("http://[2001:db8::1]:80/xmlrpc", "http://[2001:db8::1]:80/pswd/xmlrpc"),
        ("wölkchen.example.org", "https://wölkchen.example.org:2634/pswd/xmlrpc"),
        ("localhost", "http://localhost:2633/RPC2"),
        ("127.0.0.1", "http://127.0.0.1:2633/RPC2"),
        ("localhost:2634", "https://localhost:2634/pswd/xmlrpc"),
    ],
)
def test_compute(text: str, url: str) -> None:
    assert compute_url(text, "pswd") == url


def test_compute_with_a_certificate() -> None:
    assert compute_url("cloud.example.org", "cert") == "https://cloud.example.org:2634/cert/xmlrpc"
    assert compute_url("https://cloud.example.org/one-proxy/pswd/xmlrpc", "cert") == (
        "https://cloud.example.org/one-proxy/cert/xmlrpc"
    )


@pytest.mark.parametrize(
    ("text", "url", "in_templates"),
    [
        ("pdisk.example.org", "https://pdisk.example.org:8445/pswd", "pdisk.example.org"),
        ("pdisk.example.org:443", "https://pdisk.example.org:443/pswd", "pdisk.example.org:443"),
        ("pdisk.example.org/disks", "https://pdisk.example.org:8445/disks/pswd", "pdisk.example.org/disks"),
        ("https://example.org/pdisk", "https://example.org/pdisk/pswd", "https://example.org/pdisk"),
        ("https://example.org/pdisk/", "https://example.org/pdisk/pswd", "https://example.org/pdisk"),
        ("https://example.org/pdisk/pswd", "https://example.org/pdisk/pswd", "https://example.org/pdisk"),
        ("https://example.org/pdisk/cert/", "https://example.org/pdisk/pswd", "https://example.org/pdisk"),
        ("Http://example.org:8080", "http://example.org:8080/pswd", "http://example.org:8080"),
        ("localhost", "https://localhost:8445/pswd", "localhost"),
        ("[::1]:8080", "https://[::1]:8080/pswd", "[::1]:8080"),
        ("::1", "https://[::1]:8445/pswd", "[::1]"),
    ],
)
def test_disks(text: str, url: str, in_templates: str) -> None:
    endpoint = disks_endpoint(text)

    assert disks_url(endpoint, "pswd") == url
    assert str(endpoint) == in_templates


@pytest.mark.parametrize(
    ("compute", "disks"),
    [
        ("cloud.example.org", "https://cloud.example.org:8445/pswd"),
        ("cloud.example.org:2634", "https://cloud.example.org:8445/pswd"),
        ("cloud.example.org:443", "https://cloud.example.org:443/pswd"),
        ("https://cloud.example.org:2634/xmlrpc", "https://cloud.example.org:8445/pswd"),
        ("https://cloud.example.org/one-proxy/xmlrpc", "https://cloud.example.org/pdisk/pswd"),
        ("http://127.0.0.1:1234/one-proxy/pswd/xmlrpc", "http://127.0.0.1:1234/pdisk/pswd"),
        ("https://cloud.example.org/xmlrpc", "https://cloud.example.org/pswd"),
        ("https://cloud.example.org/a/xmlrpc", "https://cloud.example.org/a/pswd"),
        ("https://cloud.example.org", "https://cloud.example.org/pswd"),
        ("localhost", "https://localhost:8445/pswd"),
    ],
)
def test_disks_beside_compute(compute: str, disks: str) -> None:
    assert disks_url(disks_beside_compute(compute), "pswd") == disks


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("marketplace.example.org", "https://marketplace.example.org"),
        ("marketplace.example.org:8443", "https://marketplace.example.org:8443"),
        ("example.org/marketplace", "https://example.org/marketplace"),
        ("https://example.org/marketplace/", "https://example.org/marketplace"),
        ("http://127.0.0.1:1234", "http://127.0.0.1:1234"),
        ("[::1]", "https://[::1]"),
    ],
)
def test_marketplace(text: str, url: str) -> None:
    assert marketplace_url(text) == url


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("", "a host"),
        ('"cloud.example.org"', "a host"),
        ("cloud example", "without '?', '#' and spaces"),
        ("cloud.example.org\nuser", "without '?', '#' and spaces"),
        ("https://", "a host"),
        ("https:///xmlrpc", "a host"),
        ("https:/cloud.example.org", "port is a number"),
        ("ftp://cloud.example.org", "begins with 'https://'"),
        ("cloud.example.org:", "port is a number from 1 to 65535"),
        ("cloud.example.org:0", "port is a number from 1 to 65535"),
        ("cloud.example.org:65536", "port is a number from 1 to 65535"),
        ("cloud.example.org:xmlrpc", "port is a number from 1 to 65535"),
        ("cloud.example.org:2634:2634", "port is a number from 1 to 65535"),
        ("[::1", "an IPv6 address in brackets"),
        ("[cloud]", "an IPv6 address in brackets"),
        ("[::1]8080", "an IPv6 address in brackets"),
        ("jane:secret@cloud.example.org", "without a user name and password"),
        ("https://jane:secret@cloud.example.org/xmlrpc", "without a user name and password"),
        ("https://cloud.example.org/xmlrpc?user=jane", "without '?', '#' and spaces"),
    ],
)
def test_what_is_no_endpoint(text: str, right: str) -> None:
    with pytest.raises(ValueError, match=right.replace("?", r"\?")) as caught:
        Endpoint.parse(text)
    assert "secret" not in str(caught.value)


HOSTS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]{2,5}){0,2}", fullmatch=True) | st.ip_addresses().map(
    lambda address: f"[{address}]" if isinstance(address, ipaddress.IPv6Address) else str(address)
)
PORTS = st.none() | st.integers(1, 65535)
SEGMENTS = st.from_regex(r"[A-Za-z0-9._~-]{1,8}", fullmatch=True).filter(lambda segment: segment not in (".", ".."))
PATHS = st.lists(SEGMENTS, max_size=3).map(tuple)


@pytest.mark.parametrize("path", [".", "..", "one-proxy/..", "a/./b"])
def test_a_path_that_http_clients_would_change_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"without '\.' and '\.\.' in its path"):
        Endpoint.parse(f"https://cloud.example.org/{path}")


@given(scheme=st.sampled_from(["", "http", "https"]), host=HOSTS, port=PORTS, path=PATHS)
def test_an_endpoint_is_read_as_it_is_written(scheme: str, host: str, port: int | None, path: tuple[str, ...]) -> None:
    endpoint = Endpoint(scheme, host, port, path)

    assert Endpoint.parse(str(endpoint)) == endpoint
    assert Endpoint.parse(f"{endpoint}//") == endpoint


@given(
    scheme=st.sampled_from(["", "http://", "https://", "HTTPS://"]),
    host=HOSTS.filter(lambda host: host not in ("localhost", "127.0.0.1")),
    port=PORTS,
    path=PATHS,
    kind=st.sampled_from(["pswd", "cert"]),
)
def test_every_address_has_the_host_and_port_that_were_written(
    scheme: str, host: str, port: int | None, path: tuple[str, ...], kind: str
) -> None:
    text = scheme + "/".join((host if port is None else f"{host}:{port}", *path))

    compute = parse_url(compute_url(text, kind))
    disks = parse_url(disks_url(disks_endpoint(text), kind))
    marketplace = parse_url(marketplace_url(text))

    for url in (compute, disks, marketplace):
        assert url.host == parse_url(f"https://{host}").host
        assert url.scheme == ("http" if scheme == "http://" else "https")
        assert url.auth is None
    assert marketplace.port == port
    assert compute.port == (port or (None if scheme else 2634))
    assert disks.port == (port or (None if scheme else 8445))
    segments = (compute.path or "").split("/")
    assert segments[-2] == kind
    assert segments[-1] not in ("", "pswd", "cert")
    assert (disks.path or "").endswith(f"/{kind}")


@given(text=st.text(st.characters(codec="ascii"), max_size=30), kind=st.sampled_from(["pswd", "cert"]))
def test_any_text_is_an_address_or_refused(text: str, kind: str) -> None:
    try:
        url = parse_url(compute_url(text, kind))
    except ValueError:
        return
    assert url.scheme in ("http", "https")
    assert url.host
    assert url.auth is None
