"""The fixtures, and the marks that change them.

Each test that wants a cloud gets a new one, which starts in a few hundredths of a second. Within the test, the home
directory is an empty one whose configuration points at the cloud: whatever the program under test reads by default, it
does not reach a real cloud, and it does not see the user's keys.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stratuslab.markers import MARKERS, clock_of, faults_for, options_for

if TYPE_CHECKING:
    from stratuslab_libcloud import OpenNebulaNodeDriver, StratusLabNodeDriver
    from stratuslab_libcloud.sandbox import ManualClock, Sandbox

_FOREIGN_VARIABLES = ("STRATUSLAB_", "LIBCLOUD_", "ONE_")

_CLOUDS = pytest.StashKey[list["Sandbox"]]()
"""The clouds of a test, but for those of which a bug has been told already."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the marks known."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A bug in the sandbox fails the test that met it."""
    try:
        yield
    finally:
        clouds = item.stash.get(_CLOUDS, [])
        for sandbox in [*clouds]:
            clouds.remove(sandbox)
            sandbox.check()
            clouds.append(sandbox)


@pytest.fixture
def sandbox_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home directory for the test and what it starts, and an environment that says nothing of clouds or proxies."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as environment:  # not the test's own, which it may undo
        for name in list(os.environ):
            if name.startswith(_FOREIGN_VARIABLES) or name.lower().endswith("_proxy"):
                environment.delenv(name)
        environment.setenv("HOME", str(home))
        environment.setenv("USERPROFILE", str(home))  # the same on Windows
        yield home


@contextmanager
def _cloud(kind: str, request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A cloud as the marks of the test want it."""
    from stratuslab_libcloud.sandbox import Sandbox, SandboxError

    test: pytest.Item = request.node
    try:
        sandbox = Sandbox(kind=kind, **options_for(kind, test, request.getfixturevalue("_sandbox_clock")))
        for fault in faults_for(kind, test):
            sandbox.faults.add(fault)
    except (TypeError, ValueError) as error:
        pytest.fail(f"a mark of {test.name} cannot be used: {error}", pytrace=False)
    clouds = test.stash.setdefault(_CLOUDS, [])
    clouds.append(sandbox.start())
    try:
        yield sandbox
    finally:
        with nullcontext() if sandbox in clouds else suppress(SandboxError):
            sandbox.stop()


@pytest.fixture
def stratuslab_sandbox(request: pytest.FixtureRequest, _config_file: Path, _ssh_key: Path) -> Iterator[Sandbox]:
    """A StratusLab cloud, which is the location ``default`` of ``~/.stratuslab/stratuslab-user.cfg``."""
    with _cloud("stratuslab", request) as sandbox:
        sandbox.write_config(_config_file, public_key_file=_ssh_key)
        yield sandbox


@pytest.fixture
def stratuslab_driver(
    stratuslab_sandbox: Sandbox, _sandbox_clock: ManualClock | None
) -> Iterator[StratusLabNodeDriver]:
    """A driver for `stratuslab_sandbox`, of its first user."""
    from stratuslab_libcloud import StratusLabNodeDriver

    with StratusLabNodeDriver() as driver:
        driver.ex_use_clock(_sandbox_clock)
        yield driver


@pytest.fixture
def opennebula_sandbox(
    request: pytest.FixtureRequest, sandbox_home: Path, _config_file: Path, _ssh_key: Path
) -> Iterator[Sandbox]:
    """An OpenNebula cloud, which is the location ``opennebula`` of ``~/.stratuslab/stratuslab-user.cfg``.

    ``~/.one/one_auth`` and ``~/.one/one_endpoint`` say the same, for other programs than this package's.
    """
    with _cloud("opennebula", request) as sandbox:
        sandbox.write_config(_config_file, section="opennebula", public_key_file=_ssh_key)
        folder = sandbox_home / ".one"
        folder.mkdir(0o700)
        user, password = next(iter(sandbox.users.items()))
        (folder / "one_auth").write_text(f"{user}:{password}\n", encoding="utf-8")
        (folder / "one_endpoint").write_text(f"{sandbox.compute_url}\n", encoding="utf-8")
        yield sandbox


@pytest.fixture
def opennebula_driver(
    opennebula_sandbox: Sandbox, _sandbox_clock: ManualClock | None
) -> Iterator[OpenNebulaNodeDriver]:
    """A driver for `opennebula_sandbox`, of its first user."""
    from stratuslab_libcloud import OpenNebulaNodeDriver

    with OpenNebulaNodeDriver() as driver:
        driver.ex_use_clock(_sandbox_clock)
        yield driver


@pytest.fixture
def _config_file(sandbox_home: Path) -> Path:
    """The configuration file of the clouds of the test."""
    file = sandbox_home / ".stratuslab" / "stratuslab-user.cfg"
    file.parent.mkdir(0o700)
    file.write_text("[default]\n", encoding="utf-8")
    return file


@pytest.fixture
def _ssh_key(sandbox_home: Path) -> Path:
    """A key pair where OpenSSH and the drivers look for one; the public half."""
    import asyncssh

    private = sandbox_home / ".ssh" / "id_ed25519"
    private.parent.mkdir(0o700)
    key = asyncssh.generate_private_key("ssh-ed25519", comment="test")
    private.touch(0o600)
    private.write_bytes(key.export_private_key())
    public = private.with_suffix(".pub")
    public.write_bytes(key.export_public_key())
    return public


@pytest.fixture
def _sandbox_clock(request: pytest.FixtureRequest) -> ManualClock | None:
    """The clock of all clouds of the test, if it moves one."""
    return clock_of(request.node)
