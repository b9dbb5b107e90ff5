"""What stands around the code: the CHANGELOG, the citation, templates, hooks, and the form of files."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

import stratuslab_libcloud

ROOT = Path(__file__).parents[1]
VERSION = r"\d{2}\.\d{1,2}\.\d+"
CATEGORIES = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]


def load(file: str) -> Any:
    return yaml.safe_load((ROOT / file).read_text("utf-8"))


# The CHANGELOG


def problems_of(changelog: str) -> list[str]:
    """What of Keep a Changelog's form is not so."""
    problems = []
    if not changelog.startswith("# Changelog\n"):
        problems.append("no title")
    sections = re.findall(r"(?ms)^## (.*?)$(.*?)(?=^## |\Z)", changelog)
    if not sections:
        problems.append("no section")
    links = set(re.findall(r"(?m)^\[([^\]]+)\]: https://\S+$", changelog))
    released = []
    for heading, text in sections:
        found = re.fullmatch(rf"\[(Unreleased|{VERSION})\](?: - (\d{{4}}-\d\d-\d\d))?", heading)
        if not found or (found[1] == "Unreleased") == bool(found[2]):
            problems.append(f"heading: {heading}")
            continue
        if found[1] not in links:
            problems.append(f"no link: {found[1]}")
        if found[1] != "Unreleased":
            released.append(tuple(map(int, found[1].split("."))))
        elif heading != sections[0][0]:
            problems.append("unreleased is not the first")
        problems += _problems_of_section(text)
    if released != sorted(set(released), reverse=True):
        problems.append("versions are not the newest first")
    return problems


def _problems_of_section(text: str) -> Iterator[str]:
    before, *categories = re.split(r"(?m)^### ", text)
    if re.search(r"(?m)^[-*] ", before):
        yield "a change without a category"
    names = [category.partition("\n")[0] for category in categories]
    yield from (f"category: {name}" for name in names if name not in CATEGORIES)
    yield from (f"twice: {name}" for name in {*names} if names.count(name) > 1)
    for name, category in zip(names, categories, strict=True):
        lines = [line for line in category.splitlines()[1:] if line]
        yield from (f"{name}: {line}" for line in lines if not line.startswith(("- ", "  ")))
        changes = re.split(r"(?m)^- ", category)[1:]
        if not changes:
            yield f"nothing is {name}"
        yield from (f"twice: {change[:60]}" for change in {*changes} if changes.count(change) > 1)


def test_the_changelog_is_in_the_form_of_keep_a_changelog() -> None:
    assert problems_of((ROOT / "CHANGELOG.md").read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("changelog", "problem"),
    [
        ("# Changelog\n", "no section"),
        ("# Changelog\n\n## 26.11.0\n", "heading: 26.11.0"),
        ("# Changelog\n\n## [26.11.0]\n", "heading: [26.11.0]"),
        ("# Changelog\n\n## [26.11.0] - 2026-11-30\n\n### Added\n\n- it\n", "no link: 26.11.0"),
        ("# Changelog\n\n## [Unreleased]\n\n- it\n", "a change without a category"),
        ("# Changelog\n\n## [Unreleased]\n\n### New\n\n- it\n", "category: New"),
        ("# Changelog\n\n## [Unreleased]\n\n### Added\n\n- it\n\n### Added\n\n- that\n", "twice: Added"),
        ("# Changelog\n\n## [Unreleased]\n\n### Added\n\n- it\n- it\n", "twice: it\n"),
        ("# Changelog\n\n## [Unreleased]\n\n### Added\n\ntext\n", "Added: text"),
        ("# Changelog\n\n## [26.9.0] - 2026-09-30\n\n## [26.10.0] - 2026-10-30\n", "versions are not the newest first"),
    ],
)
def test_another_form_is_noticed(changelog: str, problem: str) -> None:
    assert problem in problems_of(changelog)


def test_one_version_stands_everywhere() -> None:
    version = stratuslab_libcloud.__version__
    citation = load("CITATION.cff")
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    first = re.search(r"(?m)^## \[(.*?)\](?: - (\S+))?$", changelog)
    assert first
    assert citation["version"] == version
    if first[1] == "Unreleased":
        assert f"This will be {version}" in changelog
        assert "date-released" not in citation
    else:
        assert (first[1], first[2]) == (version, str(citation["date-released"]))


# The citation


def test_the_citation_has_what_its_format_demands_and_says_what_the_package_says() -> None:
    citation = load("CITATION.cff")
    about = metadata("stratuslab-libcloud-drivers")
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert citation["message"]
    assert citation["title"]
    assert citation["authors"] == [{"name": about["Maintainer"]}]
    assert citation["license"] == about["License-Expression"]
    assert citation["keywords"] == about["Keywords"].split(",")
    assert f"Source, {citation['repository-code']}" in about.get_all("Project-URL", [])


# Templates for issues and pull requests


@pytest.mark.parametrize("form", ["bug", "idea"])
def test_each_form_for_issues_can_be_shown(form: str) -> None:
    """As GitHub's syntax for issue forms demands it."""
    content = load(f".github/ISSUE_TEMPLATE/{form}.yml")
    assert {*content} == {"name", "description", "labels", "body"}
    asked = [field for field in content["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in asked} <= {"textarea", "input", "dropdown", "checkboxes"}
    names = [field["id"] for field in asked]
    assert len(names) == len({*names})
    assert all(re.fullmatch(r"[\w-]+", name) for name in names)
    labels = [field["attributes"]["label"] for field in asked]
    assert len(labels) == len({*labels})
    assert all({*field} <= {"type", "id", "attributes", "validations"} for field in asked)
    assert any(field.get("validations", {}).get("required") is True for field in asked)


def test_the_other_ways_to_ask_are_named() -> None:
    chooser = load(".github/ISSUE_TEMPLATE/config.yml")
    assert all({*link} == {"name", "url", "about"} for link in chooser["contact_links"])
    assert any(link["url"].endswith("/security") for link in chooser["contact_links"])


def test_the_list_for_pull_requests_names_what_there_is() -> None:
    text = (ROOT / ".github/PULL_REQUEST_TEMPLATE.md").read_text("utf-8")
    [commands] = re.findall(r"`make ([\w ]+)`", text)
    assert {*commands.split()} <= make_targets()
    assert (ROOT / ".ci" / "run").is_file()


# Hooks


def make_targets() -> set[str]:
    return {*re.findall(r"(?m)^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"))}


def test_the_hooks_run_what_ci_runs() -> None:
    [repository] = load(".pre-commit-config.yaml")["repos"]
    targets = []
    for hook in repository["hooks"]:
        program, *options, target = hook["entry"].split()
        assert program == "make"
        assert all(option.startswith("--") for option in options)
        targets.append(target)
        assert hook["pass_filenames"] is False
    assert targets == ["lint", "types"]
    assert {*targets, "hooks"} <= make_targets()
    assert re.search(r"(?m)^make hooks ", (ROOT / ".ci" / "run").read_text("utf-8"))


def test_each_python_gets_the_packages() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert re.search(r'for python in "\$\{found\[@\]\}"; do\n    make smoke PYTHON="\$python"', script)
    recipe = subprocess.run(
        ["make", "--dry-run", "smoke", "PYTHON=python3.10"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert re.findall(r"dist/\*\.(whl|tar\.gz)|(check_installation)", recipe) == [
        *(("whl", ""), ("", "check_installation"), ("tar.gz", ""), ("", "check_installation"))
    ]


# The form of files


def text_files() -> Iterator[Path]:
    for folder in (".", ".ci", ".github", "docs", "examples", "man", *PACKAGES, "tests", "tools", "benchmarks"):
        for file in (ROOT / folder).rglob("*") if folder != "." else ROOT.iterdir():
            relative = file.relative_to(ROOT)
            is_ours = relative.parts[:2] != ("tests", "documents") and not file.name.endswith(".min.js")
            is_ours &= "node_modules" not in relative.parts
            if file.is_file() and file.suffix in SUFFIXES and is_ours:
                yield file


PACKAGES = ("stratuslab_libcloud", "stratus_commands", "pytest_stratuslab", "stratuslab")
SUFFIXES = {".py", ".md", ".toml", ".yml", ".yaml", ".cff", ".html", ".css", ".js", ".ref", ""}


def test_files_are_as_editorconfig_says() -> None:
    wrong = []
    for file in text_files():
        content = file.read_bytes()
        if not content:
            continue
        if b"\r" in content or not content.endswith(b"\n") or re.search(rb"[ \t]$", content, re.MULTILINE):
            wrong.append(str(file.relative_to(ROOT)))
    assert wrong == []
