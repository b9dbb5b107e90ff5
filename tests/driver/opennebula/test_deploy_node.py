"""`deploy_node` on machines of today's OpenNebula, over real SSH."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from libcloud.compute.base import NodeAuthSSHKey
from libcloud.compute.deployment import ScriptDeployment

from stratuslab_libcloud import OpenNebulaNodeDriver
from stratuslab_libcloud.errors import DeploymentFailedError, InvalidArgumentError
from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.guests.key_pair import make_key_pair
from stratuslab_libcloud.sandbox.state.template import Template

PASSWORDS = {"alice": "secret"}


@pytest.fixture
def sandbox(version: str) -> Iterator[Sandbox]:
    """A cloud with machines that one can log in to."""
    with Sandbox(kind="opennebula", version=version, users=PASSWORDS, boot_seconds=0.1) as sandbox:
        yield sandbox


@pytest.fixture
def driver(sandbox: Sandbox) -> OpenNebulaNodeDriver:
    """Alice's."""
    return OpenNebulaNodeDriver("alice", "secret", host=sandbox.url, timeout=20)


@pytest.fixture
def public_key(tmp_path: Path) -> Path:
    """The public half of a new pair of keys."""
    return make_key_pair(tmp_path / "clouds.cfg")


def test_a_script_on_a_new_machine(driver: OpenNebulaNodeDriver, sandbox: Sandbox, public_key: Path) -> None:
    script = ScriptDeployment("echo hello from $0")
    node = driver.deploy_node(
        script,
        ssh_port=sandbox.guest_port,
        ssh_key=public_key.with_suffix(""),
        auth=NodeAuthSSHKey(public_key.read_text()),
        wait_period=0.2,
        timeout=30,
        name="web-1",
        image=driver.get_image("0"),
        networks=["public"],
    )
    assert script.exit_status == 0
    assert "hello" in script.stdout
    assert node.extra["ssh_host"] == node.public_ips[0]


def test_the_key_that_the_cloud_has(driver: OpenNebulaNodeDriver, sandbox: Sandbox, public_key: Path) -> None:
    """SSH_PUBLIC_KEY of user.info, if none is given."""
    with pytest.raises(InvalidArgumentError, match="has no SSH key of the user"):
        driver.deploy_node(ScriptDeployment("true"), name="n", image=driver.get_image("0"))
    sandbox.opennebula.users.named("alice").template.replace("SSH_PUBLIC_KEY", public_key.read_text().strip())
    script = ScriptDeployment("echo hello")
    driver.deploy_node(
        script,
        ssh_port=sandbox.guest_port,
        ssh_key=public_key.with_suffix(""),
        wait_period=0.2,
        timeout=30,
        name="n",
        image=driver.get_image("template-0"),
    )
    assert script.stdout == "hello\n"


def test_a_key_pair_by_its_name(driver: OpenNebulaNodeDriver, sandbox: Sandbox) -> None:
    """ex_keyname names the pair; its private half opens the machine."""
    driver.create_key_pair("mine")
    script = ScriptDeployment("echo hello")
    driver.deploy_node(
        script,
        ssh_port=sandbox.guest_port,
        wait_period=0.2,
        timeout=30,
        name="n",
        image=driver.get_image("0"),
        networks=["public"],
        ex_keyname="mine",
    )
    assert script.stdout == "hello\n"


def test_a_machine_that_fails_is_destroyed(driver: OpenNebulaNodeDriver, sandbox: Sandbox, public_key: Path) -> None:
    sandbox.opennebula.drivers.fail("deploy")
    with pytest.raises(DeploymentFailedError, match=r"has failed \(boot_failure\) and will not run") as caught:
        driver.deploy_node(
            ScriptDeployment("true"),
            ssh_key=public_key.with_suffix(""),
            auth=NodeAuthSSHKey(public_key.read_text()),
            wait_period=0.2,
            timeout=30,
            ex_destroy_on_failure=True,
            name="n",
            image=driver.get_image("0"),
            networks=[0],
        )
    assert caught.value.destroyed
    assert driver.list_nodes() == []


def test_a_private_address_will_do(driver: OpenNebulaNodeDriver, sandbox: Sandbox, public_key: Path) -> None:
    """Many clouds have no public addresses; the machine is reached, or tried, at its private one."""
    network = sandbox.opennebula.networks[1]
    network.ranges[0].global_prefix = ""
    assert isinstance(network.template, Template)
    with pytest.raises(DeploymentFailedError, match=r"10\.1\.0\.10"):
        driver.deploy_node(
            ScriptDeployment("true"),
            ssh_port=sandbox.guest_port,
            ssh_timeout=0.3,
            ssh_key=public_key.with_suffix(""),
            auth=NodeAuthSSHKey(public_key.read_text()),
            wait_period=0.1,
            timeout=1.5,
            name="n",
            image=driver.get_image("0"),
            networks=["private"],
        )
