"""Whether the signature of an uploaded entry is accepted: as the Marketplace decides it, and in its words.

It takes the first signature that there is. Of several certificates, it takes the names from the first and the key from
the last one. It accepts ``rsa-sha1`` and ``dsa-sha1`` only, and any digest; it looks neither at the certificate's dates
nor at who issued it. (MetadataUtils.java, X509KeySelector.java)
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from stratuslab_libcloud.sandbox.marketplace.canonical_form import SIGNATURE, canonical_tree, parse, part, without
from stratuslab_libcloud.sandbox.marketplace.rdf import name
from stratuslab_libcloud.sandbox.marketplace.subject_names import rfc2253
from stratuslab_libcloud.sandbox.state.errors import InvalidEntryError

_KINDS = {
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1": rsa.RSAPublicKey,
    "http://www.w3.org/2000/09/xmldsig#dsa-sha1": dsa.DSAPublicKey,
}
_DIGESTS = {
    "http://www.w3.org/2000/09/xmldsig#sha1": "sha1",
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


def check_signature(content: bytes) -> None:
    """Check an uploaded entry.

    :raises InvalidEntryError: if its signature is not accepted
    """
    root = parse(content)
    signature = next(root.iter(f"{SIGNATURE}Signature"), None)
    if signature is None:
        raise InvalidEntryError("no signature")
    info = signature.find(f"{SIGNATURE}SignedInfo")
    if signature is root or info is None or not info.findall(f"{SIGNATURE}Reference"):
        raise InvalidEntryError("invalid signature element")
    certificates = _certificates(signature)
    key = _key(info, certificates)
    holds = _value_holds(key, _bytes(signature, "SignatureValue"), _canonical_info(info))
    references = [_digest_holds(reference, signature) for reference in info.findall(f"{SIGNATURE}Reference")]
    if not (holds and all(references)):
        # The Marketplace writes them one after another, without anything between.
        parts = [f"content (ref='') validity: {_java(reference)}" for reference in references]
        raise InvalidEntryError(f"signature validation: {_java(holds)}{''.join(parts)}")
    for term, value in _endorser(certificates[0]):
        said = next((element.text or "" for element in root.iter(name(f"slreq:{term}"))), "null")
        if said != value:
            raise InvalidEntryError(f"endorser inconsistency ({term}): {value} != {said}")


def _certificates(signature: Any) -> list[x509.Certificate]:
    path = f"{SIGNATURE}KeyInfo/{SIGNATURE}X509Data/{SIGNATURE}X509Certificate"
    try:
        return [x509.load_der_x509_certificate(base64.b64decode(found.text)) for found in signature.findall(path)]
    except (ValueError, TypeError) as problem:
        raise InvalidEntryError(f"Cannot create X509Certificate: {problem}") from None


def _key(info: Any, certificates: list[x509.Certificate]) -> rsa.RSAPublicKey | dsa.DSAPublicKey:
    kind = _KINDS.get(_algorithm(info, "SignatureMethod"))
    key = certificates[-1].public_key() if certificates else None
    if kind is None or not isinstance(key, kind):
        raise InvalidEntryError("cannot find validation key")
    assert isinstance(key, (rsa.RSAPublicKey, dsa.DSAPublicKey))
    return key


def _canonical_info(info: Any) -> bytes:
    method = _algorithm(info, "CanonicalizationMethod")
    plain = method.removesuffix("#WithComments").removesuffix("WithComments")
    if plain not in (_C14N, _EXCLUSIVE):
        raise InvalidEntryError(f"unsupported algorithm: {method}")
    with_comments = method.endswith("WithComments")
    return canonical_tree(part(info), with_comments=with_comments, exclusive=plain == _EXCLUSIVE)


def _value_holds(key: rsa.RSAPublicKey | dsa.DSAPublicKey, value: bytes, info: bytes) -> bool:
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(value, info, padding.PKCS1v15(), hashes.SHA1())
        else:
            half = len(value) // 2
            r, s = (int.from_bytes(number, "big") for number in (value[:half], value[half:]))
            key.verify(encode_dss_signature(r, s), info, hashes.SHA1())
    except InvalidSignature:
        return False
    return True


def _digest_holds(reference: Any, signature: Any) -> bool:
    if reference.get("URI") != "":
        raise InvalidEntryError(f"Cannot resolve element with ID {(reference.get('URI') or '').lstrip('#')}")
    tree, exclusive, with_comments = signature.getroottree().getroot(), False, False
    for transform in reference.iter(f"{SIGNATURE}Transform"):
        algorithm = transform.get("Algorithm", "")
        plain = algorithm.removesuffix("#WithComments").removesuffix("WithComments")
        if algorithm == _ENVELOPED:
            tree = without(signature)
        elif plain in (_C14N, _EXCLUSIVE):
            exclusive, with_comments = plain == _EXCLUSIVE, algorithm.endswith("WithComments")
        else:
            raise InvalidEntryError(f"unsupported Transform algorithm: {algorithm}")
    digest = _DIGESTS.get(_algorithm(reference, "DigestMethod"))
    if digest is None:
        raise InvalidEntryError(f"unsupported DigestMethod algorithm: {_algorithm(reference, 'DigestMethod')}")
    content = canonical_tree(tree, with_comments=with_comments, exclusive=exclusive)
    return hashlib.new(digest, content, usedforsecurity=False).digest() == _bytes(reference, "DigestValue")


def _endorser(certificate: x509.Certificate) -> Iterator[tuple[str, str]]:
    """What the entry must say of its endorser; the address only if the certificate has one."""
    yield "subject", rfc2253(certificate.subject)
    yield "issuer", rfc2253(certificate.issuer)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return
    for address in names.get_values_for_type(x509.RFC822Name)[:1]:
        yield "email", address


def _algorithm(element: Any, child: str) -> str:
    found = element.find(f"{SIGNATURE}{child}")
    return "" if found is None else str(found.get("Algorithm", ""))


def _bytes(element: Any, child: str) -> bytes:
    try:
        return base64.b64decode(element.findtext(f"{SIGNATURE}{child}") or "")
    except ValueError:
        raise InvalidEntryError("invalid signature element") from None


def _java(truth: bool) -> str:
    return "true" if truth else "false"
