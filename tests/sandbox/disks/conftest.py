"""Clients of the persistent disk service."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from stratuslab_libcloud.sandbox import ManualClock, Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template

ALICE, BOB, SUPERUSER = ("alice", "secret"), ("bob", "s3cret%x"), ("pdisk", "pdisk")


class Client:
    """Asks for JSON, as somebody."""

    def __init__(self, url: str, session: requests.Session, auth: tuple[str, str]) -> None:
        self._url = f"{url}/pswd"
        self._session = session
        self._auth = auth

    def __call__(self, verb: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("headers", {"Accept": "application/json"})
        return self._session.request(verb, f"{self._url}{path}", auth=self._auth, allow_redirects=False, **options)

    def create(self, **form: str) -> str:
        answer = self("POST", "/disks", data={"size": "1", **form})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["uuid"])


@pytest.fixture
def alice(sandbox: Sandbox, http: requests.Session) -> Client:
    return Client(sandbox.disks_url, http, ALICE)


@pytest.fixture
def bob(sandbox: Sandbox, http: requests.Session) -> Client:
    return Client(sandbox.disks_url, http, BOB)


@pytest.fixture
def superuser(sandbox: Sandbox, http: requests.Session) -> Client:
    return Client(sandbox.disks_url, http, SUPERUSER)


@pytest.fixture
def running(sandbox: Sandbox, clock: ManualClock) -> tuple[str, str]:
    """A running machine: its host and number."""
    machine = sandbox.machines.allocate("alice", parse_template("CPU=1"))
    clock.advance(10)
    return machine.history[-1].host.name, str(machine.id)


def message(answer: requests.Response) -> tuple[int, str]:
    error = answer.json()
    assert error["code"] == answer.status_code
    return error["code"], error["message"]
