"""The many ways in which people write endpoints, each made into the address that its service has.

One rule for all of them: a scheme that is missing is https, and then a port that is missing is the
service's own.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace

COMPUTE_PORT = 2634
DISKS_PORT = 8445
PASSWORD = "pswd"
CERTIFICATE = "cert"

_URL = re.compile(r"(?i)([a-z][a-z0-9+.-]*)://(.*)", re.DOTALL)
_HOST = re.compile(r"(?!-)[\w.~-]+")
_PORT = re.compile(r"[0-9]{1,5}")
_PLAIN_ONED = {"localhost": "http://localhost:2633/RPC2", "127.0.0.1": "http://127.0.0.1:2633/RPC2"}
_EXPECTED = "a host, host:port or http(s) URL"


@dataclass(frozen=True)
class Endpoint:
    """An endpoint, taken apart.

    :param scheme: ``http``, ``https``, or '' when the user wrote none
    :param host: a name or address; IPv6 in brackets
    :param port: None when the user wrote none
    :param path: the segments of the path
    """

    scheme: str
    host: str
    port: int | None
    path: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Take a text apart.

        :raises ValueError: says what would be right
        """
        scheme, rest = _split_scheme(text)
        authority, _, path = rest.partition("/")
        if "@" in authority:
            raise ValueError("an address without name and password, which have keys of their own")
        if "?" in rest or "#" in rest:
            raise ValueError("an address without '?' and '#'")
        host, port = _split_authority(authority)
        return cls(scheme, host, port, tuple(segment for segment in path.split("/") if segment))

    @property
    def url(self) -> str:
        """The address; https when the user wrote no scheme."""
        port = "" if self.port is None else f":{self.port}"
        path = "".join(f"/{segment}" for segment in self.path)
        return f"{self.scheme or 'https'}://{self.host}{port}{path}"

    def with_port(self, port: int) -> Endpoint:
        """With this port when the user wrote neither port nor scheme."""
        return self if self.scheme or self.port else replace(self, port=port)


def compute_url(text: str, kind: str) -> str:
    """The address of the compute service's XML-RPC.

    :param text: as the user wrote it
    :param kind: ``pswd`` or ``cert``, which goes before the last segment of the path
    :raises ValueError: says what would be right
    """
    if text in _PLAIN_ONED:
        return _PLAIN_ONED[text]
    endpoint = Endpoint.parse(text).with_port(COMPUTE_PORT)
    path = endpoint.path
    if not path or path[-1] in (PASSWORD, CERTIFICATE):
        path = (*path, "xmlrpc")
    return replace(endpoint, path=(*_without_kind(path[:-1]), kind, path[-1])).url


def disks_url(text: str, kind: str, *, scheme: str | None = None, port: int | None = None) -> str:
    """The base address of the persistent disk service.

    :param text: as the user wrote it
    :param kind: ``pswd`` or ``cert``, which ends the path
    :param scheme: what takes the place of https where the user wrote no scheme
    :param port: what takes the place of 8445 where the user wrote neither scheme nor port
    :raises ValueError: says what would be right
    """
    endpoint = Endpoint.parse(text).with_port(port or DISKS_PORT)
    endpoint = replace(endpoint, scheme=endpoint.scheme or scheme or "https")
    return replace(endpoint, path=(*_without_kind(endpoint.path), kind)).url


def marketplace_url(text: str) -> str:
    """The base address of a Marketplace; ``/metadata`` is under it.

    :raises ValueError: says what would be right
    """
    return Endpoint.parse(text).url


def _without_kind(path: tuple[str, ...]) -> tuple[str, ...]:
    return path[:-1] if path and path[-1] in (PASSWORD, CERTIFICATE) else path


def _split_scheme(text: str) -> tuple[str, str]:
    match = _URL.fullmatch(text)
    if match is None:
        return "", text
    scheme = match[1].lower()
    if scheme not in ("http", "https"):
        raise ValueError(_EXPECTED)
    return scheme, match[2]


def _split_authority(authority: str) -> tuple[str, int | None]:
    if authority.startswith("["):
        address, bracket, rest = authority[1:].partition("]")
        if not bracket or not _is_ipv6(address) or (rest and not rest.startswith(":")):
            raise ValueError("an IPv6 address in brackets, such as [::1]:2634")
        return f"[{address}]", _port(rest[1:]) if rest else None
    if _is_ipv6(authority):
        return f"[{authority}]", None
    host, colon, port = authority.partition(":")
    if not _HOST.fullmatch(host):
        raise ValueError(_EXPECTED)
    return host, _port(port) if colon else None


def _port(text: str) -> int:
    if not _PORT.fullmatch(text) or not 1 <= int(text) <= 65535:
        raise ValueError("an address whose port is a number from 1 to 65535")
    return int(text)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
