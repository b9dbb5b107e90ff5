"""The house's own rules: who may import whom, and that nothing public is without a test or a place in the tree."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest
from house import Package, circles, shortest_path
from libcloud.common.types import LibcloudError

from stratuslab_libcloud import OpenNebulaNodeDriver, StratusLabNodeDriver, errors
from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.opennebula.compute import Compute
from stratuslab_libcloud.client.opennebula.datastores import Datastores
from stratuslab_libcloud.client.opennebula.image_changes import ImageChanges
from stratuslab_libcloud.client.opennebula.images import Images
from stratuslab_libcloud.client.opennebula.machines import Machines
from stratuslab_libcloud.client.opennebula.networks import Networks
from stratuslab_libcloud.client.opennebula.users import Users
from stratuslab_libcloud.client.opennebula.vm_templates import VmTemplates
from stratuslab_libcloud.client.stratuslab.disks import Disks
from stratuslab_libcloud.client.stratuslab.marketplace import Marketplace
from stratuslab_libcloud.config import UserConfiguration
from stratuslab_libcloud.driver.base import BaseNodeDriver
from stratuslab_libcloud.driver.opennebula.account_calls import AccountCalls
from stratuslab_libcloud.driver.opennebula.image_calls import ImageCalls
from stratuslab_libcloud.driver.opennebula.node_calls import NodeCalls
from stratuslab_libcloud.driver.opennebula.volume_calls import VolumeCalls as OpenNebulaVolumeCalls
from stratuslab_libcloud.driver.stratuslab.volume_calls import VolumeCalls
from stratuslab_libcloud.sandbox import Sandbox

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "stratuslab_libcloud"
COMMANDS_FOLDER = TESTS.parent / "stratus_commands"
TEXT_OF_TESTS = "\n".join(file.read_text() for file in TESTS.rglob("test_*.py"))

CLIENT = {"client", "client/http", "client/opennebula", "client/stratuslab"}
DRIVER = {"driver", "driver/stratuslab", "driver/opennebula"}
SERVICES = {f"sandbox/{service}" for service in ("compute", "disks", "marketplace", "opennebula", "guests", "web")}
STATES = {"sandbox/state", "sandbox/state/opennebula"}
SANDBOX = {"sandbox", *STATES, "sandbox/http", *SERVICES}
LIBRARY = {*DRIVER, *CLIENT, "deployment", "config", "errors"}

MAY_IMPORT = {
    "": {*DRIVER, "display", "errors", "old_client"},
    "display": {"display", "driver", "errors"},
    "old_client": set(),
    "errors": set(),
    "config": {"config", "errors"},
    "deployment": {"deployment", "errors"},
    "client": {*CLIENT, "config", "errors"},
    "client/http": {"client", "client/http", "config", "errors"},
    "client/opennebula": {"client", "client/http", "client/opennebula", "config", "errors"},
    "client/stratuslab": {*CLIENT, "config", "errors"},
    "driver": LIBRARY - {"driver/stratuslab", "driver/opennebula"},
    "driver/stratuslab": LIBRARY - {"driver/opennebula"},
    "driver/opennebula": LIBRARY - {"driver/stratuslab"},
    "sandbox": SANDBOX,
    "sandbox/state": {"sandbox/state"},
    "sandbox/state/opennebula": STATES,
    "sandbox/http": {"sandbox/http", "sandbox/state"},
    **{service: {service, "sandbox/http", *STATES} for service in SERVICES},
    "sandbox/opennebula": {"sandbox/opennebula", "sandbox/compute", "sandbox/http", *STATES},
}
"""By a room (a folder): the rooms that it may import from. A room that is not named has no rule, which is an error."""

ALSO_MAY_IMPORT = {"driver": {"driver/stratuslab", "driver/opennebula"}}
"""What a single module may import besides: `driver` is its `__init__`, which gives the drivers their public names."""

COMMANDS_MAY_IMPORT = {"", *DRIVER, *CLIENT, "config", "display", "errors"}
"""The rooms that the commands may import from; only the sandbox's own command imports the sandbox."""

KNOWS_NOTHING_OF = {
    "client/http": {"client/opennebula", "client/stratuslab"},
    "client/opennebula": {"client/stratuslab"},
    "driver/stratuslab": {"driver/opennebula"},
    "driver/opennebula": {"driver/stratuslab"},
    "deployment": {*DRIVER, *CLIENT, "config"},
    "sandbox/state": SERVICES | {"sandbox/http", "sandbox/state/opennebula"},
    "sandbox/state/opennebula": SERVICES | {"sandbox/http"},
    "sandbox/compute": {"sandbox/opennebula", "sandbox/state/opennebula"},
    "sandbox/http": SERVICES,
}
"""By a room: the rooms that it must not reach by any number of imports."""

HOUSE = Package(PACKAGE)
COMMANDS = Package(COMMANDS_FOLDER)
FIXTURES = Package(TESTS.parent / "pytest_stratuslab")


def room_of(module: str, package: Package = HOUSE) -> str:
    """The folder of a module; at the package's top, each module is a room of its own."""
    return package.modules[module].room or module


def wrong_imports(package: Package) -> list[str]:
    """One sentence for each import that the rules do not allow; "" is the package's own `__init__`."""
    wrong = []
    for module, imported in package.imports.items():
        room = room_of(module, package)
        if room not in MAY_IMPORT:
            wrong.append(f"{room or module} has no rule in MAY_IMPORT")
            continue
        allowed = MAY_IMPORT[room] | ALSO_MAY_IMPORT.get(module, set())
        wrong += [
            f"{module} imports {other}, but {room} must not import {room_of(other, package)}"
            for other in sorted(imported)
            if room_of(other, package) not in allowed
        ]
        secret = {other for other in package.modules if room_of(other, package) in KNOWS_NOTHING_OF.get(room, ())}
        path = shortest_path(package.imports, module, secret)
        if len(path) > 2:
            wrong.append(f"{room} must know nothing of {room_of(path[-1], package)}, but: {' -> '.join(path)}")
    return wrong


def import_circles(package: Package) -> list[str]:
    """One sentence for each circle of imports."""
    return [f"a circle of imports: {' -> '.join(n or '__init__' for n in c)}" for c in circles(package.imports)]


def test_each_room_imports_only_what_it_may() -> None:
    assert len(HOUSE.modules) > 50
    assert sorted(wrong_imports(HOUSE)) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert import_circles(HOUSE) == []
    assert import_circles(COMMANDS) == []


def wrong_imports_of_commands(commands: Package, house: Package) -> list[str]:
    """One sentence for each import between the two packages that the rules do not allow."""
    wrong = [f"{module} imports a command" for module, names in house.imports_from(commands).items() if names]
    for module, imported in commands.imports_from(house).items():
        allowed = COMMANDS_MAY_IMPORT | (SANDBOX if module == "sandbox" else set())
        wrong += [f"{module} imports {other}" for other in sorted(imported) if room_of(other, house) not in allowed]
    return wrong


def test_commands_import_only_what_they_may_and_nothing_imports_them() -> None:
    assert any(COMMANDS.imports_from(HOUSE).values())
    assert wrong_imports_of_commands(COMMANDS, HOUSE) == []


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("stratus_commands/run", "from stratuslab_libcloud.sandbox.cloud import Sandbox"),
        ("stratus_commands/run", "def run():\n    from stratuslab_libcloud.deployment import node"),
        ("stratuslab_libcloud/driver/base", "def run():\n    import stratus_commands.run"),
    ],
)
def test_a_wrong_import_of_or_by_a_command_is_found(tmp_path: Path, module: str, statement: str) -> None:
    made_up(tmp_path, {"sandbox/cloud": "", "deployment/node": "", "driver/base": ""})
    made_up(tmp_path, {"run": "", "sandbox": "import stratuslab_libcloud.sandbox.cloud"}, "stratus_commands")
    (tmp_path / f"{module}.py").write_text(statement)
    commands, house = Package(tmp_path / "stratus_commands"), Package(tmp_path / "stratuslab_libcloud")
    [wrong] = wrong_imports_of_commands(commands, house)
    assert wrong.startswith(f"{module.partition('/')[2].replace('/', '.')} imports ")


def test_fixtures_import_what_any_program_may_and_nothing_imports_them() -> None:
    imported = set().union(*FIXTURES.imports_from(HOUSE).values())
    assert imported == {"", "sandbox"}
    assert import_circles(FIXTURES) == []
    for package in (HOUSE, COMMANDS):
        assert not any(package.imports_from(FIXTURES).values())
        assert not any(FIXTURES.imports_from(COMMANDS).values())


def made_up(folder: Path, sources: dict[str, str], name: str = "stratuslab_libcloud") -> Package:
    """A package of these modules, given as paths without ".py"; each folder gets an `__init__`."""
    package = folder / name
    for name, source in sources.items():
        file = package / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    for directory in [package, *(path for path in package.rglob("*") if path.is_dir())]:
        (directory / "__init__.py").touch()
    return Package(package)


@pytest.mark.parametrize(
    ("module", "imported", "statement"),
    [
        ("errors", "config/records", "from stratuslab_libcloud.config import records"),
        ("config/user", "client/deadline", "import stratuslab_libcloud.client.deadline"),
        ("client/parallel", "driver/base", "from stratuslab_libcloud.driver.base import BaseNodeDriver"),
        (
            "client/http/session",
            "client/opennebula/machine",
            "from stratuslab_libcloud.client.opennebula import machine",
        ),
        ("client/http/session", "client/stratuslab/disks", "from ..stratuslab import disks"),
        ("client/opennebula/compute", "client/stratuslab/disks", "from ..stratuslab.disks import Disks"),
        ("driver/base", "driver/stratuslab/nodes", "from .stratuslab.nodes import StratusLabNode"),
        ("driver/stratuslab/nodes", "driver/opennebula/nodes", "from ..opennebula import nodes"),
        ("driver/opennebula/nodes", "driver/stratuslab/nodes", "from ..stratuslab import nodes"),
        ("driver/base", "sandbox/cloud", "from stratuslab_libcloud.sandbox.cloud import Sandbox"),
        ("deployment/node", "client/parallel", "from stratuslab_libcloud.client import parallel"),
        ("deployment/node", "driver/base", "from stratuslab_libcloud.driver import base"),
        ("deployment/node", "config/records", "from stratuslab_libcloud.config.records import CloudConfig"),
        ("sandbox/cloud", "errors", "from stratuslab_libcloud import errors"),
        ("sandbox/state/disks", "sandbox/disks/service", "from ..disks import service"),
        ("sandbox/http/server", "sandbox/compute/service", "from stratuslab_libcloud.sandbox.compute.service import x"),
        ("sandbox/compute/service", "sandbox/disks/service", "from ..disks.service import x"),
    ],
)
@pytest.mark.parametrize(
    "form",
    ["{}", "if TYPE_CHECKING:\n    {}", "def function():\n    {}", "class Some:\n    def method(self):\n        {}"],
)
def test_a_wrong_import_is_found(tmp_path: Path, module: str, imported: str, statement: str, form: str) -> None:
    package = made_up(tmp_path, {imported: "", module: form.format(statement)})
    (wrong,) = wrong_imports(package)
    assert wrong.startswith(f"{module.replace('/', '.')} imports {imported.replace('/', '.')}, but ")


def test_a_wrong_import_by_way_of_a_third_module_is_found(tmp_path: Path) -> None:
    package = made_up(
        tmp_path,
        {
            "client/http/session": "from stratuslab_libcloud.client import exactly_once",
            "client/exactly_once": "from stratuslab_libcloud.client.stratuslab.disks import Disks",
            "client/stratuslab/disks": "",
        },
    )
    (wrong,) = wrong_imports(package)
    assert wrong.endswith("but: client.http.session -> client.exactly_once -> client.stratuslab.disks")


def test_a_room_without_a_rule_is_found(tmp_path: Path) -> None:
    assert "driver/third has no rule in MAY_IMPORT" in wrong_imports(made_up(tmp_path, {"driver/third/nodes": ""}))


def test_what_is_allowed_is_not_found(tmp_path: Path) -> None:
    package = made_up(
        tmp_path,
        {
            "driver/__init__": "from stratuslab_libcloud.driver.stratuslab.driver import StratusLabNodeDriver",
            "driver/stratuslab/driver": "from stratuslab_libcloud.driver.base import BaseNodeDriver\nimport requests",
            "driver/base": "def deploy():\n    from stratuslab_libcloud.deployment import deploy_node",
            "deployment/node": "",
            "sandbox/cloud": "",
        },
    )
    assert wrong_imports(package) == []
    assert import_circles(package) == []


@pytest.mark.parametrize("form", ["{}", "if TYPE_CHECKING:\n    {}", "def function():\n    {}"])
def test_a_circle_is_found(tmp_path: Path, form: str) -> None:
    package = made_up(
        tmp_path,
        {
            "driver/base": "from stratuslab_libcloud.driver import nodes",
            "driver/nodes": "import stratuslab_libcloud.driver.sizes",
            "driver/sizes": form.format("from .base import BaseNodeDriver"),
            "driver/images": "from .base import BaseNodeDriver",
        },
    )
    assert import_circles(package) == [
        "a circle of imports: driver.base -> driver.nodes -> driver.sizes -> driver.base"
    ]


def test_a_circle_through_the_init_of_a_package_is_found(tmp_path: Path) -> None:
    package = made_up(
        tmp_path, {"config/__init__": "from .user import User", "config/user": "from . import User, records"}
    )
    assert import_circles(package) == ["a circle of imports: config -> config.user -> config"]


def public_methods(kind: type) -> list[str]:
    return [name for name, value in vars(kind).items() if not name.startswith("_") and inspect.isfunction(value)]


@pytest.mark.parametrize(
    "method",
    [
        f"{kind.__name__}.{name}"
        for kind in (
            BaseNodeDriver,
            StratusLabNodeDriver,
            VolumeCalls,
            OpenNebulaNodeDriver,
            NodeCalls,
            OpenNebulaVolumeCalls,
            ImageCalls,
            AccountCalls,
            Machines,
            Images,
            ImageChanges,
            Users,
            VmTemplates,
            Networks,
            Datastores,
            Cloud,
            Compute,
            Disks,
            Marketplace,
            UserConfiguration,
            Sandbox,
        )
        for name in public_methods(kind)
    ],
)
def test_each_public_method_is_called_by_a_test(method: str) -> None:
    name = method.partition(".")[2]
    assert re.search(rf"\.{name}\b", TEXT_OF_TESTS), f"no test calls {method}"


def error_classes() -> list[type]:
    return [
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and value.__module__ == errors.__name__ and issubclass(value, Exception)
    ]


@pytest.mark.parametrize("error", error_classes(), ids=lambda error: error.__name__)
def test_each_error_is_libclouds_is_in_the_tree_and_has_a_test(error: type) -> None:
    assert issubclass(error, LibcloudError)
    assert re.search(rf"\+-- {error.__name__}\b", errors.__doc__ or "")
    assert error in (errors.StratusLabError,) or re.search(rf"\b{error.__name__}\b", TEXT_OF_TESTS)


def test_each_public_thing_has_a_docstring() -> None:
    without = []
    for file in (file for package in (HOUSE, COMMANDS, FIXTURES) for file in package.folder.rglob("*.py")):
        tree = ast.parse(file.read_text())
        things: list[ast.AST] = [tree]
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                things += [node, *(child for child in node.body if isinstance(child, ast.FunctionDef))]
        things += [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        for thing in things:
            name = getattr(thing, "name", "module")
            is_overload = any("overload" in ast.dump(d) for d in getattr(thing, "decorator_list", ()))
            if not name.startswith("_") and not is_overload and ast.get_docstring(thing) is None:  # type: ignore[arg-type]
                without.append(f"{file.relative_to(TESTS.parent)}: {name}")
    assert without == []
