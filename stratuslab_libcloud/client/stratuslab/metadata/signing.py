"""Endorsing and signing an entry, in the form of the Marketplace's tools (MetadataUtils.java, X509Utils.java)."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timezone

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from stratuslab_libcloud.client.stratuslab.identifiers import is_email
from stratuslab_libcloud.client.stratuslab.metadata import algorithms
from stratuslab_libcloud.client.stratuslab.metadata.constraints import DATE
from stratuslab_libcloud.client.stratuslab.metadata.credentials import SigningCredentials
from stratuslab_libcloud.client.stratuslab.metadata.document import EntryDocument, written
from stratuslab_libcloud.errors import InvalidArgumentError, InvalidMetadataError

_SIGNATURE = (
    '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo>'
    '<CanonicalizationMethod Algorithm="{c14n}"/><SignatureMethod Algorithm="{method}"/>'
    '<Reference URI=""><Transforms><Transform Algorithm="{enveloped}"/></Transforms>'
    '<DigestMethod Algorithm="{digest}"/><DigestValue>{value}</DigestValue></Reference></SignedInfo>'
    "<SignatureValue/><KeyInfo><X509Data><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo>"
    "</Signature>"
)


def sign_entry(
    content: bytes,
    credentials: SigningCredentials,
    email: str = "",
    *,
    form: str = algorithms.MARKETPLACE,
    now: datetime | None = None,
) -> bytes:
    """Endorse an entry and sign it. What an earlier endorser wrote, and earlier signatures, are replaced.

    :param content: the entry, signed or not; comments in it are left out, because no signature covers them
    :param credentials: of who vouches for the image
    :param email: their address, which is used where the certificate has none
    :param form: the algorithms: ``marketplace``, ``2014`` or ``sha256``
    :param now: when it is endorsed
    :return: the signed entry
    :raises InvalidMetadataError: when the entry cannot be read or endorsed, or no e-mail address is known
    :raises InvalidArgumentError: when there is no such form, or not for this kind of key
    """
    chosen = algorithms.FORMS.get(form)
    if chosen is None:
        raise InvalidArgumentError(f"{form!r} is no form of signatures; choose one of {', '.join(algorithms.FORMS)}")
    method = algorithms.uri_of_method(algorithms.kind_of(credentials.key), chosen.method)
    if method is None:
        raise InvalidArgumentError(
            f"the form {form!r} of signatures needs a key of the kind RSA or DSA, as the Marketplace does; "
            "the form 'sha256' is possible with this key, and no Marketplace of StratusLab accepts it"
        )
    document = EntryDocument(EntryDocument(content).canonical())
    document.remove_signatures()
    created = (now or datetime.now(timezone.utc)).strftime(DATE)
    document.endorse(created, _address(credentials, email), credentials.subject, credentials.issuer)
    digest = hashlib.new(chosen.digest, document.canonical(), usedforsecurity=False).digest()
    signature = _SIGNATURE.format(
        c14n=algorithms.C14N_WITH_COMMENTS,
        method=method,
        enveloped=algorithms.ENVELOPED,
        digest=algorithms.uri_of_digest(chosen.digest),
        value=_base64(digest),
        certificate=_base64(credentials.certificate.public_bytes(Encoding.DER)),
    )
    try:
        document.append_signature(
            signature, lambda info: _base64(algorithms.signature_of(credentials.key, chosen.method, info))
        )
    except UnsupportedAlgorithm as error:
        raise InvalidArgumentError(f"this computer cannot make a signature of the form {form!r}: {error}") from None
    return written(document.canonical())


def _address(credentials: SigningCredentials, email: str) -> str:
    address = credentials.email or email
    if not address:
        raise InvalidMetadataError("cannot generate slreq:endorsement; email address not in cert or not provided")
    if not is_email(address):
        raise InvalidMetadataError(f"invalid email address: {address}")
    return address


def _base64(content: bytes) -> str:
    return base64.encodebytes(content).decode("ascii").strip()
