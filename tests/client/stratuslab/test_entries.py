"""Marketplace entries: real ones, and ones that no Marketplace should send."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from stratuslab_libcloud.client.stratuslab.entries import Image, read_images
from stratuslab_libcloud.client.xml_stream import UnreadableDocumentError

HEAD = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dcterms="http://purl.org/dc/terms/" '
    'xmlns:slreq="http://mp.stratuslab.eu/slreq#" xmlns:slterms="http://mp.stratuslab.eu/slterms#">'
)
IDENTIFIER = "MMZu9WvwKIro-rtBQfDk4PsKO7_"


def images_in(file: Path) -> list[Image]:
    return list(read_images([file.read_bytes()]))


def entry(inner: str) -> str:
    identifier = f"<dcterms:identifier>{IDENTIFIER}</dcterms:identifier>"
    return f'{HEAD}<rdf:Description rdf:about="#{IDENTIFIER}">{identifier}{inner}</rdf:Description></rdf:RDF>'


def test_an_entry_in_full(samples: Path) -> None:
    file = samples / "marketplace/valid-single-entry.xml"
    (image,) = images_in(file)
    assert f"<slreq:email>{image.endorser}</slreq:email>" in file.read_text()
    assert image == Image(
        identifier=IDENTIFIER,
        title="linux-with-my-apps",
        tag="ttylinux",
        description="A 32-bit ttylinux...",
        os="ttylinux",
        os_version="9.7",
        arch="i486",
        version="1.0",
        format="",
        kind="",
        type="machine",
        created="",
        valid="2011-07-23T10:59:42Z",
        size=100,
        checksums={"SHA-1": "c319bbd5afc0a22ba3eaed0507c39383ec28eeff"},
        locations=("http://example.org/...",),
        compression="gz",
        creator="",
        publisher="StratusLab",
        hypervisor="kvm",
        endorser=image.endorser,
        endorsed="2011-01-24T09:59:42Z",
        disks_bus="",
        inbound_ports=(443,),
        deprecated="security issue with app",
    )


def test_an_entry_without_a_root_around_it(samples: Path) -> None:
    (image,) = images_in(samples / "marketplace/valid-two-locations.xml")
    assert image.identifier == "BEE8-MMAw-Lk_IgsEExAy3d9R8h"
    assert image.locations == ("http://www.example.org/1234", "http://www.example2.org/5678")
    assert sorted(image.checksums) == ["MD5", "SHA-1", "SHA-256", "SHA-512"]
    assert (image.created, image.endorsed) == ("2011-09-09T14:12:57Z", "2014-03-08T14:28:15Z")
    assert (image.kind, image.type, image.endorser) == ("machine", "base", "jane.tester@example.org")


def test_two_endorsers_are_two_entries(samples: Path) -> None:
    images = images_in(samples / "marketplace/valid-multiple-entries.xml")
    assert [image.identifier for image in images] == [IDENTIFIER] * 2
    assert images[0].endorser == "hackers@example.org"
    assert images[1].endorser.endswith((".org", ".fr"))
    assert images[1].endorser != images[0].endorser


def test_ports_of_one_image_do_not_leak_into_the_next() -> None:
    first = entry("<slterms:inbound-port>22</slterms:inbound-port><slterms:inbound-port>80</slterms:inbound-port>")
    images = list(read_images([f"<metadata>{first}{entry('')}</metadata>"]))
    assert [image.inbound_ports for image in images] == [(22, 80), ()]


def test_odd_values_are_as_if_they_were_not_there() -> None:
    odd = "<slreq:bytes>many</slreq:bytes><slterms:inbound-port>ssh</slterms:inbound-port><slreq:checksum/>"
    (image,) = read_images([entry(odd)])
    assert (image.size, image.inbound_ports, image.title) == (None, (), "")


def test_an_entry_without_an_identifier_is_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        images = list(read_images([f"<metadata>{HEAD}</rdf:RDF>{entry('')}</metadata>"]))
    assert [image.identifier for image in images] == [IDENTIFIER]
    assert "left out" in caplog.text


@pytest.mark.parametrize(
    "text", ["", "<metadata>", "<!DOCTYPE metadata><metadata/>", "{}", "<metadata>\x01</metadata>"]
)
def test_what_is_not_readable(text: str) -> None:
    with pytest.raises(UnreadableDocumentError):
        list(read_images([text]))
