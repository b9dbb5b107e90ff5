"""Damaged answers for each call of the client library, over real sockets: only this package's errors may come out.

``make fuzz``, or ``python tools/fuzz.py [--seconds S] [--seed S]``. The documents are those of the sandbox, and real
ones where a folder has them (``--samples``). It ends with a count, and with status 1 when a call raised another
exception, took longer than its time limit, or memory grew too much. Each failure names the seed with which it comes
again.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import logging
import os
import random
import resource
import socket
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from libcloud.common.types import LibcloudError

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.http import failures, messages
from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud
from stratuslab_libcloud.client.stratuslab.metadata.document import newest_entry
from stratuslab_libcloud.client.stratuslab.metadata.verification import verify_entry
from stratuslab_libcloud.client.stratuslab.port_translation import PortTranslationService
from stratuslab_libcloud.config import OpenNebulaConfig, Password, ServiceConfig, SessionPassword, UserConfiguration
from stratuslab_libcloud.sandbox import Sandbox

TIME_LIMIT = 1.0
MOST_SECONDS = TIME_LIMIT + 1.0
MOST_MEMORY = 400 << 20

SAMPLES = Path(os.environ.get("STRATUSLAB_SAMPLES", Path(__file__).parents[2] / "shared" / "samples"))

TEMPLATE = 'CPU = 1 MEMORY = 64 NAME = "n"'
MARK = "libcloud-mark-0123456789abcdef0123456789abcdef"


class Clients(NamedTuple):
    """The client library for one address."""

    stratuslab: Cloud
    one: OpenNebulaCloud
    ports: PortTranslationService
    url: str


Call = Callable[[Clients], Any]

OF_STRATUSLAB: dict[str, Call] = {
    "compute.machine": lambda to: to.stratuslab.compute.machine(0),
    "compute.machines": lambda to: to.stratuslab.compute.machines(),
    "compute.certain_machines": lambda to: to.stratuslab.compute.certain_machines([0, 1, 2]),
    "compute.allocate": lambda to: to.stratuslab.compute.allocate(TEMPLATE),
    "compute.shutdown": lambda to: to.stratuslab.compute.shutdown(0),
    "compute.kill": lambda to: to.stratuslab.compute.kill(0),
    "disks.create": lambda to: to.stratuslab.disks.create(1, "tag", "private", MARK),
    "disks.disks": lambda to: to.stratuslab.disks.disks(),
    "disks.disk": lambda to: to.stratuslab.disks.disk(_first_disk(to)),
    "disks.mounts": lambda to: to.stratuslab.disks.mounts(_first_disk(to)),
    "disks.attach": lambda to: to.stratuslab.disks.attach(_first_disk(to), "host", 0),
    "disks.detach": lambda to: to.stratuslab.disks.detach(_first_disk(to), 0),
    "disks.destroy": lambda to: to.stratuslab.disks.destroy(_first_disk(to)),
    "marketplace.images": lambda to: to.stratuslab.marketplace.images(),
    "marketplace.image": lambda to: to.stratuslab.marketplace.image(_first_image(to), refresh=True),
    "marketplace.entry_document": lambda to: verify_entry(
        newest_entry(to.stratuslab.marketplace.entry_document(_first_image(to)))
    ),
    "marketplace.lasting_url": lambda to: to.stratuslab.marketplace.lasting_url(f"{to.url}/image"),
    "ports": lambda to: to.ports.ports(0),
}
OF_OPENNEBULA: dict[str, Call] = {
    "one.machine": lambda to: to.one.compute.machine(0),
    "one.machines": lambda to: to.one.compute.machines(),
    "one.certain_machines": lambda to: to.one.compute.certain_machines([0, 1, 2]),
    "one.allocate": lambda to: to.one.compute.allocate(TEMPLATE),
    "one.images": lambda to: to.one.images.images(),
    "one.image": lambda to: to.one.images.image(0),
    "one.templates": lambda to: to.one.templates.templates(),
    "one.template": lambda to: to.one.templates.template(0),
    "one.networks": lambda to: to.one.networks.networks(),
    "one.security_groups": lambda to: to.one.networks.security_groups(),
    "one.datastores": lambda to: to.one.datastores.datastores(),
    "one.myself": lambda to: to.one.users.myself(),
    "one.version": lambda to: to.one.users.version(),
}
CALLS = {**OF_STRATUSLAB, **OF_OPENNEBULA}

WRITTEN = {
    "disks.attach": b'{"uuid": "5d1c7ae4-0d4f-4c57-8f3c-0c5a4d0a4a43", "target": "vdc"}',
    "disks.detach": b'{"uuid": "5d1c7ae4-0d4f-4c57-8f3c-0c5a4d0a4a43"}',
    "ports": b'{"0": [["22", "15000"], ["80", "15001"]]}',
}
"""Answers that need a running machine, as the services write them."""

_known: dict[str, str] = {"disk": "0-0", "image": "A" * 27}


def _first_disk(_: Clients) -> str:
    return _known["disk"]


def _first_image(_: Clients) -> str:
    return _known["image"]


def clients_of(
    url: str, user: str = "alice", password: str = "secret", paths: Sequence[str] = ("", "", "", "")
) -> Clients:
    """The client library for services at one URL.

    :param paths: of the compute service, the disk service, the Marketplace and the port translation
    """
    service = ServiceConfig(url, Password(user, password), None, TIME_LIMIT, 4, 64 << 20)
    file = f"[default]\nendpoint = {url}\nusername = {user}\npassword = {password}\n"
    config = UserConfiguration.load(io.StringIO(file), environ={}).cloud("default")
    compute, disks, marketplace, ports = (url + path for path in paths)
    one = service._replace(url=compute, credentials=SessionPassword(user, password))
    return Clients(
        Cloud(
            config._replace(
                compute=service._replace(url=compute),
                disks=service._replace(url=disks),
                marketplace=service._replace(url=marketplace, credentials=None),
            )
        ),
        OpenNebulaCloud.of(OpenNebulaConfig("here", "none", "here", "FR", one, None, Path("id_rsa"), Path("keys"))),
        PortTranslationService(ports, location="here", verify=None, timeout=TIME_LIMIT),
        url,
    )


# The documents


def recorded(samples: Path | None = None) -> dict[str, list[bytes]]:
    """For each call, the bodies of answers to it: the sandbox's, and those of a folder with real ones."""
    found = {name: [WRITTEN[name]] if name in WRITTEN else [] for name in CALLS}
    _known["disk"] = _record_stratuslab(found)
    _record_opennebula(found)
    if samples is not None and samples.is_dir():
        _add_samples(found, samples)
    return {name: bodies or [b""] for name, bodies in found.items()}


def _record_stratuslab(found: dict[str, list[bytes]]) -> str:
    with Sandbox(boot_seconds=0) as sandbox:
        user, password = next(iter(sandbox.users.items()))
        paths = [
            each.removeprefix(sandbox.url)
            for each in (
                sandbox.compute_url.replace("/xmlrpc", "/pswd/xmlrpc"),
                f"{sandbox.disks_url}/pswd",
                sandbox.marketplace_url,
                sandbox.port_translation_url,
            )
        ]
        clients = clients_of(sandbox.url, user, password, paths)
        _known["disk"] = clients.stratuslab.disks.create(1, "tag", "private", MARK.replace("0", "1"))
        _known["image"] = clients.stratuslab.marketplace.images()[0].identifier
        for _ in range(3):
            clients.stratuslab.compute.allocate(TEMPLATE)
        _record(OF_STRATUSLAB, clients, found)
        return _known["disk"]


def _record_opennebula(found: dict[str, list[bytes]]) -> None:
    with Sandbox(kind="opennebula", boot_seconds=0, guests=False) as sandbox:
        user, password = next(iter(sandbox.users.items()))
        base, _, path = sandbox.compute_url.rpartition("/")
        clients = clients_of(base, user, password, [f"/{path}"] * 4)
        for _ in range(3):
            with contextlib.suppress(LibcloudError):
                clients.one.compute.allocate(TEMPLATE)
        _record(OF_OPENNEBULA, clients, found)


def _record(calls: dict[str, Call], clients: Clients, found: dict[str, list[bytes]]) -> None:
    original = messages.pieces
    for name, call in calls.items():
        body = bytearray()

        def recording(response: Any, body: bytearray = body) -> Iterator[bytes]:
            for piece in original(response):
                body.extend(piece)
                yield piece

        messages.pieces = recording
        try:
            with contextlib.suppress(LibcloudError):
                call(clients)
        finally:
            messages.pieces = original
        found[name].append(bytes(body))


def _add_samples(found: dict[str, list[bytes]], samples: Path) -> None:
    """Whole answers go to all calls of their kind of service."""
    for file in samples.glob("opennebula-*/*.response.xml"):
        for name in found:
            if name.startswith(("compute.", "one.")):
                found[name].append(file.read_bytes())
    for file in samples.glob("marketplace/*.xml"):
        for name in ("marketplace.images", "marketplace.image", "marketplace.entry_document"):
            found[name].append(file.read_bytes())


# The damage

NASTY = [
    b"<", b">", b"&", b"&lt;", b"]]>", b"<![CDATA[", b"<!--", b"<?x?>", b"<!DOCTYPE x [", b"&#0;", b"&#x10FFFF;",
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\x1b[31m", b"\xe2\x80\xae", b"\\ud800", b"Infinity", b"NaN", b"1e999",
    b"-1", b"0", b"9" * 30, b"9" * 5000, b"null", b"true", b"[]", b"{}", b'"', b"'", b"\\", b"[" * 2000, b"<a>" * 2000,
    b" " * 5000, b":" * 2000, b"/" * 2000, b"%(", b"<VM>", b"</VM>", b"<ID>", b"</string>", b"<value/>", b"\r\n\r\n",
]  # fmt: skip

HEADS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.0 200\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{hexadecimal}\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n",
    b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n",
    b"HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: {length}\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://[::\r\n\r\n",
    b"HTTP/1.1 401 No\r\nContent-Length: {length}\r\n\r\n",
    b"HTTP/1.1 404 No\r\nContent-Length: {length}\r\n\r\n",
    b"HTTP/1.1 409 No\r\nContent-Length: {length}\r\n\r\n",
    b"HTTP/1.1 500 No\r\nContent-Length: {length}\r\n\r\n",
    b"HTTP/1.1 503 No\r\nRetry-After: 99\r\nContent-Length: {length}\r\n\r\n",
    b"HTTP/1.1 999 \xff\xff\r\nContent-Length: {length}\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; expires=\xff\r\nX: " + b"x" * 9000 + b"\r\n\r\n",
]


def damaged(body: bytes, dice: random.Random) -> bytes:
    """A document with a few things changed in it."""
    content = bytearray(body)
    for _ in range(dice.choice([1, 1, 1, 2, 3, 8])):
        place = dice.randint(0, len(content))
        length = dice.choice([0, 1, 4, 40, 400])
        piece = bytes(content[place : place + length])
        replacement = dice.choice(
            [dice.choice(NASTY), b"", piece * 2, piece[::-1], dice.randbytes(length), piece * 300]
        )
        content[place : place + length] = replacement
    if dice.random() < 0.1:
        del content[dice.randint(0, len(content)) :]
    return bytes(content)


def answer(body: bytes, dice: random.Random) -> bytes:
    """A whole answer with a damaged document, or a damaged head."""
    content = damaged(body, dice) if dice.random() < 0.9 else body
    head = HEADS[0] if dice.random() < 0.7 else dice.choice(HEADS)
    if b"gzip" in head and dice.random() < 0.7:
        content = gzip.compress(content)
    head = head.replace(b"{length}", b"%d" % len(content)).replace(b"{hexadecimal}", b"%x" % len(content))
    if dice.random() < 0.05:
        head = damaged(head, dice)
    return head + content


# The calls


class Server:
    """Answers each request with the same bytes, and closes the connection."""

    def __init__(self) -> None:
        self.answer = b""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(5)
                connection.recv(65536)
                connection.sendall(self.answer)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass


class Outcome(NamedTuple):
    """What became of one call.

    :param kind: ``answer``, or the name of the error
    :param problem: what is wrong with it; None if nothing is
    """

    kind: str
    seconds: float
    problem: str | None


def try_call(name: str, server: Server, clients: Clients, sent: bytes) -> Outcome:
    """Make a call that is answered with these bytes."""
    server.answer = sent
    started = time.monotonic()
    problem = None
    try:
        CALLS[name](clients)
        kind = "answer"
    except LibcloudError as error:
        kind = type(error).__name__
        if not str(error).isprintable():
            problem = f"a message that is not printable: {str(error)!r}"
    except Exception as error:  # noqa: BLE001 - what should not come out is what is looked for
        kind = type(error).__name__
        problem = traceback.format_exc()
    seconds = time.monotonic() - started
    if problem is None and seconds > MOST_SECONDS:
        problem = f"it took {seconds:.1f} s"
    return Outcome(kind, seconds, problem)


@contextlib.contextmanager
def without_pauses() -> Iterator[None]:
    """Within it, the pauses between attempts are short."""
    before = failures.FIRST_PAUSE_SECONDS
    failures.FIRST_PAUSE_SECONDS = 0.0001
    try:
        yield
    finally:
        failures.FIRST_PAUSE_SECONDS = before


def memory() -> int:
    """Bytes that this process has used at most."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def run(seconds: float, seed: int, documents: dict[str, list[bytes]]) -> tuple[Counter[str], list[str], float]:
    """Make calls for so many seconds.

    :return: how often each outcome came, the problems, and the longest call
    """
    counts: Counter[str] = Counter()
    problems: list[str] = []
    longest = 0.0
    server = Server()
    clients = clients_of(server.url)
    deadline = time.monotonic() + seconds
    number = 0
    with without_pauses(), contextlib.closing(server):
        while time.monotonic() < deadline:
            dice = random.Random(f"{seed}/{number}")
            name = dice.choice(list(CALLS))
            outcome = try_call(name, server, clients, answer(dice.choice(documents[name]), dice))
            counts[outcome.kind] += 1
            longest = max(longest, outcome.seconds)
            if outcome.problem:
                problems.append(f"{name}, --seed {seed} --only {number}: {outcome.problem}")
            number += 1
    return counts, problems, longest


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, and print the count."""
    parser = argparse.ArgumentParser(description="Send damaged answers to each call of the client library.")
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="one call, to look at its problem again")
    parser.add_argument("--samples", type=Path, default=SAMPLES)
    options = parser.parse_args(arguments)
    logging.disable()
    documents = recorded(options.samples)
    if options.only is not None:
        return _run_one(options.seed, options.only, documents)
    before = memory()
    counts, problems, longest = run(options.seconds, options.seed, documents)
    grown = memory() - before
    if grown > MOST_MEMORY:
        problems.append(f"memory grew by {grown >> 20} MiB")
    for problem in problems[:20]:
        print(problem)
    print(f"{sum(counts.values())} calls, the longest {longest:.2f} s, memory grew by {grown >> 20} MiB")
    for kind, count in counts.most_common():
        print(f"  {count:8} {kind}")
    print(f"{len(problems)} problems")
    return 1 if problems else 0


def _run_one(seed: int, number: int, documents: dict[str, list[bytes]]) -> int:
    dice = random.Random(f"{seed}/{number}")
    name = dice.choice(list(CALLS))
    sent = answer(dice.choice(documents[name]), dice)
    server = Server()
    with without_pauses(), contextlib.closing(server):
        outcome = try_call(name, server, clients_of(server.url), sent)
    print(f"{name}: {sent[:2000]!r}\n{outcome.kind} after {outcome.seconds:.2f} s\n{outcome.problem or 'no problem'}")
    return 1 if outcome.problem else 0


if __name__ == "__main__":
    sys.exit(main())
