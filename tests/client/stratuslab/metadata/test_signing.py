"""Endorsing and signing."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from stratuslab_libcloud.client.stratuslab.metadata.algorithms import FORMS
from stratuslab_libcloud.client.stratuslab.metadata.credentials import SigningCredentials
from stratuslab_libcloud.client.stratuslab.metadata.document import EntryDocument
from stratuslab_libcloud.client.stratuslab.metadata.signature import verified
from stratuslab_libcloud.client.stratuslab.metadata.signing import sign_entry
from stratuslab_libcloud.client.stratuslab.metadata.verification import verify_entry
from stratuslab_libcloud.errors import InvalidArgumentError, InvalidMetadataError

from .conftest import NOW, Key, issue

SHA1, SHA256 = "http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2001/04/xmlenc#sha256"
SHA256_HASH = hashes.SHA256()
RSA_SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"


@pytest.fixture(scope="session", params=["rsa", "dsa", "dsa-2048", "ecdsa", "ecdsa-521"])
def key(request: pytest.FixtureRequest, rsa_key: rsa.RSAPrivateKey) -> Key:
    match request.param:
        case "rsa":
            return rsa_key
        case "dsa":
            return dsa.generate_private_key(1024)
        case "dsa-2048":
            return dsa.generate_private_key(2048)
        case "ecdsa":
            return ec.generate_private_key(ec.SECP256R1())
    return ec.generate_private_key(ec.SECP521R1())


@pytest.mark.parametrize("form", FORMS)
def test_what_is_signed_can_be_verified(entry: bytes, key: Key, form: str) -> None:
    if isinstance(key, ec.EllipticCurvePrivateKey) and form != "sha256":
        with pytest.raises(InvalidArgumentError, match="needs a key of the kind RSA or DSA"):
            sign_entry(entry, issue(key, email="jane@example.org"), form=form)
        return
    verification = verify_entry(sign_entry(entry, issue(key, email="jane@example.org"), form=form, now=NOW), now=NOW)
    assert verification.problems == ()
    hash_name = "sha256" if form == "sha256" else "sha1"
    assert verification.algorithm.endswith(f"sa-{hash_name}")


@pytest.mark.parametrize(
    ("form", "method", "digest"),
    [("marketplace", RSA_SHA1, SHA256), ("2014", RSA_SHA1, SHA1), ("sha256", RSA_SHA256, SHA256)],
)
def test_the_form_of_a_signature(entry: bytes, jane: SigningCredentials, form: str, method: str, digest: str) -> None:
    signature = sign_entry(entry, jane, form=form).decode().partition("<Signature ")[2]
    assert signature.startswith(
        'xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo>'
        '<CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"/>'
        f'<SignatureMethod Algorithm="{method}"/><Reference URI=""><Transforms>'
        '<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/></Transforms>'
        f'<DigestMethod Algorithm="{digest}"/><DigestValue>'
    )
    assert re.search(
        r"</DigestValue></Reference></SignedInfo><SignatureValue>[^<]+</SignatureValue>"
        r"<KeyInfo><X509Data><X509Certificate>[^<]+</X509Certificate></X509Data></KeyInfo></Signature></rdf:RDF>\Z",
        signature,
    )


def test_by_default_the_marketplace_accepts_it(entry: bytes, jane: SigningCredentials) -> None:
    text = sign_entry(entry, jane).decode()
    assert f'<SignatureMethod Algorithm="{RSA_SHA1}"/>' in text
    assert text.startswith('<?xml version="1.0" encoding="UTF-8" standalone="no"?><rdf:RDF xmlns:dcterms=')


def test_who_endorses(entry: bytes, jane: SigningCredentials) -> None:
    signed = sign_entry(entry, jane, "other@example.org", now=NOW)
    entry_of = verify_entry(signed, now=NOW).entry
    assert entry_of is not None
    assert (entry_of.endorser, entry_of.endorsed) == ("jane@example.org", "2026-06-01T10:00:00Z")
    names = {"subject": "CN=Jane Builder,O=StratusLab,C=EU", "issuer": "CN=Jane Builder,O=StratusLab,C=EU"}
    for name, value in names.items():
        assert ElementTree.fromstring(signed).findtext(f".//{{http://mp.stratuslab.eu/slreq#}}{name}") == value


def test_an_address_that_is_not_in_the_certificate(entry: bytes, rsa_key: rsa.RSAPrivateKey) -> None:
    nobody = issue(rsa_key)
    image = verify_entry(sign_entry(entry, nobody, "jane@example.org")).entry
    assert image is not None
    assert image.endorser == "jane@example.org"
    with pytest.raises(InvalidMetadataError) as caught:
        sign_entry(entry, nobody)
    assert str(caught.value) == ("cannot generate slreq:endorsement; email address not in cert or not provided")
    with pytest.raises(InvalidMetadataError, match="invalid email address: jane at example"):
        sign_entry(entry, nobody, "jane at example")


def test_a_signed_entry_is_signed_again(signed: bytes, mallory: SigningCredentials) -> None:
    again = sign_entry(signed, mallory, now=NOW.replace(year=2027))
    assert again.count(b"<Signature ") == 1
    assert again.count(b"<slreq:email>") == 1
    assert verified(EntryDocument(again)).signer.fingerprint == mallory.certificate.fingerprint(SHA256_HASH).hex()
    assert b"2027-06-01T10:00:00Z</dcterms:created>" in again


def test_a_comment_is_left_out(entry: bytes, jane: SigningCredentials) -> None:
    commented = entry.replace(b"A title", b"A <!-- comment -->title")
    signed = sign_entry(commented, jane)
    assert b"<!--" not in signed
    assert b"<dcterms:title>A title<" in signed


PLACE = b'<slreq:endorsement rdf:parseType="Resource"/>'


def test_an_entry_without_a_place_for_the_endorser(entry: bytes, jane: SigningCredentials) -> None:
    with pytest.raises(InvalidMetadataError, match="document must contain exactly 1 slreq:endorsement element"):
        sign_entry(entry.replace(PLACE, b""), jane)


def test_of_several_endorsements_there_is_one_then(entry: bytes, jane: SigningCredentials) -> None:
    other = b"<slreq:endorsement><slreq:endorser><slreq:email>x@y.z</slreq:email></slreq:endorser></slreq:endorsement>"
    signed = sign_entry(entry.replace(PLACE, other + b"\n" + PLACE + b"\n"), jane, now=NOW)
    assert signed.count(b"<slreq:endorsement ") == 1
    assert verify_entry(signed, now=NOW).problems == ()


def test_a_form_that_does_not_exist(entry: bytes, jane: SigningCredentials) -> None:
    with pytest.raises(InvalidArgumentError, match="'md5' is no form of signatures; choose one of marketplace, 2014"):
        sign_entry(entry, jane, form="md5")
