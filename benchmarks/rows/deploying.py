"""`deploy_node`: how soon a script runs on a machine that boots for so long, and twenty machines in threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from libcloud.compute.base import NodeDriver, NodeImage
from libcloud.compute.deployment import ScriptDeployment

from benchmarks.measuring import compare
from benchmarks.report import Findings, Plot, Row, duration, ratio
from benchmarks.sandboxes import sandboxes
from benchmarks.server import BareServer
from stratuslab_libcloud import StratusLabNodeDriver

_NODES = 20
_BOOT_SECONDS = 2
_GOAL = 2.0

_BOOTS = (0, 0.6, 1.2, 2.1, 3.3, 4.2, 5.1, 6, 7.5, 9, 11, 13, 16, 19, 23, 27, 31, 36, 41, 47, 53, 60)
_BETWEEN_STARTS = 0.3


class WithLibcloudsWaiting(StratusLabNodeDriver):
    """The same driver, but that Libcloud waits for the machine in its own way."""

    wait_until_running = NodeDriver.wait_until_running  # type: ignore[assignment]  # its types are wider


def measure(server: BareServer, full: bool) -> Findings:
    """On sandboxes in a process of their own, whose machines are entered over SSH."""
    ours, libclouds = _seconds_until_the_script()
    return Findings(
        rows=[_worst(ours, libclouds), _many()],
        plots=[
            Plot(
                "benchmark-deploying.svg",
                "deploy_node: from create_node to the script's first command",
                "seconds that the machine boots",
                "seconds",
                {
                    "this package": list(zip(_BOOTS, ours, strict=True)),
                    "with Libcloud's own waiting": list(zip(_BOOTS, libclouds, strict=True)),
                },
                logarithmic=False,
            )
        ],
    )


def _seconds_until_the_script() -> tuple[list[float], list[float]]:
    """What it takes for each time to boot, by this package and with Libcloud's waiting; all at the same time."""
    number = 2 * len(_BOOTS)
    prepared = threading.Barrier(number)
    with sandboxes(*_BOOTS) as configs, ThreadPoolExecutor(number) as threads:
        found = [
            [threads.submit(_run_script, kind, config, place, prepared) for place, config in enumerate(configs)]
            for kind in (StratusLabNodeDriver, WithLibcloudsWaiting)
        ]
        ours, libclouds = ([one.result() for one in each] for each in found)
    return ours, libclouds


def _run_script(kind: type[StratusLabNodeDriver], config: Path, place: int, prepared: threading.Barrier) -> float:
    driver = kind(stratuslab_user_config=config)
    image = _image(driver)
    script = ScriptDeployment("date +%s.%N")
    prepared.wait()
    time.sleep((2 * place + (kind is WithLibcloudsWaiting)) * _BETWEEN_STARTS)
    begin = time.time()
    driver.deploy_node(script, name="machine", size=None, image=image, ex_destroy_on_failure=True).destroy()
    assert script.stdout
    return float(script.stdout) - begin


def _worst(ours: list[float], libclouds: list[float]) -> Row:
    def beyond(seconds: list[float]) -> float:
        return max(found - boot for found, boot in zip(seconds, _BOOTS, strict=True))

    share = max((found - boot) / (0.5 + 0.05 * boot) for found, boot in zip(ours, _BOOTS, strict=True))
    return Row(
        f"from `create_node` to a script, {len(_BOOTS)} machines that boot for {_BOOTS[0]} to {_BOOTS[-1]} s: "
        "the longest time beyond the boot; the ratio is to 0.5 s and 5 %",
        duration(beyond(ours)),
        f"with Libcloud's own waiting: {duration(beyond(libclouds))}",
        *ratio(share, 1.0),
    )


def _many() -> Row:
    with sandboxes(_BOOT_SECONDS) as [config]:
        driver = StratusLabNodeDriver(stratuslab_user_config=config)
        image = _image(driver)
        times = compare(lambda: _deploy(driver, image, _NODES), lambda: _deploy(driver, image, 1), rounds=3)
    what = f"{_NODES} x `deploy_node` in threads, each boots for {_BOOT_SECONDS} s and runs a script"
    return Row.of_times(what, "one", times, _GOAL)


def _image(driver: StratusLabNodeDriver) -> NodeImage:
    return next(image for image in driver.list_images() if image.name == "ttylinux")


def _deploy(driver: StratusLabNodeDriver, image: NodeImage, machines: int) -> None:
    def deploy(number: int) -> None:
        script = ScriptDeployment("echo hello")
        node = driver.deploy_node(script, name=f"machine {number}", size=None, image=image)
        assert script.stdout == "hello\n"
        node.destroy()

    with ThreadPoolExecutor(machines) as threads:
        list(threads.map(deploy, range(machines)))
