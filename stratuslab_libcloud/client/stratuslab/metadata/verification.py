"""What holds of an entry, and what does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from xml.etree.ElementTree import Element

from stratuslab_libcloud.client.stratuslab.entries import Image, image_of
from stratuslab_libcloud.client.stratuslab.metadata import constraints
from stratuslab_libcloud.client.stratuslab.metadata.document import EntryDocument, tree_of
from stratuslab_libcloud.client.stratuslab.metadata.signature import Signature, verified
from stratuslab_libcloud.client.stratuslab.metadata.signer import Signer
from stratuslab_libcloud.client.stratuslab.vocabulary import RDF, SLREQ
from stratuslab_libcloud.errors import InvalidMetadataError

_SHORT_KEY = 2048


@dataclass(frozen=True)
class Check:
    """One thing that was checked.

    :param name: ``signature``, ``endorser``, ``identifier``, ``constraints``, ``validity`` or ``deprecation``; a driver
        adds ``listing``, whether the list of images says the same
    :param problems: what does not hold, one sentence each; empty when all holds
    """

    name: str
    problems: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@dataclass(frozen=True)
class Verification:
    """What a check of an entry found.

    :param signer: None when the signature does not hold
    :param algorithm: of the signature, such as ``rsa-sha1``; empty when it does not hold
    :param entry: what was signed, read from the signed bytes; None when the signature does not hold
    :param checks: what was checked
    :param warnings: what is no fault of the entry, and should be known
    """

    signer: Signer | None
    algorithm: str
    entry: Image | None
    checks: tuple[Check, ...]
    warnings: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether all holds that was checked."""
        return all(check.holds for check in self.checks)

    @property
    def problems(self) -> tuple[str, ...]:
        """What does not hold, of all checks."""
        return tuple(problem for check in self.checks for problem in check.problems)

    def check(self, name: str) -> Check:
        """One of the checks.

        :raises KeyError: when it was not made
        """
        return {check.name: check for check in self.checks}[name]

    def with_check(self, check: Check) -> Verification:
        """The same, and one check more."""
        return replace(self, checks=(*self.checks, check))

    def __str__(self) -> str:
        signer = f"signed by {self.signer.subject}" if self.signer else "no signature that holds"
        lines = [f"{check.name}: {'; '.join(check.problems) or 'holds'}" for check in self.checks]
        return "\n".join([signer, *lines, *(f"warning: {warning}" for warning in self.warnings)])


def verify_entry(content: bytes, *, now: datetime | None = None) -> Verification:
    """Check an entry: its signature, its endorser, and all that the Marketplace demands.

    :param content: the document
    :param now: the time at which it must be valid
    :raises InvalidMetadataError: when it is not an entry at all
    """
    document = EntryDocument(content)
    signature: Signature | None = None
    signature_problems: tuple[str, ...] = ()
    try:
        signature = verified(document)
    except InvalidMetadataError as error:
        signature_problems = (str(error),)
        document.remove_signatures()
    # From here on, only what is signed is looked at, if anything is.
    entry = tree_of(signature.entry if signature else document.canonical())
    image = image_of(entry)
    moment = now or datetime.now(timezone.utc)
    checks = (
        Check("signature", signature_problems),
        Check("endorser", tuple(_endorser_problems(entry, signature))),
        Check("identifier", tuple(constraints.identifier_problems_of(entry))),
        Check("constraints", tuple(constraints.problems_of(entry))),
        Check("validity", tuple(_validity_problems(image, moment))),
        Check("deprecation", tuple(_deprecation_problems(image))),
    )
    if signature is None:
        return Verification(None, "", None, checks)
    warnings = tuple(_warnings(signature, moment))
    return Verification(signature.signer, signature.method, image, checks, warnings)


def _endorser_problems(entry: Element, signature: Signature | None) -> Iterable[str]:
    """Whether the entry names the signer as its endorser, in the Marketplace's words (MetadataUtils.java)."""
    endorser = entry.find(f"{RDF}Description/{SLREQ}endorsement/{SLREQ}endorser")
    named = {
        name: None if endorser is None else endorser.findtext(f"{SLREQ}{name}")
        for name in ("subject", "issuer", "email")
    }
    for name, value in named.items():
        if not value:
            yield f"the entry does not name its endorser ({name})"
    if signature is None:
        return
    signer = signature.signer
    for name, value in (("subject", signer.subject), ("issuer", signer.issuer), ("email", signer.email)):
        if value is not None and named[name] and value != named[name]:
            yield f"endorser inconsistency ({name}): {value} != {named[name]}"


def _validity_problems(image: Image | None, now: datetime) -> Iterable[str]:
    if image is None:
        return
    until = constraints.time_of(image.valid)
    if not image.valid:
        yield "it does not say until when it is valid, so no list of a Marketplace has it"
    elif until is not None and until <= now:
        yield f"it expired on {image.valid}"


def _deprecation_problems(image: Image | None) -> Iterable[str]:
    if image is not None and image.deprecated:
        yield f"it is deprecated: {image.deprecated}"


def _warnings(signature: Signature, now: datetime) -> Iterable[str]:
    signer = signature.signer
    if signature.has_sha1:
        yield f"the signature ({signature.method} over a {signature.digest} digest) depends on SHA-1, which is broken"
    if signature.method.startswith("rsa") and signer.key_size < _SHORT_KEY:
        yield f"the signer's RSA key has {signer.key_size} bits, and can be broken"
    if signer.valid_until < now:
        yield f"the signer's certificate expired on {signer.valid_until:%Y-%m-%d}"
    if signer.valid_from > now:
        yield f"the signer's certificate is not valid before {signer.valid_from:%Y-%m-%d}"
    if signer.email is None:
        yield "the signer's certificate has no e-mail address, so the entry can name any as the endorser's"
    if signer.is_self_signed:
        yield "the signer's certificate is self-signed: nobody else vouches for the names in it"
