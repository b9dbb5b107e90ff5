"""`deploy_node` of twenty machines in threads, against one."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from libcloud.compute.base import NodeImage
from libcloud.compute.deployment import ScriptDeployment

from benchmarks.measuring import compare
from benchmarks.report import Findings, Row
from benchmarks.server import BareServer
from stratuslab_libcloud import StratusLabNodeDriver

_NODES = 20
_BOOT_SECONDS = 2
_WAIT_PERIOD = 0.5
_GOAL = 2.0


def measure(server: BareServer, full: bool) -> Findings:
    """On a sandbox in a process of its own, on whose machines SSH works."""
    with _sandbox() as config:
        driver = StratusLabNodeDriver(stratuslab_user_config=config)
        image = next(image for image in driver.list_images() if image.name == "ttylinux")
        times = compare(lambda: _deploy(driver, image, _NODES), lambda: _deploy(driver, image, 1), rounds=3)
    what = f"{_NODES} x `deploy_node` in threads, each boots for {_BOOT_SECONDS} s and runs a script"
    return Findings(rows=[Row.of_times(what, "one", times, _GOAL)])


def _deploy(driver: StratusLabNodeDriver, image: NodeImage, machines: int) -> None:
    def deploy(number: int) -> None:
        script = ScriptDeployment("echo hello")
        node = driver.deploy_node(script, name=f"machine {number}", size=None, image=image, wait_period=_WAIT_PERIOD)
        assert script.stdout == "hello\n"
        node.destroy()

    with ThreadPoolExecutor(machines) as threads:
        list(threads.map(deploy, range(machines)))


@contextmanager
def _sandbox() -> Iterator[Path]:
    """The configuration file of a sandbox that runs."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "stratuslab-user.cfg"
        command = [sys.executable, "-m", "stratuslab_libcloud.sandbox", "--config", config]
        command += ["--boot-seconds", str(_BOOT_SECONDS)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield config
        finally:
            process.terminate()
            process.communicate()
