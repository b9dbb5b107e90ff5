"""Start a cluster of Dask on machines of a cloud, compute something on it, and destroy it."""

from __future__ import annotations

import logging
import sys
from importlib.metadata import version
from pathlib import Path

from clouds import configuration, image_with
from dask.distributed import Client, SSHCluster
from libcloud.compute.base import Node
from libcloud.compute.deployment import ScriptDeployment

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.config import UserConfiguration

WORKERS = 2
INSTALL = f"python3 -m venv dask && dask/bin/pip install --quiet distributed=={version('distributed')}"


def main() -> None:
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
    with configuration() as config:
        driver = StratusLabNodeDriver(stratuslab_user_config=config)
        # A sandbox's machines are folders on this computer, so that they have its Python.
        is_sandbox = sys.argv[-1] == "sandbox"
        python, preparation = (sys.executable, "true") if is_sandbox else ("dask/bin/python", INSTALL)

        machines = driver.ex_deploy_nodes(
            [ScriptDeployment(preparation) for _ in range(1 + WORKERS)],
            "dask",
            image=image_with("Ubuntu", driver),
            ex_progress=print,
            ex_destroy_on_failure=True,
        )
        nodes = [machine.node for machine in machines if machine.node]
        try:
            compute(nodes, UserConfiguration.load(config).cloud(machines[0].location.id).private_key_file, python)
        finally:
            driver.ex_destroy_nodes(nodes)
            print("Destroyed")


def compute(nodes: list[Node], private_key: Path, python: str) -> None:
    """Start a scheduler on the first machine and a worker on each other one, and let them work."""
    logins = [
        {
            "username": node.extra["ssh_username"],
            "port": node.extra["ssh_port"],
            "client_keys": [str(private_key)],
            "known_hosts": None,  # nobody knows the host keys of machines that were just started
        }
        for node in nodes
    ]
    hosts = [node.extra["ssh_host"] for node in nodes]
    with (
        SSHCluster(
            hosts,
            connect_options=logins,
            remote_python=python,
            scheduler_options={"host": hosts[0], "port": 0, "dashboard_address": ":0"},
            worker_options={"nthreads": 1},
        ) as cluster,
        Client(cluster) as client,  # type: ignore[no-untyped-call]  # Dask's has no types
    ):
        print(f"The dashboard is at {cluster.dashboard_link}")
        squares = client.map(lambda number: number**2, range(1000))
        total = client.submit(sum, squares).result()
        print(f"{len(client.scheduler_info()['workers'])} workers say that the squares up to 999 sum up to {total}")


if __name__ == "__main__":
    main()
