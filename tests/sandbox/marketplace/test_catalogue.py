"""The images that a sandbox has by default."""

from __future__ import annotations

from collections import Counter

from stratuslab_libcloud.sandbox.state.identifiers import image_identifier

from .conftest import NS, Client, entry_named, text


def test_a_dozen_images_are_valid(marketplace: Client) -> None:
    titles = Counter(marketplace.titles())
    assert sum(titles.values()) == 12
    assert titles["CentOS 6.5 base"] == 2
    assert {"ttylinux", "Broken boot", "Broken prolog", "Ubuntu 14.04 server"} <= set(titles)


def test_every_entry_says_what_an_entry_must_say(marketplace: Client) -> None:
    for entry in marketplace.entries():
        checksums = {
            text(checksum, "slreq:algorithm"): text(checksum, "slreq:value")
            for checksum in entry.findall("slreq:checksum", NS)
        }
        assert image_identifier(bytes.fromhex(checksums["SHA-1"])) == text(entry, "dcterms:identifier")
        assert int(text(entry, "slreq:bytes")) > 0
        assert text(entry, "slterms:kind") in ("machine", "disk")
        assert text(entry, "dcterms:format") in ("raw", "qcow2")


def test_some_images_have_ports_that_are_open(marketplace: Client) -> None:
    entry = entry_named(marketplace, "Ubuntu 14.04 web server")
    assert [port.text for port in entry.findall("slterms:inbound-port", NS)] == ["22", "80", "443"]
