"""Certificates, and entries that are signed with them when the tests run."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509.oid import NameOID

from stratuslab_libcloud.client.stratuslab.metadata.building import Content, ImageDescription, build_entry
from stratuslab_libcloud.client.stratuslab.metadata.credentials import SigningCredentials
from stratuslab_libcloud.client.stratuslab.metadata.signing import sign_entry

SHA1 = "c319bbd5afc0a22ba3eaed0507c39383ec28eeff"
IDENTIFIER = "MMZu9WvwKIro-rtBQfDk4PsKO7_"
NOW = datetime.datetime(2026, 6, 1, 10, tzinfo=datetime.timezone.utc)
JANE = (
    x509.NameAttribute(NameOID.COUNTRY_NAME, "EU"),
    x509.NameAttribute(NameOID.ORGANIZATION_NAME, "StratusLab"),
    x509.NameAttribute(NameOID.COMMON_NAME, "Jane Builder"),
)

Key = rsa.RSAPrivateKey | dsa.DSAPrivateKey | ec.EllipticCurvePrivateKey


def issue(key: Key, names: Sequence[x509.NameAttribute[str]] = JANE, email: str | None = None) -> SigningCredentials:
    """A self-signed certificate of the year 2026."""
    name = x509.Name(names)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW.replace(month=1))
        .not_valid_after(NOW.replace(month=12))
    )
    if email:
        others = [x509.DNSName("example.org"), x509.RFC822Name(email), x509.RFC822Name("second@example.org")]
        builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
    return SigningCredentials(builder.sign(key, hashes.SHA256()), key)


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def jane(rsa_key: rsa.RSAPrivateKey) -> SigningCredentials:
    """Somebody whose certificate says their e-mail address."""
    return issue(rsa_key, email="jane@example.org")


@pytest.fixture(scope="session")
def mallory() -> SigningCredentials:
    """Somebody else, with a certificate that says the same as Jane's."""
    return issue(rsa.generate_private_key(65537, 2048), email="jane@example.org")


@pytest.fixture(scope="session")
def entry() -> bytes:
    """An entry that nobody has endorsed."""
    description = ImageDescription(
        author="Jane",
        os="ttylinux",
        os_version="16",
        os_arch="x86_64",
        version="1.0",
        locations=("http://example.org/tiny.img",),
        title="A title",
        comment="a < b & c",
    )
    return build_entry(description, Content(100, {"sha1": SHA1, "md5": "0" * 32}), now=NOW)


@pytest.fixture(scope="session")
def signed(entry: bytes, jane: SigningCredentials) -> bytes:
    """The entry, signed by Jane."""
    return sign_entry(entry, jane, now=NOW)
