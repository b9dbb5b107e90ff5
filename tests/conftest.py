"""What all tests stand on: a clean environment, and a sandbox with a driver for it."""

from __future__ import annotations

import os
import signal
import threading
import xmlrpc.client
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import hypothesis
import pytest

import stratuslab_libcloud
from stratuslab_libcloud.sandbox import Sandbox

DOCUMENTS = Path(__file__).parent / "documents"
SAMPLES = Path(os.environ.get("STRATUSLAB_SAMPLES", Path(__file__).parents[2] / "shared" / "samples"))
# How long an example takes says little on a computer that does other things, too.
hypothesis.settings.register_profile("without deadline", deadline=None)
hypothesis.settings.load_profile("without deadline")
# For tools/mutants.py, which runs the same tests very often.
hypothesis.settings.register_profile("few", deadline=None, max_examples=10)

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJpYUQ5cGqPZCTHGkPK0Y2mKSEW7mGIdLOnBO0XBLvLK jane@laptop\n"


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> Iterator[None]:
    """Some tests press Ctrl-C, which a shell lets those ignore that it starts in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of its own, and no settings from the real environment. Returns the home."""
    for name in list(os.environ):
        if name.startswith(("STRATUSLAB_", "LIBCLOUD_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    return home


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Comparisons with real documents run where these are."""
    if not SAMPLES.is_dir():
        compared = [item for item in items if "real_samples" in getattr(item, "fixturenames", ())]
        items[:] = [item for item in items if item not in compared]
        config.hook.pytest_deselected(items=compared)


@pytest.fixture(params=[DOCUMENTS, SAMPLES] if SAMPLES.is_dir() else [DOCUMENTS], ids=lambda folder: folder.name)
def samples(request: pytest.FixtureRequest) -> Path:
    """The folder of our own documents; and then that of real ones, which is beside the project, not in it."""
    folder: Path = request.param
    return folder


@pytest.fixture
def documents() -> Path:
    """The folder of our own documents."""
    return DOCUMENTS


@pytest.fixture
def real_samples() -> Path:
    """The folder of real documents, for tests that have nothing to say about our own."""
    return SAMPLES


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A public key file."""
    file = tmp_path / "id_ed25519.pub"
    file.write_text(PUBLIC_KEY)
    return file


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A cloud on which machines run at once."""
    with Sandbox(boot_seconds=0) as sandbox:
        yield sandbox


@pytest.fixture
def config_file(sandbox: Sandbox, tmp_path: Path, key_file: Path) -> Path:
    """A configuration file with the sandbox as its only cloud."""
    return sandbox.write_config(tmp_path / "stratuslab-user.cfg", public_key_file=key_file)


@pytest.fixture
def driver(config_file: Path) -> stratuslab_libcloud.StratusLabNodeDriver:
    """A driver for the sandbox."""
    return stratuslab_libcloud.StratusLabNodeDriver("default", stratuslab_user_config=config_file)


class ScriptedDaemon:
    """An ``oned`` that says what a test wants: one request a connection, as the real ones.

    :ivar answers: by method, a value, an exception to send as a refusal or a fault, or a function of the parameters
        that returns one of these
    :ivar calls: each method and its parameters after the session string
    :ivar sessions: the session string of each call
    :ivar replace: bytes in the answers, and what to write in their place
    """

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.calls: list[tuple[Any, ...]] = []
        self.sessions: list[str] = []
        self.headers: list[Any] = []
        self.replace = (b"", b"")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/RPC2"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer_to(self, body: bytes) -> str:
        parameters, method = xmlrpc.client.loads(body)
        session, *rest = parameters or ("",)
        self.calls.append((method, *rest))
        self.sessions.append(str(session))
        answer = self.answers.get(method or "", RefusedCall(4096, f"[{method}] is not scripted"))
        if callable(answer):
            answer = answer(*rest)
        if isinstance(answer, xmlrpc.client.Fault):
            return xmlrpc.client.dumps(answer)
        if isinstance(answer, RefusedCall):
            return _reply(
                "<boolean>0</boolean>", _string(answer.text), f"<i4>{answer.code}</i4>", "<i4>7</i4>", "<i8>-1</i8>"
            )
        value = f"<i4>{answer}</i4>" if isinstance(answer, int) else _string(answer)
        return _reply("<boolean>1</boolean>", value, "<i4>0</i4>")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        daemon = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                daemon.headers.append(self.headers)
                body = daemon.answer_to(self.rfile.read(int(self.headers["Content-Length"]))).encode()
                if daemon.replace[0]:
                    body = body.replace(*daemon.replace)
                self.send_response(200 if self.path == "/RPC2" else 404)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class RefusedCall(NamedTuple):
    """``[False, text, code, object, replication]``, as a scripted answer."""

    code: int
    text: str


def _string(text: str) -> str:
    return f"<string>{escape(text)}</string>"


def _reply(*values: str) -> str:
    data = "".join(f"<value>{value}</value>" for value in values)
    array = f"<value><array><data>{data}</data></array></value>"
    return f"<methodResponse><params><param>{array}</param></params></methodResponse>"


@pytest.fixture
def scripted_daemon() -> Iterator[ScriptedDaemon]:
    """An ``oned`` whose answers the test writes."""
    daemon = ScriptedDaemon()
    yield daemon
    daemon.close()


@pytest.fixture
def refused() -> type[RefusedCall]:
    """Makes a refusal of a scripted daemon: its code and its text."""
    return RefusedCall
