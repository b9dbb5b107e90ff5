"""Names in certificates, as Java writes them. The expected texts are those of `X500Principal.getName()`, Java 17."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from stratuslab_libcloud.client.stratuslab.metadata.names import email_of, rfc2253

from .conftest import JANE, issue


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ([(NameOID.COUNTRY_NAME, "EU"), (NameOID.COMMON_NAME, "Jane Tester")], "CN=Jane Tester,C=EU"),
        ([(NameOID.COMMON_NAME, 'a,b=c+d<e>f#g;h"i\\j')], 'CN=a\\,b\\=c\\+d\\<e\\>f\\#g\\;h\\"i\\\\j'),
        ([(NameOID.COMMON_NAME, " Jän  e ")], "CN=\\ Jän  e\\ "),
        ([(NameOID.COMMON_NAME, "   ")], "CN=\\ \\ \\ "),
        ([(NameOID.COMMON_NAME, "a\0b")], "CN=a\\00b"),
        ([(NameOID.EMAIL_ADDRESS, "a@b.c")], "1.2.840.113549.1.9.1=#160561406" + "22e63"),
        ([(NameOID.SURNAME, "S")], "2.5.4.4=#0c0153"),
        ([(NameOID.TITLE, "D" * 200)], "2.5.4.12=#0c81c8" + "44" * 200),
        (
            [
                (NameOID.DOMAIN_COMPONENT, "org"),
                (NameOID.USER_ID, "jane"),
                (NameOID.STREET_ADDRESS, "1 Street"),
                (NameOID.STATE_OR_PROVINCE_NAME, "S"),
                (NameOID.LOCALITY_NAME, "L"),
                (NameOID.ORGANIZATIONAL_UNIT_NAME, "U"),
            ],
            "OU=U,L=L,ST=S,STREET=1 Street,UID=jane,DC=org",
        ),
    ],
)
def test_a_name(attributes: list[tuple[x509.ObjectIdentifier, str]], text: str) -> None:
    assert rfc2253(x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])) == text


def test_parts_with_several_attributes() -> None:
    both = x509.RelativeDistinguishedName(
        [x509.NameAttribute(NameOID.COMMON_NAME, "Jane"), x509.NameAttribute(NameOID.USER_ID, "j")]
    )
    country = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COUNTRY_NAME, "EU")])
    assert rfc2253(x509.Name([country, both])) == "CN=Jane+UID=j,C=EU"


def test_the_first_address_in_a_certificate(rsa_key: rsa.RSAPrivateKey) -> None:
    assert email_of(issue(rsa_key, email="jane@example.org").certificate) == "jane@example.org"
    assert email_of(issue(rsa_key).certificate) is None
    only_in_the_name = [*JANE, x509.NameAttribute(NameOID.EMAIL_ADDRESS, "jane@example.org")]
    assert email_of(issue(rsa_key, only_in_the_name).certificate) is None
