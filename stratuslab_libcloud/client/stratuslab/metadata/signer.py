"""Who signed an entry, by the certificate in its signature."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa

from stratuslab_libcloud.client.stratuslab.metadata.names import email_of, rfc2253
from stratuslab_libcloud.errors import InvalidMetadataError


@dataclass(frozen=True)
class Signer:
    """Who signed: the names in the certificate, which nobody has to have checked.

    :param subject: whose certificate it is, such as ``CN=Jane Tester,O=StratusLab,C=EU``
    :param issuer: who issued it; the same, where it is self-signed
    :param email: the address in it; None when there is none, and then the entry can name any
    :param valid_from: when the certificate became valid
    :param valid_until: until when it was valid
    :param fingerprint: the SHA-256 of the certificate, hexadecimal; it, and not a name, says whose key it is
    :param key_size: bits of the key
    """

    subject: str
    issuer: str
    email: str | None
    valid_from: datetime
    valid_until: datetime
    fingerprint: str
    key_size: int

    @property
    def is_self_signed(self) -> bool:
        """Whether nobody else vouches for the names."""
        return self.subject == self.issuer


def signer_of(certificate: x509.Certificate) -> Signer:
    """Who a certificate says that signed.

    :raises InvalidMetadataError: when it cannot be read, or is self-signed and has been changed since
    """
    try:
        signer = Signer(
            subject=rfc2253(certificate.subject),
            issuer=rfc2253(certificate.issuer),
            email=email_of(certificate),
            valid_from=certificate.not_valid_before_utc,
            valid_until=certificate.not_valid_after_utc,
            fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
            key_size=getattr(certificate.public_key(), "key_size", 0),
        )
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidMetadataError(f"the certificate of the signature cannot be read: {error}") from None
    if signer.is_self_signed and not _is_signed_by_itself(certificate):
        raise InvalidMetadataError("the certificate of the signature is not signed by itself, as it says")
    return signer


def _is_signed_by_itself(certificate: x509.Certificate) -> bool:
    # `verify_directly_issued_by` refuses SHA-1, which certificates of 2014 have.
    signature, content = certificate.signature, certificate.tbs_certificate_bytes
    try:
        key, algorithm = certificate.public_key(), certificate.signature_hash_algorithm
        if algorithm is None:
            return False
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, content, padding.PKCS1v15(), algorithm)
        elif isinstance(key, dsa.DSAPublicKey):
            key.verify(signature, content, algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, content, ec.ECDSA(algorithm))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
