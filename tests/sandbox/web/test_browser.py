"""The page in a real browser: what a person sees and does, and what an attacker's page tries there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stratuslab_libcloud.sandbox import Fault, FaultKind, ManualClock, Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template
from stratuslab_libcloud.sandbox.state.disk import DiskFields

from ..conftest import USERS
from .browser import Browser
from .conftest import address, token
from .scenes import SCENES

TAB, ENTER, SPACE, BACKSPACE = "\ue004", "\ue007", " ", "\ue003"


@pytest.fixture
def worker(sandbox: Sandbox, clock: ManualClock) -> Sandbox:
    """A cloud with a machine that will boot in a second."""
    sandbox.machines.allocate("alice", parse_template("NAME=worker"))
    clock.advance(2)
    return sandbox


COUNT_BEATS = """
window.asked = window.beats = 0;
const ask = window.fetch;
window.fetch = (...what) => { window.asked += 1; return ask(...what); };
document.querySelector("#live").addEventListener("every", () => { window.beats += 1; });
"""


def state(browser: Browser, machine_id: int = 0) -> str:
    return browser.text(f"#machine-{machine_id} td.state")


# Access


def test_the_token_leaves_the_address_and_stays_with_the_tab(browser: Browser, worker: Sandbox) -> None:
    browser.look(worker.page_url)
    assert browser.driver.current_url == f"{address(worker)}/"
    browser.driver.refresh()
    browser.wait(lambda: state(browser) == "BOOT")
    assert browser.driver.get_cookies() == []
    assert token(worker) not in browser.driver.page_source


def test_without_the_token_nothing_is_shown(browser: Browser, worker: Sandbox) -> None:
    browser.look(worker.page_url)
    browser.driver.switch_to.new_window("tab")
    try:
        for url in (address(worker), f"{address(worker)}/#token=wrong"):
            browser.open(url)
            browser.wait(lambda: browser.status().startswith("no access"))
            assert "worker" not in browser.driver.page_source
    finally:
        browser.driver.close()
        browser.driver.switch_to.window(browser.driver.window_handles[0])


def test_links_within_the_page_do_not_cost_the_access(browser: Browser, worker: Sandbox) -> None:
    browser.look(worker.page_url)
    browser.find(".summary a[href='#images']").click()
    browser.driver.refresh()
    browser.wait(lambda: state(browser) == "BOOT")


# Live


def test_it_shows_what_happens_without_being_asked(browser: Browser, worker: Sandbox, clock: ManualClock) -> None:
    browser.look(worker.page_url)
    assert state(browser) == "BOOT"
    clock.advance(2)
    browser.wait(lambda: state(browser) == "RUNNING")
    worker.machines.allocate("bob", parse_template("NAME=another"))
    browser.wait(lambda: state(browser, 1) == "PENDING")
    worker.machines.act("alice", 0, "finalize")
    clock.advance(100)
    browser.wait(lambda: not browser.has("#machine-0"))
    assert browser.complaints() == []


def test_what_the_reader_does_survives_updates(browser: Browser, clock: ManualClock) -> None:
    with SCENES["busy"]() as sandbox:
        assert isinstance(sandbox.clock, ManualClock)
        browser.look(sandbox.page_url)
        browser.find("#life-57 summary").click()
        browser.run("document.querySelector('#machines .scroll').scrollTop = 150; scrollTo(0, 90)")
        operation = browser.find("#new-fault [name=operation]")
        operation.clear()
        operation.send_keys("one.vm.info")
        browser.run(
            "const text = document.querySelector('#machine-52 bdi').firstChild;"
            "getSelection().setBaseAndExtent(text, 0, text, text.length)"
        )
        before = browser.run("return [scrollY, document.querySelector('#machines .scroll').scrollTop]")
        sandbox.clock.advance(1)
        sandbox.machines.allocate("alice", parse_template("NAME=last"))
        browser.wait(lambda: browser.has("#machine-60"))
        browser.after_updates()
        assert browser.run("return document.querySelector('#life-57').open") is True
        assert browser.run("return scrollY") == before[0]
        assert browser.run("return document.querySelector('#machines .scroll').scrollTop") >= before[1]
        assert browser.run("return document.querySelector('#new-fault [name=operation]').value") == "one.vm.info"
        assert browser.focus() == "operation"
        assert browser.run("return String(getSelection())") == "front end-6"


def test_nothing_jumps_when_values_change(browser: Browser, clock: ManualClock) -> None:
    with SCENES["quiet"]() as sandbox:
        assert isinstance(sandbox.clock, ManualClock)
        browser.look(sandbox.page_url)
        browser.after_updates()
        browser.run(
            "window.jumps = []; new PerformanceObserver((list) => window.jumps.push("
            "...list.getEntries().flatMap((e) => e.sources.map((s) => s.node?.id || s.node?.className || 'text'))"
            ")).observe({type: 'layout-shift'})"
        )
        for seconds in (1, 30, 600, 86_400):
            sandbox.clock.advance(seconds)
            browser.after_updates(1)
        sandbox.disks.create("alice", DiskFields(size=1000, owner="alice", tag="at the end of the page"))
        browser.after_updates()
        moved = [
            thing for thing in browser.run("return window.jumps") if thing in ("card", "columns", "summary", "head")
        ]
        assert moved in ([], ["card"])  # the new volume needs a line, which is what follows it


def test_it_can_be_paused(browser: Browser, worker: Sandbox, clock: ManualClock) -> None:
    browser.look(worker.page_url)
    pause = browser.find("#pause")
    pause.click()
    assert browser.status() == "paused"
    clock.advance(2)
    browser.run(COUNT_BEATS)
    browser.wait(lambda: browser.run("return window.beats") >= 2)
    assert browser.run("return window.asked") == 0
    assert state(browser) == "BOOT"
    pause.click()
    browser.wait(lambda: state(browser) == "RUNNING")
    assert browser.status() == "live"


def test_a_page_that_nobody_sees_does_not_ask(browser: Browser, worker: Sandbox, clock: ManualClock) -> None:
    browser.look(worker.page_url)
    browser.run("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    browser.run(COUNT_BEATS)
    browser.wait(lambda: browser.run("return window.beats") >= 2)
    assert browser.run("return window.asked") == 0
    clock.advance(2)
    assert state(browser) == "BOOT"
    browser.run("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    browser.wait(lambda: state(browser) == "RUNNING")


def test_it_says_when_the_sandbox_has_ended(browser: Browser) -> None:
    with Sandbox(users=USERS) as sandbox:
        browser.look(sandbox.page_url)
    browser.wait(lambda: browser.status() == "the sandbox does not answer")
    assert browser.has("#machines")


def test_what_is_searched_for_and_how_far_back(browser: Browser, clock: ManualClock) -> None:
    with SCENES["busy"]() as sandbox:
        browser.look(sandbox.page_url)
        browser.find("[name=search]").send_keys("cache")
        browser.wait(lambda: browser.text("#machines .count") == "7")
        browser.after_updates()
        assert browser.run("return document.querySelector('[name=search]').value") == "cache"
        browser.press(*[BACKSPACE] * 5)
        browser.wait(lambda: browser.text("#machines .count") == "60")
        browser.find("[name=seconds] option[value='600']").click()
        browser.wait(lambda: browser.text("#machines .axis span") == "10 min ago")


# What is done there


def test_a_fault_is_set_and_lifted_by_keyboard(browser: Browser, sandbox: Sandbox) -> None:
    browser.look(sandbox.page_url)
    browser.run("document.querySelector('#new-fault [name=kind]').focus()")
    browser.press("drip", TAB, "m", TAB, "GET /metadata", TAB, "50", TAB, "3", ENTER)
    browser.wait(lambda: sandbox.faults.active)
    [active] = sandbox.faults.active
    assert active.fault == Fault(FaultKind.DRIP, "marketplace", "GET /metadata", chance=0.5, count=3)
    browser.wait(lambda: browser.has("#lift-1"))
    assert browser.focus() == "count"
    for _ in range(30):
        if browser.focus() == "lift-1":
            break
        browser.driver.find_element("css selector", "body")
        browser.press("\ue008" + TAB)
    assert browser.focus() == "lift-1"
    browser.press(ENTER)
    browser.wait(lambda: not browser.has("#lift-1"))
    assert sandbox.faults.active == []
    assert browser.focus() == "faults-title"


def test_a_fault_that_cannot_be_is_explained(browser: Browser, sandbox: Sandbox) -> None:
    browser.look(sandbox.page_url)
    operation = browser.find("#new-fault [name=operation]")
    operation.clear()
    operation.send_keys("<b>walk</b>", ENTER)
    browser.wait(lambda: browser.text("#fault-problem"))
    assert browser.text("#fault-problem") == "This cannot be done: service '*' has no operation '<b>walk</b>'."
    browser.after_updates()
    assert browser.text("#fault-problem")
    operation.clear()
    operation.send_keys("one.vm.info", ENTER)
    browser.wait(lambda: browser.has("#fault-1"))
    assert browser.text("#fault-problem") == ""


def test_the_clock_is_moved(browser: Browser, sandbox: Sandbox, clock: ManualClock) -> None:
    started = clock.now()
    sandbox.machines.allocate("alice", parse_template("NAME=worker"))
    browser.look(sandbox.page_url)
    browser.find("#move-next").click()
    browser.wait(lambda: state(browser) == "PROLOG")
    browser.find("#move [name=move]").send_keys("1.25", ENTER)
    browser.wait(lambda: state(browser) == "BOOT")
    browser.find("#move-60").click()
    browser.wait(lambda: state(browser) == "RUNNING")
    assert clock.now() - started == pytest.approx(0.9 + 1.25 + 60)
    assert browser.focus() == "move-60"


# How it looks


def test_it_is_light_or_dark_as_the_reader_wants(browser: Browser, sandbox: Sandbox) -> None:
    browser.look(sandbox.page_url)

    def brightness() -> float:
        colour = browser.run("return getComputedStyle(document.body).backgroundColor")
        return sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(","))) / 3

    assert brightness() > 200
    browser.window(dark=True)
    assert brightness() < 60


def test_nothing_moves_for_those_who_want_it_so(browser: Browser, sandbox: Sandbox) -> None:
    browser.look(sandbox.page_url)
    assert browser.run("return matchMedia('(prefers-reduced-motion: reduce)').matches")
    assert browser.run("return getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    assert browser.run("return document.getAnimations().length") == 0


@pytest.mark.parametrize("scene", SCENES)
def test_nothing_is_wider_than_the_window(browser: Browser, scene: str) -> None:
    with SCENES[scene]() as sandbox:
        browser.look(sandbox.page_url)
        for width in (320, 400, 768, 1280, 1920):
            browser.window(width, 800)
            browser.wait(lambda width=width: browser.run("return innerWidth") == width)
            assert browser.run("return document.documentElement.scrollWidth - innerWidth") <= 0
        assert browser.complaints() == []


def test_each_state_is_said_by_a_word_too(browser: Browser) -> None:
    with SCENES["busy"]() as sandbox:
        browser.look(sandbox.page_url)
        words = browser.run("return [...document.querySelectorAll('span.state')].map((e) => e.textContent.trim())")
        assert len(words) > 60
        assert all(words)


# Attacks


HOSTILE = """</bdi><script>window.hit = 1</script><img src=x onerror="window.hit = 2"><b hx-on:load="window.hit=3">"""


def test_what_clients_wrote_does_nothing(browser: Browser, sandbox: Sandbox, clock: ManualClock) -> None:
    machine = sandbox.machines.allocate("alice", parse_template("CPU=1"))
    browser.look(sandbox.page_url)
    machine.name = HOSTILE
    machine.template.replace("ERROR", {"MESSAGE": HOSTILE})
    sandbox.disks.create("alice", DiskFields(size=1, owner="alice", tag=HOSTILE))
    browser.wait(lambda: HOSTILE in browser.text("#volumes"))
    assert HOSTILE in browser.text("#machine-0")
    browser.after_updates()
    assert browser.run("return window.hit ?? null") is None
    assert browser.complaints() == []


def test_markup_that_got_into_the_page_would_do_nothing(browser: Browser, sandbox: Sandbox) -> None:
    browser.look(sandbox.page_url)
    browser.run(
        """
        const live = document.querySelector("#live");
        live.insertAdjacentHTML("beforeend", '<img src="/nowhere" onerror="window.hit = 1">');
        live.insertAdjacentHTML("beforeend", '<b hx-on:look="window.hit = 2">');
        const script = document.createElement("script");
        script.textContent = "window.hit = 3";
        live.append(script);
        htmx.process(live.lastElementChild.previousElementSibling);
        live.querySelector("b").dispatchEvent(new Event("look"));
        """
    )
    browser.wait(lambda: len(browser.complaints()) >= 1)
    assert browser.run("return window.hit ?? null") is None


ATTACK = """<!doctype html><title>attack</title><body><script>
const page = "PAGE", token = "TOKEN", got = [], errors = [];
const ask = (path, options) =>
  fetch(page + path, options).then((answer) => answer.text()).then((text) => got.push(text), (e) => errors.push(e));
const header = {"X-Sandbox-Token": token}, body = new URLSearchParams({kind: "status", move: "60"});
const frame = document.body.appendChild(document.createElement("iframe")); frame.src = page + "/#token=" + token;
const image = document.body.appendChild(document.createElement("img")); image.src = page + "/cloud";
for (const [target, path] of [["a", "/faults"], ["b", "/clock"]]) {
  const form = document.body.appendChild(document.createElement("form"));
  const into = document.body.appendChild(document.createElement("iframe"));
  into.name = form.target = target; form.method = "post"; form.action = page + path;
  form.innerHTML = '<input name="kind" value="status"><input name="move" value="60">';
  form.submit();
}
Promise.all([
  ask("/cloud"), ask("/cloud", {mode: "no-cors", credentials: "include"}), ask("/cloud", {headers: header}),
  ask("/faults", {method: "POST", body}), ask("/faults", {method: "POST", body, mode: "no-cors"}),
  ask("/faults", {method: "POST", body, headers: header}), ask("/clock", {method: "POST", body, headers: header}),
  new Promise((done) => setTimeout(done, 1000)),
]).then(() => {
  let inside = "";
  try { inside = frame.contentDocument ? frame.contentDocument.body.innerText : ""; } catch (error) { inside = ""; }
  document.title = JSON.stringify({got: got.join(""), errors: errors.length, inside});
});
</script>"""


@pytest.fixture
def attackers_page(worker: Sandbox) -> Iterator[str]:
    """A page of another user of this computer, who has even found the token."""
    document = ATTACK.replace("PAGE", address(worker)).replace("TOKEN", token(worker)).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(document)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def attacked_browser(tmp_path: Path) -> Iterator[Browser]:
    """A browser for one attack: after frames that were refused, Chromium takes no picture any more."""
    browser = Browser(tmp_path / "chromium")
    yield browser
    browser.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_another_page_in_the_browser_reads_and_does_nothing(
    attacked_browser: Browser, worker: Sandbox, clock: ManualClock, attackers_page: str, host: str
) -> None:
    before, browser = clock.now(), attacked_browser
    browser.look(worker.page_url)
    browser.open(attackers_page.replace("127.0.0.1", host))
    browser.wait(lambda: browser.driver.title.startswith("{"))
    assert browser.driver.title == '{"got":"","errors":7,"inside":""}'
    assert worker.faults.active == []
    assert clock.now() == before


def test_the_page_itself_may_do_what_the_other_page_tried(
    browser: Browser, worker: Sandbox, clock: ManualClock
) -> None:
    before = clock.now()
    browser.look(worker.page_url)
    browser.run(
        "fetch('/clock', {method: 'POST', headers: {'X-Sandbox-Token': arguments[0]},"
        " body: new URLSearchParams({move: '60'})})",
        token(worker),
    )
    browser.wait(lambda: clock.now() == before + 60)
