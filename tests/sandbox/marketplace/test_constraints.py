"""What the Marketplace demands of an entry that is uploaded."""

from __future__ import annotations

import pytest

from .conftest import Client, document


@pytest.mark.parametrize(
    ("upload", "reason"),
    [
        (document(sign=False), "no signature"),
        (document(created="2013-01-01T00:00:00Z"), "older than latest entry"),
        (document(created="yesterday"), "dcterms:created value (yesterday) is not a valid date"),
        (
            document(terms="<dcterms:type>x</dcterms:type>"),
            "description must have exactly 1 dcterms:type element",
        ),
        (
            document(terms="<slterms:os>A</slterms:os><slterms:os>B</slterms:os>"),
            "description must have at most 1 slterms:os element",
        ),
        (
            document().replace("SHA-1", "SHA-2"),
            "description must have exactly 1 slterms:checksum element using SHA-1 algorithm",
        ),
        (
            document().replace('xml:base="http://mp.stratuslab.eu/"', ""),
            "root element must have xml:base attribute with value http://mp.stratuslab.eu/",
        ),
        (
            document().replace('rdf:about="#', 'rdf:about="#B'),
            "are not consistent",
        ),
    ],
)
def test_what_cannot_be_uploaded(marketplace: Client, upload: str, reason: str) -> None:
    marketplace.upload(document())
    answer = marketplace.upload(upload)
    assert answer.status_code == 400
    assert "invalid metadata: " in answer.text
    assert reason in answer.text


def test_an_upload_that_is_no_xml(marketplace: Client) -> None:
    assert "unable to parse metadata: " in marketplace.upload("no XML").text
    assert "post with null entity" in marketplace.upload("").text
