"""How many requests calls make, and through how many connections they go: counted by the sandbox."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from libcloud.compute.base import NodeImage

from benchmarks.report import Findings, Row
from benchmarks.server import BareServer
from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.sandbox import Sandbox

_CALLS = 100
_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJpYUQ5cGqPZCTHGkPK0Y2mKSEW7mGIdLOnBO0XBLvLK jane@laptop\n"

# What the driver of 14.06 needs, and what this one may need.
_BEFORE = {
    "`create_node`, image known": (7, 2),
    "`create_node`, image not known": (7, 3),
    "`attach_volume`": (2, 2),
    "`detach_volume`": (1, 1),
    "`list_volumes`": (1, 1),
    "`destroy_node`": (4, 1),
}


def measure(server: BareServer, full: bool) -> Findings:
    """Requests of each call, and connections over HTTP and HTTPS."""
    findings = Findings()
    with tempfile.TemporaryDirectory() as folder:
        findings.rows += _requests(Path(folder))
        findings.rows += [_connections(Path(folder), tls=tls) for tls in (False, True)]
    return findings


def _requests(folder: Path) -> list[Row]:
    rows = []
    with Sandbox(boot_seconds=0) as sandbox:
        calls = _calls(_driver_for(sandbox, folder))
        for what, (before, goal) in _BEFORE.items():
            sandbox.requests.clear()
            calls[what]()
            made = len(sandbox.requests)
            against = f"14.06: {before}"
            rows.append(Row(f"requests of {what}", str(made), against, f"{made / before:.2f}", str(goal), made <= goal))
    return rows


def _calls(driver: StratusLabNodeDriver) -> dict[str, Callable[[], object]]:
    """The calls that are counted; each leaves behind what the next ones need."""
    known, other = [image for image in driver.list_images() if image.extra["kind"] == "machine"][:2]
    node = driver.create_node("n", None, known)
    driver.wait_until_running([node], wait_period=0.05)
    volume = driver.create_volume(1, "v")
    return {
        "`create_node`, image known": lambda: driver.create_node("n", None, known),
        "`create_node`, image not known": lambda: driver.create_node("n", None, NodeImage(other.id, "x", driver)),
        "`destroy_node`": lambda: driver.destroy_node(node),
        "`attach_volume`": lambda: driver.attach_volume(node, volume),
        "`detach_volume`": lambda: driver.detach_volume(volume),
        "`list_volumes`": driver.list_volumes,
    }


def _connections(folder: Path, tls: bool) -> Row:
    with Sandbox(boot_seconds=0, tls=tls) as sandbox:
        driver = _driver_for(sandbox, folder)
        for _ in range(_CALLS):
            driver.list_nodes()
        opened = sandbox.requests.connections
        asked = len(sandbox.requests)
    what = f"connections of {_CALLS} calls, one after another, {'HTTPS' if tls else 'HTTP'}"
    return Row(what, str(opened), f"requests: {asked}", f"{opened / asked:.2f}", "1", opened <= 1)


def _driver_for(sandbox: Sandbox, folder: Path) -> StratusLabNodeDriver:
    key = folder / "id_ed25519.pub"
    key.write_text(_KEY)
    config = folder / "stratuslab-user.cfg"
    config.unlink(missing_ok=True)
    return StratusLabNodeDriver(stratuslab_user_config=sandbox.write_config(config, public_key_file=key))
