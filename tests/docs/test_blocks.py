"""Each code block of the documents runs: on sandboxes, one page after the other from its top to its end."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import SkipTest

import pytest

from stratuslab_libcloud.sandbox import Sandbox
from tests.conftest import PUBLIC_KEY
from tests.docs.blocks import LANGUAGES, ROOT, Console, parse, run_tests, write_stubs

DOCS = ROOT / "docs"
PAGES = sorted(str(page.relative_to(ROOT)) for page in (ROOT / "README.md", *DOCS.rglob("*.md")))
MOST_SKIPPED = 5
_FENCE = re.compile(r"^ *(```+|~~~+)(?P<language>[^`\n]*)\n.*?^ *\1 *$", re.MULTILINE | re.DOTALL)
_SKIP = re.compile(r"<!---* *skip: next(?P<reason>.*?)-*->")


@pytest.fixture
def home(clean_environment: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Jane works: her home, with her programs on the path."""
    stubs = tmp_path_factory.mktemp("stubs")
    write_stubs(stubs)
    monkeypatch.setenv("PATH", os.pathsep.join((str(stubs), str(Path(sys.executable).parent), os.environ["PATH"])))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(clean_environment)
    for name in (
        ".ssh/id_ed25519",
        ".ssh/id_ed25519.pub",
        ".globus/orsay-ca.pem",
        ".globus/athens-ca.pem",
        ".globus/lab-ca.pem",
    ):
        file = clean_environment / name
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.write_text("what a page's configuration names\n")
    (clean_environment / ".ssh" / "id_ed25519.pub").write_text(PUBLIC_KEY)
    return clean_environment


@pytest.fixture
def clouds(home: Path) -> Iterator[None]:
    """Jane's file: two StratusLab clouds, `orsay` (the default) and `athens`, and an OpenNebula, `lab`."""
    config = home / ".stratuslab" / "stratuslab-user.cfg"
    config.parent.mkdir()
    users = {"jane": "s3cret", "bob": "pa55word"}
    with (
        Sandbox(boot_seconds=0, users=users) as orsay,
        Sandbox(boot_seconds=0, users=users) as athens,
        Sandbox(kind="opennebula", boot_seconds=0, users=users) as lab,
    ):
        orsay.write_config(config, section="orsay", name="Orsay, France", country="FR")
        athens.write_config(config, section="athens", name="Athens", country="GR")
        lab.write_config(config, section="lab", name="The lab's OpenNebula")
        yield


@pytest.fixture
def log_levels() -> Iterator[None]:
    """Pages change what is logged."""
    loggers = [logging.getLogger(), *map(logging.getLogger, ("stratuslab_libcloud", "stratuslab_libcloud.deployment"))]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


@pytest.mark.timeout(240)  # all blocks of a page
@pytest.mark.usefixtures("log_levels")
@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run(page: str, home: Path, request: pytest.FixtureRequest) -> None:
    document = parse(ROOT / page)
    if document.regions:
        request.getfixturevalue("clouds")
    config = home / ".stratuslab" / "stratuslab-user.cfg"
    document.namespace["hide_file"] = lambda: config.rename(config.with_suffix(".hidden"))
    document.namespace["show_file"] = lambda: config.with_suffix(".hidden").replace(config)
    console = document.namespace["__console__"] = Console(home)
    try:
        for example in document.examples():
            try:
                example.evaluate()
            except SkipTest:
                pass
            except AssertionError:
                raise
            except Exception as error:
                raise AssertionError(f"{page}, line {example.line}: {error!r}") from error
        assert run_tests(home) is None
    finally:
        console.close()


@pytest.mark.parametrize("page", PAGES)
def test_each_block_says_what_it_is(page: str) -> None:
    """A directive of MyST is no code."""
    languages = {block["language"] for block in _FENCE.finditer((ROOT / page).read_text("utf-8"))}
    assert {language for language in languages if not language.startswith("{")} <= LANGUAGES


@pytest.mark.parametrize("page", PAGES)
def test_what_is_typed_is_no_plain_text(page: str) -> None:
    """Plain text is not run."""
    texts = [block[0] for block in _FENCE.finditer((ROOT / page).read_text("utf-8")) if block["language"] == "text"]
    assert [text for text in texts if re.search(r"^(\$ |pip install)", text, re.MULTILINE)] == []


def test_few_blocks_are_skipped_and_each_has_a_reason() -> None:
    skipped = [skip for page in PAGES for skip in _SKIP.finditer((ROOT / page).read_text("utf-8"))]
    assert len(skipped) <= MOST_SKIPPED
    assert [skip[0] for skip in skipped if not re.fullmatch(r' "\w.+" ', skip["reason"])] == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"])
def test_the_files_that_are_linked_to_are_there(page: str) -> None:
    """Those of the site are checked where it is built."""
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", (ROOT / page).read_text("utf-8"))
    for file, heading in links:
        target = ROOT / (file or page)
        assert target.is_file(), file
        headings = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.MULTILINE) if heading else []
        slugs = {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}
        assert not heading or heading in slugs, f"{file}#{heading}"
