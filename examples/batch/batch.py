"""Run a script for each of several arguments, on a machine of its own each.

batch SCRIPT ARGUMENT...
"""

from __future__ import annotations

import sys
from pathlib import Path

from libcloud.compute.deployment import ScriptDeployment

from stratuslab_libcloud import StratusLabNodeDriver, show_progress
from stratuslab_libcloud.deployment.several import DeployedNode
from stratuslab_libcloud.errors import SomeDeploymentsFailedError


def run(driver: StratusLabNodeDriver, script: str, arguments: list[str]) -> list[DeployedNode]:
    """One machine an argument, each destroyed when its script has ended.

    :return: the machines with their output and exit status, in the order of the arguments, also when some failed
    """
    image = driver.list_images(ex_os="Ubuntu", ex_latest=True)[0]
    deployments = [ScriptDeployment(script, args=[argument]) for argument in arguments]
    with show_progress() as show:
        try:
            return driver.ex_deploy_nodes(
                deployments, "batch", image=image, ex_destroy_when_done=True, ex_progress=show
            )
        except SomeDeploymentsFailedError as error:
            return error.machines


def main() -> int:
    """Print the output for each argument; the exit status is 1 when one of the scripts did not succeed."""
    script, *arguments = sys.argv[1:]
    status = 0
    machines = run(StratusLabNodeDriver(), Path(script).read_text(), arguments)
    for argument, machine in zip(arguments, machines, strict=True):
        print(f"{argument}: {machine.output.strip() or machine.error}")
        status |= machine.state != "deployed"
    return status


if __name__ == "__main__":
    sys.exit(main())
