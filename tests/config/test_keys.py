"""The reference file and the documentation name what the code knows, and nothing else."""

from __future__ import annotations

import io
import logging
import re
from importlib import resources
from pathlib import Path

import pytest

from stratuslab_libcloud.config import InstanceType, Password, UserConfiguration
from stratuslab_libcloud.config.keys import KNOWN_KEYS, SECTION_VARIABLE, USED_KEYS, VARIABLES

REFERENCE = resources.files("stratuslab_libcloud").joinpath("stratuslab-user.cfg.ref").read_text("ascii")
UNCOMMENTED = re.sub(r"(?m)^#(?=[a-z0-9_.]+ =)", "", REFERENCE)
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "guides" / "configuration.md"


def load(text: str) -> UserConfiguration:
    return UserConfiguration.load(io.StringIO(text), environ={})


def test_it_is_one_cloud_to_be_filled_in(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        configuration = load(REFERENCE)
        cloud = configuration.cloud("default")

    assert not caplog.records
    assert configuration.sections == ("default",)
    assert cloud.compute.url == "https://cloud.example.org:2634/pswd/xmlrpc"
    assert cloud.compute.credentials == Password("your-user-name", "your-password")


def test_the_values_that_it_shows_are_the_built_in_ones() -> None:
    assert load(UNCOMMENTED).cloud("default") == load(REFERENCE).cloud("default")


def test_it_has_every_key_that_is_used_and_none_that_is_not_known() -> None:
    keys = set(re.findall(r"(?m)^([a-z0-9_]+) =", UNCOMMENTED))

    assert keys >= USED_KEYS
    assert keys <= KNOWN_KEYS


def test_it_has_every_variable() -> None:
    for variable in (*VARIABLES.values(), SECTION_VARIABLE):
        assert re.search(rf"\b{variable}\b", REFERENCE), variable


def test_its_instance_type_is_one() -> None:
    assert load(UNCOMMENTED).instance_types()[-1] == InstanceType("big.memory", cpu=4, ram=65536, swap=4096)
    assert len(load(REFERENCE).instance_types()) == 7


def test_its_other_cloud_is_one() -> None:
    example = re.search(r"(?ms)^# \[another-cloud\]$.*?^# username =$", REFERENCE)
    assert example is not None
    configuration = load(REFERENCE + re.sub(r"(?m)^# ", "", example[0]))

    cloud = configuration.cloud("another-cloud")

    assert cloud.compute.url == "https://another.example.org/one-proxy/cert/xmlrpc"
    assert cloud.disks.url == "https://another.example.org/pdisk/cert"
    assert cloud.name == "Another Cloud"


def test_the_documentation_has_every_key_and_variable() -> None:
    text = DOCUMENTATION.read_text("utf-8")

    for name in (*KNOWN_KEYS, *VARIABLES.values(), SECTION_VARIABLE):
        assert f"`{name}`" in text, name
