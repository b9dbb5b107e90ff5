"""Files of a client certificate: checked before a request is made with them."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from stratuslab_libcloud.config import Certificate, Password
from stratuslab_libcloud.config.certificates import _validity
from stratuslab_libcloud.config.credentials import check_credentials
from stratuslab_libcloud.errors import ConfigurationError

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
NOW = datetime.now(timezone.utc)
DAY = timedelta(days=1)
KEY = ec.generate_private_key(ec.SECP256R1())
OPEN = serialization.NoEncryption()
LOCKED = serialization.BestAvailableEncryption(b"passphrase")


def certificate(key: Key = KEY, begin: datetime = NOW - DAY, end: datetime = NOW + DAY) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Jane " * 10)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    return builder.not_valid_before(begin).not_valid_after(end).sign(key, hashes.SHA256())


def pem(thing: x509.Certificate | Key, encryption: serialization.KeySerializationEncryption = OPEN) -> bytes:
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(serialization.Encoding.PEM)
    return thing.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


@pytest.fixture
def files(tmp_path: Path) -> Certificate:
    """A good pair."""
    pair = Certificate(tmp_path / "cert.pem", tmp_path / "key.pem")
    pair.certificate.write_bytes(pem(certificate()))
    pair.key.touch(mode=0o600)
    pair.key.write_bytes(pem(KEY))
    return pair


def problem_of(files: Certificate) -> str:
    with pytest.raises(ConfigurationError) as caught:
        check_credentials(files, "lal")
    assert str(caught.value).startswith("The client certificate for location 'lal' cannot be used: ")
    assert caught.value.section == "lal"
    assert caught.value.key in ("pem_certificate", "pem_key")
    return str(caught.value)


def test_a_good_pair(files: Certificate, caplog: pytest.LogCaptureFixture) -> None:
    check_credentials(files)
    check_credentials(files, "lal")

    assert not caplog.records


def test_an_rsa_pair_in_the_older_format_with_text_around(files: Certificate) -> None:
    key = rsa.generate_private_key(65537, 2048)
    older = serialization.PrivateFormat.TraditionalOpenSSL
    files.key.write_bytes(b"Bag Attributes\n" + key.private_bytes(serialization.Encoding.PEM, older, OPEN))
    files.certificate.write_bytes("subject=/CN=Zoë\n".encode("latin-1") + pem(certificate(key)))

    check_credentials(files)


def test_a_proxy_certificate_is_one_file(tmp_path: Path) -> None:
    proxy = tmp_path / "x509up_u1000"
    proxy.touch(mode=0o600)
    proxy.write_bytes(pem(certificate()) + pem(KEY) + pem(certificate(end=NOW - DAY / 2)))

    check_credentials(Certificate(proxy, proxy))


def test_a_password_has_no_files() -> None:
    check_credentials(Password("jane", "secret"))


def test_missing_files(files: Certificate) -> None:
    files.key.unlink()
    assert f"there is no file {files.key} ('pem_key'); for a proxy certificate" in problem_of(files)
    files.certificate.unlink()
    assert f"there is no file {files.certificate} ('pem_certificate')" in problem_of(files)


def test_a_file_that_can_not_be_read(files: Certificate) -> None:
    files.key.unlink()
    files.key.mkdir()

    assert f"{files.key} ('pem_key') cannot be read: Is a directory" in problem_of(files)


def test_a_p12_file(files: Certificate) -> None:
    files.certificate.write_bytes(
        pkcs12.serialize_key_and_certificates(b"jane", KEY, certificate(), None, encryption_algorithm=OPEN)
    )

    assert "no certificate in PEM format; if it is a .p12 file, 'openssl pkcs12" in problem_of(files)


def test_no_key_in_the_key_file(files: Certificate) -> None:
    files.key.write_bytes(files.certificate.read_bytes())

    assert f"{files.key} contains no private key in PEM format" in problem_of(files)


@pytest.mark.parametrize("form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL])
def test_a_key_with_a_passphrase(files: Certificate, form: serialization.PrivateFormat) -> None:
    files.key.write_bytes(KEY.private_bytes(serialization.Encoding.PEM, form, LOCKED))

    problem = problem_of(files)
    assert f"{files.key} is encrypted with a passphrase" in problem
    assert f"openssl pkey -in {files.key} -out COPY" in problem


def test_a_key_of_another_certificate(files: Certificate) -> None:
    files.key.write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))

    assert "do not belong together" in problem_of(files)


def test_damaged_files(files: Certificate) -> None:
    files.certificate.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")

    assert "do not belong together" in problem_of(files)


def test_an_expired_certificate(files: Certificate) -> None:
    end = datetime(2014, 6, 30, 12, 5, tzinfo=timezone.utc)
    files.certificate.write_bytes(pem(certificate(begin=end - DAY, end=end)))

    assert f"{files.certificate} expired on 2014-06-30 at 12:05 UTC; renew it" in problem_of(files)


def test_a_certificate_of_the_future(files: Certificate) -> None:
    files.certificate.write_bytes(pem(certificate(begin=NOW + DAY / 2)))

    assert f"{files.certificate} is not valid before" in problem_of(files)
    assert "check the clock" in problem_of(files)


def test_a_key_that_others_can_read(files: Certificate, caplog: pytest.LogCaptureFixture) -> None:
    files.key.chmod(0o640)

    with caplog.at_level(logging.WARNING, "stratuslab_libcloud"):
        check_credentials(files)
        check_credentials(files)

    assert [record.getMessage() for record in caplog.records] == [
        f"Other users can read the private key {files.key}; 'chmod 600' protects it"
    ]


DATES = st.datetimes(datetime(1950, 1, 1), datetime(9999, 12, 31)).map(
    lambda date: date.replace(microsecond=0, tzinfo=timezone.utc)
)


@given(st.tuples(DATES, DATES).map(sorted))
def test_dates_are_read_as_cryptography_writes_them(dates: list[datetime]) -> None:
    begin, end = dates
    der = certificate(begin=begin, end=end).public_bytes(serialization.Encoding.DER)

    assert _validity(der) == (begin, end)
