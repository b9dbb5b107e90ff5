"""The Marketplace."""

from __future__ import annotations

import pytest

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.errors import (
    InvalidArgumentError,
    InvalidMetadataError,
    NotFoundError,
    RequestRejectedError,
)
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox


def test_images(cloud: Cloud, sandbox: Sandbox) -> None:
    images = cloud.marketplace.images()
    image = cloud.marketplace.image(images[0].identifier)
    assert image in images
    assert cloud.marketplace.image(image.identifier) is image
    assert cloud.marketplace.source(image.identifier) == f"{sandbox.marketplace_url}/metadata/{image.identifier}"


def test_of_several_entries_the_one_that_was_endorsed_last_is_the_image(cloud: Cloud) -> None:
    entries: dict[str, list[str]] = {}
    for image in cloud.marketplace.images():
        entries.setdefault(image.identifier, []).append(image.endorsed)
    identifier, endorsed = next((key, dates) for key, dates in entries.items() if len(dates) > 1)
    assert cloud.marketplace.image(identifier).endorsed == max(endorsed)


def test_where_a_url_leads(cloud: Cloud, sandbox: Sandbox) -> None:
    url = f"{sandbox.marketplace_url}/metadata"
    assert cloud.marketplace.lasting_url(url) == url
    with pytest.raises(NotFoundError):
        cloud.marketplace.lasting_url(f"{sandbox.url}/nothing/here")


def test_the_document_of_an_entry(cloud: Cloud, sandbox: Sandbox) -> None:
    entry = next(entry for entry in sandbox.entries if entry.description == "What Jane said before.")
    assert cloud.marketplace.entry_document(*entry.key).decode() == entry.document
    newer = cloud.marketplace.entry_document(entry.identifier, entry.email)
    assert newer.count(b"<rdf:RDF ") == 1
    assert cloud.marketplace.entry_document(entry.identifier).count(b"<rdf:RDF ") == 2
    with pytest.raises(NotFoundError):
        cloud.marketplace.entry_document("A" * 27, entry.email)


@pytest.mark.parametrize(
    "address", [("x",), ("A" * 27, "no address"), ("A" * 27, "a@b/c"), ("A" * 27, "a@b.c", "2014?x=y")]
)
def test_what_is_no_address_of_an_entry(cloud: Cloud, sandbox: Sandbox, address: tuple[str, ...]) -> None:
    with pytest.raises(InvalidArgumentError, match="cannot be a part of the address of an entry"):
        cloud.marketplace.entry_document(*address)
    assert sandbox.requests.operations == []


def test_uploading(cloud: Cloud, sandbox: Sandbox) -> None:
    before = next(entry for entry in sandbox.entries if entry.title == "ttylinux")
    sandbox.requests.clear()
    upload = cloud.marketplace.upload(before.document.encode())
    assert upload.url == f"{sandbox.marketplace_url}/metadata/{'/'.join(before.key)}"
    assert not upload.awaits_confirmation
    assert sandbox.requests.operations == ["POST /metadata"]


def test_what_the_marketplace_does_not_accept(cloud: Cloud, sandbox: Sandbox) -> None:
    document = next(iter(sandbox.entries)).document
    with pytest.raises(RequestRejectedError, match="invalid metadata: signature validation: true") as caught:
        cloud.marketplace.upload(document.replace("<slterms:kind>", "<slterms:kind>x").encode())
    assert caught.value.http_code == 400


@pytest.mark.parametrize("document", [b"", b"no XML", b"<a/>", b"<rdf:RDF"])
def test_what_is_no_entry_is_not_sent(cloud: Cloud, sandbox: Sandbox, document: bytes) -> None:
    with pytest.raises(InvalidMetadataError):
        cloud.marketplace.upload(document)
    assert sandbox.requests.operations == []


def test_an_upload_that_its_endorser_has_to_confirm(cloud: Cloud, sandbox: Sandbox) -> None:
    """Where ``validate.email`` is set: the sandbox never does this."""
    sandbox.faults.add(Fault(FaultKind.STATUS_AFTER, "marketplace", status=202))
    assert cloud.marketplace.upload(next(iter(sandbox.entries)).document.encode()).awaits_confirmation
