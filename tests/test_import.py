"""What importing the driver brings along: programs wait for it each time they start."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

PROGRAM = """
import sys
import stratuslab_libcloud
from libcloud.compute.providers import get_driver
get_driver("stratuslab")
print(*sorted(name for name in sys.modules if name.startswith("stratuslab_libcloud")))
"""


def test_what_only_some_calls_need_is_not_imported_before() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    imported = {name.removeprefix("stratuslab_libcloud.") for name in done.stdout.split()}
    assert "driver" in imported
    services = {"client.http.transport", "client.opennebula.compute", "client.opennebula.machine"}
    services |= {"client.stratuslab.disks", "client.stratuslab.marketplace", "client.exactly_once"}
    services |= {"client.confirmed_changes", "client.marks", "client.stratuslab.disk", "client.http.cancellation"}
    driver = {"driver.stratuslab.creation", "driver.waiting", "driver.listing"}
    driver |= {"driver.several_nodes", "driver.stratuslab.images", "driver.stratuslab.volumes", "deployment.polling"}
    driver |= {"driver.constructor", "driver.stratuslab.nodes", "driver.stratuslab.sizes", "config", "config.user"}
    assert imported.isdisjoint(services | driver | {"deployment", "sandbox"})
    for module in services | driver:  # a module that was renamed would never be imported
        assert importlib.util.find_spec(f"stratuslab_libcloud.{module}")


def test_one_driver_does_not_import_the_other() -> None:
    program = PROGRAM.replace('"stratuslab"', '"opennebula-xmlrpc"', 1)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    imported = {name.removeprefix("stratuslab_libcloud.") for name in done.stdout.split()}
    assert "driver.opennebula.driver" in imported
    assert not [name for name in imported if name.startswith(("driver.stratuslab", "client.http", "client.stratuslab"))]
    assert imported.isdisjoint({"client.opennebula.daemon", "driver.opennebula.creation", "driver.opennebula.volumes"})
