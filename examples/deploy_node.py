"""Start a machine, run a script on it over SSH, and destroy it."""

from __future__ import annotations

import logging

from clouds import configuration, image_with
from libcloud.compute.deployment import MultiStepDeployment, ScriptDeployment

from stratuslab_libcloud import StratusLabNodeDriver


def main() -> None:
    logging.basicConfig(format="  %(message)s")
    logging.getLogger("stratuslab_libcloud.deployment").setLevel(logging.INFO)

    with configuration() as config:
        driver = StratusLabNodeDriver(stratuslab_user_config=config)
        image = image_with("Ubuntu", driver)

        leave_a_trace = ScriptDeployment("touch STRATUSLAB_WAS_HERE")
        look = ScriptDeployment("echo hello from machine $1; ls -l STRATUSLAB_WAS_HERE", args=["one"])
        node = driver.deploy_node(MultiStepDeployment([leave_a_trace, look]), name="deployed", size=None, image=image)
        print(f"Machine {node.id} was deployed; the second script ended with {look.exit_status} and printed:")
        print("".join(f"  | {line}\n" for line in (look.stdout or "").splitlines()), end="")

        node.destroy()
        print("Destroyed")


if __name__ == "__main__":
    main()
