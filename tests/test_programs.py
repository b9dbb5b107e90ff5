"""Programs that drive clouds through Libcloud: the examples, and the tables of what each call does."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from libcloud.compute.base import NodeDriver

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.config import CloudConfig, Password
from stratuslab_libcloud.driver.stratuslab.node_options import NodeOptions
from stratuslab_libcloud.sandbox import Sandbox

TESTS = Path(__file__).parent
ROOT = TESTS.parent
PROGRAMS = ROOT / "examples" / "programs"
PAGE = (ROOT / "docs" / "programs.md").read_text()
SHOWN_BY = (ROOT / "docs" / "shown-by.md").read_text()
ROW = re.compile(r"^\| `(?P<name>\w+)` \| `(?P<file>[\w/]+\.py)::(?P<test>\w+)` \|$", re.MULTILINE)


def run(program: str, *arguments: str | Path, **environment: str) -> str:
    """Run an example as a user does."""
    result = subprocess.run(
        [sys.executable, "-W", "error", PROGRAMS / program, *arguments],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env={**os.environ, **environment},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def config_of(driver: StratusLabNodeDriver) -> CloudConfig:
    return driver._locations.cloud(None).config


# -- The examples


def test_each_example_is_tried_here() -> None:
    tried = {"dirac_ce.cfg", "jupyterhub_config.py", "salt_profile.conf", "ansible_inventory.py", "actions.py"}
    assert {file.name for file in PROGRAMS.iterdir() if file.is_file()} == tried
    assert all(f"(../examples/programs/{name})" in PAGE for name in tried)


def test_the_inventory_of_ansible(driver: StratusLabNodeDriver, config_file: Path) -> None:
    image = driver.list_images(ex_name="ttylinux")[0]
    driver.create_key_pair("mine")
    node = driver.create_node("web", None, image, ex_tags=["front"], ex_keyname="mine")
    driver.wait_until_running([node])
    inventory = json.loads(run("ansible_inventory.py", "--list", STRATUSLAB_CONFIG=str(config_file)))
    assert inventory["_meta"]["hostvars"]["web"]["ansible_host"] == node.public_ips[0]
    groups = {name for name, group in inventory.items() if group.get("hosts") == ["web"]}
    assert groups == {"default", "image_ttylinux", "size_m1_small", "tag_front", "key_mine"}
    assert json.loads(run("ansible_inventory.py", "--host", "web")) == {}


def test_actions(sandbox: Sandbox, tmp_path: Path, key_file: Path, driver: StratusLabNodeDriver) -> None:
    credentials = tmp_path / "credentials.json"
    options = {
        "provider": "STRATUSLAB",
        "key": "alice",
        "secret": sandbox.users["alice"],
        "host": sandbox.compute_url,
        "ex_marketplace_endpoint": sandbox.marketplace_url,
        "ex_public_key_file": str(key_file),
    }
    credentials.write_text(json.dumps(options))

    def act(*arguments: str) -> Any:
        return json.loads(run("actions.py", credentials, *arguments))

    image = driver.list_images(ex_name="ttylinux")[0]
    made = act("create_vm", "name=web", "size_id=m1.small", f"image_id={image.id}")
    assert (made["name"], made["state"], len(made["addresses"])) == ("web", "running", 1)
    assert act("stop_vm", f"vm_id={made['id']}") is True
    assert act("list_vms") == [{"id": made["id"], "name": "web", "state": "suspended"}]
    assert act("start_vm", f"vm_id={made['id']}") is True
    assert act("destroy_vm", f"vm_id={made['id']}") is True


def test_what_published_programs_of_stratuslab_do(
    sandbox: Sandbox, config_file: Path, key_file: Path, clean_environment: Path
) -> None:
    """In the order and with the arguments of theirs; their configuration file is gone once the driver has been made."""
    program = f"""
from libcloud.compute.base import NodeAuthSSHKey
from libcloud.compute.providers import get_driver, set_driver
import os, stratuslab.libcloud.compute_driver

set_driver('STRATUSLAB', 'stratuslab.libcloud.compute_driver', 'StratusLabNodeDriver')
driver = get_driver('STRATUSLAB')('unused-key', stratuslab_user_config={str(config_file)!r})
os.remove({str(config_file)!r})
size = [size for size in driver.list_sizes() if size.id == 'm1.large'][0]
size.cpu, size.ram = '2', '2048'
location = driver.list_locations()[0]
image = [image for image in driver.list_images() if image.name.find('ttylinux') != -1][-1]
key = NodeAuthSSHKey(open({str(key_file)!r}).read())
node = driver.create_node(size=size, location=location, image=image, auth=key)
other = driver.create_node(name='', size=size, location=location, image=image, auth=key)
driver.wait_until_running([node])
print([each.name for each in driver.list_nodes()], driver.list_nodes()[0].size.ram)
node.destroy()
"""
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "['one-0', 'one-1'] 2048\n"


def test_the_computing_element_of_dirac() -> None:
    text = (PROGRAMS / "dirac_ce.cfg").read_text()
    settings = dict(re.findall(r"^ +(\w+) = (.+)$", text, re.MULTILINE))
    module, _, name = settings["Provider"].rpartition(".")
    kind = getattr(__import__(module, fromlist=[name]), name)
    options = {key.removeprefix("Driver_"): value for key, value in settings.items() if key.startswith("Driver_")}
    config = config_of(kind("jane", **options, secret="s3cret"))  # as DIRAC calls it
    assert (config.compute.url, config.compute.credentials) == (
        "https://cloud.example.org:2634/pswd/xmlrpc",
        Password("jane", "s3cret"),
    )
    assert config.marketplace.url == "https://marketplace.example.org"


def test_the_profile_of_salt() -> None:
    text = (PROGRAMS / "salt_profile.conf").read_text()
    options: dict[str, Any] = dict(re.findall(r"^ {8}(\w+): (.+)$", text, re.MULTILINE))
    assert options.pop("driver") == "stratuslab"
    config = config_of(StratusLabNodeDriver(**options, secure=True, port=None))  # as Salt calls it
    assert config.compute.url == "https://cloud.athens.example.org:2634/pswd/xmlrpc"
    assert config.key_pairs_directory == Path("/etc/salt/cloud-keys")


def test_the_configuration_of_jupyterhub(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the names that libcloudspawner 2.3.3 has, of which the test environment has none."""

    class NodeManager:
        pass

    class Configuration:
        def __getattr__(self, name: str) -> Any:
            vars(self)[name] = Configuration()
            return vars(self)[name]

    spawner = types.SimpleNamespace(NodeManager=NodeManager, LibcloudSpawner=object())
    for name, members in (
        ("libcloudspawner", {"spawner": spawner}),
        ("libcloudspawner.manager", {}),
        ("libcloudspawner.manager.nodemanager", {"NodeManager": NodeManager}),
    ):
        module = types.ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    c = Configuration()
    exec((PROGRAMS / "jupyterhub_config.py").read_text(), {"get_config": lambda: c, "__name__": "config"})
    assert spawner.NodeManager()._get_provider() is StratusLabNodeDriver
    options = c.LibcloudSpawner.libcloud_driver_params
    driver = StratusLabNodeDriver(options["arg_user_id"], options["arg_key"], **options)  # as libcloudspawner calls it
    assert config_of(driver).compute.credentials == Password("jane", "s3cret")
    assert {size for _, size in c.LibcloudSpawner.userserver_sizes} <= {size.name for size in driver.list_sizes()}
    assert c.LibcloudSpawner.userserver_net in [network.name for network in driver.ex_list_networks()]


def test_a_program_that_can_not_import_us(tmp_path: Path) -> None:
    [line] = re.findall(r'^\$ python -c "(.+)" /usr/bin', PAGE, re.MULTILINE)
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\nfrom libcloud.compute.providers import get_driver\n"
        "if __name__ == '__main__': print(get_driver('stratuslab').name, sys.argv[1:])\n"
    )
    command = [sys.executable, "-c", line, str(program), "an", "argument"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True, cwd=ROOT)
    assert result.stdout == "StratusLab ['an', 'argument']\n"


# -- The tables


def rows(heading: str) -> list[re.Match[str]]:
    """The rows of the table under a heading."""
    section = SHOWN_BY.split(f"## {heading}\n")[1].split("\n## ")[0]
    return list(ROW.finditer(section))


def public(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("Libcloud's calls", public(NodeDriver)),
        ("Further calls", public(StratusLabNodeDriver) - public(NodeDriver)),
        ("Keywords of `create_node`", set(NodeOptions.__annotations__)),
    ],
    ids=["calls", "further", "keywords"],
)
def test_the_table_has_each_name_once(heading: str, names: set[str]) -> None:
    listed = [row["name"] for row in rows(heading)]
    assert sorted(listed) == sorted(names)


@pytest.mark.parametrize("row", list(ROW.finditer(SHOWN_BY)), ids=lambda row: row["name"])
def test_the_test_that_a_row_names_shows_it(row: re.Match[str]) -> None:
    text = (TESTS / row["file"]).read_text()
    tests = {node.name: node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}
    assert row["test"] in tests, f"there is no {row['test']} in {row['file']}"
    called = "deploy_all" if row["name"] == "ex_deploy_nodes" else row["name"]  # by way of a fixture
    assert re.search(rf"\b{called}\b", ast.unparse(tests[row["test"]]))


def test_every_call_of_libcloud_has_an_answer_of_ours() -> None:
    inherited = {
        name for name in public(NodeDriver) if getattr(StratusLabNodeDriver, name) is getattr(NodeDriver, name)
    }
    assert inherited == set()
