"""The names of certificates as Java writes them (``X500Principal.getName()``), which entries have to repeat."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID

_KEYWORDS = {
    NameOID.COMMON_NAME.dotted_string: "CN",
    NameOID.COUNTRY_NAME.dotted_string: "C",
    NameOID.LOCALITY_NAME.dotted_string: "L",
    NameOID.STATE_OR_PROVINCE_NAME.dotted_string: "ST",
    NameOID.STREET_ADDRESS.dotted_string: "STREET",
    NameOID.ORGANIZATION_NAME.dotted_string: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME.dotted_string: "OU",
    NameOID.DOMAIN_COMPONENT.dotted_string: "DC",
    NameOID.USER_ID.dotted_string: "UID",
}


def rfc2253(name: x509.Name) -> str:
    """A name, the last part first; what Java has no word for has its value in hexadecimal."""
    return ",".join("+".join(map(_text, part)) for part in reversed(name.rdns))


def _text(attribute: x509.NameAttribute[str | bytes]) -> str:
    number, value = attribute.oid.dotted_string, attribute.value
    if number not in _KEYWORDS or isinstance(value, bytes):
        return f"{number}=#{_encoding(attribute).hex()}"
    escaped = "".join(f"\\{char}" if char in ',=+<>#;"\\' else char for char in value)
    leading, trailing = len(escaped) - len(escaped.lstrip(" ")), len(escaped.rstrip(" "))
    spaces = [index for index, char in enumerate(escaped) if char == " " and not leading <= index < trailing]
    return f"{_KEYWORDS[number]}=" + "".join(f"\\{c}" if i in spaces else c for i, c in enumerate(escaped))


def _encoding(attribute: x509.NameAttribute[str | bytes]) -> bytes:
    """The value in DER: the end of the encoding of a name that has nothing else."""
    whole, number = x509.Name([attribute]).public_bytes(), _number(attribute.oid)
    return whole[whole.index(number) + len(number) :]


def _number(oid: x509.ObjectIdentifier) -> bytes:
    """The number of an attribute in DER."""
    first, second, *rest = (int(arc) for arc in oid.dotted_string.split("."))
    content = bytes([40 * first + second])
    for arc in rest:
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.insert(0, 0x80 | arc & 0x7F)
        content += bytes(septets)
    return bytes([6, len(content)]) + content
