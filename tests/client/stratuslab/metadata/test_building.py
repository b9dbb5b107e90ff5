"""Entries of new images."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import re
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratuslab_libcloud.client.stratuslab.entries import read_images
from stratuslab_libcloud.client.stratuslab.identifiers import image_id, is_image_id, sha1_of_image_id
from stratuslab_libcloud.client.stratuslab.metadata.building import (
    CHECKSUMS,
    Content,
    ImageDescription,
    build_entry,
    compression_of,
    content_of,
)
from stratuslab_libcloud.client.stratuslab.metadata.changes import deprecated, located
from stratuslab_libcloud.client.stratuslab.metadata.constraints import identifier_problems_of, problems_of, time_of
from stratuslab_libcloud.errors import InvalidMetadataError

from .conftest import IDENTIFIER, NOW, SHA1

IMAGE = b"\0image" * 1000
# What XML can hold, and what reading does not strip.
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1).map(
    lambda text: f"a{text}z"
)


@given(st.integers(0, 2**160 - 1))
def test_an_identifier_stands_for_its_checksum(number: int) -> None:
    identifier = image_id(f"{number:040x}")
    assert is_image_id(identifier)
    assert sha1_of_image_id(identifier) == number
    assert identifier[0] in "ABCDEFGHIJKLMNOP"


@pytest.mark.parametrize(
    ("sha1", "identifier"),
    [
        (SHA1, IDENTIFIER),
        ("1104f3e30c030f8b93f220b04131032dddf51f21", "BEE8-MMAw-Lk_IgsEExAy3d9R8h"),
        ("da39a3ee5e6b4b0d3255bfef95601890afd80709", "No5o-5ea0sNMlW_75VgGJCv2AcJ"),
    ],
)
def test_known_identifiers(sha1: str, identifier: str) -> None:
    assert image_id(sha1) == identifier
    assert f"{sha1_of_image_id(identifier):040x}" == sha1


@given(
    st.builds(
        ImageDescription, **{name: TEXTS for name in ImageDescription.__dataclass_fields__ if name != "locations"}
    )
)
def test_what_is_built_can_be_read(description: ImageDescription) -> None:
    document = build_entry(
        replace(description, locations=("http://a/b?c=d&e=f", "pdisk:x")), Content(7, {"sha1": SHA1})
    )
    (image,) = read_images([document])
    assert image.identifier == IDENTIFIER
    assert image.size == 7
    assert image.locations == ("http://a/b?c=d&e=f", "pdisk:x")
    names = {"author": "creator", "os_arch": "arch", "comment": "description"}
    for name in ImageDescription.__dataclass_fields__:
        if name != "locations":
            assert getattr(image, names.get(name, name)) == getattr(description, name), name
    entry = ElementTree.fromstring(document)
    assert [*problems_of(entry), *identifier_problems_of(entry)] == []


def test_an_entry_is_valid_for_half_a_year() -> None:
    (image,) = read_images([build_entry(ImageDescription(), Content(7, {"sha1": SHA1}), now=NOW)])
    assert (image.created, image.valid) == ("2026-06-01T10:00:00Z", "2026-11-30T10:00:00Z")


@pytest.mark.parametrize("checksum", ["", "abc", "g" * 40, SHA1 + "00", " ".join([SHA1[:20], SHA1[20:]])])
def test_an_entry_needs_a_checksum(checksum: str) -> None:
    with pytest.raises(InvalidMetadataError, match="is not a valid SHA-1 checksum: it has 40 hexadecimal digits"):
        build_entry(ImageDescription(), Content(7, {"sha1": checksum}))


def test_a_text_that_cannot_be_in_xml() -> None:
    with pytest.raises(InvalidMetadataError, match="it is not XML"):
        build_entry(ImageDescription(title="a\0b"), Content(7, {"sha1": SHA1}))


@pytest.mark.parametrize("ending", ["", ".gz", ".bz2"])
def test_the_content_of_an_image(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"an image.img{ending}"
    compress = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress}[ending]
    file.write_bytes(compress(IMAGE))
    seen: list[int] = []
    content = content_of(file, ["sha1", "sha512"], progress=seen.append)
    assert content.size == len(IMAGE)
    assert seen == [len(IMAGE)]
    assert content.checksums == {
        "sha1": hashlib.sha1(IMAGE).hexdigest(),
        "sha512": hashlib.sha512(IMAGE).hexdigest(),
    }
    assert compression_of(file) == ending[1:]


@pytest.mark.parametrize("ending", [".gz", ".bz2"])
@pytest.mark.parametrize(
    "content", [b"not compressed", gzip.compress(IMAGE, mtime=0)[:-9], bz2.compress(IMAGE)[:-9]], ids=["", "gz", "bz2"]
)
def test_an_image_that_is_damaged(tmp_path: Path, ending: str, content: bytes) -> None:
    file = tmp_path / f"a.img{ending}"
    file.write_bytes(content)
    with pytest.raises(OSError, match=r"."):
        content_of(file)


def test_an_image_is_not_held_in_memory(tmp_path: Path) -> None:
    file = tmp_path / "a.img.gz"
    with gzip.open(file, "wb", 1) as stream:
        for _ in range(64):
            stream.write(bytes(1 << 20))
    tracemalloc.start()
    assert content_of(file, ["md5"]).size == 64 << 20
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


def test_deprecating(signed: bytes) -> None:
    changed = deprecated(deprecated(signed, "first"), "a < b")
    (image,) = read_images([changed])
    assert image.deprecated == "a < b"
    assert changed.count(b"<slterms:deprecated>") == 1
    assert b"Signature" not in changed
    with pytest.raises(InvalidMetadataError, match="has characters that cannot be in XML"):
        deprecated(signed, "\0")


def test_a_place_is_added_once(signed: bytes) -> None:
    changed = located(located(signed, "https://a/b", "gz"), "https://a/b", "gz")
    (image,) = read_images([changed])
    assert image.locations == ("http://example.org/tiny.img", "https://a/b")
    assert changed.count(b"<slterms:compression>gz<") == 1
    assert b"slterms:compression" not in located(signed, "https://a/b", "")


@pytest.mark.parametrize(
    ("sample", "changes", "wanted"),
    [
        ("build-metadata.written.xml", {}, ("md5", "sha1", "sha256", "sha512")),
        ("build-metadata-gz.written.xml", {"compression": "gz", "locations": ()}, ("md5", "sha1", "sha256", "sha512")),
        ("build-metadata-v.written.xml", {"tag": "tiny", "disks_bus": "virtio", "format": "qcow2"}, ("sha1",)),
    ],
)
def test_what_is_written_is_what_the_tools_of_2014_wrote(
    real_samples: Path, sample: str, changes: dict[str, Any], wanted: tuple[str, ...]
) -> None:
    """Byte by byte, but for the validity, which was 178 days."""
    written = (real_samples / "commands" / sample).read_text()
    found = dict(re.findall(r"<slreq:algorithm>(.*)</slreq:algorithm>\s+<slreq:value>(.*)</slreq:value>", written))
    checksums = {name: found[label] for name, label in CHECKSUMS.items()}
    assert tuple(name for name, value in checksums.items() if value) == wanted
    created = re.search(r"<dcterms:created>(.*)</dcterms:created>", written)
    assert created
    now = time_of(created[1])
    description = ImageDescription(
        **{
            "author": "Jane",
            "os": "ttylinux",
            "os_version": "16",
            "os_arch": "x86_64",
            "version": "1.0",
            "title": "A title",
            "comment": "A comment",
            "locations": ("http://example.org/tiny.img",),
            **changes,
        }
    )
    built = build_entry(description, Content(100_000, {name: checksums[name] for name in wanted}), now=now).decode()
    valid = r"<dcterms:valid>.*</dcterms:valid>"
    assert re.sub(valid, "", built) == re.sub(valid, "", written)
