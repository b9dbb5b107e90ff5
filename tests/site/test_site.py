"""The site: its links, that it needs nothing from elsewhere, and that all that is public is on its pages."""

from __future__ import annotations

import inspect
import re
import urllib.parse
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from libcloud.compute.base import NodeDriver

from stratuslab_libcloud import OpenNebulaNodeDriver, StratusLabNodeDriver, errors
from stratuslab_libcloud.driver.opennebula import extra as opennebula_extra
from stratuslab_libcloud.driver.stratuslab import extra as stratuslab_extra

pytestmark = pytest.mark.timeout(300)  # the first one may build the site

DRIVERS = (StratusLabNodeDriver, OpenNebulaNodeDriver)


class Page(HTMLParser):
    """What a page has: the names of its places, what it links to, and what a browser loads for it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.text = file.read_text("utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.places.add(given.get("id", ""))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") not in ("canonical", "index", "search", "next", "prev", "author"):
            self.loaded.append(given.get("href", ""))
        elif "src" in given:
            self.loaded.append(given["src"])


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """All pages, by their files' names in the site."""
    return {str(file.relative_to(site)): Page(file) for file in site.rglob("*.html")}


def leads_nowhere(pages: dict[str, Page], site: Path) -> Iterator[str]:
    for name, page in pages.items():
        for link in page.links:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (site / name).parent / urllib.parse.unquote(parts.path) if parts.path else site / name
            if not target.exists():
                yield f"{name}: {link}"
            elif target.suffix == ".html" and parts.fragment:
                places = pages[str(target.resolve().relative_to(site.resolve()))].places
                if urllib.parse.unquote(parts.fragment) not in places:
                    yield f"{name}: {link}"


def test_each_link_leads_somewhere(pages: dict[str, Page], site: Path) -> None:
    assert sum(len(page.links) for page in pages.values()) > 1000
    assert list(leads_nowhere(pages, site)) == []


def test_nothing_is_loaded_from_elsewhere(pages: dict[str, Page], site: Path) -> None:
    loaded = {address for page in pages.values() for address in page.loaded}
    assert any(address.endswith(".css") or ".css?" in address for address in loaded)
    assert [address for address in loaded if urllib.parse.urlsplit(address).netloc] == []
    for file in site.rglob("*.css"):
        assert re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//[^)]*", file.read_text("utf-8")) == []


@pytest.mark.parametrize("driver", DRIVERS)
def test_each_call_of_a_driver_is_on_a_page(driver: type[NodeDriver], pages: dict[str, Page]) -> None:
    places = set().union(*(page.places for page in pages.values()))
    calls = {name for name, _ in inspect.getmembers(driver, callable) if not name.startswith("_")}
    own = {name for name in calls if getattr(driver, name) is not getattr(NodeDriver, name, None)}
    assert len(own) > 50
    assert {name for name in own if f"stratuslab_libcloud.driver.{driver.__name__}.{name}" not in places} == set()


def test_each_error_is_on_a_page(pages: dict[str, Page]) -> None:
    places = pages["reference/errors.html"].places
    public = {
        name
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, errors.StratusLabError) and not name.startswith("_")
    }
    assert len(public) > 20
    assert {name for name in public if f"stratuslab_libcloud.errors.{name}" not in places} == set()


@pytest.mark.parametrize(("module", "name"), [(stratuslab_extra, "stratuslab"), (opennebula_extra, "opennebula")])
def test_each_key_of_extra_is_in_a_table(module: object, name: str, pages: dict[str, Page]) -> None:
    text = pages[f"reference/{name}.html"].text
    mappings = {kind: vars(module)[kind] for kind in vars(module) if re.fullmatch(r"[A-Z]\w+(Extra|ment)", kind)}
    assert len(mappings) >= 5
    for kind, mapping in mappings.items():
        _, _, after = text.partition(f'id="{mapping.__module__}.{kind}"')
        table = after.partition("</table>")[0]
        listed = set(re.findall(r'<tr[^>]*><td><p><code[^>]*><span class="pre">(\w+)</span>', table))
        assert listed == set(mapping.__annotations__), kind
