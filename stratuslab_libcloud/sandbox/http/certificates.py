"""The sandbox's own certificate authority: for its server, and for users who come with a certificate."""

from __future__ import annotations

import datetime
import os
import random
import re
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_ORGANIZATION = "StratusLab Sandbox"
_UNIT = "Users"
# RFC 3820: no limit on the length of the path, all rights inherited.
_PROXY_INFO = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("1.3.6.1.5.5.7.1.14"), bytes.fromhex("300c300a06082b06010505071501")
)
_PROXY_LIFE = datetime.timedelta(hours=12)


@dataclass(frozen=True)
class CertificateFiles:
    """A user's certificate and private key in PEM files; one file for both where it is a proxy certificate.

    :param subject: the user's name, as StratusLab's services write it; for a proxy certificate also the user's
    """

    certificate: Path
    key: Path
    subject: str


class CertificateAuthority:
    """Issues certificates into a folder of its own, which `close` removes."""

    def __init__(self) -> None:
        self._authority = trustme.CA(organization_name=_ORGANIZATION)
        self._folder = tempfile.TemporaryDirectory(prefix="stratuslab-sandbox-ca-")
        self.file = self._path("ca.pem")
        self._authority.cert_pem.write_to_path(self.file)

    def close(self) -> None:
        """Remove all files."""
        self._folder.cleanup()

    def server_context(self) -> ssl.SSLContext:
        """For a server on 127.0.0.1 that asks for a client's certificate, but does not demand one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        self._authority.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_ALLOW_PROXY_CERTS
        return context

    def issue(self, name: str, *, expired: bool, passphrase: str | None, proxy: bool) -> CertificateFiles:
        """Make a certificate and write it to files, see `Sandbox.issue_certificate`."""
        end = datetime.datetime.now(datetime.timezone.utc)
        end += datetime.timedelta(days=-1 if expired else 365)
        issued = self._authority.issue_cert(
            common_name=name,
            organization_name=_ORGANIZATION,
            organization_unit_name=_UNIT,
            not_before=end - datetime.timedelta(days=400),
            not_after=end,
        )
        user = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
        key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        if proxy:
            return self._write_proxy(user, key)
        certificate_file = self._write("usercert", _pem(user))
        return CertificateFiles(certificate_file, self._write("userkey", _key_pem(key, passphrase)), subject_of(user))

    def _write_proxy(self, user: x509.Certificate, user_key: ec.EllipticCurvePrivateKey) -> CertificateFiles:
        key = ec.generate_private_key(ec.SECP256R1())
        serial = random.SystemRandom().randrange(10**9)
        name = x509.Name([*user.subject, x509.NameAttribute(NameOID.COMMON_NAME, str(serial))])
        now = datetime.datetime.now(datetime.timezone.utc)
        proxy = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(user.subject)
            .public_key(key.public_key())
            .serial_number(serial)
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(min(now + _PROXY_LIFE, user.not_valid_after_utc))
            .add_extension(_PROXY_INFO, critical=True)
            .sign(user_key, hashes.SHA256())
        )
        file = self._write("x509up", _pem(proxy) + _key_pem(key, None) + _pem(user))
        return CertificateFiles(file, file, subject_of(user))

    def _write(self, kind: str, content: bytes) -> Path:
        descriptor, name = tempfile.mkstemp(prefix=f"{kind}-", suffix=".pem", dir=self._folder.name)
        with open(descriptor, "wb") as file:  # noqa: PTH123 -- a descriptor, not a path
            file.write(content)
        os.chmod(name, 0o600)  # noqa: PTH101 -- `name` is a text
        return Path(name)

    def _path(self, name: str) -> Path:
        return Path(self._folder.name) / name


def subject_of(certificate: x509.Certificate) -> str:
    """The subject of a certificate as an RFC 2253 name, without the parts that make it a proxy certificate."""
    name = certificate.subject.rfc4514_string()
    return re.sub(r"\ACN=[0-9]+,", "", name.removeprefix("CN=proxy,"))


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey, passphrase: str | None) -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
