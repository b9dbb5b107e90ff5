"""Clouds of today's OpenNebula: sections of the file, arguments, and what OpenNebula's own tools read."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import pytest

from stratuslab_libcloud.config import OpenNebulaConfig, SessionPassword, UserConfiguration
from stratuslab_libcloud.config.arguments import Argument, Arguments
from stratuslab_libcloud.config.endpoints import opennebula_url
from stratuslab_libcloud.config.keys import OPENNEBULA
from stratuslab_libcloud.errors import ConfigurationError

FILE = """
[default]
endpoint = stratus.example.org
username = jane
password = of-stratuslab
user_public_key_file = ~/.ssh/mine.pub

[one-a]
kind = opennebula
name = First
endpoint = https://a.example.org:8443/RPC2
username = ann
password = a:b

[one-b]
kind = OpenNebula
endpoint = b.example.org
username = ben
password = c
"""


def load(text: str = FILE, **options: object) -> UserConfiguration:
    return UserConfiguration.load(io.StringIO(text), kind=OPENNEBULA, **options)  # type: ignore[arg-type]


def settings(configuration: UserConfiguration, section: str) -> OpenNebulaConfig:
    config = configuration.cloud(section)
    assert isinstance(config, OpenNebulaConfig)
    return config


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("one.example.org", "http://one.example.org:2633/RPC2"),
        ("one.example.org:2634", "http://one.example.org:2634/RPC2"),
        ("https://one.example.org", "https://one.example.org/RPC2"),
        ("https://one.example.org/", "https://one.example.org/RPC2"),
        ("https://one:8443/RPC2", "https://one:8443/RPC2"),
        ("http://one/cloud/", "http://one/cloud/"),
        ("one.example.org/a//b", "http://one.example.org:2633/a//b"),
        ("::1", "http://[::1]:2633/RPC2"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
    ],
)
def test_a_path_is_taken_as_it_is(text: str, url: str) -> None:
    assert opennebula_url(text) == url


def test_one_file_for_both_kinds() -> None:
    configuration = load()
    assert configuration.sections == ("one-a", "one-b")
    assert configuration.default_section == "one-a"
    one = settings(configuration, "one-a")
    assert (one.compute.url, one.name) == ("https://a.example.org:8443/RPC2", "First")
    assert one.session == "ann:a:b"
    assert one.compute.credentials == SessionPassword("ann", "a:b")
    assert one.public_key_file is not None
    assert one.public_key_file.name == "mine.pub"
    assert one.private_key_file.name == "mine"
    stratuslab = UserConfiguration.load(io.StringIO(FILE))
    assert stratuslab.sections == ("default",)


def test_the_default_of_the_other_kind_does_not_matter() -> None:
    text = FILE.replace("[default]", "[default]\nselected_section = one-b")
    assert load(text).default_section == "one-b"
    assert UserConfiguration.load(io.StringIO(text)).default_section == "default"


def test_a_section_does_not_take_the_password_of_another_kind_of_cloud() -> None:
    text = FILE.replace("username = ben\npassword = c\n", "")
    with pytest.raises(ConfigurationError, match=r"'one-b' of .* has no user"):
        load(text).cloud("one-b")
    no_endpoint = FILE.replace("endpoint = b.example.org\n", "")
    with pytest.raises(ConfigurationError, match="has no 'endpoint'"):
        load(no_endpoint).cloud("one-b")


def test_a_kind_that_does_not_exist() -> None:
    with pytest.raises(ConfigurationError, match=r"'kind' in section 'one-a' .* not 'openstack'"):
        load(FILE.replace("kind = opennebula", "kind = openstack"))


def test_a_file_without_such_sections() -> None:
    with pytest.raises(ConfigurationError, match="has no section with 'kind = opennebula'"):
        load("[default]\nendpoint = x\n")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("username", "a:b"),
        ("password", "has blanks'"),
        ("username", "\N{GRINNING FACE}"),
        ("password", "blanks'\N{GRINNING FACE}"),
        ("password", "blanks'\x07"),
    ],
)
def test_credentials_that_the_session_string_cannot_carry(key: str, value: str) -> None:
    text = FILE.replace("username = ann\npassword = a:b", f"username = ann\npassword = x\n{key} = {value}")
    with pytest.raises(ConfigurationError) as caught:
        load(text).cloud("one-a")
    assert caught.value.key == key
    assert "blanks'" not in str(caught.value)


def test_variables_are_of_stratuslab() -> None:
    environ = {"STRATUSLAB_ENDPOINT": "stratus.example.org", "STRATUSLAB_PASSWORD": "other"}
    assert settings(load(environ=environ), "one-a").session == "ann:a:b"


def test_the_password_goes_without_encryption(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        load().cloud("one-a")
        assert caplog.records == []
        load().cloud("one-b")
    assert "without encryption to http://b.example.org:2633/RPC2" in caplog.text


def tools(environ: dict[str, str], arguments: Arguments | None = None) -> OpenNebulaConfig:
    configuration = UserConfiguration.load(kind=OPENNEBULA, environ=environ, arguments=arguments)
    assert configuration.sections == ("default",)
    return settings(configuration, "default")


def test_the_variables_of_opennebulas_own_tools(tmp_path: Path) -> None:
    (tmp_path / "auth").write_text("ann:a:b\n")
    one = tools({"ONE_AUTH": str(tmp_path / "auth"), "ONE_XMLRPC": "https://one.example.org/RPC2"})
    assert (one.session, one.compute.url) == ("ann:a:b", "https://one.example.org/RPC2")


def test_the_files_of_opennebulas_own_tools(clean_environment: Path) -> None:
    folder = clean_environment / ".one"
    folder.mkdir()
    (folder / "one_auth").write_text("ann:pw")
    assert tools({}).compute.url == "http://localhost:2633/RPC2"
    (folder / "one_endpoint").write_text("http://127.0.0.1:26610/RPC2\n")
    assert (tools({}).session, tools({}).compute.url) == ("ann:pw", "http://127.0.0.1:26610/RPC2")


def test_a_mistake_in_what_the_tools_read_is_found(clean_environment: Path, tmp_path: Path) -> None:
    (tmp_path / "auth").write_text("ann:pw")
    environ = {"ONE_AUTH": str(tmp_path / "auth")}
    with pytest.raises(ConfigurationError, match=r"^The environment variable ONE_XMLRPC must be "):
        tools({**environ, "ONE_XMLRPC": "ftp://one.example.org"})
    (clean_environment / ".one").mkdir()
    (clean_environment / ".one" / "one_endpoint").write_text("ftp://one.example.org")
    with pytest.raises(ConfigurationError, match=r"^What is in the file .*/\.one/one_endpoint must be "):
        tools(environ)


def test_arguments_come_first_and_the_tools_say_the_rest(tmp_path: Path) -> None:
    (tmp_path / "auth").write_text("ann:pw")
    environ = {"ONE_AUTH": str(tmp_path / "auth"), "ONE_XMLRPC": "http://127.0.0.1:1/RPC2"}
    place = Arguments({"endpoint": Argument("ex_endpoint", "http://127.0.0.1:2/RPC2")})
    assert (tools(environ, place).session, tools(environ, place).compute.url) == ("ann:pw", "http://127.0.0.1:2/RPC2")
    user = Arguments({"username": Argument("key", "ben"), "password": Argument("secret", "x")})
    assert (tools(environ, user).session, tools(environ, user).compute.url) == ("ben:x", "http://127.0.0.1:1/RPC2")


def test_the_users_file_is_read_where_the_tools_are_not_set(clean_environment: Path) -> None:
    (clean_environment / ".stratuslab").mkdir()
    (clean_environment / ".stratuslab" / "stratuslab-user.cfg").write_text(FILE)
    assert UserConfiguration.load(kind=OPENNEBULA, environ={}).sections == ("one-a", "one-b")
    assert UserConfiguration.load(kind=OPENNEBULA, environ={"ONE_XMLRPC": "x"}, arguments=_jane()).sections == (
        "default",
    )


def _jane() -> Arguments:
    return Arguments({"username": Argument("key", "jane"), "password": Argument("secret", "x")})


def test_no_user_anywhere() -> None:
    with pytest.raises(ConfigurationError, match=r"ONE_AUTH.*one_auth.*kind = opennebula"):
        tools({})


@pytest.mark.parametrize("content", [b"", b"ann", b":pw", b"\xff\xfe"])
def test_a_file_that_is_no_one_auth(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "auth").write_bytes(content)
    with pytest.raises(ConfigurationError, match="auth") as caught:
        tools({"ONE_AUTH": str(tmp_path / "auth")})
    assert "pw" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        tools({"ONE_AUTH": str(tmp_path / "none")})
