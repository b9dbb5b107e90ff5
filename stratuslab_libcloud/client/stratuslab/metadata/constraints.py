"""What an entry must be like.

The first ones are those that the Marketplace checks, in its order and its words (ValidateMetadataConstraints.java); the
others follow from the vocabulary, of which its tools have an XML Schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from xml.etree.ElementTree import Element

from stratuslab_libcloud.client.stratuslab.identifiers import is_email, is_image_id, is_time, sha1_of_image_id
from stratuslab_libcloud.client.stratuslab.metadata.rdf_syntax import is_resource, rdf_problems_of
from stratuslab_libcloud.client.stratuslab.vocabulary import BASE, DCTERMS, RDF, SLREQ, SLTERMS, XML

DATE = "%Y-%m-%dT%H:%M:%SZ"
"""How the Marketplace writes times, which are in UTC."""

_PREFIXES = {"dcterms": DCTERMS, "slreq": SLREQ, "slterms": SLTERMS}
_SINGLE_SLTERMS = ("serial-number", "version", "deprecated", "os", "os-arch", "os-version")
_SINGLE_DCTERMS = (
    *("title", "description", "alternative", "creator", "created", "publisher", "format", "compression", "valid"),
    *("isReplacedBy", "replaces", "isVersionOf"),
)
_LENGTHS = {"MD5": 32, "SHA-1": 40, "SHA-256": 64, "SHA-512": 128}
_NUMBERS = {"inbound-port": 65535, "outbound-port": 65535, "icmp": 255}


def problems_of(entry: Element) -> Iterator[str]:
    """What is wrong with an entry, one sentence each; nothing when nothing is.

    :param entry: the ``rdf:RDF`` element
    """
    if entry.get(f"{XML}base") != BASE:
        yield f"root element must have xml:base attribute with value {BASE}"
    descriptions = entry.findall(f"{RDF}Description")
    if len(descriptions) != 1:
        yield "document must have exactly 1 rdf:Description element"
        return
    (description,) = descriptions
    yield from _of_the_marketplace(description)
    yield from _of_the_vocabulary(description)
    yield from rdf_problems_of(description)


def identifier_problems_of(entry: Element) -> Iterator[str]:
    """What is wrong with the identifier of an entry: it must be that of the SHA-1 checksum.

    :param entry: the ``rdf:RDF`` element
    """
    description = entry.find(f"{RDF}Description")
    if description is None:
        return
    about, identifier = description.get(f"{RDF}about", ""), _text(description, "dcterms:identifier")
    if about != f"#{identifier}":
        yield f"rdf:about attribute ({about}) and dcterms:identifier ({identifier}) are not consistent"
    if not is_image_id(identifier):
        yield f"dcterms:identifier ({identifier}) is not 27 of the characters A-Z, a-z, 0-9, - and _"
        return
    for value in _sha1_values(description):
        try:
            checksum = int(value, 16)
        except ValueError:
            yield f"{value} is not a valid SHA-1 checksum"
            continue
        expected = sha1_of_image_id(identifier)
        if checksum != expected:
            yield f"checksum from identifier ({expected}) and SHA-1 checksum ({checksum}) are not consistent"


def time_of(text: str) -> datetime | None:
    """The moment that a text of an entry names, in UTC; None when it is not written as the Marketplace does it."""
    try:
        return datetime.strptime(f"{text}+0000", f"{DATE}%z") if is_time(text) else None
    except ValueError:
        return None


def _of_the_marketplace(description: Element) -> Iterator[str]:
    types = _all(description, "dcterms:type")
    if len(types) != 1:
        yield "description must have exactly 1 dcterms:type element"
    if any(len(element) for element in types):
        yield "dcterms:type cannot have child elements"
    if [_text(checksum, "slreq:algorithm") for checksum in _all(description, "slreq:checksum")].count("SHA-1") != 1:
        yield "description must have exactly 1 slterms:checksum element using SHA-1 algorithm"
    for term in _SINGLE_SLTERMS:
        if len(_all(description, f"slterms:{term}")) > 1:
            yield f"description must have at most 1 slterms:{term} element"
    for term in ("dcterms:valid", "slreq:endorsement/dcterms:created"):
        text = _text(description, term)
        if text and time_of(text) is None:
            yield f"{term.rpartition('/')[2]} value ({text}) is not a valid date"


def _of_the_vocabulary(description: Element) -> Iterator[str]:
    for term in ("dcterms:identifier", "slreq:bytes", "slreq:endorsement"):
        if len(_all(description, term)) != 1:
            yield f"description must have exactly 1 {term} element"
    for term in _SINGLE_DCTERMS:
        if len(_all(description, f"dcterms:{term}")) > 1:
            yield f"description must have at most 1 dcterms:{term} element"
    size, created = _text(description, "slreq:bytes"), _text(description, "dcterms:created")
    if size and not _is_number(size, None):
        yield f"slreq:bytes value ({size}) is not a number of bytes"
    if created and time_of(created) is None:
        yield f"dcterms:created value ({created}) is not a valid date"
    for term, largest in _NUMBERS.items():
        for element in _all(description, f"slterms:{term}"):
            if not _is_number(_own_text(element), largest):
                yield f"slterms:{term} value ({_own_text(element)}) is not a number from 0 to {largest}"
    serial_number = _text(description, "slterms:serial-number")
    if serial_number and not _is_number(serial_number, None):
        yield f"slterms:serial-number value ({serial_number}) is not a number"
    for path in ("slreq:checksum", "slreq:endorsement", "slreq:endorsement/slreq:endorser"):
        if any(not is_resource(element) for element in _all(description, path)):
            yield f"{path.rpartition('/')[2]} must have rdf:parseType attribute with value Resource"
    email = _text(description, "slreq:endorsement/slreq:endorser/slreq:email")
    if email and not is_email(email):
        yield f"slreq:email value ({email}) is not an e-mail address"
    for checksum in _all(description, "slreq:checksum"):
        yield from _checksum_problems(checksum)


def _checksum_problems(checksum: Element) -> Iterator[str]:
    algorithm, value = _text(checksum, "slreq:algorithm"), _text(checksum, "slreq:value")
    if [child.tag for child in checksum] != [f"{SLREQ}algorithm", f"{SLREQ}value"]:
        yield f"the checksum {algorithm} does not consist of slreq:algorithm and slreq:value, in this order"
    # The tools of 14.06 write an empty value for a checksum that was not wanted.
    elif value and not re.fullmatch(f"[0-9A-Fa-f]{{{_LENGTHS.get(algorithm, '1,')}}}", value):
        yield f"{value} is not a valid {algorithm} checksum"


def _sha1_values(description: Element) -> Iterator[str]:
    for checksum in _all(description, "slreq:checksum"):
        if _text(checksum, "slreq:algorithm") == "SHA-1":
            yield _text(checksum, "slreq:value")


def _all(element: Element, path: str) -> list[Element]:
    return element.findall(path, {prefix: uri.strip("{}") for prefix, uri in _PREFIXES.items()})


def _text(element: Element, path: str) -> str:
    """The whole text of the first element at a path; empty where there is none."""
    return next((_own_text(found) for found in _all(element, path)), "")


def _own_text(element: Element) -> str:
    return "".join(element.itertext())


def _is_number(text: str, largest: int | None) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19 and (largest is None or int(text) <= largest)
