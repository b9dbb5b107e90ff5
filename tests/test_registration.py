"""How Libcloud finds the driver: by name, by class path, and whatever existing programs do first."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from libcloud.base import DriverType
from libcloud.base import get_driver as get_any_driver
from libcloud.compute.base import NodeDriver
from libcloud.compute.providers import get_driver

import stratuslab_libcloud
from stratuslab_libcloud.sandbox import Sandbox

ROOT = Path(stratuslab_libcloud.__file__).parent.parent


def run(program: str, folder: Path = ROOT) -> str:
    """Run a program in an interpreter of its own, which looks for modules in a folder first."""
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=folder,
    )
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


# -- By the names and paths of before


@pytest.mark.parametrize("module", ["stratuslab.libcloud.compute_driver", "stratuslab.libcloud.stratuslab_driver"])
@pytest.mark.parametrize("name", ["stratuslab", "STRATUSLAB", "StratusLab2"])
def test_the_paths_of_published_programs_lead_to_the_driver(module: str, name: str) -> None:
    register = f"set_driver({name!r}, {module!r}, 'StratusLabNodeDriver')\n"
    program = PROVIDERS + register + f"print(get_driver({name!r}).__module__)"
    assert run(program) == "stratuslab_libcloud.driver.stratuslab.driver"
    assert run(f"from {module} import StratusLabNodeDriver as D; print(D.type)") == "stratuslab"


def test_the_old_clients_package_is_left_to_it() -> None:
    modules = (ROOT / "stratuslab").rglob("*.py")
    assert sorted(module.name for module in modules) == [
        "compute_driver.py",
        "stratuslab_driver.py",
    ]


def test_the_provider_has_an_attribute() -> None:
    show = "from libcloud.compute.types import Provider; print(get_driver(getattr(Provider, 'STRATUSLAB')).name)"
    assert run(IMPORT + PROVIDERS + show) == "StratusLab"
    assert run("import stratuslab.libcloud.compute_driver\n" + PROVIDERS + show) == "StratusLab"


def test_the_old_client_beside_this_package_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "stratuslab_libcloud").symlink_to(Path(stratuslab_libcloud.__file__).parent)
    program = "import logging, sys\nlogging.basicConfig(stream=sys.stdout)\nimport stratuslab_libcloud"
    assert run(program, tmp_path) == ""
    (tmp_path / "stratuslab").mkdir()
    (tmp_path / "stratuslab" / "__init__.py").touch()
    assert run(program, tmp_path).count("'pip uninstall stratuslab-client'") == 1
