"""Certificates and private keys from files."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from stratuslab_libcloud.client.stratuslab.metadata.credentials import SigningCredentials
from stratuslab_libcloud.errors import ConfigurationError

PASSWORD = "p12 pässword"


def p12(credentials: SigningCredentials, password: str = PASSWORD) -> bytes:
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    assert isinstance(credentials.key, rsa.RSAPrivateKey)
    return pkcs12.serialize_key_and_certificates(b"jane", credentials.key, credentials.certificate, None, encryption)


def pem(credentials: SigningCredentials, password: str = "") -> tuple[bytes, bytes]:
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    key = credentials.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    return credentials.certificate.public_bytes(Encoding.PEM), key


@pytest.mark.parametrize("password", [PASSWORD, ""])
def test_a_pkcs12_file(tmp_path: Path, jane: SigningCredentials, password: str) -> None:
    file = tmp_path / "user cert.p12"
    file.write_bytes(p12(jane, password))
    loaded = SigningCredentials.from_pkcs12(file, password)
    assert loaded.certificate == jane.certificate
    assert (loaded.subject, loaded.issuer) == ("CN=Jane Builder,O=StratusLab,C=EU",) * 2
    assert loaded.email == "jane@example.org"


@pytest.mark.parametrize("password", ["", "of the key"])
def test_pem_files(tmp_path: Path, jane: SigningCredentials, password: str) -> None:
    certificate, key = tmp_path / "usercert.pem", tmp_path / "userkey.pem"
    for file, content in zip((certificate, key), pem(jane, password), strict=True):
        file.write_bytes(content)
    assert SigningCredentials.from_pem(certificate, key, password).certificate == jane.certificate


def test_one_pem_file_for_both(tmp_path: Path, jane: SigningCredentials) -> None:
    file = tmp_path / "both.pem"
    file.write_bytes(b"".join(pem(jane)))
    assert SigningCredentials.from_pem(file, file).certificate == jane.certificate


def test_the_private_key_is_in_no_representation(jane: SigningCredentials) -> None:
    assert "key" not in repr(jane)


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password(tmp_path: Path, jane: SigningCredentials, password: str) -> None:
    file = tmp_path / "a.p12"
    file.write_bytes(p12(jane))
    with pytest.raises(ConfigurationError, match=r"a\.p12 cannot be read: .*the password is wrong") as caught:
        SigningCredentials.from_pkcs12(file, password)
    assert caught.value.key == "p12_certificate"


def test_files_that_are_not_there_or_something_else(tmp_path: Path, jane: SigningCredentials) -> None:
    missing, wrong = tmp_path / "missing.p12", tmp_path / "wrong"
    wrong.write_text("neither a certificate nor a key")
    with pytest.raises(ConfigurationError, match=r"certificate file not found: .*missing\.p12"):
        SigningCredentials.from_pkcs12(missing)
    with pytest.raises(ConfigurationError, match="cannot be read: "):
        SigningCredentials.from_pkcs12(tmp_path)
    with pytest.raises(ConfigurationError, match="it is no PKCS#12 file"):
        SigningCredentials.from_pkcs12(wrong)
    with pytest.raises(ConfigurationError, match="wrong contains no certificate in PEM format"):
        SigningCredentials.from_pem(wrong, wrong)
    certificate = tmp_path / "usercert.pem"
    certificate.write_bytes(pem(jane)[0])
    with pytest.raises(ConfigurationError, match="wrong contains no private key in PEM format") as caught:
        SigningCredentials.from_pem(certificate, wrong)
    assert caught.value.key == "pem_key"


def test_a_key_of_another_certificate(tmp_path: Path, jane: SigningCredentials, mallory: SigningCredentials) -> None:
    certificate, key = tmp_path / "usercert.pem", tmp_path / "userkey.pem"
    certificate.write_bytes(pem(jane)[0])
    key.write_bytes(pem(mallory)[1])
    with pytest.raises(ConfigurationError, match=r"the private key in .*userkey\.pem is not that of the certificate"):
        SigningCredentials.from_pem(certificate, key)


def test_a_pkcs12_file_with_half_of_it(tmp_path: Path, jane: SigningCredentials) -> None:
    file = tmp_path / "a.p12"
    file.write_bytes(pkcs12.serialize_key_and_certificates(b"x", None, jane.certificate, None, NoEncryption()))
    with pytest.raises(ConfigurationError, match="there is no private key in"):
        SigningCredentials.from_pkcs12(file)


def test_a_kind_of_key_that_cannot_sign(tmp_path: Path, jane: SigningCredentials) -> None:
    certificate, key = tmp_path / "usercert.pem", tmp_path / "userkey.pem"
    certificate.write_bytes(pem(jane)[0])
    other = ed25519.Ed25519PrivateKey.generate()
    key.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ConfigurationError, match="is of a kind that cannot sign an entry"):
        SigningCredentials.from_pem(certificate, key)
