"""What all tests stand on: a clean environment, and a sandbox with a driver for it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import stratuslab_libcloud
from stratuslab_libcloud.sandbox import Sandbox

SAMPLES = Path(os.environ.get("STRATUSLAB_SAMPLES", Path(__file__).parents[2] / "shared" / "samples"))
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


@pytest.fixture
def samples() -> Path:
    """The folder of real documents, which is beside the project, not in it."""
    if not SAMPLES.is_dir():
        pytest.skip(f"no samples at {SAMPLES}")
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
