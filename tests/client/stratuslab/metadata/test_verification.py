"""What holds of an entry, as a whole."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from stratuslab_libcloud.client.stratuslab.metadata.changes import deprecated
from stratuslab_libcloud.client.stratuslab.metadata.credentials import SigningCredentials
from stratuslab_libcloud.client.stratuslab.metadata.signing import sign_entry
from stratuslab_libcloud.client.stratuslab.metadata.verification import Check, verify_entry

from .conftest import NOW, issue

CHECKS = ["signature", "endorser", "identifier", "constraints", "validity", "deprecation"]


def test_an_entry_of_which_all_holds(signed: bytes, jane: SigningCredentials) -> None:
    verification = verify_entry(signed, now=NOW)
    assert verification.holds
    assert verification.problems == ()
    assert [check.name for check in verification.checks] == CHECKS
    assert verification.algorithm == "rsa-sha1"
    signer, entry = verification.signer, verification.entry
    assert signer is not None
    assert entry is not None
    assert (signer.subject, signer.email) == ("CN=Jane Builder,O=StratusLab,C=EU", "jane@example.org")
    assert signer.valid_from < NOW < signer.valid_until
    assert signer.is_self_signed
    assert len(bytes.fromhex(signer.fingerprint)) == 32
    assert entry.title == "A title"
    assert str(verification).splitlines()[:2] == [f"signed by {signer.subject}", "signature: holds"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        verification.algorithm = ""  # type: ignore[misc]


def test_an_entry_that_was_changed(signed: bytes) -> None:
    verification = verify_entry(signed.replace(b"A title", b"Another title"), now=NOW)
    assert not verification.holds
    assert verification.check("signature").problems == (
        "the entry is not the one that was signed: it has been changed",
    )
    assert verification.signer is verification.entry is None
    assert verification.check("constraints").holds
    assert str(verification).startswith("no signature that holds\nsignature: the entry is not")


def test_an_entry_without_a_signature(entry: bytes) -> None:
    verification = verify_entry(entry, now=NOW)
    assert verification.check("signature").problems == ("no signature",)
    assert verification.check("endorser").problems == tuple(
        f"the entry does not name its endorser ({name})" for name in ("subject", "issuer", "email")
    )


@pytest.mark.parametrize("name", ["subject", "issuer", "email"])
def test_an_endorser_who_did_not_sign(
    signed: bytes, mallory: SigningCredentials, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Somebody signs in the name of somebody else."""
    own = getattr(mallory, name)
    monkeypatch.setattr(SigningCredentials, name, "other@example.org" if name == "email" else "CN=Other")
    verification = verify_entry(sign_entry(signed, mallory, now=NOW), now=NOW)
    assert verification.check("signature").holds
    other = "other@example.org" if name == "email" else "CN=Other"
    assert verification.problems == (f"endorser inconsistency ({name}): {own} != {other}",)


def test_an_entry_that_has_expired(signed: bytes) -> None:
    verification = verify_entry(signed, now=NOW.replace(year=2027))
    assert verification.problems == ("it expired on 2026-11-30T10:00:00Z",)
    assert "the signer's certificate expired on 2026-12-01" in verification.warnings


def test_an_entry_that_never_says_until_when_it_is_valid(entry: bytes, jane: SigningCredentials) -> None:
    signed = sign_entry(entry.replace(b"2026-11-30T10:00:00Z", b""), jane, now=NOW)
    assert verify_entry(signed, now=NOW).problems == (
        "it does not say until when it is valid, so no list of a Marketplace has it",
    )


def test_an_entry_that_is_deprecated(signed: bytes, jane: SigningCredentials) -> None:
    verification = verify_entry(sign_entry(deprecated(signed, "a hole"), jane, now=NOW), now=NOW)
    assert verification.problems == ("it is deprecated: a hole",)


def test_warnings(entry: bytes, rsa_key: rsa.RSAPrivateKey) -> None:
    nobody = issue(rsa_key)
    verification = verify_entry(sign_entry(entry, nobody, "me@example.org", form="2014", now=NOW), now=NOW)
    assert verification.holds
    assert verification.warnings == (
        "the signature (rsa-sha1 over a sha1 digest) depends on SHA-1, which is broken",
        "the signer's certificate has no e-mail address, so the entry can name any as the endorser's",
        "the signer's certificate is self-signed: nobody else vouches for the names in it",
    )
    before = NOW.replace(year=2025)
    assert (
        "the signer's certificate is not valid before 2026-01-01"
        in verify_entry(sign_entry(entry, nobody, "me@example.org", form="sha256"), now=before).warnings
    )


def test_without_sha1_there_is_no_warning_of_it(entry: bytes, jane: SigningCredentials) -> None:
    verification = verify_entry(sign_entry(entry, jane, form="sha256", now=NOW), now=NOW)
    assert not any("SHA-1" in warning for warning in verification.warnings)


def test_a_short_key(entry: bytes) -> None:
    short = issue(rsa.generate_private_key(65537, 1024), email="jane@example.org")
    assert "the signer's RSA key has 1024 bits, and can be broken" in verify_entry(sign_entry(entry, short)).warnings


def test_one_check_more(signed: bytes) -> None:
    verification = verify_entry(signed, now=NOW).with_check(Check("listing", ("it says something else",)))
    assert not verification.holds
    assert not verification.check("listing").holds
    with pytest.raises(KeyError):
        verification.check("nothing")


# Real entries


SIGNED_SAMPLES = {
    "marketplace/valid-expired-signature.xml": ("CN=Jane Tester,OU=Testing Department,O=StratusLab Project,C=EU", ()),
    "marketplace/valid-indate-signature.xml": ("CN=TestCA,OU=Test,O=StratusLab,C=EU", ()),
    "marketplace/valid-indate-deprecated-signature.xml": (
        "CN=TestCA,OU=Test,O=StratusLab,C=EU",
        ("it is deprecated: This is a test of deprecation",),
    ),
    "marketplace/valid-two-locations.xml": ("CN=TestCA,OU=Test,O=StratusLab,C=EU", ()),
    "commands/sign.written.xml": ("CN=Jane Builder,O=StratusLab,C=EU", ()),
    "commands/upload-image-full.written.xml": ("CN=Jane Mail,O=StratusLab,C=EU", ()),
}


@pytest.mark.parametrize("sample", SIGNED_SAMPLES)
def test_signed_entries_of_the_real_tools(real_samples: Path, sample: str) -> None:
    """All holds in the year in which they were signed."""
    issuer, problems = SIGNED_SAMPLES[sample]
    content = (real_samples / sample).read_bytes()
    signed_in = 2011 if "expired" in sample else 2014 if "marketplace" in sample else 2026
    verification = verify_entry(content, now=NOW.replace(year=signed_in))
    assert verification.problems == problems
    assert verification.signer is not None
    assert verification.signer.issuer == issuer
    assert any("SHA-1" in warning for warning in verification.warnings)


@pytest.mark.parametrize("sample", SIGNED_SAMPLES)
@pytest.mark.parametrize(("old", "new"), [(b"ttylinux", b"ttylinuX"), (b">kvm<", b">xen<"), (b"raw<", b"raw <")])
def test_real_entries_that_were_changed(real_samples: Path, sample: str, old: bytes, new: bytes) -> None:
    content = (real_samples / sample).read_bytes()
    assert old in content
    assert verify_entry(content.replace(old, new)).check("signature").problems == (
        "the entry is not the one that was signed: it has been changed",
    )


@pytest.mark.parametrize(
    ("sample", "problem"),
    [
        ("invalid-bad-about-id.xml", "rdf:about attribute (#MMZu9WvwKIro-rtBQ) and dcterms:identifier"),
        ("invalid-inconsistent-checksum.xml", "checksum from identifier (11138270816518404755971128943785587416890286"),
        ("invalid-multiple-os.xml", "description must have at most 1 slterms:os element"),
        ("invalid-no-endorsement.xml", "description must have exactly 1 slreq:endorsement element"),
    ],
)
def test_real_entries_that_are_invalid(real_samples: Path, sample: str, problem: str) -> None:
    problems = verify_entry((real_samples / "marketplace" / sample).read_bytes()).problems
    assert any(found.startswith(problem) for found in problems), problems
    assert "no signature" in problems
