"""What a recorded run finds: a cloud, and a user's home with configuration files and keys."""

from __future__ import annotations

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
from tests.commands.replay.matching import Values


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

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def environment(self) -> dict[str, str]:
        """What the user's shell sets."""
        return {"HOME": str(self.home)}

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
            driver.create_node(name, driver.ex_get_size(size), of, auth=NodeAuthSSHKey(key), **options)

    def kill(self, *machines: int) -> None:
        """End machines of the first user's."""
        assert self.sandbox is not None
        for machine in machines:
            self.sandbox.machines.act(next(iter(self.scene.users)), machine, "finalize")

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass in a cloud with a clock of its own."""
        assert self.sandbox is not None
        assert isinstance(self.sandbox.clock, ManualClock)
        self.sandbox.clock.advance(seconds)

    def create_disk(self, recorded: str, size: int) -> None:
        """A disk of the first user's that a run created which was left out."""
        assert self.sandbox is not None
        disk = self.sandbox.disks.create(next(iter(self.scene.users)), DiskFields(size=size))
        self.values.bind(recorded, disk.uuid)

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file of the user's."""
        file = self._place(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = content.replace("{url}", self._url).encode()
        file.touch(mode=0o600)
        file.write_bytes(content)

    @property
    def _url(self) -> str:
        assert self.sandbox is not None
        return self.sandbox.url

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
