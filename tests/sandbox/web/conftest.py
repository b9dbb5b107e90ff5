"""The page of a sandbox, asked as its script asks: with the token in a header."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
import requests

from stratuslab_libcloud.sandbox import Sandbox

from ..conftest import USERS
from .browser import Browser

Ask = Callable[..., requests.Response]


class Texts(HTMLParser):
    """What a person reads on a page, and which elements there are."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self._texts: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_data(self, data: str) -> None:
        self._texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._texts).split())


def address(sandbox: Sandbox) -> str:
    """Where the page is, without its token."""
    return sandbox.page_url.partition("#")[0].rstrip("/")


def token(sandbox: Sandbox) -> str:
    return urlsplit(sandbox.page_url).fragment.partition("=")[2]


@pytest.fixture
def page(sandbox: Sandbox, http: requests.Session) -> Ask:
    """Asks the page as its script does, and as its forms do if there is a form."""

    def ask(path: str = "/cloud", form: dict[str, str] | None = None, **options: object) -> requests.Response:
        headers = {"X-Sandbox-Token": token(sandbox), **options.pop("headers", {})}  # type: ignore[dict-item]
        verb = "GET" if form is None else "POST"
        return http.request(verb, address(sandbox) + path, data=form, headers=headers, timeout=5, **options)  # type: ignore[arg-type]

    return ask


@pytest.fixture
def opennebula() -> Iterator[Sandbox]:
    """An OpenNebula cloud on which machines run at once."""
    with Sandbox(kind="opennebula", users=USERS, boot_seconds=0, guests=False) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def one_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Starting one takes a second, so there is one for all tests."""
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture
def browser(one_browser: Browser) -> Iterator[Browser]:
    """A browser of which nothing is left from the test before."""
    one_browser.window()
    one_browser.complaints()
    yield one_browser
    one_browser.open("about:blank")
