"""Who endorses the sandbox's own images, and signs their entries, as the Marketplace's tools of 2014 did.

Keys are made when the first entry is read, and last as long as the process.
"""

from __future__ import annotations

import base64
import datetime
import functools
import hashlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

ISSUER = "CN=StratusLab Test CA,O=StratusLab,C=EU"

_FIRST_DAY = datetime.datetime(2010, 1, 1)
_LAST_DAY = datetime.datetime(2100, 1, 1)


@dataclass(frozen=True)
class Endorser:
    """Somebody who vouches for images, with a certificate of the sandbox's own authority."""

    name: str
    email: str

    @property
    def subject(self) -> str:
        """The name in the endorser's certificate."""
        return f"CN={self.name},O=StratusLab,C=EU"

    def sign(self, document: str) -> str:
        """Add a signature to an entry."""
        from stratuslab_libcloud.sandbox.marketplace.canonical_form import canonical, with_signature

        digest = hashlib.sha1(canonical(document.encode()), usedforsecurity=False).digest()
        signature = _SIGNATURE.format(digest=_base64(digest), certificate=_base64(_certificate(self)))
        return with_signature(
            document, signature, lambda info: _base64(_key(self).sign(info, padding.PKCS1v15(), hashes.SHA1()))
        )


_SIGNATURE = (
    '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo>'
    '<CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"/>'
    '<SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1"/><Reference URI=""><Transforms>'
    '<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/></Transforms>'
    '<DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/><DigestValue>{digest}</DigestValue></Reference>'
    "</SignedInfo><SignatureValue/><KeyInfo><X509Data><X509Certificate>{certificate}</X509Certificate></X509Data>"
    "</KeyInfo></Signature>"
)


@functools.cache
def _key(endorser: Endorser) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@functools.cache
def _authority() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@functools.cache
def _certificate(endorser: Endorser) -> bytes:
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(endorser.name))
        .issuer_name(_name("StratusLab Test CA"))
        .public_key(_key(endorser).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FIRST_DAY)
        .not_valid_after(_LAST_DAY)
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(endorser.email)]), critical=False)
        .sign(_authority(), hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.DER)


def _name(common_name: str) -> x509.Name:
    attributes = {
        NameOID.COUNTRY_NAME: "EU",
        NameOID.ORGANIZATION_NAME: "StratusLab",
        NameOID.COMMON_NAME: common_name,
    }
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes.items()])


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
