"""What the Marketplace demands of an entry that is uploaded."""

from __future__ import annotations

import hashlib

import pytest

from stratuslab_libcloud.sandbox.state.identifiers import image_identifier

from .conftest import Client, document

BASE = 'xml:base="http://mp.stratuslab.eu/"'
SHA1 = hashlib.sha1(b"an image").hexdigest()
IDENTIFIER = image_identifier(bytes.fromhex(SHA1))


@pytest.mark.parametrize(
    ("upload", "reason"),
    [
        (document(sign=False), "no signature"),
        (document(created="2013-01-01T00:00:00Z"), "older than latest entry"),
        # It names the other date.
        (document(created="yesterday"), "dcterms:created value (2100-01-01T00:00:00Z) is not a valid date"),
        (
            document(change=("2100-01-01", "2100-01-32")),
            "dcterms:valid value (2100-01-32T00:00:00Z) is not a valid date",
        ),
        (document(terms="<dcterms:type>x</dcterms:type>"), "description must have exactly 1 dcterms:type element"),
        (document(change=(">base<", "><a/><")), "dcterms:type cannot have child elements"),
        (
            document(terms="<slterms:os>A</slterms:os><slterms:os>B</slterms:os>"),
            "description must have at most 1 slterms:os element",
        ),
        (
            document(change=("SHA-1", "SHA-2")),
            "description must have exactly 1 slterms:checksum element using SHA-1 algorithm",
        ),
        (document(change=(BASE, "")), "root element must have xml:base attribute with value http://mp.stratuslab.eu/"),
        (document(change=("rdf:Description", "rdf:Other")), "document must have exactly 1 rdf:Description element"),
        (
            document(change=('rdf:about="#', 'rdf:about="#B')),
            f"rdf:about attribute (#B{IDENTIFIER}) and dcterms:identifier ({IDENTIFIER}) are not consistent",
        ),
        (
            document(change=(SHA1, "0" * 40)),
            f"checksum from identifier ({int(SHA1, 16)}) and SHA-1 checksum (0) are not consistent",
        ),
        (document(change=(SHA1, "none")), "none is not a valid SHA-1 checksum"),
    ],
    # Signed documents differ from one process to the next.
    ids=lambda value: "entry" if value.startswith("<?xml") else value,
)
def test_what_cannot_be_uploaded(marketplace: Client, upload: str, reason: str) -> None:
    assert marketplace.upload(document()).status_code == 201
    answer = marketplace.upload(upload)
    assert (answer.status_code, answer.text) == (
        400,
        f'<?xml version="1.0" encoding="UTF-8"?><error>invalid metadata: {reason}</error>',
    )


@pytest.mark.parametrize(
    "content", [">text<x:a/>", "><x:a/><x:b/>", " x:bad='BAD'>text", " rdf:parseType='Resource'>text"]
)
def test_what_is_not_rdf(marketplace: Client, content: str) -> None:
    answer = marketplace.upload(document(terms=f"<x:y xmlns:x='urn:x'{content}</x:y>"))
    assert answer.status_code == 400
    assert "<error>invalid metadata: " in answer.text


def test_statements_of_other_vocabularies(marketplace: Client) -> None:
    terms = (
        "<x:y xmlns:x='urn:x' rdf:parseType='Resource'><x:a xml:lang='en'>1</x:a><x:b rdf:resource='#c'/></x:y>"
        "<x:z xmlns:x='urn:x'><x:Thing><x:a>1</x:a></x:Thing></x:z>"
        "<x:t xmlns:x='urn:x' rdf:parseType='Literal'>text<b/></x:t>"
    )
    assert marketplace.upload(document(terms=terms)).status_code == 201


def test_an_identifier_that_is_none_is_an_internal_error(marketplace: Client) -> None:
    assert marketplace.upload(document(change=(IDENTIFIER, "short"))).status_code == 500


def test_an_upload_that_is_no_xml(marketplace: Client) -> None:
    assert "unable to parse metadata: " in marketplace.upload("no XML").text
    assert "post with null entity" in marketplace.upload("").text
