"""Which credentials are chosen, and the error when there are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stratuslab_libcloud.config import Certificate, CloudConfig, Password, UserConfiguration
from stratuslab_libcloud.errors import ConfigurationError

Load = Callable[..., UserConfiguration]

PASSWORD = "username = jane\npassword = secret\n"
CERTIFICATE = "pem_certificate = /c/cert.pem\npem_key = /c/key.pem\n"
CERTIFICATE_FILES = Certificate(Path("/c/cert.pem"), Path("/c/key.pem"))


@pytest.fixture
def read(load: Load) -> Callable[[str], CloudConfig]:
    """Reads lines as a cloud whose endpoint is there already."""
    return lambda lines: load(f"[default]\nendpoint = cloud.example.org\n{lines}").cloud("default")


ReadLines = Callable[[str], CloudConfig]


def test_name_and_password(read: ReadLines) -> None:
    config = read(PASSWORD)

    assert config.compute.credentials == config.disks.credentials == Password("jane", "secret")
    assert config.marketplace.credentials is None
    assert config.compute.url == "https://cloud.example.org:2634/pswd/xmlrpc"
    assert config.disks.url == "https://cloud.example.org:8445/pswd"


def test_a_certificate(read: ReadLines) -> None:
    config = read(CERTIFICATE)

    assert config.compute.credentials == config.disks.credentials == CERTIFICATE_FILES
    assert config.compute.url == "https://cloud.example.org:2634/cert/xmlrpc"
    assert config.disks.url == "https://cloud.example.org:8445/cert"


def test_the_password_goes_first(read: ReadLines) -> None:
    assert read(PASSWORD + CERTIFICATE).compute.credentials == Password("jane", "secret")


def test_the_certificate_at_its_usual_place(read: ReadLines, clean_environment: Path) -> None:
    folder = clean_environment / ".globus"
    folder.mkdir()
    (folder / "usercert.pem").touch()

    assert read("").compute.credentials == Certificate(folder / "usercert.pem", folder / "userkey.pem")
    assert read("pem_key = /c/key.pem").compute.credentials == Certificate(folder / "usercert.pem", Path("/c/key.pem"))


def test_any_character(read: ReadLines) -> None:
    config = read('username = "jane doe" @Zürich\npassword = p%%w;"#:/\\ é\u00a0\n')

    assert config.compute.credentials == Password('"jane doe" @Zürich', 'p%w;"#:/\\ é\u00a0')


def test_a_name_with_a_colon_can_not_be_told_to_a_service(read: ReadLines) -> None:
    with pytest.raises(ConfigurationError, match=r"'username' in section 'default' .* must be a name without a colon"):
        read("username = jane:doe\npassword = secret\n")


def test_credentials_of_the_disk_service(read: ReadLines) -> None:
    config = read(PASSWORD + "pdisk_username = other\npdisk_password = word\n")

    assert config.compute.credentials == Password("jane", "secret")
    assert config.disks.credentials == Password("other", "word")


def test_half_of_the_disk_service_s_credentials_is_completed(read: ReadLines) -> None:
    assert read(PASSWORD + "pdisk_username = other").disks.credentials == Password("other", "secret")
    assert read(PASSWORD + "pdisk_password = word").disks.credentials == Password("jane", "word")


def test_a_password_for_disks_and_a_certificate_for_machines(read: ReadLines) -> None:
    config = read(CERTIFICATE + "pdisk_username = other\npdisk_password = word\n")

    assert config.compute.credentials == CERTIFICATE_FILES
    assert config.compute.url.endswith("/cert/xmlrpc")
    assert config.disks.credentials == Password("other", "word")
    assert config.disks.url.endswith("/pswd")


def test_no_credentials(read: ReadLines) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read("")

    message = str(caught.value)
    assert message.startswith("Section 'default' of <configuration> has no credentials")
    for way in ("username", "password", "pem_certificate", "pem_key", "~/.globus/usercert.pem", "proxy"):
        assert way in message


@pytest.mark.parametrize(
    ("lines", "there", "missing", "key"),
    [
        ("username = jane", "'username'", "no password", "password"),
        ("password = secret", "'password'", "no name", "username"),
        ("username = jane\npassword =", "'username'", "no password", "password"),
    ],
)
def test_half_of_the_credentials(read: ReadLines, lines: str, there: str, missing: str, key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(lines)

    assert there in str(caught.value)
    assert missing in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.key == key


def test_half_a_password_gives_way_to_a_certificate_that_is_named(read: ReadLines) -> None:
    assert read("username = jane\n" + CERTIFICATE).compute.credentials == CERTIFICATE_FILES


def test_no_endpoint(load: Load) -> None:
    with pytest.raises(ConfigurationError, match="Section 'default' of <configuration> has no 'endpoint'") as caught:
        load("[default]\n" + PASSWORD).cloud("default")
    assert caught.value.key == "endpoint"


def test_passwords_are_in_no_representation(load: Load) -> None:
    configuration = load(f"[default]\nendpoint = a\n{PASSWORD}", environ={"STRATUSLAB_PDISK_PASSWORD": "hidden"})

    for thing in (configuration, configuration.cloud("default")):
        assert "secret" not in repr(thing)
        assert "hidden" not in repr(thing)


@pytest.mark.parametrize("key", ["endpoint", "pdisk_endpoint", "marketplace_endpoint", "pat_service_host"])
@pytest.mark.parametrize("address", ["https://jane:secret@cloud/xmlrpc", "jane:secret@cloud", "a/jane:secret@ b"])
def test_a_password_in_an_address_is_refused_and_not_shown(read: ReadLines, key: str, address: str) -> None:
    with pytest.raises(ConfigurationError, match=f"'{key}'") as caught:
        read(f"{PASSWORD}port_translation = yes\n{key} = {address}")
    assert "secret" not in str(caught.value)
