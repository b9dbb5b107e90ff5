"""What a recorded run finds: a cloud, and a user's home with configuration files and keys."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from libcloud.compute.base import NodeAuthSSHKey, NodeImage

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.state.clock import ManualClock
from stratuslab_libcloud.sandbox.state.disk import DiskFields
from stratuslab_libcloud.sandbox.state.template import Template
from stratuslab_libcloud.sandbox.state.users import DISK_SERVICE_USER
from tests.commands.replay.matching import Values

EXECUTABLES = Path(sys.executable).parent
SSH = 22


@dataclass(frozen=True)
class Scene:
    """Where a recording was made.

    :param users: names and passwords
    :param url: of the recorded cloud
    :param home: the user's recorded home
    :param work: the recorded current directory
    :param settings: the user's configuration file, with ``{url}`` for that of the cloud
    :param files: further files by their path in `home` or, if relative, in `work`; with ``{url}``
    :param clouds: by the number of the first run on it, how each cloud was started
    :param before: by the number of a run, what happened before it, and is not recorded
    """

    users: Mapping[str, str]
    url: str
    home: str
    work: str
    settings: str
    files: Mapping[str, str | bytes]
    clouds: Mapping[int, Callable[[Mapping[str, str]], Sandbox]]
    before: Mapping[int, Callable[[World], None]] = field(default_factory=dict)


class World:
    """A recording's place, made anew; a context manager.

    :param scene: what it is like
    :param folder: an empty one
    """

    def __init__(self, scene: Scene, folder: Path) -> None:
        self.scene = scene
        self.home = folder / "home"
        self.work = folder / "home" / "work"
        self._folder = folder
        self._closing = ExitStack()
        self.values = Values({})
        self.sandbox: Sandbox | None = None
        self.work.mkdir(parents=True)
        _make_keys(self.home / ".ssh")
        _make_ssh(folder / "bin", folder / "known_hosts")

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def environment(self) -> dict[str, str]:
        """What the user's shell sets."""
        return {"HOME": str(self.home), "PATH": f"{self._folder / 'bin'}:{EXECUTABLES}:{os.environ['PATH']}"}

    def ways_in(self, command: str) -> list[str]:
        """Options that a command needs where machines of the sandbox cannot have a port 22 of their own."""
        if command != "stratus-connect-instance" or _can_listen_on(SSH):
            return []
        service = self._sandbox.port_translation_url.partition("//")[2]
        return ["--pat-enable", "--pat-service-host", service, "--pat-gateway-host", "127.0.0.1"]

    def prepare(self, number: int) -> None:
        """Make it what a run found."""
        if number in self.scene.clouds:
            self._begin(self.scene.clouds[number])
        if number in self.scene.before:
            self.scene.before[number](self)

    def start(
        self, image: str, *, name: str | None = None, user: str | None = None, size: str = "m1.small", **options: Any
    ) -> None:
        """A machine that a run started which was left out.

        :param options: of `create_node`
        """
        with StratusLabNodeDriver(stratuslab_user_config=self._settings, region=user) as driver:
            of, key = NodeImage(image, image, driver), (self.home / ".ssh" / "id_rsa.pub").read_text()
            node = driver.create_node(name, driver.ex_get_size(size), of, auth=NodeAuthSSHKey(key), **options)
        # What the cloud remembers of a machine of this number, which was forgotten, is out of date.
        self._sandbox.machines[int(node.id)].revision += 100

    def template_of(self, number: int) -> Template:
        """That of a machine."""
        return self._sandbox.machines[number].template

    def forget_the_last(self) -> None:
        """The cloud as it was before the last machine, where the original started none."""
        number = len(self._sandbox.machines) - 1
        self.kill(number)
        with self._sandbox.state.lock:
            del self._sandbox.machines._machines[number]  # of no machine but the last one, nothing else could be undone

    def without_root_disk(self) -> None:
        """The last machine as it was where its image was not understood."""
        number = str(len(self._sandbox.machines) - 1)
        for mount in self._sandbox.disks.mounts_of_machine(number):
            self._sandbox.disks.detach(DISK_SERVICE_USER, mount.disk, mount.id)
            self._sandbox.disks.delete(DISK_SERVICE_USER, mount.disk)

    def kill(self, *machines: int) -> None:
        """End machines of the first user's."""
        for machine in machines:
            self._sandbox.machines.act(next(iter(self.scene.users)), machine, "finalize")

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass in a cloud with a clock of its own."""
        assert isinstance(self._sandbox.clock, ManualClock)
        self._sandbox.clock.advance(seconds)

    def create_disk(self, recorded: str, size: int) -> None:
        """A disk of the first user's that a run created which was left out."""
        disk = self._sandbox.disks.create(next(iter(self.scene.users)), DiskFields(size=size))
        self.values.bind(recorded, disk.uuid)

    def detach(self, machine: int, *recorded: str) -> None:
        """Take the first user's disks out of a machine."""
        for uuid in map(self.values.here, recorded):
            self._sandbox.disks.detach(next(iter(self.scene.users)), uuid, f"{uuid}_{machine}")

    def bind_address(self, recorded: str) -> None:
        """Let a public address that is asked for be the same one of the network that there is here."""
        first = self._sandbox.networks["public"].addresses.network_address
        self.values.bind(recorded, str(first + int(recorded.rpartition(".")[2])))

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file of the user's."""
        file = self._place(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = content.replace("{url}", self._url).encode()
        file.touch(mode=0o600)
        file.write_bytes(content)

    @property
    def _sandbox(self) -> Sandbox:
        assert self.sandbox is not None, "no cloud was started"
        return self.sandbox

    @property
    def _url(self) -> str:
        return self._sandbox.url

    @property
    def _settings(self) -> Path:
        return self.home / ".stratuslab" / "stratuslab-user.cfg"

    def _place(self, path: str) -> Path:
        return Path(path.replace(self.scene.home, str(self.home))) if path.startswith("/") else self.work / path

    def _begin(self, start: Callable[[Mapping[str, str]], Sandbox]) -> None:
        self._closing.close()
        self.sandbox = self._closing.enter_context(start(self.scene.users))
        authority = self.scene.url.partition("//")[2]
        self.values = Values(
            {
                self.scene.work: str(self.work),
                self.scene.home: str(self.home),
                authority: self._url.partition("//")[2],
            }
        )
        self.write(str(self.scene.home) + "/.stratuslab/stratuslab-user.cfg", self.scene.settings)
        for path, content in self.scene.files.items():
            if not self._place(path).exists() or isinstance(content, str):
                self.write(path, content)


def _can_listen_on(port: int) -> bool:
    with socket.socket() as listening:
        try:
            listening.bind(("127.60.60.60", port))
        except OSError:
            return False
    return True


def _make_ssh(folder: Path, known_hosts: Path) -> None:
    """An ``ssh`` that is the system's, with nothing of the user's own: it does not look for these in ``$HOME``."""
    folder.mkdir()
    options = f"-F none -o UserKnownHostsFile={known_hosts} -o IdentitiesOnly=yes"
    (folder / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} {options} "$@"\n')
    (folder / "ssh").chmod(0o755)


def _make_keys(folder: Path) -> None:
    """The pair of keys that goes into machines."""
    folder.mkdir(mode=0o700)
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    (folder / "id_rsa").touch(mode=0o600)
    (folder / "id_rsa").write_bytes(private)
    (folder / "id_rsa.pub").write_bytes(public + b" user@laptop\n")
