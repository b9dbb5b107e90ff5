"""Entries of the images that the cloud makes of machines: endorsed by the cloud itself, and in force for two days.

Within that time the author signs an entry of their own, of which a real cloud reminds them by e-mail.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from stratuslab_libcloud.sandbox.marketplace.rdf import NAMESPACES, find
from stratuslab_libcloud.sandbox.marketplace.rdf_writing import document
from stratuslab_libcloud.sandbox.marketplace.signed_entries import signed_later
from stratuslab_libcloud.sandbox.marketplace.signing import ISSUER, Endorser
from stratuslab_libcloud.sandbox.state.entries import Entry, timestamp
from stratuslab_libcloud.sandbox.state.identifiers import sha1_of_identifier
from stratuslab_libcloud.sandbox.state.saved_image import SavedImage

CLOUD = Endorser("StratusLab Sandbox", "cloud@example.org")

_VALID_SECONDS = 2 * 86400
_GIBIBYTE = 2**30
_BUSES = {"h": "ide", "s": "scsi", "v": "virtio"}
_AS_BEFORE = ("slterms:os", "slterms:os-version", "slterms:os-arch", "slterms:hypervisor", "slterms:inbound-port")


def saved_entry(image: SavedImage, now: float, disks_url: str) -> Entry:
    """The entry of a new image.

    :param now: seconds since 1970
    :param disks_url: of the disk service that has it
    """
    text = document(
        identifier=image.identifier,
        checksums={"SHA-1": sha1_of_identifier(image.identifier).hex()},
        size=image.disk.size * _GIBIBYTE,
        created=timestamp(now),
        email=CLOUD.email,
        subject=CLOUD.subject,
        issuer=ISSUER,
        terms=list(_terms(image, now, disks_url)),
    )
    return signed_later(text, CLOUD)


def _terms(image: SavedImage, now: float, disks_url: str) -> Iterator[tuple[str, str]]:
    """What is said of the image: what its author wants, and for the rest what was said of the image before."""
    wishes = image.wishes
    root = image.machine.disks[0]
    yield "dcterms:type", "base"
    yield "slterms:kind", "machine"
    if image.base is not None:
        yield from _said_before(image.base)
    yield "slterms:version", wishes.get("NEWIMAGE_VERSION") or "1.0"
    yield "dcterms:compression", "none"
    yield "slterms:location", f"pdisk:{disks_url}/{image.disk.uuid}"
    yield "dcterms:format", root.get("DRIVER") or "raw"
    yield "slterms:disks-bus", _BUSES.get(root.get("TARGET", "")[:1], "ide")
    yield "dcterms:creator", wishes.get("CREATOR_NAME", "")
    yield "dcterms:created", timestamp(now)
    yield "dcterms:valid", timestamp(now + _VALID_SECONDS)
    yield "dcterms:title", wishes.get("NEWIMAGE_TITLE", "")
    yield "dcterms:description", wishes.get("NEWIMAGE_COMMENT", "")
    yield "dcterms:publisher", "StratusLab"


def _said_before(base: Entry) -> Iterator[tuple[str, str]]:
    description = find(ET.fromstring(base.document), "rdf:Description")
    assert description is not None
    for term in _AS_BEFORE:
        for element in description.findall(term, NAMESPACES):
            yield term, (element.text or "").strip()
