"""Signatures: those of the sandbox's own entries, and which ones it accepts, checked with the client library."""

from __future__ import annotations

import base64
import datetime
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, rsa
from cryptography.x509.oid import NameOID

from stratuslab_libcloud.client.stratuslab.metadata.changes import deprecated
from stratuslab_libcloud.client.stratuslab.metadata.credentials import SigningCredentials
from stratuslab_libcloud.client.stratuslab.metadata.signing import sign_entry
from stratuslab_libcloud.client.stratuslab.metadata.verification import verify_entry
from stratuslab_libcloud.sandbox import ManualClock, Sandbox

from .conftest import JANE, XML, Client, document, entry_named, key

NAME = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "EU"),
        x509.NameAttribute(NameOID.EMAIL_ADDRESS, "in.the.name@example.org"),
        x509.NameAttribute(NameOID.COMMON_NAME, "Doe, Jane #1"),
    ]
)
ENTRY = document(sign=False).encode()


def issue(private: rsa.RSAPrivateKey | dsa.DSAPrivateKey, email: str | None) -> SigningCredentials:
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(20))
        .not_valid_after(now - datetime.timedelta(10))  # neither its dates are looked at, nor who issued it
    )
    if email:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(email)]), critical=False)
    return SigningCredentials(builder.sign(private, hashes.SHA256()), private)


@pytest.fixture(scope="module")
def me() -> SigningCredentials:
    return issue(rsa.generate_private_key(65537, 2048), "me@example.org")


def reason(marketplace: Client, upload: bytes) -> str:
    answer = marketplace.upload(upload.decode())
    assert answer.status_code == 400
    text = ET.fromstring(answer.content).text or ""
    assert text.startswith("invalid metadata: ")
    return text.removeprefix("invalid metadata: ")


def changed(content: bytes, old: str, new: str) -> bytes:
    assert old.encode() in content
    return content.replace(old.encode(), new.encode())


# The sandbox's own entries


def test_the_catalogue_is_signed_by_those_who_endorse_it(sandbox: Sandbox, clock: ManualClock) -> None:
    now = datetime.datetime.fromtimestamp(clock.now(), datetime.timezone.utc)
    fingerprints = {}
    for entry in sandbox.entries:
        verification = verify_entry(entry.document.encode(), now=now)
        for name in ("signature", "endorser", "identifier", "constraints"):
            assert verification.check(name).holds, (entry.title, verification.problems)
        assert verification.signer is not None
        assert (verification.signer.email, verification.signer.subject) == (entry.email, entry.subject)
        fingerprints[entry.email] = verification.signer.fingerprint
    assert len(sandbox.entries) == 15
    assert len(set(fingerprints.values())) == len(fingerprints) == 2


def test_an_entry_is_signed_once(sandbox: Sandbox) -> None:
    entry = next(iter(sandbox.entries))
    assert entry.document is entry.document


def test_nothing_is_signed_before_it_is_read() -> None:
    """A sandbox starts as fast as without signatures."""
    program = """
import sys
from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.marketplace import signing
with Sandbox() as sandbox:
    assert "lxml" not in sys.modules
    assert signing._key.cache_info().currsize == 0
    next(iter(sandbox.entries)).document
    assert signing._key.cache_info().currsize == 1
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_entry_of_a_listing_and_the_one_alone_are_signed(marketplace: Client) -> None:
    path = f"/metadata/{key(entry_named(marketplace, 'ttylinux'))}"
    for content in (marketplace(path).content, marketplace(path.rpartition("/")[0]).content):
        assert verify_entry(content).check("signature").holds


def test_a_saved_state_keeps_the_signatures(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    with Sandbox(state_file=file) as before:
        documents = {entry.key: entry.document for entry in before.entries}
    with Sandbox(state_file=file) as after:
        assert {entry.key: entry.document for entry in after.entries} == documents


def test_entries_of_a_folder_keep_their_signatures(
    tmp_path: Path, http: requests.Session, me: SigningCredentials
) -> None:
    entries = [sign_entry(document(image=image, sign=False).encode(), me) for image in (b"one", b"two")]
    (tmp_path / "both.xml").write_bytes(
        b"<metadata>" + b"".join(e.partition(b"?>")[2] for e in entries) + b"</metadata>"
    )
    with Sandbox(entries=tmp_path) as sandbox:
        assert [verify_entry(e.document.encode()).check("signature").holds for e in sandbox.entries] == [True, True]
        assert len(Client(sandbox.marketplace_url, http).titles()) == 2


# Uploads


@pytest.mark.parametrize("form", ["marketplace", "2014"])
def test_what_the_client_signs_is_accepted(marketplace: Client, me: SigningCredentials, form: str) -> None:
    answer = marketplace.upload(sign_entry(ENTRY, me, form=form).decode())
    assert (answer.status_code, answer.text) == (201, "metadata entry created")
    published = marketplace(answer.headers["Location"].removeprefix(marketplace.url))
    assert verify_entry(published.content).problems == ()


@pytest.mark.parametrize("bits", [1024, 2048])
def test_dsa(marketplace: Client, bits: int) -> None:
    signed = sign_entry(ENTRY, issue(dsa.generate_private_key(bits), "me@example.org"))
    assert marketplace.upload(signed.decode()).status_code == 201
    # The numbers are exchanged.
    mixed = re.sub(
        rb"(<SignatureValue>)(.*?)(<)",
        lambda m: m[1] + base64.b64encode(swapped(base64.b64decode(m[2]))) + m[3],
        signed,
        flags=re.DOTALL,
    )
    assert reason(marketplace, mixed) == "signature validation: falsecontent (ref='') validity: true"


def swapped(content: bytes) -> bytes:
    half = len(content) // 2
    return content[half:] + content[:half]


def test_another_algorithm_is_not_accepted(marketplace: Client, me: SigningCredentials) -> None:
    assert reason(marketplace, sign_entry(ENTRY, me, form="sha256")) == "cannot find validation key"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("My image", "My other image", "signature validation: truecontent (ref='') validity: false"),
        ("</rdf:Description>", "</rdf:Description>text", "signature validation: truecontent (ref='') validity: false"),
        ("</Signature>", "</Signature>text", "signature validation: truecontent (ref='') validity: false"),
        ("<SignatureValue>", "<SignatureValue>AAAA", "signature validation: falsecontent (ref='') validity: true"),
        ("<DigestValue>", "<DigestValue>AAAA", "signature validation: falsecontent (ref='') validity: false"),
        ("xmldsig#rsa-sha1", "xmldsig#dsa-sha1", "cannot find validation key"),
        ("xmldsig#rsa-sha1", "xmldsig#hmac-sha1", "cannot find validation key"),
        ("X509Certificate>", "X509SKI>", "cannot find validation key"),
        ("<X509Certificate>", "<X509Certificate>AAAA", "Cannot create X509Certificate: "),
        ('URI=""', 'URI="#part"', "Cannot resolve element with ID part"),
        (
            "xmldsig#enveloped-signature",
            "xmldsig#unknown",
            "unsupported Transform algorithm: http://www.w3.org/2000/09/xmldsig#unknown",
        ),
        (
            "xmlenc#sha256",
            "xmlenc#sha1000",
            "unsupported DigestMethod algorithm: http://www.w3.org/2001/04/xmlenc#sha1000",
        ),
        ("REC-xml-c14n-20010315#WithComments", "REC-xml-c14n", "unsupported algorithm: "),
        ("SignedInfo>", "Other>", "invalid signature element"),
        ("Reference", "Other", "invalid signature element"),
        ("Signature", "Other", "no signature"),
    ],
)
def test_what_is_not_accepted(marketplace: Client, me: SigningCredentials, old: str, new: str, problem: str) -> None:
    assert reason(marketplace, changed(sign_entry(ENTRY, me), old, new)).startswith(problem)
    assert marketplace.titles().count("My image") == 0


@pytest.mark.parametrize(
    ("term", "own"),
    [
        (
            "subject",
            "CN=Doe\\, Jane \\#1,1.2.840.113549.1.9.1=#1617696e2e7468652e6e616d65406578616d706c652e6f7267,C=EU",
        ),
        ("issuer", "CN=Doe\\, Jane \\#1,1.2.840.113549.1.9.1=#1617696e2e7468652e6e616d65406578616d706c652e6f7267,C=EU"),
        ("email", "me@example.org"),
    ],
)
def test_an_endorser_who_did_not_sign(
    marketplace: Client, me: SigningCredentials, monkeypatch: pytest.MonkeyPatch, term: str, own: str
) -> None:
    other = "other@example.org" if term == "email" else "CN=Other"
    monkeypatch.setattr(SigningCredentials, term, other)
    assert reason(marketplace, sign_entry(ENTRY, me)) == f"endorser inconsistency ({term}): {own} != {other}"


def test_two_certificates_are_confused(marketplace: Client, me: SigningCredentials) -> None:
    """A fault of the real one, which the client notices: names from the first certificate, the key from the last."""
    mallory = issue(rsa.generate_private_key(65537, 2048), "me@example.org")
    signed = sign_entry(ENTRY, mallory)
    victim = base64.b64encode(me.certificate.public_bytes(serialization.Encoding.DER))
    confused = signed.replace(b"<X509Data>", b"<X509Data><X509Certificate>" + victim + b"</X509Certificate>")
    assert marketplace.upload(confused.decode()).status_code == 201
    assert not verify_entry(confused).check("signature").holds


def test_anybody_deprecates_an_image_with_a_certificate_that_has_no_address(marketplace: Client) -> None:
    """Real, too: the address counts, and nothing says whose it is when the certificate does not."""
    nobody = issue(rsa.generate_private_key(65537, 2048), None)
    path = f"/metadata/{key(entry_named(marketplace, 'Debian 7.5'))}"
    upload = sign_entry(deprecated(marketplace(path).content, "a hole"), nobody, JANE)
    assert marketplace.upload(upload.decode()).status_code == 201
    assert "Debian 7.5" not in marketplace.titles()
    assert "Debian 7.5" in marketplace.titles(status="deprecated")


def test_an_upload_as_a_file(marketplace: Client, me: SigningCredentials) -> None:
    files = {"file": ("entry.xml", sign_entry(ENTRY, me))}
    assert marketplace("/metadata", "POST", files=files, headers=XML).status_code == 201


# Real entries


@pytest.mark.parametrize("sample", ["marketplace/valid-indate-signature.xml", "commands/sign.written.xml"])
def test_entries_of_the_real_tools_are_accepted(marketplace: Client, real_samples: Path, sample: str) -> None:
    content = (real_samples / sample).read_bytes()
    tampered = content.replace(b"ttylinux", b"ttylinuX")
    assert reason(marketplace, tampered) == "signature validation: truecontent (ref='') validity: false"
    assert marketplace.upload(content.decode()).status_code == 201
