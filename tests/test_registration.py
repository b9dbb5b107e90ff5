"""How Libcloud finds the driver: by name, by class path, and whatever existing programs do first."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest
from libcloud.base import DriverType
from libcloud.base import get_driver as get_any_driver
from libcloud.compute.base import NodeDriver
from libcloud.compute.providers import get_driver

import stratuslab_libcloud
from stratuslab_libcloud.sandbox import Sandbox


def run(program: str) -> str:
    """Run a program in an interpreter of its own."""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize("name", ["stratuslab", "StratusLab", "STRATUSLAB"])
def test_importing_the_package_registers_the_driver(name: str) -> None:
    assert get_driver(name) is stratuslab_libcloud.StratusLabNodeDriver
    assert get_any_driver(DriverType.COMPUTE, name) is stratuslab_libcloud.StratusLabNodeDriver


REGISTER = "set_driver('stratuslab', 'stratuslab_libcloud.driver', 'StratusLabNodeDriver')\n"
PROVIDERS = "from libcloud.compute.providers import get_driver, set_driver\n"
IMPORT = "import stratuslab_libcloud\n"
SHOW = "print(get_driver('stratuslab').name)"


@pytest.mark.parametrize(
    "program",
    [
        IMPORT + PROVIDERS + SHOW,
        PROVIDERS + REGISTER + SHOW,
        PROVIDERS + REGISTER + IMPORT + SHOW,
        IMPORT + PROVIDERS + REGISTER + SHOW,
        IMPORT + "import importlib\nimportlib.reload(stratuslab_libcloud)\n" + PROVIDERS + SHOW,
    ],
)
def test_it_does_not_matter_who_registers_first(program: str) -> None:
    assert run(program) == "StratusLab"


def test_a_dotted_class_path_leads_to_the_driver() -> None:
    for path in ("stratuslab_libcloud.StratusLabNodeDriver", "stratuslab_libcloud.driver.StratusLabNodeDriver"):
        module, _, name = path.rpartition(".")
        assert issubclass(getattr(importlib.import_module(module), name), NodeDriver)


def test_registering_does_not_import_the_driver() -> None:
    assert run(IMPORT + "import sys; print('stratuslab_libcloud.driver' in sys.modules)") == "False"


def test_what_the_package_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_thing"):
        stratuslab_libcloud.no_such_thing  # noqa: B018 - reading it is the test


def test_other_drivers_keep_their_features(config_file: str) -> None:
    stratuslab_libcloud.StratusLabNodeDriver(stratuslab_user_config=config_file)
    assert NodeDriver.features == {"create_node": []}


def test_an_unknown_keyword_is_an_error_that_names_it() -> None:
    with pytest.raises(TypeError, match="stratuslab_default_loction"):
        stratuslab_libcloud.StratusLabNodeDriver("default", stratuslab_default_loction="lal")  # type: ignore[call-arg]


def test_a_configuration_may_come_from_an_open_file(config_file: str, sandbox: Sandbox) -> None:
    with open(config_file) as file:  # noqa: PTH123 - any file-like object
        driver = stratuslab_libcloud.StratusLabNodeDriver(stratuslab_user_config=file)
    assert driver.list_nodes() == []


def test_making_a_driver_asks_nobody(config_file: str, sandbox: Sandbox) -> None:
    driver = stratuslab_libcloud.StratusLabNodeDriver(stratuslab_user_config=config_file)
    driver.list_locations()
    driver.list_sizes()
    assert len(sandbox.requests) == 0
