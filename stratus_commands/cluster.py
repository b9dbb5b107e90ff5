"""A cluster of machines: what is set up on each, over SSH.

The master is the first machine; the others are its workers. All of them get the same files, but for their number.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from stratus_commands.failures import CommandError

if TYPE_CHECKING:
    from stratus_commands.remote import Shell

_MACHINE_FILE = "/tmp/machinefile"
_NODE_LIST = "/tmp/cluster_nodelist"
_ENVIRONMENT = "/etc/profile.d/stratuslab_cluster.sh"
_SERVICES = "/etc/rc.cluster-services"

_INSTALL = (
    "if command -v apt-get >/dev/null; then export DEBIAN_FRONTEND=noninteractive; apt-get update && "
    "apt-get -y install {0}; else yum -y install {0}; fi"
)
_RESTART = 'for name in {}; do service "$name" restart && exit; done; exit 1'
"""Distributions call a service by different names."""


class Member(NamedTuple):
    """A machine of the cluster.

    :param address: where the others reach it
    :param cores: how many processors it has
    """

    address: str
    cores: int


class UserKey(NamedTuple):
    """A pair of SSH keys for the user of the cluster."""

    private: str
    public: str

    @classmethod
    def generate(cls) -> UserKey:
        """A new one, which is kept nowhere but on the machines."""
        import io

        import paramiko

        key = paramiko.RSAKey.generate(3072)
        text = io.StringIO()
        key.write_private_key(text)
        return cls(text.getvalue(), f"{key.get_name()} {key.get_base64()} stratuslab-cluster\n")


@dataclass(frozen=True)
class Cluster:
    """What a cluster is to have.

    :param members: its machines, the master first
    :param packages: that are installed everywhere
    :param machine_file: whether there is a file for MPI
    :param include_master: whether the master is in it
    :param user: who is added everywhere, with a pair of keys for SSH; '' for nobody
    :param shared_folder: of the master, which the workers mount; '' for none
    :param hostbased: whether the machines trust each other's users over SSH
    """

    members: Sequence[Member]
    packages: Sequence[str] = ()
    machine_file: bool = False
    include_master: bool = False
    user: str = ""
    shared_folder: str = ""
    hostbased: bool = False
    key: UserKey | None = field(default=None, repr=False)

    @property
    def master(self) -> Member:
        """The first machine."""
        return self.members[0]

    def steps(self) -> list[tuple[str, Callable[[Shell, int], None]]]:
        """What is done on each machine, in this order: what it is called, and what does it on the one of a number."""
        return [
            (name, function)
            for wanted, name, function in (
                (self.packages, "Installing additional packages", self._install),
                (self.machine_file, "Preparing MPI machine file", self._write_machine_file),
                (self.user, "Creating additional user", self._add_user),
                (self.shared_folder, "Configuring shared folder", self._share_folder),
                (self.hostbased, "Configuring host-based SSH", self._trust_hosts),
                (True, "Updating environment variables", self._write_environment),
                (True, "Updating hosts file", self._write_hosts),
            )
            if wanted
        ]

    def start_services(self, shell: Shell) -> None:
        """Run, on the master, what its image has for this moment.

        :raises CommandError: that failed
        """
        shell.run(f"if [ -x {_SERVICES} ]; then {_SERVICES}; fi", _SERVICES)

    def _install(self, shell: Shell, _: int) -> None:
        names = " ".join(map(shlex.quote, self.packages))
        shell.run(_INSTALL.format(names), "installing packages")

    def _write_machine_file(self, shell: Shell, _: int) -> None:
        # A cluster of one computes on its master.
        members = self.members if self.include_master or len(self.members) == 1 else self.members[1:]
        lines = "".join(f"{member.address} slots={member.cores}\n" for member in members)
        shell.write(_MACHINE_FILE, lines)

    def _add_user(self, shell: Shell, _: int) -> None:
        assert self.key is not None
        user = shlex.quote(self.user)
        shell.run(f"id {user} >/dev/null 2>&1 || useradd -m -s /bin/bash {user}", f"adding the user {self.user}")
        home = shell.run(f"getent passwd {user} | cut -d: -f6", f"looking for the home of {self.user}").strip()
        if not home.startswith("/"):
            raise CommandError(f"{shell.host}: the user {self.user} has no home")
        folder = f"{home}/.ssh"
        shell.run(f"mkdir -p -m 700 {shlex.quote(folder)}", f"making {folder}")
        shell.write(f"{folder}/id_rsa", self.key.private, 0o600)
        shell.write(f"{folder}/id_rsa.pub", self.key.public, 0o644)
        shell.append(f"{folder}/authorized_keys", self.key.public.strip())
        shell.write(f"{folder}/config", "Host *\n  StrictHostKeyChecking no\n", 0o600)
        if self.hostbased:
            shell.write(f"{home}/.shosts", self._trusted(self.user), 0o600)
        shell.run(f"chown -R {user} {shlex.quote(home)}", f"giving {home} to {self.user}")

    def _share_folder(self, shell: Shell, number: int) -> None:
        folder = shlex.quote(self.shared_folder)
        shell.run(f"mkdir -p {folder}", f"making {self.shared_folder}")
        if number == 0:
            shell.append("/etc/exports", f"{self.shared_folder} *(rw,no_root_squash)")
            shell.run(_RESTART.format("nfs-kernel-server nfs-server nfs"), "starting the NFS server")
        else:
            source = shlex.quote(f"{self.master.address}:{self.shared_folder}")
            mounted = f"grep -qF {shlex.quote(f' {self.shared_folder} nfs')} /proc/mounts"
            shell.run(f"{mounted} || mount -t nfs {source} {folder}", f"mounting {self.shared_folder}")

    def _trust_hosts(self, shell: Shell, _: int) -> None:
        shell.append("/etc/ssh/sshd_config", "HostbasedAuthentication yes")
        shell.append("/etc/ssh/sshd_config", "IgnoreRhosts no")
        shell.append("/etc/ssh/ssh_config", "HostbasedAuthentication yes")
        shell.append("/etc/ssh/ssh_config", "EnableSSHKeysign yes")
        addresses = " ".join(member.address for member in self.members)
        shell.run(f"ssh-keyscan {addresses} > /etc/ssh/ssh_known_hosts 2>/dev/null", "asking for the keys of the hosts")
        for path in ("/etc/ssh/shosts.equiv", "/root/.shosts"):
            shell.write(path, self._trusted("" if path.startswith("/etc") else "root"), 0o600)
        shell.run(_RESTART.format("ssh sshd"), "starting the SSH server again")

    def _write_environment(self, shell: Shell, number: int) -> None:
        values = {
            "STRATUSLAB_NC": number,
            "STRATUSLAB_CMASTER": self.master.address,
            "STRATUSLAB_CSIZE": len(self.members),
            "STRATUSLAB_CMAX_CORES": sum(member.cores for member in self.members),
        }
        shell.write(_ENVIRONMENT, "".join(f"export {name}={value}\n" for name, value in values.items()), 0o644)
        shell.write(_NODE_LIST, "".join(f"{member.address}\n" for member in self.members))

    def _write_hosts(self, shell: Shell, _: int) -> None:
        for number, member in enumerate(self.members):
            shell.append("/etc/hosts", f"{member.address}\t{name_of(number)}")

    def _trusted(self, user: str) -> str:
        return "".join(f"{member.address} {user}".rstrip() + "\n" for member in self.members)


def name_of(number: int) -> str:
    """The name of a machine in the cluster."""
    return f"worker-{number}" if number else "master"
