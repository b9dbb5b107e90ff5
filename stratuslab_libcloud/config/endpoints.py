"""The many ways in which people write endpoints, and the URL of the service that each means.

There is one rule for all of them: without a scheme it is https, and then without a port it is the service's
own port. The errors say what would be correct, and do not repeat the text: it may contain a password.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

COMPUTE_PORT = 2634
DISKS_PORT = 8445
OPENNEBULA_PORT = 2633
PASSWORD = "pswd"
CERTIFICATE = "cert"

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)")
_HOST = re.compile(r"(?!-)[\w.~-]+")
_PORT = re.compile(r"[0-9]{1,5}")
_PLAIN_ONED = {"localhost": "http://localhost:2633/RPC2", "127.0.0.1": "http://127.0.0.1:2633/RPC2"}
_XML_RPC = "xmlrpc"
_COMPUTE_PROXY = "one-proxy"
_DISKS = "pdisk"


class Endpoint(NamedTuple):
    """The parts of an endpoint; ``str()`` of it is what the user wrote, in a normal form.

    :param scheme: ``http``, ``https``, or '' where the user wrote none
    :param host: a name or an IP address; IPv6 in brackets
    :param port: None where the user wrote none
    :param path: the segments of the path
    """

    scheme: str
    host: str
    port: int | None = None
    path: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Split a text into its parts.

        :raises ValueError: says what would be correct
        """
        scheme, rest = _split_scheme(text)
        authority, _, path = rest.partition("/")
        if "@" in authority:
            raise ValueError("a URL without a user name and password, which have their own keys")
        if re.search(r"[?#\s]", rest):
            raise ValueError("a URL without '?', '#' and spaces")
        host, port = _split_authority(authority)
        segments = tuple(segment for segment in path.split("/") if segment)
        if {".", ".."} & set(segments):  # HTTP clients would leave them out, with what stands before them
            raise ValueError("a URL without '.' and '..' in its path")
        return cls(scheme, host, port, segments)

    def __str__(self) -> str:
        scheme = f"{self.scheme}://" if self.scheme else ""
        port = "" if self.port is None else f":{self.port}"
        return scheme + "/".join((self.host + port, *self.path))

    def url(self, default_scheme: str = "https") -> str:
        """The complete URL; the scheme is the given one where the user wrote none."""
        return str(self._replace(scheme=self.scheme or default_scheme))

    def with_port(self, port: int) -> Endpoint:
        """With this port where the user wrote neither port nor scheme."""
        return self if self.scheme or self.port else self._replace(port=port)


def compute_url(text: str, kind: str) -> str:
    """The URL of the compute service's XML-RPC.

    Without a path, the path is ``/xmlrpc``. Only ``localhost`` or ``127.0.0.1`` means the OpenNebula daemon on
    this machine, without a proxy before it.

    :param text: as the user wrote it
    :param kind: ``pswd`` or ``cert``, which becomes the segment before the last one of the path
    :raises ValueError: says what would be correct
    """
    if text in _PLAIN_ONED:
        return _PLAIN_ONED[text]
    endpoint = Endpoint.parse(text).with_port(COMPUTE_PORT)
    path = endpoint.path
    if not path or path[-1] in (PASSWORD, CERTIFICATE):
        path = (*path, _XML_RPC)
    return endpoint._replace(path=(*_without_kind(path[:-1]), kind, path[-1])).url()


def opennebula_url(text: str) -> str:
    """The address of the XML-RPC of an OpenNebula without a StratusLab before it.

    A path is taken as it is, since a proxy may have any; ``/RPC2`` is the path where there is none. Without a scheme it
    is the daemon itself, which has no TLS.

    :param text: as the user wrote it
    :raises ValueError: says what would be right
    """
    endpoint = Endpoint.parse(text)
    path = "/" + text.partition("://")[2 if "://" in text else 0].partition("/")[2]
    return endpoint.with_port(OPENNEBULA_PORT)._replace(path=()).url("http") + (path if path != "/" else "/RPC2")


def disks_endpoint(text: str) -> Endpoint:
    """The persistent disk service's endpoint, as the user wrote it, without ``/pswd`` or ``/cert``.

    :raises ValueError: says what would be correct
    """
    endpoint = Endpoint.parse(text)
    return endpoint._replace(path=_without_kind(endpoint.path))


def disks_beside_compute(text: str) -> Endpoint:
    """The persistent disk service's endpoint when only the compute service's endpoint is known.

    It is the same endpoint with the disk service's port where sites use ports, or with its path where sites use
    paths; the path of the XML-RPC is left out.

    :param text: the compute service's endpoint, as the user wrote it
    :raises ValueError: says what would be correct
    """
    endpoint = Endpoint.parse(text)
    path = endpoint.path[:-1] if endpoint.path[-1:] == (_XML_RPC,) else endpoint.path
    path = _without_kind(path)
    if path[-1:] == (_COMPUTE_PROXY,):
        path = (*path[:-1], _DISKS)
    port = DISKS_PORT if endpoint.port == COMPUTE_PORT else endpoint.port
    return endpoint._replace(port=port, path=path)


def disks_url(endpoint: Endpoint, kind: str, default_scheme: str = "https") -> str:
    """The base URL of the persistent disk service.

    :param endpoint: as `disks_endpoint` and `disks_beside_compute` return it
    :param kind: ``pswd`` or ``cert``, which becomes the end of the path
    :param default_scheme: the scheme where the user wrote none
    """
    endpoint = endpoint.with_port(DISKS_PORT)
    return endpoint._replace(path=(*endpoint.path, kind)).url(default_scheme)


def marketplace_url(text: str) -> str:
    """The base URL of a Marketplace; ``/metadata`` is under it.

    :raises ValueError: says what would be correct
    """
    return Endpoint.parse(text).url()


def _without_kind(path: tuple[str, ...]) -> tuple[str, ...]:
    return path[:-1] if path and path[-1] in (PASSWORD, CERTIFICATE) else path


def _split_scheme(text: str) -> tuple[str, str]:
    match = _SCHEME.fullmatch(text)
    if match is None:
        return "", text
    scheme = match["scheme"].lower()
    if scheme not in ("http", "https"):
        raise ValueError("a URL that begins with 'https://' or 'http://', or a host")
    return scheme, match["rest"]


def _split_authority(authority: str) -> tuple[str, int | None]:
    if authority.startswith("["):
        address, bracket, rest = authority[1:].partition("]")
        if not bracket or not _is_ipv6(address) or not (rest == "" or rest.startswith(":")):
            raise ValueError("an IPv6 address in brackets, such as [::1]:2634")
        return f"[{address}]", _port(rest[1:]) if rest else None
    if _is_ipv6(authority):
        return f"[{authority}]", None
    host, colon, port = authority.partition(":")
    if not _HOST.fullmatch(host):
        raise ValueError("a host, 'host:port' or a URL")
    return host, _port(port) if colon else None


def _port(text: str) -> int:
    if not _PORT.fullmatch(text) or not 1 <= int(text) <= 65535:
        raise ValueError("a URL or host whose port is a number from 1 to 65535")
    return int(text)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
