"""Which value is used: argument, environment, section, [default], built-in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stratuslab_libcloud.config import CloudConfig, Password, UserConfiguration
from stratuslab_libcloud.config.keys import VARIABLES
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError

Load = Callable[..., UserConfiguration]
ReadCloud = Callable[..., CloudConfig]

TWO_CLOUDS = """
[default]
selected_section = a
username = shared-name
password = shared-password
[a]
endpoint = a.example.org
[b]
endpoint = b.example.org
username = b-name
password = b-password
"""


def shown(config: CloudConfig) -> tuple[str, str]:
    credentials = config.compute.credentials
    assert isinstance(credentials, Password)
    return credentials.username, credentials.password


def test_the_section_goes_before_default(load: Load) -> None:
    configuration = load(TWO_CLOUDS)

    assert shown(configuration.cloud("a")) == ("shared-name", "shared-password")
    assert shown(configuration.cloud("b")) == ("b-name", "b-password")


def test_the_environment_goes_before_the_section(load: Load) -> None:
    environ = {"STRATUSLAB_USERNAME": "env-name", "STRATUSLAB_PASSWORD": "env-password"}

    assert shown(load(TWO_CLOUDS, environ=environ, default_location="b").cloud("b")) == ("env-name", "env-password")


def test_the_environment_speaks_of_the_default_location_only(load: Load) -> None:
    environ = dict.fromkeys(VARIABLES.values(), "env.example.org")
    environ.update(STRATUSLAB_PDISK_PORT="1", STRATUSLAB_PDISK_PROTOCOL="http", STRATUSLAB_KEY="/env.pub")
    plain = load(TWO_CLOUDS).cloud("b")

    other = load(TWO_CLOUDS, environ=environ).cloud("b")

    assert (other.compute, other.disks, other.marketplace) == (plain.compute, plain.disks, plain.marketplace)


def test_the_public_key_of_the_environment_is_for_all(load: Load) -> None:
    configuration = load(TWO_CLOUDS + "user_public_key_file = /file.pub\n", environ={"STRATUSLAB_KEY": "/env.pub"})

    assert configuration.cloud("a").public_key_file == Path("/env.pub")
    assert configuration.cloud("b").public_key_file == Path("/env.pub")
    assert configuration.cloud("b").private_key_file == Path("/env")


@pytest.mark.parametrize(
    ("variable", "value", "read"),
    [
        ("STRATUSLAB_ENDPOINT", "env.example.org", lambda config: config.compute.url.split("/")[2].split(":")[0]),
        ("STRATUSLAB_USERNAME", "env-name", lambda config: config.compute.credentials.username),
        ("STRATUSLAB_PASSWORD", "env-word", lambda config: config.compute.credentials.password),
        ("STRATUSLAB_PDISK_ENDPOINT", "env.example.org", lambda config: config.disks_source),
        ("STRATUSLAB_PDISK_PROTOCOL", "http", lambda config: config.disks.url.split(":")[0]),
        ("STRATUSLAB_PDISK_PORT", "81", lambda config: config.disks.url.split(":")[2].split("/")[0]),
        ("STRATUSLAB_PDISK_USERNAME", "env-name", lambda config: config.disks.credentials.username),
        ("STRATUSLAB_PDISK_PASSWORD", "env-word", lambda config: config.disks.credentials.password),
        ("STRATUSLAB_MARKETPLACE_ENDPOINT", "https://m.org", lambda config: config.marketplace.url),
        ("STRATUSLAB_KEY", "/env.pub", lambda config: str(config.public_key_file)),
    ],
)
def test_each_variable(cloud: ReadCloud, variable: str, value: str, read: Callable[[CloudConfig], str]) -> None:
    key = {name: key for key, name in VARIABLES.items()}[variable]

    assert read(cloud(environ={variable: value})) == value
    assert read(cloud(f"{key} = {value}")) == value
    assert read(cloud(environ={variable: ""})) == read(cloud())


def test_certificates_of_the_environment(load: Load) -> None:
    environ = {"STRATUSLAB_PEM_CERTIFICATE": "/env/cert.pem", "STRATUSLAB_PEM_KEY": "/env/key.pem"}

    credentials = load("[default]\nendpoint = a\npem_key = /file/key.pem", environ=environ).cloud("default")

    assert credentials.compute.credentials == credentials.disks.credentials
    assert repr(credentials.compute.credentials).count("/env/") == 2


def test_every_variable_is_tested() -> None:
    tested = {case[0] for case in test_each_variable.pytestmark[0].args[1]}  # type: ignore[attr-defined]

    certificates = {f"STRATUSLAB_{name}" for name in ("PEM_CERTIFICATE", "PEM_KEY", *SIGNING)}
    assert tested | certificates == set(VARIABLES.values())


SIGNING = ("P12_CERTIFICATE", "P12_PASSWORD")


@pytest.mark.parametrize("name", SIGNING)
def test_what_signs_may_be_set_in_the_environment(load: Load, name: str) -> None:
    """For each location: it is the user's, not a cloud's."""
    file = f"[default]\nendpoint = a\n{name.lower()} = of the file\n[other]\nendpoint = b\n"
    for environ, value in (({f"STRATUSLAB_{name}": "of the environment"}, "of the environment"), ({}, "of the file")):
        settings = load(file, environ=environ).settings("other").find(name.lower())
        assert settings is not None
        assert settings.text == value


def test_a_mistake_in_the_environment_names_the_variable(cloud: ReadCloud) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^The environment variable STRATUSLAB_PDISK_PORT must be .*, not 'x'\.$"
    ) as caught:
        cloud(environ={"STRATUSLAB_PDISK_PORT": "x"})
    assert (caught.value.file, caught.value.key) == (None, "STRATUSLAB_PDISK_PORT")


def test_a_mistake_in_what_is_shared_names_default(load: Load) -> None:
    with pytest.raises(ConfigurationError, match="'vnc_port' in section 'default' of") as caught:
        load(TWO_CLOUDS.replace("[a]", "vnc_port = x\n[a]")).cloud("a")
    assert caught.value.section == "default"


def test_an_empty_value_takes_away_what_default_says(load: Load) -> None:
    text = TWO_CLOUDS.replace("[a]", "pdisk_endpoint = pdisk.example.org\nvnc_port = 5901\n[a]")
    configuration = load(text + "pdisk_endpoint =\nvnc_port =\n")

    assert configuration.cloud("a").disks.url == "https://pdisk.example.org:8445/pswd"
    assert configuration.cloud("b").disks.url == "https://b.example.org:8445/pswd"
    assert configuration.cloud("a").machine.vnc_port == 5901
    assert configuration.cloud("b").machine.vnc_port == -1


def test_default_in_capitals_goes_before_default_as_it_did(load: Load) -> None:
    configuration = load(TWO_CLOUDS.replace("[default]", "[DEFAULT]\nusername = upper\n[default]", 1))

    assert shown(configuration.cloud("a"))[0] == "upper"
    assert shown(configuration.cloud("b"))[0] == "b-name"


def test_what_default_refers_to_is_its_own(load: Load) -> None:
    configuration = load(
        """
        [default]
        site = shared
        username = jane-%(site)s
        password = x
        [a]
        site = a
        endpoint = a.example.org
        """
    )

    assert shown(configuration.cloud("a"))[0] == "jane-shared"


def test_the_argument_goes_before_all(load: Load) -> None:
    text = TWO_CLOUDS + "request_timeout = 5\n"

    assert load(text).cloud("b").compute.timeout == 5
    for argument in (7, "7", 7.0):
        config = load(text, timeout=argument).cloud("b")
        assert (config.compute.timeout, config.disks.timeout, config.marketplace.timeout) == (7, 7, 7)


@pytest.mark.parametrize("timeout", [0, -1, "soon", float("nan")])
def test_an_impossible_timeout(load: Load, timeout: object) -> None:
    with pytest.raises(InvalidArgumentError, match="a number above 0"):
        load(TWO_CLOUDS, timeout=timeout)


def test_the_real_environment_is_the_built_in_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.cfg"
    file.write_text("[default]\nendpoint = a.example.org\n")
    monkeypatch.setenv("STRATUSLAB_USERNAME", "env-name")
    monkeypatch.setenv("STRATUSLAB_PASSWORD", "env-password")

    assert shown(UserConfiguration.load(file).cloud("default")) == ("env-name", "env-password")
