"""Describing an image: the entry that its author writes, before anybody endorses it."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import BinaryIO, cast
from xml.sax.saxutils import escape

from stratuslab_libcloud.client.stratuslab.identifiers import image_id
from stratuslab_libcloud.client.stratuslab.metadata.constraints import DATE
from stratuslab_libcloud.client.stratuslab.metadata.document import EntryDocument
from stratuslab_libcloud.errors import InvalidMetadataError

CHECKSUMS = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512"}
"""The checksums of an entry: by their names in `hashlib`, those in the entry. SHA-1 is needed, it names the image."""

VALIDITY = timedelta(days=182)
"""For how long an entry is valid after the image was made: half a year."""

_PIECE = 1 << 20


@dataclass(frozen=True)
class ImageDescription:
    """What an author says of an image.

    :param type: free text, such as ``base`` or ``grid``
    :param kind: ``machine`` or ``disk``
    :param version: of the image
    :param compression: of the file at its location: ``gz``, ``bz2``, or empty
    :param tag: another name
    :param comment: the description, for people
    :param disks_bus: ``ide``, ``scsi`` or ``virtio``
    """

    author: str = ""
    type: str = "base"
    kind: str = "machine"
    os: str = ""
    os_version: str = ""
    os_arch: str = ""
    version: str = ""
    format: str = "raw"
    hypervisor: str = "kvm"
    locations: tuple[str, ...] = ()
    compression: str = ""
    title: str = ""
    tag: str = ""
    comment: str = ""
    disks_bus: str = "ide"


@dataclass(frozen=True)
class Content:
    """What an image consists of, uncompressed.

    :param size: bytes
    :param checksums: hexadecimal, by ``md5``, ``sha1``, ``sha256`` and ``sha512``
    """

    size: int
    checksums: Mapping[str, str]


def compression_of(file: Path) -> str:
    """How a file is compressed, by its name: ``gz``, ``bz2``, or empty."""
    return {".gz": "gz", ".bz2": "bz2"}.get(file.suffix, "")


def content_of(
    file: Path, checksums: Collection[str] = tuple(CHECKSUMS), progress: Callable[[int], None] | None = None
) -> Content:
    """Read an image, which may be compressed, piece by piece.

    :param checksums: which ones to calculate, such as ``sha1``
    :param progress: is told how many bytes of the uncompressed image have been read
    :raises OSError: when it cannot be read, or decompressed
    """
    digests = {name: hashlib.new(name, usedforsecurity=False) for name in checksums}
    size = 0
    try:
        with _opened(file) as stream:
            while piece := stream.read(_PIECE):
                size += len(piece)
                for digest in digests.values():
                    digest.update(piece)
                if progress:
                    progress(size)
    except (EOFError, zlib.error) as error:
        raise OSError(None, f"it cannot be decompressed: {error}", str(file)) from None
    return Content(size, {name: digest.hexdigest() for name, digest in digests.items()})


def build_entry(description: ImageDescription, content: Content, *, now: datetime | None = None) -> bytes:
    """The entry of an image, as the tools of 14.06 write it.

    :param content: with at least the SHA-1 checksum
    :param now: when the image was made
    :raises InvalidMetadataError: when a text cannot be in XML, or there is no SHA-1 checksum of 40 hexadecimal digits
    """
    sha1 = content.checksums.get("sha1", "")
    try:
        is_checksum = len(bytes.fromhex(sha1)) == 20 and len(sha1) == 40
    except ValueError:
        is_checksum = False
    if not is_checksum:
        raise InvalidMetadataError(f"{sha1!r:.60} is not a valid SHA-1 checksum: it has 40 hexadecimal digits")
    created = now or datetime.now(timezone.utc)
    texts = {
        "identifier": image_id(sha1),
        "size": str(content.size),
        "checksums": "".join(
            _CHECKSUM.format(name=label, value=escape(content.checksums.get(name, "")))
            for name, label in CHECKSUMS.items()
        ),
        "locations": "\n        ".join(
            f"<slterms:location>{escape(location)}</slterms:location>" for location in description.locations
        ),
        "created": created.strftime(DATE),
        "valid": (created + VALIDITY).strftime(DATE),
        **{name: escape(text) for name, text in vars(description).items() if isinstance(text, str)},
    }
    entry = _ENTRY.format(**texts).encode()
    EntryDocument(entry)
    return entry


def _opened(file: Path) -> BinaryIO:
    match compression_of(file):
        case "gz":
            return cast(BinaryIO, gzip.open(file))
        case "bz2":
            return cast(BinaryIO, bz2.open(file))
    return file.open("rb")


_CHECKSUM = """
        <slreq:checksum rdf:parseType="Resource">
            <slreq:algorithm>{name}</slreq:algorithm>
            <slreq:value>{value}</slreq:value>
        </slreq:checksum>"""

_ENTRY = """\
<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    xmlns:dcterms="http://purl.org/dc/terms/"
    xmlns:slterms="http://mp.stratuslab.eu/slterms#"
    xmlns:slreq="http://mp.stratuslab.eu/slreq#"
    xml:base="http://mp.stratuslab.eu/">

    <rdf:Description rdf:about="#{identifier}">

        <dcterms:identifier>{identifier}</dcterms:identifier>

        <slreq:bytes>{size}</slreq:bytes>
{checksums}

        <slreq:endorsement rdf:parseType="Resource"/>

        <dcterms:type>{type}</dcterms:type>
        <slterms:kind>{kind}</slterms:kind>

        <slterms:os>{os}</slterms:os>
        <slterms:os-version>{os_version}</slterms:os-version>
        <slterms:os-arch>{os_arch}</slterms:os-arch>
        <slterms:version>{version}</slterms:version>
        <dcterms:compression>{compression}</dcterms:compression>
        {locations}

        <dcterms:format>{format}</dcterms:format>

        <dcterms:creator>{author}</dcterms:creator>

        <dcterms:created>{created}</dcterms:created>
        <dcterms:valid>{valid}</dcterms:valid>

        <dcterms:title>{title}</dcterms:title>
        <dcterms:alternative>{tag}</dcterms:alternative>
        <dcterms:description>{comment}</dcterms:description>

        <slterms:hypervisor>{hypervisor}</slterms:hypervisor>
        <slterms:disks-bus>{disks_bus}</slterms:disks-bus>

        <dcterms:publisher>StratusLab</dcterms:publisher>
        \n
    </rdf:Description>
</rdf:RDF>
"""
