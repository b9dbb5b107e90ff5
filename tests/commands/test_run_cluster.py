"""stratus-run-cluster on the sandbox: machines that are set up over SSH."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox
from stratuslab_libcloud.sandbox.guests import confinement
from stratuslab_libcloud.sandbox.guests.confinement import OwnFolder, PrivateView
from stratuslab_libcloud.sandbox.guests.ssh_servers import SshServers

from .conftest import DEFAULT_FILE, Result, RunCommand
from .machines import look, need_own_addresses

TITLE = """
 ::::::::::::::::::::::
 :: Starting cluster ::
 ::::::::::::::::::::::

 :::::::::::::::::::::::::
 :: Starting machine(s) ::
 :::::::::::::::::::::::::
"""
CONFIGURING = """
 :::::::::::::::::::::::
 :: Configuring nodes ::
 :::::::::::::::::::::::
"""
ALWAYS = """ :: Updating environment variables
 :: Updating hosts file
 :: Applying user defined cluster services
 :: Done!
"""


@pytest.fixture(scope="module", autouse=True)
def _has_views() -> None:
    """Machines without a view of their own refuse what a cluster needs."""
    with SshServers() as servers:
        servers.open(1, [], address=None)
    if confinement._best is OwnFolder:
        pytest.skip("this computer permits no name spaces")


@pytest.fixture
def config(clean_environment: Path, sandbox: Sandbox) -> Path:
    """The configuration file at home, with a pair of keys of its own."""
    file = clean_environment / DEFAULT_FILE
    file.parent.mkdir(mode=0o700)
    return sandbox.write_config(file)


@pytest.fixture
def image(sandbox: Sandbox, config: Path) -> str:
    """The identifier of an image to start."""
    return identifier_of(sandbox, "Ubuntu 14.04 server")


def identifier_of(sandbox: Sandbox, title: str) -> str:
    return next(entry.identifier for entry in sandbox.entries.select() if entry.title == title)


def addresses(sandbox: Sandbox) -> list[str]:
    return [str(machine.nics[0]["IP"]) for machine in sandbox.machines]


def started(ips: list[str], first: int = 0) -> str:
    machines = "".join(
        f" :: Machine {number} (vm ID: {number - 1 + first})\n\tPublic ip: {ip}\n" for number, ip in enumerate(ips, 1)
    )
    return f"{TITLE} :: Starting {len(ips)} machine{'s' * (len(ips) > 1)}\n{machines} :: Done!\n"


def waited(ips: list[str]) -> str:
    workers = "".join(f"\tWorker: {ip}\n" for ip in ips[1:])
    return (
        f" :: Waiting for all cluster VMs to be instantiated...\n{'.' * 1}\n"
        + ".\n" * (len(ips) - 1)
        + f" :: Waiting for all instances to become accessible...\n\tMaster is {ips[0]}\n{workers}"
    )


def states(sandbox: Sandbox) -> list[str]:
    return [machine.state.name for machine in sandbox.machines]


# -- What is done


def test_three_machines_for_mpi(run_command: RunCommand, sandbox: Sandbox, config: Path, image: str) -> None:
    need_own_addresses(sandbox)
    options = ("-n", 3, "--mpi-machine-file", "--include-master", "--type", "c1.medium")
    status, out, err = run_command("run-cluster", *options, image)
    ips = addresses(sandbox)
    assert (status, err) == (0, "")
    assert out == started(ips) + waited(ips) + CONFIGURING + " :: Preparing MPI machine file\n" + ALWAYS
    for number in range(3):
        assert look(sandbox, config, number, "cat /tmp/machinefile") == "".join(f"{ip} slots=2\n" for ip in ips)
        assert look(sandbox, config, number, "cat /tmp/cluster_nodelist").split() == ips
        environment = look(sandbox, config, number, ". /etc/profile.d/stratuslab_cluster.sh; env | grep STRATUSLAB")
        assert dict(line.split("=") for line in environment.splitlines()) == {
            "STRATUSLAB_NC": str(number),
            "STRATUSLAB_CMASTER": ips[0],
            "STRATUSLAB_CSIZE": "3",
            "STRATUSLAB_CMAX_CORES": "6",
        }
        names = look(sandbox, config, number, "getent hosts master worker-1 worker-2").split()
        assert names == [ips[0], "master", ips[1], "worker-1", ips[2], "worker-2"]


def test_the_workers_alone_are_in_the_machine_file(
    run_command: RunCommand, sandbox: Sandbox, config: Path, image: str
) -> None:
    need_own_addresses(sandbox)
    assert run_command("run-cluster", "-n", 2, "--mpi-machine-file", image).status == 0
    assert look(sandbox, config, 0, "cat /tmp/machinefile") == f"{addresses(sandbox)[1]} slots=1\n"


def test_a_cluster_of_one_computes_on_its_master(
    run_command: RunCommand, sandbox: Sandbox, config: Path, image: str
) -> None:
    need_own_addresses(sandbox)
    status, out, err = run_command("run-cluster", "--mpi-machine-file", image)
    ips = addresses(sandbox)
    assert (status, err) == (0, "")
    assert out == started(ips) + waited(ips) + CONFIGURING + " :: Preparing MPI machine file\n" + ALWAYS
    assert look(sandbox, config, 0, "cat /tmp/machinefile") == f"{ips[0]} slots=1\n"


def test_quietly_only_the_machines_are_said(run_command: RunCommand, sandbox: Sandbox, image: str) -> None:
    status, out, err = run_command("run-cluster", "-q", "-n", 2, image)
    first, second = addresses(sandbox)
    assert (status, out, err) == (0, f"0, {first}\n1, {second}\n", "")


def test_a_user_with_a_key_for_all_machines(
    run_command: RunCommand, sandbox: Sandbox, config: Path, image: str, tmp_path: Path
) -> None:
    need_own_addresses(sandbox)
    status, out, err = run_command("run-cluster", "-n", 2, "--cluster-user", "clusteruser", image)
    ips = addresses(sandbox)
    assert (status, err) == (0, "")
    assert out == started(ips) + waited(ips) + CONFIGURING + " :: Creating additional user\n" + ALWAYS
    for number in (0, 1):
        assert look(sandbox, config, number, "cut -d: -f1 /etc/passwd | grep -c '^clusteruser$'") == "1\n"
        assert look(sandbox, config, number, "stat -c %a ~clusteruser/.ssh ~clusteruser/.ssh/id_rsa") == "700\n600\n"
    ssh = "ssh -o BatchMode=yes -F /home/clusteruser/.ssh/config -i /home/clusteruser/.ssh/id_rsa"
    there = f"{ssh} clusteruser@{ips[1]} 'echo $USER on $(uname -n)'"
    assert look(sandbox, config, 0, there) == "clusteruser on machine-1\n"
    keys = {look(sandbox, config, number, "cat ~clusteruser/.ssh/id_rsa") for number in (0, 1)}
    assert len(keys) == 1
    assert "PRIVATE KEY" not in out + err + config.read_text()


def test_a_machine_that_is_there_is_the_master(
    run_command: RunCommand, sandbox: Sandbox, config: Path, image: str
) -> None:
    assert run_command("run-instance", "-q", image).status == 0
    status, out, err = run_command("run-cluster", "--master-vmid", 0, image)
    master, worker = addresses(sandbox)
    assert (status, err) == (0, "")
    assert out == started([worker], first=1) + waited([master, worker]) + CONFIGURING + ALWAYS


def test_the_masters_image_starts_services_when_all_are_ready(
    run_command: RunCommand, sandbox: Sandbox, config: Path, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_own_addresses(sandbox)
    fill = confinement.MachineRoot._fill

    def with_services(root: confinement.MachineRoot) -> None:
        fill(root)
        script = root.folder / "etc/rc.cluster-services"
        script.write_text("#!/bin/sh\ngetent hosts worker-1 > /tmp/services-saw\n")
        script.chmod(0o755)

    monkeypatch.setattr(confinement.MachineRoot, "_fill", with_services)
    assert run_command("run-cluster", "-n", 2, image).status == 0
    assert "worker-1" in look(sandbox, config, 0, "cat /tmp/services-saw")
    assert (
        look(sandbox, config, 1, "ls -d /tmp/cluster_nodelist /tmp/services-saw || true") == "/tmp/cluster_nodelist\n"
    )


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of machines that note how they were called, for what no sandbox machine has."""
    names = ("service", "mount", "yum", "apt-get", "ssh-keyscan")
    note = '#!/bin/sh\necho "${0##*/} $*" >> /root/called\necho "key of $2"\n'
    for name in names:
        monkeypatch.setitem(confinement.STAND_INS, name, note)


@pytest.mark.usefixtures("stand_ins")
def test_a_shared_folder(run_command: RunCommand, sandbox: Sandbox, config: Path, image: str) -> None:
    need_own_addresses(sandbox)
    out = run_command("run-cluster", "-n", 2, "--shared-folder", "/shared data", image).out
    assert " :: Configuring shared folder\n" in out
    assert look(sandbox, config, 0, "tail -n 1 /etc/exports; cat /root/called").splitlines() == [
        "/shared data *(rw,no_root_squash)",
        "service nfs-kernel-server restart",
    ]
    master = addresses(sandbox)[0]
    assert look(sandbox, config, 1, "cat /root/called") == f"mount -t nfs {master}:/shared data /shared data\n"
    assert look(sandbox, config, 1, "stat -c %F '/shared data'") == "directory\n"


@pytest.mark.usefixtures("stand_ins")
def test_machines_that_trust_each_other(run_command: RunCommand, sandbox: Sandbox, config: Path, image: str) -> None:
    need_own_addresses(sandbox)
    options = ("-n", 2, "--ssh-hostbased", "--cluster-user", "clusteruser")
    out = run_command("run-cluster", *options, image).out
    assert " :: Creating additional user\n :: Configuring host-based SSH\n" in out
    ips = addresses(sandbox)
    for number in (0, 1):
        assert look(sandbox, config, number, "cat /root/.shosts") == f"{ips[0]} root\n{ips[1]} root\n"
        assert look(sandbox, config, number, "cat ~clusteruser/.shosts").split() == [
            *(ips[0], "clusteruser"),
            *(ips[1], "clusteruser"),
        ]
        assert look(sandbox, config, number, "cat /etc/ssh/shosts.equiv").split() == ips
        assert look(sandbox, config, number, "cat /etc/ssh/ssh_known_hosts") == f"key of {ips[1]}\n"
        for file, line in (("sshd_config", "IgnoreRhosts no"), ("ssh_config", "EnableSSHKeysign yes")):
            assert look(sandbox, config, number, f"grep -cxF '{line}' /etc/ssh/{file}") == "1\n"
        assert look(sandbox, config, number, "cat /root/called").splitlines()[-1] == "service ssh restart"


def test_another_user_sets_up_the_machines_with_sudo(
    run_command: RunCommand, sandbox: Sandbox, config: Path, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_own_addresses(sandbox)
    sudo = '#!/bin/sh\necho "$USER" >> /root/called\nwhile [ "${1#-}" != "$1" ]; do shift; done\nexec "$@"\n'
    monkeypatch.setitem(confinement.STAND_INS, "sudo", sudo)
    status, _, err = run_command("run-cluster", "--cluster-admin", "ubuntu", "--mpi-machine-file", image)
    assert (status, err) == (0, "")
    assert set(look(sandbox, config, 0, "cat /root/called").split()) == {"ubuntu"}
    assert look(sandbox, config, 0, "cat /tmp/machinefile") == f"{addresses(sandbox)[0]} slots=1\n"


@pytest.mark.usefixtures("stand_ins")
def test_packages_are_installed_everywhere(run_command: RunCommand, sandbox: Sandbox, config: Path, image: str) -> None:
    need_own_addresses(sandbox)
    out = run_command("run-cluster", "-n", 2, "--add-packages", "openmpi, gcc", image).out
    assert CONFIGURING + " :: Installing additional packages\n" in out
    for number in (0, 1):
        called = look(sandbox, config, number, "cat /root/called").splitlines()
        assert called == ["apt-get update", "apt-get -y install openmpi gcc"]


# -- What goes wrong


def failed(result: Result) -> str:
    """What was said of a cluster that is not there, and whose machines were stopped."""
    assert result.status == 1
    assert result.out.endswith(" :: Stopping all machines of the cluster\n")
    return result.err


def test_a_set_up_that_fails_is_told_and_cleaned(
    run_command: RunCommand, sandbox: Sandbox, config: Path, image: str
) -> None:
    problem = failed(run_command("run-cluster", "-n", 2, "--shared-folder", "/shared", image))
    ip = addresses(sandbox)[0]
    assert problem.startswith(f"Error: starting the NFS server failed on {ip} with status 1: ")
    assert "unrecognized service" in problem
    assert states(sandbox) == ["DONE", "DONE"]


def test_a_worker_that_fails_is_named(
    run_command: RunCommand, sandbox: Sandbox, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(confinement.STAND_INS, "service", "#!/bin/sh\n")
    monkeypatch.setitem(confinement.STAND_INS, "mount", "#!/bin/sh\necho no such server >&2; exit 32\n")
    problem = failed(run_command("run-cluster", "-n", 2, "--shared-folder", "/shared", image))
    ip = addresses(sandbox)[1]
    assert problem == (
        f"Error: 1 of 1 workers were not set up: machine 1: mounting /shared failed on {ip} with status 32: "
        "no such server\n"
    )


def test_machines_can_be_left_after_a_failure(run_command: RunCommand, sandbox: Sandbox, image: str) -> None:
    options = ("-n", 2, "--shared-folder", "/shared", "--no-clean-after-failure")
    status, out, _ = run_command("run-cluster", *options, image)
    assert status == 1
    assert "Stopping" not in out
    assert states(sandbox) == ["ACTIVE", "ACTIVE"]


def test_machines_that_cannot_be_stopped_are_told(run_command: RunCommand, sandbox: Sandbox, image: str) -> None:
    sandbox.faults.add(Fault(FaultKind.STATUS, "compute", "one.vm.action", status=403))
    status, out, err = run_command("run-cluster", "-n", 2, "--shared-folder", "/shared", image)
    assert status == 1
    assert "\n  [WARNING] Not all machines could be stopped: " in out
    assert err.startswith("Error: starting the NFS server failed")


def test_the_master_that_was_there_is_not_stopped(run_command: RunCommand, sandbox: Sandbox, image: str) -> None:
    run_command("run-instance", "-q", image)
    failed(run_command("run-cluster", "--master-vmid", 0, "--shared-folder", "/shared", image))
    assert states(sandbox) == ["ACTIVE", "DONE"]


def break_one(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Let the second machine fail, or let nobody in."""
    if how == "fails":
        from stratuslab_libcloud.sandbox.state.errors import DriverError

        boot = sandbox.state.transfer.boot

        def failing(machine: object) -> None:
            if getattr(machine, "id", 0) == 1:
                raise DriverError("Error deploying virtual machine: no such kernel")
            boot(machine)  # type: ignore[arg-type]  # it is one

        monkeypatch.setattr(sandbox.state.transfer, "boot", failing)
    else:
        words = PrivateView.words

        async def refusing(self: PrivateView, command: list[str], *, terminal: str | None) -> object:
            if self.root.folder.name == "machine-1":
                return ["sh", "-c", "echo go away >&2; exit 1"]
            return await words(self, command, terminal=terminal)

        monkeypatch.setattr(PrivateView, "words", refusing)
        monkeypatch.setattr(
            "stratuslab_libcloud.deployment.ssh_client.DeploymentSSHClient._takes_files", lambda _: False
        )


@pytest.mark.parametrize("how", ["fails", "turns everybody away"])
def test_a_machine_that_is_missing_ends_the_cluster(
    run_command: RunCommand, sandbox: Sandbox, image: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    break_one(sandbox, monkeypatch, how)
    problem = failed(run_command("run-cluster", "-n", 3, image))
    assert problem.startswith("Error: the cluster is not complete: machine 1")
    assert ("no such kernel" if how == "fails" else "go away") in problem
    assert states(sandbox) == ["DONE"] * 3


@pytest.mark.parametrize("how", ["fails", "turns everybody away"])
def test_a_machine_that_is_missing_is_tolerated(
    run_command: RunCommand, sandbox: Sandbox, image: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    break_one(sandbox, monkeypatch, how)
    status, out, err = run_command("run-cluster", "-n", 3, "--tolerate-failures", image)
    ips = addresses(sandbox)
    assert (status, err) == (0, "")
    assert re.search(r"  \[WARNING\] Going on without machine 1: .*(no such kernel|go away)", out)
    assert f"\tMaster is {ips[0]}\n\tWorker: {ips[2]}\n\n" in out
    assert states(sandbox) == ["ACTIVE", "DONE", "ACTIVE"]


def test_no_machine_is_left(run_command: RunCommand, sandbox: Sandbox, config: Path) -> None:
    broken = identifier_of(sandbox, "Broken boot")
    problem = failed(run_command("run-cluster", "-n", 2, "--tolerate-failures", broken))
    assert "the kernel of this image always panics" in problem
    assert states(sandbox) == ["DONE", "DONE"]


@pytest.fixture
def with_a_limit(config: Path) -> Iterator[Sandbox]:
    """A cloud that permits two machines."""
    with Sandbox(boot_seconds=0, machine_limit=2) as sandbox:
        sandbox.write_config(config)
        yield sandbox


def test_machines_that_are_not_started_end_the_cluster(run_command: RunCommand, with_a_limit: Sandbox) -> None:
    image = identifier_of(with_a_limit, "Ubuntu 14.04 server")
    problem = failed(run_command("run-cluster", "-n", 3, image))
    assert "NUM_VMS quota exceeded" in problem
    assert states(with_a_limit) == ["DONE", "DONE"]


def test_machines_that_are_not_started_are_tolerated(run_command: RunCommand, with_a_limit: Sandbox) -> None:
    image = identifier_of(with_a_limit, "Ubuntu 14.04 server")
    status, out, err = run_command("run-cluster", "-n", 3, "--tolerate-failures", image)
    assert (status, err) == (0, "")
    assert re.search(r"  \[WARNING\] Going on with fewer machines: .*quota exceeded", out)
    assert states(with_a_limit) == ["ACTIVE", "ACTIVE"]


def test_an_own_instance_type(run_command: RunCommand, sandbox: Sandbox, config: Path, image: str) -> None:
    need_own_addresses(sandbox)
    config.write_text(config.read_text() + "\n[instance_types]\nbig.memory = (3, 4096, 0)\n")
    assert run_command("run-cluster", "--type", "big.memory", "-n", 2, image).status == 0
    assert "STRATUSLAB_CMAX_CORES=6\n" in look(sandbox, config, 0, "cat /etc/profile.d/stratuslab_cluster.sh")


@pytest.mark.parametrize("network", ["--local-ip", "--private-ip"])
def test_other_networks(run_command: RunCommand, sandbox: Sandbox, config: Path, image: str, network: str) -> None:
    status, out, err = run_command("run-cluster", "-n", 2, network, image)
    assert (status, err) == (0, "")
    assert f"\tMaster is {addresses(sandbox)[0]}\n" in out


def test_no_image_is_named(run_command: RunCommand, config: Path) -> None:
    status, out, err = run_command("run-cluster", "-n", 2)
    assert (status, out) == (2, "")
    assert err.endswith("stratus-run-cluster: error: Please specify the machine image to start\n")


def test_the_key_of_the_user_is_in_no_representation() -> None:
    from stratus_commands.cluster import Cluster, Member, UserKey

    cluster = Cluster([Member("127.0.0.1", 1)], user="u", key=UserKey.generate())
    assert "PRIVATE" not in repr(cluster)


def test_no_machine_is_wanted(run_command: RunCommand, sandbox: Sandbox, config: Path, image: str) -> None:
    status, out, err = run_command("run-cluster", "-n", 0, image)
    assert (status, out) == (2, "")
    assert err.endswith("stratus-run-cluster: error: A cluster has at least one machine\n")
    assert states(sandbox) == []
