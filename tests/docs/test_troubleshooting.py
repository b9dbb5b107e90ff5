"""The page Troubleshooting: each message on it is one that the code can print."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import stratuslab_libcloud
from tests.docs.blocks import ROOT
from tests.docs.messages import HOLE, can_print, templates

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
MESSAGES = re.findall(r"^`(.+)`\n: ", PAGE, re.MULTILINE)
OF_LIBCLOUD = {"Provider stratuslab does not exist"}


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """All texts of the package."""
    return list(templates(ROOT / stratuslab_libcloud.__name__))


def test_each_line_of_the_page_is_a_message() -> None:
    """What is not of the form that is looked for would not be checked."""
    assert len(MESSAGES) > 50
    assert PAGE.count("\n: ") == len(MESSAGES)


@pytest.mark.parametrize("message", [message for message in MESSAGES if message not in OF_LIBCLOUD])
def test_the_code_can_print_it(message: str, texts: list[str]) -> None:
    assert [text for text in texts if can_print(text, message)]


def test_what_libcloud_prints() -> None:
    program = "from libcloud.compute.providers import get_driver; get_driver('stratuslab')"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    assert all(message in result.stderr for message in OF_LIBCLOUD)


def test_what_nobody_can_print_is_found_out(texts: list[str]) -> None:
    assert can_print(f"there is no size {HOLE}; choose one of: {HOLE}", "there is no size ...; choose one of: ...")
    assert not can_print(f"there is no size {HOLE}; choose one of: {HOLE}", "choose one of: ... there is no size")
    assert not any(can_print(text, "there is no such message in this package") for text in texts)
