"""What somebody gets from the page who has no token: another user of the computer, or another site's page in a browser.

Each attack tries all that can be read and done.
"""

from __future__ import annotations

import hashlib
import logging
import socket
from pathlib import Path

import pytest
import requests

from stratuslab_libcloud.sandbox import Fault, FaultKind, ManualClock, Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template
from stratuslab_libcloud.sandbox.http.request_record import REQUESTS_LOG
from stratuslab_libcloud.sandbox.web import page as page_module

from ..conftest import USERS
from .conftest import Ask, Texts, address, token

ACTIONS = [
    ("GET", "/cloud", None),
    ("POST", "/faults", {"kind": "status"}),
    ("POST", "/faults/1/lift", {}),
    ("POST", "/faults/lift", {}),
    ("POST", "/clock", {"move": "60"}),
]
"""All that can be read and done with a token; see `test_these_are_all`."""

Action = tuple[str, str, dict[str, str] | None]


@pytest.fixture
def watched(sandbox: Sandbox, clock: ManualClock) -> Sandbox:
    """A cloud with a secret machine and a fault."""
    sandbox.machines.allocate("alice", parse_template("NAME=confidential"))
    sandbox.faults.add(Fault(FaultKind.STATUS, count=1))
    return sandbox


def state(sandbox: Sandbox) -> tuple[float, list[Fault]]:
    return sandbox.clock.now(), [active.fault for active in sandbox.faults.active]


def attack(
    sandbox: Sandbox, http: requests.Session, action: Action, headers: dict[str, str], query: str = ""
) -> requests.Response:
    verb, path, form = action
    before = state(sandbox)
    answer = http.request(verb, f"{address(sandbox)}{path}{query}", data=form, headers=headers, timeout=5)
    assert state(sandbox) == before
    assert "confidential" not in answer.text
    assert token(sandbox) not in answer.text + str(answer.headers)
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    return answer


def test_these_are_all(sandbox: Sandbox) -> None:
    app = page_module.Page(None, sandbox.requests, sandbox.faults, sandbox.clock).application()  # type: ignore[arg-type]
    rules = {rule.rule.replace("<int:number>", "1") for rule in app.url_map.iter_rules()}
    assert rules - {"/", "/static/<path:filename>"} == {path for _, path, _ in ACTIONS}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action[1])
@pytest.mark.parametrize("given", [None, "", "wrong", "é", "x" * 43])
def test_nothing_is_read_or_done_without_the_token(
    watched: Sandbox, http: requests.Session, action: Action, given: str | None
) -> None:
    headers = {} if given is None else {"X-Sandbox-Token": given.encode()}
    assert attack(watched, http, action, headers).status_code == 401  # type: ignore[arg-type]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action[1])
def test_a_token_in_the_wrong_place_is_none(watched: Sandbox, http: requests.Session, action: Action) -> None:
    secret = token(watched)
    for query in (f"?token={secret}", f"?X-Sandbox-Token={secret}"):
        assert attack(watched, http, action, {}, query).status_code == 401
    for headers in ({"Cookie": f"sandbox-token={secret}"}, {"Authorization": f"Bearer {secret}"}):
        assert attack(watched, http, action, headers).status_code == 401


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action[1])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example.org"},
        {"Host": "127.0.0.1.attacker.example.org:80"},
        {"Origin": "http://attacker.example.org"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "new-kind"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
    ids=str,
)
def test_another_sites_page_is_refused_even_with_the_token(
    watched: Sandbox, http: requests.Session, action: Action, headers: dict[str, str]
) -> None:
    answer = attack(watched, http, action, {"X-Sandbox-Token": token(watched), **headers})
    assert answer.status_code == 403


def test_a_page_of_another_site_may_not_ask_whether_it_may(watched: Sandbox, http: requests.Session) -> None:
    asked = {
        "Origin": "http://attacker.example.org",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-sandbox-token",
    }
    assert attack(watched, http, ("OPTIONS", "/faults", None), asked).status_code == 403


def test_the_token_of_one_sandbox_does_not_open_another(watched: Sandbox, http: requests.Session) -> None:
    with Sandbox(users=USERS) as other:
        for action in ACTIONS:
            assert attack(watched, http, action, {"X-Sandbox-Token": token(other)}).status_code == 401


def test_after_a_restart_there_is_another_token(http: requests.Session) -> None:
    sandbox = Sandbox(users=USERS)
    with sandbox:
        first = token(sandbox)
    with sandbox:
        assert token(sandbox) != first
        assert len(first) >= 43
        headers = {"X-Sandbox-Token": first}
        assert http.get(f"{address(sandbox)}/cloud", headers=headers, timeout=5).status_code == 401


@pytest.mark.parametrize("path", ["/", "/static/page.js", "/static/page.css", "/static/htmx-4.0.1.min.js"])
def test_what_everybody_gets_says_nothing_of_the_cloud(watched: Sandbox, http: requests.Session, path: str) -> None:
    answer = http.get(address(watched) + path, timeout=5)
    assert answer.status_code == 200
    assert not any(secret in answer.text for secret in ("confidential", token(watched), watched.url, *USERS.values()))
    assert http.get(address(watched) + path, headers={"Host": "attacker.example.org"}, timeout=5).status_code == 403


@pytest.mark.parametrize("path", ["/", "/cloud", "/static/page.js", "/nowhere", "/static/../page.py"])
def test_each_answer_forbids_what_a_page_does_not_need(sandbox: Sandbox, page: Ask, path: str) -> None:
    headers = page(path).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Set-Cookie" not in headers


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere(sandbox: Sandbox, page: Ask) -> None:
    sandbox.machines.allocate("alice", parse_template("CPU=1"))
    for path in ("/", "/cloud"):
        document = page(path).text
        assert "style=" not in document
        assert "//" not in document.replace(sandbox.url, "")
        assert not any(f" {event}=" in document for event in ("onclick", "onload", "onerror", "hx-on"))
    assert page("/").text.count("<script") == page("/").text.count('<script src="/static/') == 2


def test_the_script_from_elsewhere_is_as_it_was_published() -> None:
    """As npm's package htmx.org 4.0.1 has it; a new version is a new file with a new name."""
    file = Path(page_module.__file__).parent / "static" / "htmx-4.0.1.min.js"
    published = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == published


HOSTILE = """<script>alert(1)</script><img src=x onerror=alert(2)>'"&amp;{{ 7*7 }}"""


def test_what_clients_wrote_is_text(sandbox: Sandbox, page: Ask, http: requests.Session) -> None:
    machine = sandbox.machines.allocate("alice", parse_template("CPU=1"))
    machine.name = HOSTILE
    machine.template.replace("CPU", HOSTILE)
    machine.template.replace("ERROR", {"MESSAGE": HOSTILE})
    http.get(f"{sandbox.url}/{HOSTILE}", timeout=5)
    http.get(f"{sandbox.disks_url}/pswd/disks", auth=(HOSTILE, "x"), timeout=5)
    document = page().text
    assert {"script", "img"}.isdisjoint(Texts(document).tags)
    assert Texts(document).text.count(HOSTILE) >= 3


def test_what_the_reader_wrote_is_text(page: Ask) -> None:
    refused = page("/faults", {"kind": HOSTILE})
    assert refused.status_code == 422
    assert Texts(refused.text).tags == []
    assert HOSTILE in Texts(refused.text).text.replace("\\'", "'")
    assert "script" not in Texts(page(f"/cloud?search={HOSTILE}&seconds={HOSTILE}").text).tags


def test_passwords_are_not_shown(sandbox: Sandbox, page: Ask, opennebula: Sandbox, http: requests.Session) -> None:
    document = page().text
    other = http.get(f"{address(opennebula)}/cloud", headers={"X-Sandbox-Token": token(opennebula)}, timeout=5).text
    assert "alice" in document
    assert "alice" in other
    for text in (document, other):
        assert not any(password in text for password in ("secret", "s3cret%x"))
    for user in opennebula.opennebula.users:
        assert user.password_hash not in other


def test_the_token_is_in_no_log_and_no_record(
    sandbox: Sandbox, page: Ask, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("urllib3").setLevel(logging.WARNING)
        for verb, path, form in ACTIONS:
            assert page(path, form).status_code == 200, verb
    assert len(sandbox.requests) == 0
    assert [record for record in caplog.records if record.name == REQUESTS_LOG] == []
    assert token(sandbox) not in caplog.text + repr(sandbox) + "".join(capfd.readouterr())


def test_a_request_that_is_too_large_is_refused_before_it_is_read(sandbox: Sandbox) -> None:
    head = f"POST /faults HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {1 << 30}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(address(sandbox).rpartition(":")[2])), timeout=5) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_the_token_is_compared_in_constant_time(sandbox: Sandbox, page: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(given: bytes, wanted: bytes) -> bool:
        compared.append((given, wanted))
        return given == wanted

    monkeypatch.setattr("hmac.compare_digest", compare)
    assert page().status_code == 200
    assert compared == [(token(sandbox).encode(),) * 2]
