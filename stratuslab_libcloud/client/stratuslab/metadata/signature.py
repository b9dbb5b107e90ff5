"""Checking the signature of an entry.

Only the one form is accepted that the Marketplace's tools write (X509Utils.java): a signature directly below the root,
over the whole document without itself, with one certificate. There is no way to sign only a part, to transform it
first, to sign with a shared secret, or to name another key than the certificate's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from stratuslab_libcloud.client.stratuslab.metadata import algorithms
from stratuslab_libcloud.client.stratuslab.metadata.document import EntryDocument, tree_of
from stratuslab_libcloud.client.stratuslab.metadata.signer import Signer, signer_of
from stratuslab_libcloud.client.stratuslab.vocabulary import SIGNATURE
from stratuslab_libcloud.errors import InvalidMetadataError


@dataclass(frozen=True)
class Signature:
    """A signature that holds.

    :param signer: by the certificate
    :param method: such as ``rsa-sha1``
    :param digest: such as ``sha256``
    :param entry: what is signed, in canonical form
    """

    signer: Signer
    method: str
    digest: str
    entry: bytes

    @property
    def has_sha1(self) -> bool:
        """Whether it depends on SHA-1 in any way."""
        return self.digest == "sha1" or self.method.endswith("-sha1")


def verified(document: EntryDocument) -> Signature:
    """The signature of an entry, when it holds.

    :raises InvalidMetadataError: when it does not
    """
    parts = document.signed_parts()
    signature = tree_of(parts.signature)
    _, value, key_info = _children(signature, "SignedInfo", "SignatureValue", "KeyInfo")
    signed_info = tree_of(parts.signed_info)
    canonicalization, method, reference = _children(
        signed_info, "CanonicalizationMethod", "SignatureMethod", "Reference"
    )
    _one_of(canonicalization, (algorithms.C14N, algorithms.C14N_WITH_COMMENTS))
    kind, hash_name = algorithms.METHODS[_one_of(method, algorithms.METHODS)]
    digest = _check_reference(reference, parts.entry)
    certificate = _certificate(key_info)
    _check_value(certificate, (kind, hash_name), _base64(value), parts.signed_info)
    return Signature(signer_of(certificate), f"{kind}-{hash_name}", digest, parts.entry)


def _check_reference(reference: Element, entry: bytes) -> str:
    if dict(reference.attrib) != {"URI": ""}:
        raise InvalidMetadataError("the signature is not of the whole document")
    transforms, method, value = _children(reference, "Transforms", "DigestMethod", "DigestValue")
    (transform,) = _children(transforms, "Transform")
    _one_of(transform, (algorithms.ENVELOPED,))
    digest = algorithms.DIGESTS[_one_of(method, algorithms.DIGESTS)]
    found = hashlib.new(digest, entry, usedforsecurity=False).digest()
    if not hmac.compare_digest(found, _base64(value)):
        raise InvalidMetadataError("the entry is not the one that was signed: it has been changed")
    return digest


def _certificate(key_info: Element) -> x509.Certificate:
    (data,) = _children(key_info, "X509Data")
    (certificate,) = _children(data, "X509Certificate")
    try:
        return x509.load_der_x509_certificate(_base64(certificate))
    except ValueError as error:
        raise InvalidMetadataError(f"the certificate of the signature cannot be read: {error}") from None


def _check_value(certificate: x509.Certificate, method: tuple[str, str], value: bytes, signed_info: bytes) -> None:
    try:
        holds = algorithms.is_signed(certificate.public_key(), method, value, signed_info)
    except UnsupportedAlgorithm as error:
        raise InvalidMetadataError(
            f"this computer cannot verify a signature with {'-'.join(method)}: {error}"
        ) from None
    except ValueError as error:  # of cryptography, for keys that are too short
        raise InvalidMetadataError(f"the key of the certificate cannot be used: {error}") from None
    if not holds:
        raise InvalidMetadataError("the signature is not that of the certificate's key")


def _children(element: Element, *names: str) -> Sequence[Element]:
    """The children of an element of a signature, which has these and no others."""
    children = list(element)
    if [child.tag for child in children] != [f"{SIGNATURE}{name}" for name in names]:
        own = element.tag.rpartition("}")[2]
        raise InvalidMetadataError(f"{own} of the signature does not consist of {', '.join(names)}")
    return children


def _one_of(element: Element, known: Sequence[str] | dict[str, str] | dict[str, tuple[str, str]]) -> str:
    """The algorithm that an element names."""
    uri = element.get("Algorithm", "")
    name = element.tag.rpartition("}")[2]
    if uri not in known:
        raise InvalidMetadataError(f"the {name} {uri!r:.100} is not one that is accepted in a signature")
    if len(element) or len(element.attrib) != 1:
        raise InvalidMetadataError(f"the {name} has parameters, which are not accepted")
    return uri


def _base64(element: Element) -> bytes:
    name = element.tag.rpartition("}")[2]
    try:
        if len(element):
            raise binascii.Error("it has elements in it")
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidMetadataError(f"the {name} of the signature cannot be read: {error}") from None
