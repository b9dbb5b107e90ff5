"""The algorithms of XML signatures: which ones are verified, and which ones are made.

StratusLab's Marketplace verifies ``rsa-sha1`` and ``dsa-sha1`` only (X509KeySelector.java); it does not look at the
algorithm of the digest. SHA-1 is broken where an attacker can choose a part of what is hashed. In a signature, this is
the entry, which is digested, and not the ``SignedInfo`` with the digest, which is all that ``rsa-sha1`` hashes. So new
signatures are ``rsa-sha1`` over a SHA-256 digest, unless another form is chosen: the Marketplace accepts this, and
nobody can prepare two entries that have the same signature.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N_WITH_COMMENTS = f"{C14N}#WithComments"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

_OF_2000 = "http://www.w3.org/2000/09/xmldsig#"
_OF_2001 = "http://www.w3.org/2001/04/xmldsig-more#"
_OF_2009 = "http://www.w3.org/2009/xmldsig11#"

DIGESTS = {
    f"{_OF_2000}sha1": "sha1",
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    f"{_OF_2001}sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
"""The digests of an entry that are verified, by their URIs."""

METHODS = {
    f"{_OF_2000}rsa-sha1": ("rsa", "sha1"),
    f"{_OF_2001}rsa-sha256": ("rsa", "sha256"),
    f"{_OF_2001}rsa-sha384": ("rsa", "sha384"),
    f"{_OF_2001}rsa-sha512": ("rsa", "sha512"),
    f"{_OF_2000}dsa-sha1": ("dsa", "sha1"),
    f"{_OF_2009}dsa-sha256": ("dsa", "sha256"),
    f"{_OF_2001}ecdsa-sha256": ("ecdsa", "sha256"),
    f"{_OF_2001}ecdsa-sha384": ("ecdsa", "sha384"),
    f"{_OF_2001}ecdsa-sha512": ("ecdsa", "sha512"),
}
"""The methods of signing that are verified, by their URIs: the kind of key, and the hash. None has a shared secret."""

_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


@dataclass(frozen=True)
class Form:
    """The algorithms of a new signature.

    :param method: the hash that is signed
    :param digest: the hash of the entry
    """

    method: str
    digest: str


MARKETPLACE = "marketplace"
FORMS = {
    MARKETPLACE: Form("sha1", "sha256"),
    "2014": Form("sha1", "sha1"),
    "sha256": Form("sha256", "sha256"),
}
"""The forms that new signatures can have: what the Marketplace accepts; exactly what its own tools write; and one
without SHA-1, which it refuses."""


def kind_of(key: CertificatePublicKeyTypes | PrivateKeyTypes) -> str:
    """``rsa``, ``dsa`` or ``ecdsa``; empty for another kind of key."""
    if isinstance(key, (rsa.RSAPublicKey, rsa.RSAPrivateKey)):
        return "rsa"
    if isinstance(key, (dsa.DSAPublicKey, dsa.DSAPrivateKey)):
        return "dsa"
    return "ecdsa" if isinstance(key, (ec.EllipticCurvePublicKey, ec.EllipticCurvePrivateKey)) else ""


def uri_of_method(kind: str, hash_name: str) -> str | None:
    """The URI of a method of signing; None where there is none."""
    return next((uri for uri, method in METHODS.items() if method == (kind, hash_name)), None)


def uri_of_digest(hash_name: str) -> str:
    """The URI of a digest."""
    return next(uri for uri, name in DIGESTS.items() if name == hash_name)


def is_signed(key: CertificatePublicKeyTypes, method: tuple[str, str], signature: bytes, content: bytes) -> bool:
    """Whether a signature is the key's.

    :param method: of `METHODS`
    :raises UnsupportedAlgorithm: when this computer's OpenSSL refuses the algorithm
    """
    kind, hash_name = method
    algorithm = _HASHES[hash_name]()
    try:
        if isinstance(key, rsa.RSAPublicKey) and kind == "rsa":
            key.verify(signature, content, padding.PKCS1v15(), algorithm)
        elif isinstance(key, dsa.DSAPublicKey) and kind == "dsa":
            key.verify(_from_two_numbers(signature, _bits_of(key)), content, algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and kind == "ecdsa":
            key.verify(_from_two_numbers(signature, key.curve.key_size), content, ec.ECDSA(algorithm))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def signature_of(key: PrivateKeyTypes, hash_name: str, content: bytes) -> bytes:
    """A signature, as XML has it. The kind of key is one of those that `kind_of` knows.

    :raises UnsupportedAlgorithm: when this computer's OpenSSL refuses the algorithm
    """
    algorithm = _HASHES[hash_name]()
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(content, padding.PKCS1v15(), algorithm)
    if isinstance(key, dsa.DSAPrivateKey):
        return _to_two_numbers(key.sign(content, algorithm), _bits_of(key))
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return _to_two_numbers(key.sign(content, ec.ECDSA(algorithm)), key.curve.key_size)


def _bits_of(key: dsa.DSAPublicKey | dsa.DSAPrivateKey) -> int:
    return key.parameters().parameter_numbers().q.bit_length()


def _from_two_numbers(signature: bytes, bits: int) -> bytes:
    """DSA and ECDSA: XML has two numbers of a fixed length, cryptography has them in DER."""
    length = (bits + 7) // 8
    if len(signature) != 2 * length:
        raise InvalidSignature
    return encode_dss_signature(int.from_bytes(signature[:length], "big"), int.from_bytes(signature[length:], "big"))


def _to_two_numbers(signature: bytes, bits: int) -> bytes:
    length = (bits + 7) // 8
    return b"".join(number.to_bytes(length, "big") for number in decode_dss_signature(signature))
