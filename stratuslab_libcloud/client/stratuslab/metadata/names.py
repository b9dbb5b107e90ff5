"""The names in certificates, as the Marketplace writes and compares them: RFC 2253, in the form that Java gives it.

``X500Principal.getName()`` knows nine kinds of attributes by a word. It writes the others with their numbers and the
encoded value, an e-mail address for example: ``1.2.840.113549.1.9.1=#1610...``.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID

_WORDS = {
    NameOID.COMMON_NAME: "CN",
    NameOID.COUNTRY_NAME: "C",
    NameOID.LOCALITY_NAME: "L",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.STREET_ADDRESS: "STREET",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.DOMAIN_COMPONENT: "DC",
    NameOID.USER_ID: "UID",
}
_ESCAPED = frozenset(',=+<>#;"\\')


def rfc2253(name: x509.Name) -> str:
    """A subject or an issuer, the most specific part first."""
    return ",".join("+".join(_attribute(attribute) for attribute in rdn) for rdn in reversed(name.rdns))


def email_of(certificate: x509.Certificate) -> str | None:
    """The first e-mail address among the alternative names of the subject; None where there is none."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return None
    return next(iter(names.get_values_for_type(x509.RFC822Name)), None)


def _attribute(attribute: x509.NameAttribute[str | bytes]) -> str:
    word = _WORDS.get(attribute.oid)
    if word is None or isinstance(attribute.value, bytes):
        return f"{word or attribute.oid.dotted_string}=#{_encoded_value(attribute).hex()}"
    return f"{word}={_escaped(attribute.value)}"


def _escaped(value: str) -> str:
    text = "".join("\\00" if char == "\0" else f"\\{char}" if char in _ESCAPED else char for char in value)
    inner = text.strip(" \r")
    start = len(text) - len(text.lstrip(" \r"))
    if not inner:
        return "".join(f"\\{char}" for char in text)
    before, after = text[:start], text[start + len(inner) :]
    return "".join(f"\\{char}" for char in before) + inner + "".join(f"\\{char}" for char in after)


def _encoded_value(attribute: x509.NameAttribute[str | bytes]) -> bytes:
    """The DER of an attribute's value: what follows the number in the only attribute of a name."""
    encoded = x509.Name([attribute]).public_bytes()
    for _ in ("name", "relative name", "attribute"):
        start, _end = _content(encoded)
        encoded = encoded[start:]
    _start, end = _content(encoded)
    return encoded[end:]


def _content(der: bytes) -> tuple[int, int]:
    """Where the content of the first element begins and ends."""
    length, start = der[1], 2
    if length > 0x7F:
        digits = length - 0x80
        length = int.from_bytes(der[start : start + digits], "big")
        start += digits
    return start, start + length
