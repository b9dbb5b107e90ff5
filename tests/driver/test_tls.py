"""TLS and certificates: the sandbox's own authority, users who come with a certificate, and what can be wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import libcloud.security
import pytest

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.errors import (
    ConfigurationError,
    RequestRejectedError,
    ServiceUnavailableError,
    StratusLabError,
)
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox


@pytest.fixture(scope="module")
def secure() -> Iterator[Sandbox]:
    """A cloud that speaks TLS."""
    with Sandbox(tls=True, boot_seconds=0, guests=False) as sandbox:
        yield sandbox


@pytest.fixture
def driver_with(secure: Sandbox, tmp_path: Path, key_file: Path) -> Callable[..., StratusLabNodeDriver]:
    """Makes drivers for the secure cloud; takes what `write_config` takes."""

    def make(**keys: object) -> StratusLabNodeDriver:
        secure.requests.clear()
        config = secure.write_config(tmp_path / "tls.cfg", public_key_file=key_file, **keys)  # type: ignore[arg-type]
        return StratusLabNodeDriver(stratuslab_user_config=config, timeout=5)

    return make


DriverWith = Callable[..., StratusLabNodeDriver]


def use_all(driver: StratusLabNodeDriver) -> None:
    image = next(image for image in driver.list_images() if image.name == "ttylinux")
    node = driver.create_node("n", None, image)
    assert node.id in [found.id for found in driver.list_nodes()]
    volume = driver.create_volume(1, "v")
    driver.attach_volume(node, volume)
    driver.detach_volume(volume)
    driver.destroy_volume(volume)
    driver.destroy_node(node)


def test_everything_works_over_tls(driver_with: DriverWith, secure: Sandbox) -> None:
    use_all(driver_with())
    assert {request.user for request in secure.requests} <= {"alice", ""}


def test_one_tls_connection_serves_many_calls(driver_with: DriverWith, secure: Sandbox) -> None:
    driver = driver_with()
    for _ in range(20):
        driver.list_nodes()
    assert secure.requests.connections == 1


def test_everything_works_with_a_certificate(driver_with: DriverWith, secure: Sandbox) -> None:
    use_all(driver_with(certificate=secure.issue_certificate("Jane Tester")))
    paths = {request.path for request in secure.requests if request.service in ("compute", "disks")}
    assert all("/cert/" in path for path in paths)
    (user,) = {request.user for request in secure.requests} - {""}
    assert "Jane Tester" in user


def test_a_proxy_certificate_is_its_owner(driver_with: DriverWith, secure: Sandbox) -> None:
    files = secure.issue_certificate("Joe Grid", proxy=True)
    assert files.certificate == files.key
    driver = driver_with(certificate=files)
    assert driver.list_nodes() == []
    (user,) = {request.user for request in secure.requests}
    assert "Joe Grid" in user
    assert "CN=proxy" not in user


def test_a_password_comes_before_a_certificate(driver_with: DriverWith, secure: Sandbox) -> None:
    files = secure.issue_certificate("Both")
    driver = driver_with(pem_certificate=str(files.certificate), pem_key=str(files.key))
    driver.list_nodes()
    assert [request.user for request in secure.requests] == ["alice"]
    assert "/pswd/" in secure.requests[0].path


def test_certificates_are_verified_by_default(driver_with: DriverWith) -> None:
    driver = driver_with(tls_ca_bundle="")
    for ask in (driver.list_nodes, driver.list_images, driver.list_volumes):
        with pytest.raises(ServiceUnavailableError, match=r"certificate is not trusted.*set tls_ca_bundle"):
            ask()


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_verification_can_be_turned_off_for_a_section_with_one_warning(
    driver_with: DriverWith, caplog: pytest.LogCaptureFixture
) -> None:
    driver = driver_with(tls_ca_bundle="", tls_verify="false")
    with caplog.at_level(logging.WARNING, logger="stratuslab_libcloud"):
        driver.list_nodes()
        driver.list_nodes()
        driver.list_volumes()
    assert [record.getMessage().partition(" (")[0] for record in caplog.records] == [
        "The TLS certificates of location 'default' are not verified"
    ]


def test_libclouds_settings_hold_where_the_section_says_nothing(
    driver_with: DriverWith, secure: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = driver_with(tls_ca_bundle="")
    monkeypatch.setattr(libcloud.security, "CA_CERTS_PATH", str(secure.ca_file))
    assert driver.list_nodes() == []


def test_an_expired_certificate_is_named_before_anything_is_sent(driver_with: DriverWith, secure: Sandbox) -> None:
    files = secure.issue_certificate("Too Late", expired=True)
    with pytest.raises(ConfigurationError, match="expired") as caught:
        driver_with(certificate=files).list_nodes()
    assert str(files.certificate) in str(caught.value)
    assert len(secure.requests) == 0


def test_a_locked_key_is_named_and_nobody_is_asked_for_a_passphrase(driver_with: DriverWith, secure: Sandbox) -> None:
    files = secure.issue_certificate("Careful", passphrase="open sesame")
    with pytest.raises(ConfigurationError, match="passphrase") as caught:
        driver_with(certificate=files).list_nodes()
    assert str(files.key) in str(caught.value)
    assert "sesame" not in str(caught.value)


def test_a_missing_certificate_is_named(driver_with: DriverWith, tmp_path: Path, secure: Sandbox) -> None:
    files = secure.issue_certificate("Lost")
    files.key.unlink()
    with pytest.raises(ConfigurationError, match="there is no file") as caught:
        driver_with(certificate=files).list_nodes()
    assert str(files.key) in str(caught.value)


def test_somebody_elses_certificate_is_refused(driver_with: DriverWith, secure: Sandbox) -> None:
    with Sandbox(tls=True) as other:
        files = other.issue_certificate("Stranger")
        with pytest.raises(StratusLabError, match="location 'default'"):
            driver_with(certificate=files).list_nodes()


def test_a_handshake_that_breaks_off_is_tried_again(driver_with: DriverWith, secure: Sandbox) -> None:
    driver = driver_with()
    driver.list_nodes()
    driver.ex_close()  # also the connections that other drivers have left
    with secure.faults.during(Fault(FaultKind.TLS, count=2)):
        assert driver.list_nodes() == []


def test_a_handshake_that_always_breaks_off_is_unavailable(driver_with: DriverWith, secure: Sandbox) -> None:
    driver = driver_with()
    driver.list_nodes()
    driver.ex_close()  # also the connections that other drivers have left
    with secure.faults.during(Fault(FaultKind.TLS)), pytest.raises(ServiceUnavailableError, match="compute service"):
        driver.list_nodes()


def test_a_plain_service_is_not_taken_for_a_secure_one(sandbox: Sandbox, tmp_path: Path) -> None:
    config = sandbox.write_config(tmp_path / "x.cfg", endpoint=sandbox.compute_url.replace("http:", "https:"))
    driver = StratusLabNodeDriver(stratuslab_user_config=config, timeout=3)
    with pytest.raises(RequestRejectedError, match="does not speak TLS: write its URL with http://"):
        driver.list_nodes()


def test_a_bundle_without_a_certificate_is_named_at_once(
    driver_with: DriverWith, tmp_path: Path, secure: Sandbox
) -> None:
    bundle = tmp_path / "empty.pem"
    bundle.write_text("no certificate\n")
    with pytest.raises(ConfigurationError, match=r"empty\.pem, named by tls_ca_bundle .* contains no certificate"):
        driver_with(tls_ca_bundle=str(bundle)).list_nodes()
    assert len(secure.requests) == 0
