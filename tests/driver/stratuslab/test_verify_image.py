"""Who signed what an image is said to be, and whether it holds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
from libcloud.compute.base import NodeImage

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.stratuslab.images import StratusLabImage
from stratuslab_libcloud.errors import InvalidArgumentError, InvalidMetadataError, NotFoundError
from stratuslab_libcloud.sandbox import Sandbox

JANE = "jane.builder@example.org"


@pytest.fixture
def image(driver: StratusLabNodeDriver) -> StratusLabImage:
    """An image that holds what it says."""
    return driver.list_images(ex_name="Debian 7.5")[0]


def change(sandbox: Sandbox, image: StratusLabImage, change_document: Callable[[str], str]) -> None:
    """Let the Marketplace answer with another document for an entry."""
    key = (image.id, image.entry.endorser, image.entry.endorsed)
    entry = sandbox.entries.find(*key)
    assert entry is not None
    changed = change_document(entry.document)
    sandbox.entries.add(replace(entry, make_document=lambda: changed))


def test_an_image_of_which_all_holds(driver: StratusLabNodeDriver, sandbox: Sandbox, image: StratusLabImage) -> None:
    sandbox.requests.clear()
    verification = driver.ex_verify_image(image)
    assert sandbox.requests.operations == ["GET /metadata/{id}/{email}/{created}"]
    assert verification.problems == ()
    assert verification.holds
    assert verification.check("listing").holds
    assert verification.entry == image.entry
    assert verification.signer is not None
    assert (verification.signer.email, verification.signer.subject) == (JANE, "CN=Jane Builder,O=StratusLab,C=EU")
    assert verification.warnings == ("the signature (rsa-sha1 over a sha1 digest) depends on SHA-1, which is broken",)


def test_each_image_of_the_sandbox_holds(driver: StratusLabNodeDriver) -> None:
    images = driver.list_images(ex_all_endorsers=True)
    assert len(images) == 12
    assert {image.id for image in images if not driver.ex_verify_image(image).holds} == set()


def test_an_identifier_alone_stands_for_the_entry_that_was_endorsed_last(driver: StratusLabNodeDriver) -> None:
    image = driver.list_images(ex_name="CentOS 6.5 base")[0]
    alone = driver.ex_verify_image(NodeImage(image.id, "by its id", driver), "default")
    assert alone.entry == image.entry
    assert alone.holds


def test_a_changed_entry(driver: StratusLabNodeDriver, sandbox: Sandbox, image: StratusLabImage) -> None:
    change(sandbox, image, lambda document: document.replace("wheezy", "jessie"))
    verification = driver.ex_verify_image(image)
    assert verification.problems == ("the entry is not the one that was signed: it has been changed",)
    assert verification.signer is verification.entry is None


def test_a_list_that_says_something_else(driver: StratusLabNodeDriver, image: StratusLabImage) -> None:
    forged = StratusLabImage(image.entry._replace(os="BeOS", locations=("http://evil/",)), driver)
    assert set(driver.ex_verify_image(forged).problems) == {
        f"the list says ('http://evil/',) (locations), and the signed entry {image.entry.locations!r}",
        "the list says 'BeOS' (os), and the signed entry 'Debian'",
    }


def test_another_signed_entry_in_its_place(
    driver: StratusLabNodeDriver, sandbox: Sandbox, image: StratusLabImage
) -> None:
    other = next(entry for entry in sandbox.entries if entry.title == "ttylinux")
    change(sandbox, image, lambda _: other.document)
    verification = driver.ex_verify_image(image)
    assert verification.check("signature").holds
    assert verification.problems == (f"the signed entry is that of another image, {other.identifier}",)


def test_an_entry_that_has_gone(driver: StratusLabNodeDriver, image: StratusLabImage) -> None:
    gone = StratusLabImage(image.entry._replace(endorsed="2001-01-01T00:00:00Z"), driver)
    with pytest.raises(NotFoundError):
        driver.ex_verify_image(gone)


def test_an_endorser_who_cannot_be_asked_for(driver: StratusLabNodeDriver, image: StratusLabImage) -> None:
    """Nothing of a list gets into an address that does not belong there."""
    odd = StratusLabImage(image.entry._replace(endorser="jane@example.org/../.."), driver)
    assert driver.ex_verify_image(odd).problems == (
        f"the list says 'jane@example.org/../..' (endorser), and the signed entry {JANE!r}",
    )


def test_an_answer_that_is_no_entry(driver: StratusLabNodeDriver, sandbox: Sandbox, image: StratusLabImage) -> None:
    change(sandbox, image, lambda _: "<html/>")
    with pytest.raises(InvalidMetadataError, match="it begins with 'html'"):
        driver.ex_verify_image(image)


@pytest.mark.parametrize("identifier", ["http://example.org/a.img", "pdisk:x", "x"])
def test_an_image_of_no_marketplace(driver: StratusLabNodeDriver, identifier: str) -> None:
    with pytest.raises(InvalidArgumentError, match="is not an image of a Marketplace"):
        driver.ex_verify_image(NodeImage(identifier, "x", driver))


def test_without_the_extra() -> None:
    """All else works where lxml is not installed."""
    program = """
import sys
sys.modules["lxml"] = None
from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.errors import MissingDependencyError
from libcloud.compute.base import NodeImage
driver = StratusLabNodeDriver("a", "b", host="nowhere.invalid")
try:
    driver.ex_verify_image(NodeImage("A" * 27, "x", driver))
except MissingDependencyError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "image metadata needs lxml, which is not installed: pip install 'stratuslab-libcloud-drivers[metadata]>=26'\n"
    )
