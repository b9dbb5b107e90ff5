"""Contents of new disks."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from .conftest import Client, message


def test_an_upload_must_be_compressed(alice: Client) -> None:
    assert alice("POST", "/disks/", files={"f": ("image", b"plain")}).status_code == 400
    assert message(alice("POST", "/disks/", files={"f": ("image", b"")})) == (400, "empty file uploaded")


@pytest.fixture
def web() -> Iterator[str]:
    """A web server that has one image."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(gzip.compress(b"an image") if self.path.endswith(".gz") else b"an image")

        def log_message(self, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["image", "image.gz"])
def test_a_disk_is_filled_from_a_url(alice: Client, web: str, name: str) -> None:
    sha1 = hashlib.sha1(b"an image").hexdigest()
    uuid = alice.create(url=f"{web}/{name}", bytes="8", sha1=sha1)
    contents = alice("GET", f"/disks/{uuid}", headers={"Accept": "application/x-gzip"})
    assert gzip.decompress(contents.content) == b"an image"


def test_a_failed_import_leaves_a_ghost(alice: Client, web: str) -> None:
    form = {"size": "1", "url": f"{web}/image", "bytes": "7"}
    assert message(alice("POST", "/disks", data=form)) == (400, "size mismatch: 8 (found) != 7 (expected)")
    assert len(alice("GET", "/disks").json()) == 1


def test_a_wrong_checksum_is_told_in_decimal_numbers(alice: Client, web: str) -> None:
    found = int(hashlib.sha1(b"an image").hexdigest(), 16)
    form = {"size": "1", "url": f"{web}/image", "sha1": "ff"}
    assert message(alice("POST", "/disks", data=form)) == (
        400,
        f"checksum mismatch: {found} (found) != 255 (expected)",
    )


def test_nothing_is_fetched_from_other_computers(alice: Client) -> None:
    form = {"size": "1", "url": "http://192.0.2.1/image"}
    assert message(alice("POST", "/disks", data=form)) == (
        400,
        "error initializing disk contents from http://192.0.2.1/image",
    )
