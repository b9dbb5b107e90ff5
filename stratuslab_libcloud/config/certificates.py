"""Checks of the files of a client certificate, with clearer messages than those of a server that refuses it."""

from __future__ import annotations

import base64
import re
import ssl
from datetime import datetime, timezone
from pathlib import Path

from stratuslab_libcloud.config.files import read_file
from stratuslab_libcloud.config.notices import warn_of_open_key
from stratuslab_libcloud.config.records import Certificate
from stratuslab_libcloud.errors import ConfigurationError

_CERTIFICATE = re.compile(r"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----(?P<base64>[^-]*)-----END")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_ENCRYPTED_KEY = re.compile(r"-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED", re.MULTILINE)

_VERSION = 0xA0
_UTC_TIME = 0x17


def check_files(files: Certificate, location: str | None) -> None:
    """Check both files; warn once about a private key that other users can read.

    :param files: the certificate and its key
    :param location: the location that they are for, for messages
    :raises ConfigurationError: a file is missing, unreadable or of the wrong kind, the certificate has
        expired, the key is encrypted or does not belong to the certificate
    """
    try:
        _check_pair(files)
    except _UnusableError as error:
        whose = f" for location '{location}'" if location else ""
        raise ConfigurationError(
            f"The client certificate{whose} cannot be used: {error}.", section=location, key=error.key
        ) from None
    warn_of_open_key(files.key)


class _UnusableError(Exception):
    """What is wrong with the file that a key names."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem)
        self.key = key


def _check_pair(files: Certificate) -> None:
    block = _certificate_block(files.certificate)
    _check_key(files)
    try:
        # Without a password here, OpenSSL would ask for one at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(files.certificate, files.key, password="")
    except ssl.SSLError as error:
        raise _UnusableError(
            "pem_key",
            f"{files.certificate} ('pem_certificate') and {files.key} ('pem_key') do not belong "
            f"together, or are too weak for today's TLS ({error.reason or error})",
        ) from None
    _check_dates(files.certificate, base64.b64decode(block))


def _certificate_block(path: Path) -> str:
    block = _CERTIFICATE.search(_read("pem_certificate", path))
    if block is None:
        raise _UnusableError(
            "pem_certificate",
            f"{path} contains no certificate in PEM format; if it is a .p12 file, "
            "'openssl pkcs12 -nodes -in FILE.p12 -out FILE.pem' converts it to PEM",
        )
    return block["base64"]


def _check_key(files: Certificate) -> None:
    text = _read("pem_key", files.key)
    if _ENCRYPTED_KEY.search(text):
        raise _UnusableError(
            "pem_key",
            f"the private key {files.key} is encrypted with a passphrase, and there is no way to enter it here; make a "
            f"proxy certificate, or a copy without a passphrase with 'openssl pkey -in {files.key} -out COPY', protect "
            "it with 'chmod 600 COPY', and set 'pem_key' to it",
        )
    if not _PRIVATE_KEY.search(text):
        raise _UnusableError("pem_key", f"{files.key} contains no private key in PEM format")


def _check_dates(path: Path, der: bytes) -> None:
    begin, end = _validity(der)
    now = datetime.now(timezone.utc)
    if now > end:
        raise _UnusableError("pem_certificate", f"{path} expired on {end:%Y-%m-%d at %H:%M} UTC; renew it")
    if now < begin:
        problem = f"{path} is not valid before {begin:%Y-%m-%d, %H:%M} UTC; check the clock of this computer"
        raise _UnusableError("pem_certificate", problem)


def _read(key: str, path: Path) -> str:
    try:
        return read_file(path).decode("ascii", "replace")
    except FileNotFoundError:
        problem = f"there is no file {path} ('{key}')"
        if key == "pem_key":
            problem += "; for a proxy certificate, it is the same file as 'pem_certificate'"
        raise _UnusableError(key, problem) from None
    except OSError as error:
        raise _UnusableError(key, f"{path} ('{key}') cannot be read: {error.strerror}") from None


def _validity(der: bytes) -> tuple[datetime, datetime]:
    """The first and the last moment at which a certificate is valid (RFC 5280, section 4.1)."""
    _, certificate, _ = _element(der, 0)
    _, position, _ = _element(der, certificate)
    tag, _, _ = _element(der, position)
    before = ("serial number", "signature", "issuer")
    for _ in ("version", *before) if tag == _VERSION else before:
        _, _, position = _element(der, position)
    _, position, _ = _element(der, position)
    begin_tag, start, position = _element(der, position)
    begin = _time(begin_tag, der[start:position])
    end_tag, start, position = _element(der, position)
    return begin, _time(end_tag, der[start:position])


def _element(der: bytes, position: int) -> tuple[int, int, int]:
    """The tag of the element at a position, and where its content starts and ends."""
    tag, length, start = der[position], der[position + 1], position + 2
    if length > 0x7F:
        digits = length - 0x80
        length = int.from_bytes(der[start : start + digits], "big")
        start += digits
    return tag, start, start + length


def _time(tag: int, content: bytes) -> datetime:
    text = content.decode("ascii")
    if tag == _UTC_TIME:
        text = ("20" if text < "50" else "19") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)
