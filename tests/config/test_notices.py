"""Warnings in the log about a file without errors."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from stratuslab_libcloud.config import UserConfiguration
from stratuslab_libcloud.config.keys import KNOWN_KEYS

Load = Callable[..., UserConfiguration]
PASSWORDS = "[default]\nendpoint = a\nusername = jane\npassword = secret\n"


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The warnings so far."""
    caplog.set_level(logging.WARNING, "stratuslab_libcloud.config")
    return lambda: [record.getMessage() for record in caplog.records]


Told = Callable[[], list[str]]


def test_a_key_that_nothing_reads_is_told_once_with_the_nearest_known(load: Load, told: Told) -> None:
    configuration = load("[default]\nmarketplace = m\n[a]\nendpiont = a\n[b]\nendpiont = b\n[DEFAULT]\nzzz = 1\n")
    configuration.place("a")

    assert told() == [
        "Nothing uses the key 'zzz' in [DEFAULT] of <configuration>",
        "Nothing uses the key 'marketplace' in [default] of <configuration>; did you mean 'marketplace_endpoint'?",
        "Nothing uses the key 'endpiont' in [a], [b] of <configuration>; did you mean 'endpoint'?",
    ]


def test_keys_of_other_tools_are_known(load: Load, told: Told) -> None:
    load("[default]\n" + "".join(f"{key} =\n" for key in sorted(KNOWN_KEYS)))

    assert told() == []


def test_keys_that_values_refer_to_are_known(load: Load, told: Told) -> None:
    load("[DEFAULT]\nsite = example.org\n[default]\nendpoint = cloud.%(Site)s\n")

    assert told() == []


def test_instance_types_are_no_keys(load: Load, told: Told) -> None:
    load("[default]\n[instance_types]\nbig = 1 2 3\n")

    assert told() == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_passwords_that_others_can_read(tmp_path: Path, told: Told, mode: int) -> None:
    file = tmp_path / "a.cfg"
    file.write_text(PASSWORDS)
    file.chmod(mode)

    UserConfiguration.load(file).cloud("default")

    assert told() == [f"Other users can read the passwords in {file}; 'chmod 600' protects them"]


@pytest.mark.parametrize(("content", "mode"), [(PASSWORDS, 0o600), ("[default]\n", 0o644)])
def test_nothing_to_tell(tmp_path: Path, told: Told, content: str, mode: int) -> None:
    file = tmp_path / "a.cfg"
    file.write_text(content)
    file.chmod(mode)

    UserConfiguration.load(file)

    assert told() == []


def test_verification_off_is_told_once_a_section_when_it_is_used(load: Load, told: Told) -> None:
    configuration = load(PASSWORDS + "tls_verify = off\n[a]\n[b]\ntls_verify = on\n")
    assert told() == []

    for section in ("default", "a", "b", "a", "default"):
        configuration.cloud(section)

    assert told() == [
        "The TLS certificates of location 'default' are not verified ('tls_verify' in <configuration>).",
        "The TLS certificates of location 'a' are not verified ('tls_verify' in <configuration>).",
    ]


def test_another_encoding_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "latin.cfg"
    file.touch(mode=0o600)
    file.write_bytes("[default]\nname = Orl\u00e9ans\n# \u00e9\n".encode("latin-1"))
    for _ in range(2):
        assert UserConfiguration.load(file).place("default").name == "Orl\u00e9ans"
    [record] = caplog.records
    assert record.getMessage() == (
        f"Not UTF-8, and read as Latin-1: line 2, 3 of {file}; save the file in the encoding UTF-8"
    )
