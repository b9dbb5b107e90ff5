"""The certificate and the private key that sign entries."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)

from stratuslab_libcloud.client.stratuslab.metadata.algorithms import kind_of
from stratuslab_libcloud.client.stratuslab.metadata.names import email_of, rfc2253
from stratuslab_libcloud.config.files import read_file
from stratuslab_libcloud.errors import ConfigurationError

_OLD_FORMAT = (
    "openssl pkcs12 -legacy -in OLD.p12 -nodes -out BOTH.pem; openssl pkcs12 -export -in BOTH.pem -out NEW.p12"
)


@dataclass(frozen=True)
class SigningCredentials:
    """A certificate and its private key, which stays out of representations.

    :param certificate: of who signs; others see it
    :param key: its private key
    """

    certificate: x509.Certificate
    key: PrivateKeyTypes = field(repr=False)

    @property
    def subject(self) -> str:
        """Who signs, as the entry says it."""
        return rfc2253(self.certificate.subject)

    @property
    def issuer(self) -> str:
        """Who issued the certificate, as the entry says it."""
        return rfc2253(self.certificate.issuer)

    @property
    def email(self) -> str | None:
        """The e-mail address in the certificate; None when there is none."""
        return email_of(self.certificate)

    @classmethod
    def from_pkcs12(cls, file: Path, password: str = "") -> SigningCredentials:
        """Read a file of the kind ``.p12`` or ``.pfx``.

        :param password: of the file
        :raises ConfigurationError: when it cannot be read, with this password or at all
        """
        content = _read(file, "p12_certificate")
        try:
            key, certificate, _ = pkcs12.load_key_and_certificates(content, password.encode() or None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ConfigurationError(
                f"the certificate {file} cannot be read: it is no PKCS#12 file, the password is wrong, or it is "
                f"encrypted in a way that is no longer supported, which this changes: {_OLD_FORMAT}",
                key="p12_certificate",
            ) from None
        return _checked(certificate, key, file, "p12_certificate")

    @classmethod
    def from_pem(cls, certificate: Path, key: Path, password: str = "") -> SigningCredentials:
        """Read two files in PEM format, which may be the same.

        :param password: of the private key, if it is encrypted
        :raises ConfigurationError: when one cannot be read, or they do not belong together
        """
        pem = _read(certificate, "pem_certificate")
        try:
            loaded = x509.load_pem_x509_certificate(pem)
        except ValueError:
            raise ConfigurationError(
                f"{certificate} contains no certificate in PEM format", key="pem_certificate"
            ) from None
        pem = _read(key, "pem_key")
        try:
            private = load_pem_private_key(pem, password.encode() or None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ConfigurationError(
                f"{key} contains no private key in PEM format that can be read with this password", key="pem_key"
            ) from None
        return _checked(loaded, private, key, "pem_key")


def _checked(
    certificate: x509.Certificate | None, key: PrivateKeyTypes | None, file: Path, setting: str
) -> SigningCredentials:
    if certificate is None or key is None:
        missing = "private key" if key is None else "certificate"
        raise ConfigurationError(f"there is no {missing} in {file}", key=setting)
    if not kind_of(key):
        raise ConfigurationError(f"the key in {file} is of a kind that cannot sign an entry", key=setting)
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        raise ConfigurationError(f"the private key in {file} is not that of the certificate", key=setting)
    return SigningCredentials(certificate, key)


def _read(file: Path, setting: str) -> bytes:
    try:
        return read_file(file)
    except FileNotFoundError:
        raise ConfigurationError(f"certificate file not found: {file}", key=setting) from None
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}", key=setting) from None
