"""What is a signature that holds, and what is not."""

from __future__ import annotations

import base64
import re

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from stratuslab_libcloud.client.stratuslab.metadata.credentials import SigningCredentials
from stratuslab_libcloud.client.stratuslab.metadata.document import EntryDocument
from stratuslab_libcloud.client.stratuslab.metadata.signature import verified
from stratuslab_libcloud.client.stratuslab.metadata.signing import sign_entry
from stratuslab_libcloud.client.stratuslab.vocabulary import SIGNATURE
from stratuslab_libcloud.errors import InvalidMetadataError

from .conftest import NOW

CHANGED = "the entry is not the one that was signed: it has been changed"


def refusal(content: bytes) -> str:
    """Why a signature does not hold."""
    with pytest.raises(InvalidMetadataError) as caught:
        verified(EntryDocument(content))
    return str(caught.value)


def changed(content: bytes, old: str, new: str) -> bytes:
    assert content.count(old.encode()) >= 1, old
    return content.replace(old.encode(), new.encode(), 1)


def test_what_is_signed_is_the_whole_document_without_its_signature(signed: bytes) -> None:
    signature = verified(EntryDocument(signed))
    assert (signature.method, signature.digest, signature.has_sha1) == ("rsa-sha1", "sha256", True)
    assert b"Signature" not in signature.entry
    assert b"<dcterms:title>A title</dcterms:title>" in signature.entry


def test_a_document_without_a_signature(entry: bytes) -> None:
    assert refusal(entry) == "no signature"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A title", "Another title"),
        ("<dcterms:title>A title", "<dcterms:title> A title"),
        ("2026-06-01T10:00:00Z", "2026-06-01T10:00:01Z"),
        ("jane@example.org", "john@example.org"),
        ("</rdf:Description>", "<slterms:os>x</slterms:os></rdf:Description>"),
        ("</rdf:Description>", "</rdf:Description>text"),
        ("</Signature>", "</Signature>text"),
        ("<rdf:Description", "<!---->text<rdf:Description"),
        ("<dcterms:alternative/>", ""),
        ("dcterms:title", "dcterms:titel"),
        ('xml:base="http://mp.stratuslab.eu/"', 'xml:base="http://mp.stratuslab.eu"'),
        ('rdf:about="#', 'rdf:about="'),
        ("<rdf:Description ", '<rdf:Description rdf:x="y" '),
        ("<slterms:os>", "<?pi?><slterms:os>"),
        ('xmlns:slreq="', 'xmlns:other="urn:x" xmlns:slreq="'),
    ],
)
def test_a_change_is_noticed(signed: bytes, old: str, new: str) -> None:
    text = signed.decode()
    both = text.replace(f"</{old}>", f"</{new}>")  # the end tag of an element with another name
    assert refusal(changed(both.encode(), old, new)) == CHANGED


def elements_of(content: bytes) -> list[etree._Element]:
    return list(etree.fromstring(content).iter(etree.Element))


def test_each_single_change_of_a_text_an_attribute_or_the_structure_is_noticed(signed: bytes) -> None:
    """Each element in turn: other text in it and after it, one attribute more or less or other, gone, doubled."""
    changes = (_text, _tail, _attribute_more, _attributes_fewer, _attribute_other, _gone, _doubled, _renamed)
    number_of_mutants, not_noticed = 0, []
    for index in range(len(elements_of(signed))):
        for change in changes:
            element = elements_of(signed)[index]
            root, what = element.getroottree(), f"{change.__name__} of {element.tag}"
            if not change(element):
                continue
            number_of_mutants += 1
            try:
                verified(EntryDocument(etree.tostring(root)))
            except InvalidMetadataError:
                continue
            not_noticed.append(what)
    assert number_of_mutants > 250
    assert not_noticed == []


def _text(element: etree._Element) -> bool:
    if _is_base64(element):
        element.text = "A" + (element.text or "")[1:] if not (element.text or "").startswith("A") else "B"
        return True
    element.text = (element.text or "") + "x"
    # Text between the elements of a signature says nothing; the schema of signatures has none there.
    return not element.tag.startswith(SIGNATURE) or element.tag == f"{SIGNATURE}SignedInfo"


def _tail(element: etree._Element) -> bool:
    if element.getparent() is None:
        return False
    element.tail = (element.tail or "") + "x"
    parent = element.getparent().tag
    return not parent.startswith(SIGNATURE) or parent == f"{SIGNATURE}SignedInfo"


def _is_base64(element: etree._Element) -> bool:
    return element.tag in {f"{SIGNATURE}{name}" for name in ("DigestValue", "SignatureValue", "X509Certificate")}


def _attribute_more(element: etree._Element) -> bool:
    element.set("more", "x")
    return not _is_outside_of_what_is_signed(element)


def _is_outside_of_what_is_signed(element: etree._Element) -> bool:
    names = ("Signature", "SignatureValue", "KeyInfo", "X509Data", "X509Certificate")
    return element.tag in {f"{SIGNATURE}{name}" for name in names}


def _attributes_fewer(element: etree._Element) -> bool:
    had = bool(element.attrib)
    element.attrib.clear()
    return had


def _attribute_other(element: etree._Element) -> bool:
    for name in element.attrib:
        element.set(name, element.attrib[name] + "x")
    return bool(element.attrib)


def _gone(element: etree._Element) -> bool:
    parent = element.getparent()
    if parent is None:
        return False
    parent.remove(element)
    return True


def _doubled(element: etree._Element) -> bool:
    parent = element.getparent()
    if parent is None:
        return False
    parent.insert(parent.index(element), etree.fromstring(etree.tostring(element, with_tail=False)))
    return True


def _renamed(element: etree._Element) -> bool:
    if element.getparent() is None:
        return False
    element.tag += "x"
    return True


@given(st.data())
def test_no_changed_byte_gives_another_entry(signed: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(signed) - 1))
    byte = data.draw(st.integers(32, 126))
    mutant = bytearray(signed)
    mutant[position] = byte
    try:
        signature = verified(EntryDocument(bytes(mutant)))
    except InvalidMetadataError:
        return
    # A change of what is not content may pass, such as a space in a tag; then the entry is what it was.
    assert signature.entry == verified(EntryDocument(signed)).entry


def test_a_comment_is_not_signed_and_hides_nothing(signed: bytes) -> None:
    commented = changed(signed, "A title", "A<!-- a comment --> title")
    assert verified(EntryDocument(commented)).entry == verified(EntryDocument(signed)).entry


# Attacks on XML signatures


def test_another_key_with_the_same_names(signed: bytes, entry: bytes, mallory: SigningCredentials) -> None:
    """The certificate is exchanged for one that says the same."""
    other = sign_entry(entry, mallory, now=NOW)
    pattern = rb"<X509Certificate>.*?</X509Certificate>"
    certificate = re.search(pattern, other, re.DOTALL)
    assert certificate
    mixed = re.sub(pattern, certificate[0], signed, flags=re.DOTALL)
    assert refusal(mixed) == "the signature is not that of the certificate's key"


def test_two_certificates(signed: bytes, entry: bytes, mallory: SigningCredentials) -> None:
    """The Marketplace takes the names from the first, and the key from the last one."""
    other = sign_entry(entry, mallory, now=NOW)
    pattern = rb"<X509Certificate>.*?</X509Certificate>"
    victims = re.search(pattern, signed, re.DOTALL)
    assert victims
    both = re.sub(pattern, lambda own: victims[0] + own[0], other, flags=re.DOTALL)
    assert refusal(both) == "X509Data of the signature does not consist of X509Certificate"


def test_a_signed_entry_inside_of_another_one(signed: bytes) -> None:
    """Signature wrapping: what is signed is kept somewhere, and something else is put in its place."""
    inner = signed.partition(b"?>")[2]
    description = inner.partition(b"<rdf:Description")[0] + b"<rdf:Description><dcterms:title>Evil</dcterms:title>"
    assert refusal(description + inner + b"</rdf:Description></rdf:RDF>").startswith(
        "the signature is not in its place"
    )


def test_a_second_description_in_front(signed: bytes) -> None:
    evil = "<rdf:Description><dcterms:title>Evil</dcterms:title></rdf:Description><rdf:Description "
    assert refusal(changed(signed, "<rdf:Description ", evil)).endswith("it has been changed")


@pytest.mark.parametrize("where", ["before", "inside"])
def test_two_signatures(signed: bytes, where: str) -> None:
    empty = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>'
    old = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#">' if where == "before" else "</rdf:Description>"
    assert refusal(changed(signed, old, empty + old)) == "there are 2 signatures, and there may be only one"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('URI=""', 'URI="#x"', "the signature is not of the whole document"),
        ('URI=""', 'URI="" Type="x"', "the signature is not of the whole document"),
        ('<Reference URI="">', '<Reference URI=""/><Reference URI="">', "SignedInfo of the signature does not consist"),
        (
            "<Transforms>",
            '<Transforms><Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>',
            "Transforms of the signature does not consist of Transform",
        ),
        (
            "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
            "http://www.w3.org/TR/1999/REC-xpath-19991116",
            "the Transform 'http://www.w3.org/TR/1999/REC-xpath-19991116' is not one that is accepted",
        ),
        (
            "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
            "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
            "the SignatureMethod 'http://www.w3.org/2000/09/xmldsig#hmac-sha1' is not one that is accepted",
        ),
        (
            "http://www.w3.org/2001/04/xmlenc#sha256",
            "http://www.w3.org/2001/04/xmldsig-more#md5",
            "the DigestMethod 'http://www.w3.org/2001/04/xmldsig-more#md5' is not one that is accepted",
        ),
        (
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
            "http://www.w3.org/2001/10/xml-exc-c14n#",
            "the CanonicalizationMethod 'http://www.w3.org/2001/10/xml-exc-c14n#' is not one that is accepted",
        ),
        (
            'rsa-sha1"/>',
            'rsa-sha1"><HMACOutputLength>8</HMACOutputLength></SignatureMethod>',
            "the SignatureMethod has parameters",
        ),
        (
            "<KeyInfo><X509Data>",
            "<KeyInfo><KeyValue/><X509Data>",
            "KeyInfo of the signature does not consist of X509Data",
        ),
        ("</KeyInfo>", "</KeyInfo><Object/>", "Signature of the signature does not consist of"),
        ("<X509Certificate>MII", "<X509Certificate>AII", "the certificate of the signature cannot be read"),
        ("<SignatureValue>", "<SignatureValue>!", "the SignatureValue of the signature cannot be read"),
        ("<DigestValue>", "<DigestValue><x/>", "the DigestValue of the signature cannot be read"),
    ],
)
def test_another_form_of_a_signature(signed: bytes, old: str, new: str, reason: str) -> None:
    assert reason in refusal(changed(signed, old, new))


def test_a_signature_without_signed_info(signed: bytes) -> None:
    without = re.sub(rb"<SignedInfo>.*</SignedInfo>", b"", signed)
    assert refusal(without) == "the signature has no SignedInfo"


def with_certificate(signed: bytes, certificate: bytes) -> bytes:
    text = base64.b64encode(certificate)
    return re.sub(rb"(<X509Certificate>).*?(<)", lambda m: m[1] + text + m[2], signed, flags=re.DOTALL)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"EU", b"E\xff", "the certificate of the signature cannot be read: "),
        (b"260101", b"250101", "the certificate of the signature is not signed by itself, as it says"),
    ],
)
def test_a_certificate_that_was_changed(
    signed: bytes, jane: SigningCredentials, old: bytes, new: bytes, reason: str
) -> None:
    certificate = jane.certificate.public_bytes(Encoding.DER)
    assert old in certificate
    assert refusal(with_certificate(signed, certificate.replace(old, new, 1))).startswith(reason)


def test_a_key_of_another_kind_than_the_method(signed: bytes) -> None:
    mutant = changed(signed, "xmldsig#rsa-sha1", "xmldsig#dsa-sha1")
    assert refusal(mutant) == "the signature is not that of the certificate's key"


@pytest.mark.parametrize(
    "prolog",
    [
        b'<!DOCTYPE x [<!ENTITY e "x">]>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd">',
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        b'<!DOCTYPE rdf:RDF [<!ATTLIST rdf:Description rdf:about CDATA "#evil">]>',
    ],
)
def test_a_document_type(signed: bytes, prolog: bytes) -> None:
    _, _, rest = signed.partition(b"?>")
    with pytest.raises(InvalidMetadataError, match="it has a document type"):
        EntryDocument(prolog + rest)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is not XML"),
        (b"not XML", "it is not XML"),
        (b"<a>&undefined;</a>", "it is not XML"),
        (b"<a/>", "it begins with 'a', and an entry begins with rdf:RDF"),
        (b"<metadata/>", "there are 0 entries in the document; one is needed"),
        (b"<a>" * 1000, "it is not XML"),
        (b" " * (1 << 22), "it is longer than"),
        (b'<?xml version="1.0" encoding="no-such-thing"?><a/>', "it is not XML"),
    ],
)
def test_what_is_no_entry(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidMetadataError, match=reason):
        EntryDocument(content)


def test_what_has_no_canonical_form(signed: bytes) -> None:
    relative = changed(signed, 'xmlns:slreq="http://', 'xmlns:x="relative" xmlns:slreq="http://')
    assert refusal(relative) == "it has no canonical form: a namespace in it is not an absolute URI"


def test_an_entry_out_of_a_listing(signed: bytes) -> None:
    inner = signed.partition(b"?>")[2]
    listing = b"<metadata>\n" + inner + b"\n</metadata>"
    assert verified(EntryDocument(listing)).entry == verified(EntryDocument(signed)).entry
    with pytest.raises(InvalidMetadataError, match="there are 2 entries in the document"):
        EntryDocument(b"<metadata>" + inner + inner + b"</metadata>")
