"""What an entry must be like."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from stratuslab_libcloud.client.stratuslab.metadata.constraints import identifier_problems_of, problems_of, time_of

from .conftest import IDENTIFIER, SHA1

CHECKSUM = f"<slreq:algorithm>SHA-1</slreq:algorithm>\n            <slreq:value>{SHA1}</slreq:value>"
TYPE = 'rdf:parseType="Resource"'
RESOURCE = "rdf:parseType attribute with value Resource"
PLACE = '<slreq:endorsement rdf:parseType="Resource"/>'
ENDORSER = "<slreq:endorser{}><slreq:email>{}</slreq:email></slreq:endorser>"
ENDORSED = f"<slreq:endorsement {TYPE}>{ENDORSER}</slreq:endorsement>"
EXACTLY = "description must have exactly 1"
MOST = "description must have at most 1"


def problems(entry: bytes, old: str, new: str) -> list[str]:
    assert old.encode() in entry, old
    root = ElementTree.fromstring(entry.replace(old.encode(), new.encode()))
    return [*identifier_problems_of(root), *problems_of(root)]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            'xml:base="http://mp.stratuslab.eu/"',
            "",
            "root element must have xml:base attribute with value http://mp.stratuslab.eu/",
        ),
        ("<dcterms:type>base</dcterms:type>", "", f"{EXACTLY} dcterms:type element"),
        ("<dcterms:type>base<", "<dcterms:type>a</dcterms:type><dcterms:type>b<", f"{EXACTLY} dcterms:type element"),
        ("<dcterms:type>base<", "<dcterms:type><x/><", "dcterms:type cannot have child elements"),
        ("SHA-1", "SHA1", f"{EXACTLY} slterms:checksum element using SHA-1 algorithm"),
        ("MD5", "SHA-1", f"{EXACTLY} slterms:checksum element using SHA-1 algorithm"),
        *(
            ("</rdf:Description>", f"<slterms:{name}/>" * 2 + "</rdf:Description>", f"{MOST} slterms:{name} element")
            for name in ("os", "os-version", "os-arch", "version", "serial-number", "deprecated")
        ),
        *(
            ("</rdf:Description>", f"<dcterms:{name}/>" * 2 + "</rdf:Description>", f"{MOST} dcterms:{name} element")
            for name in ("title", "description", "alternative", "creator", "publisher", "format", "replaces")
        ),
        (
            f"#{IDENTIFIER}",
            f"#A{IDENTIFIER[1:]}",
            f"rdf:about attribute (#A{IDENTIFIER[1:]}) and dcterms:identifier ({IDENTIFIER}) are not consistent",
        ),
        (
            SHA1,
            SHA1[:-1] + "e",
            "checksum from identifier (1113827081651840475597112894378558741689028636415) "
            "and SHA-1 checksum (1113827081651840475597112894378558741689028636414) are not consistent",
        ),
        (SHA1, "x" * 40, f"{'x' * 40} is not a valid SHA-1 checksum"),
        (IDENTIFIER, "short", "dcterms:identifier (short) is not 27 of the characters A-Z, a-z, 0-9, - and _"),
        ("2026-11-30T10:00:00Z", "2026-11-30", "dcterms:valid value (2026-11-30) is not a valid date"),
        (
            "2026-11-30T10:00:00Z",
            "2026-11-31T10:00:00Z",
            "dcterms:valid value (2026-11-31T10:00:00Z) is not a valid date",
        ),
        ("2026-06-01T10:00:00Z", "yesterday", "dcterms:created value (yesterday) is not a valid date"),
        (
            '<slreq:endorsement rdf:parseType="Resource"/>',
            "<slreq:endorsement><dcterms:created>now</dcterms:created></slreq:endorsement>",
            "dcterms:created value (now) is not a valid date",
        ),
        ("<slreq:bytes>100</slreq:bytes>", "", f"{EXACTLY} slreq:bytes element"),
        ("<slreq:bytes>100<", "<slreq:bytes>-1<", "slreq:bytes value (-1) is not a number of bytes"),
        ('<slreq:endorsement rdf:parseType="Resource"/>', "", f"{EXACTLY} slreq:endorsement element"),
        ("0" * 32, "0" * 31, f"{'0' * 31} is not a valid MD5 checksum"),
        (
            CHECKSUM,
            f"<slreq:value>{SHA1}</slreq:value><slreq:algorithm>SHA-1</slreq:algorithm>",
            "the checksum SHA-1 does not consist of slreq:algorithm and slreq:value, in this order",
        ),
        *(
            (
                "</rdf:Description>",
                f"<slterms:{name}>{value}</slterms:{name}></rdf:Description>",
                f"slterms:{name} value ({value}) is not a number from 0 to {largest}",
            )
            for name, value, largest in (
                ("inbound-port", "65536", 65535),
                ("outbound-port", "x", 65535),
                ("icmp", "256", 255),
            )
        ),
        (
            "</rdf:Description>",
            "<slterms:serial-number>X</slterms:serial-number></rdf:Description>",
            "slterms:serial-number value (X) is not a number",
        ),
        *(
            (f'<slreq:{name} rdf:parseType="Resource"', f"<slreq:{name}", f"slreq:{name} must have {RESOURCE}")
            for name in ("checksum", "endorsement")
        ),
        (PLACE, ENDORSED.format(' x="y"', "a@b"), f"slreq:endorser must have {RESOURCE}"),
        (PLACE, ENDORSED.format(f" {TYPE}", "at.symbol"), "slreq:email value (at.symbol) is not an e-mail address"),
        *(
            ("</rdf:Description>", f"<x:y xmlns:x='urn:x'{content}</x:y></rdf:Description>", problem)
            for content, problem in (
                (">text<x:a/>", "y has both text and elements"),
                ("><x:a/>text", "y has both text and elements"),
                ("><x:a/><x:b/>", "y has several elements, and no rdf:parseType"),
                (" x:bad='BAD'>text", "y has text, and attributes that are statements as well"),
                (" rdf:resource='#a'>text", "y refers to something, and has content of its own"),
                (f" {TYPE}>text", "y has rdf:parseType, and text as well"),
                (f" {TYPE} x:z='a'><x:a/>", "y has rdf:parseType, and other attributes as well"),
                (f" {TYPE}><x:a><x:b/><x:c/></x:a>", "a has several elements, and no rdf:parseType"),
                ("><x:Node><x:a>text<x:b/></x:a></x:Node>", "a has both text and elements"),
            )
        ),
        ("rdf:Description", "rdf:Other", "document must have exactly 1 rdf:Description element"),
    ],
)
def test_what_is_wrong(entry: bytes, old: str, new: str, problem: str) -> None:
    assert problem in problems(entry, old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a", "a"),
        ("2026-11-30T10:00:00Z", ""),
        (f"<slreq:value>{'0' * 32}</slreq:value>", "<slreq:value></slreq:value>"),
        ("</rdf:Description>", "<slterms:inbound-port>0</slterms:inbound-port></rdf:Description>"),
        ("</rdf:Description>", "<x:y xmlns:x='urn:x'><dcterms:type/></x:y></rdf:Description>"),
        (SHA1, SHA1.upper()),
        (PLACE, ENDORSED.format(f" {TYPE}", "jane@example.org")),
        (PLACE, ENDORSED.format(' parseType="Resource"', "jane@example.org")),  # as a tool of 14.06 wrote it
        *(
            ("</rdf:Description>", f"<x:y xmlns:x='urn:x'{content}</rdf:Description>")
            for content in (
                "/>",
                ">text</x:y>",
                " rdf:datatype='urn:x'>1</x:y>",
                " xml:lang='en'>text</x:y>",
                " rdf:resource='#a'/>",
                " x:a='b'/>",
                "><x:Node><x:a>text</x:a><x:b/></x:Node></x:y>",
                f" {TYPE}><x:a>text</x:a><x:b/></x:y>",
                " rdf:parseType='Literal'>text<b/><i/></x:y>",
            )
        ),
    ],
)
def test_what_is_right(entry: bytes, old: str, new: str) -> None:
    assert problems(entry, old, new) == []


@pytest.mark.parametrize(
    "text", ["", "2026-11-30", "2026-11-30T10:00:00Z ", "2026-13-30T10:00:00Z", "\uff12026-11-30T10:00:00Z"]
)
def test_what_is_no_time(text: str) -> None:
    assert time_of(text) is None
