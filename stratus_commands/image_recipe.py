"""What ``stratus-create-image`` changes on a machine before the cloud makes an image of it."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stratus_commands.failures import CommandError

if TYPE_CHECKING:
    from libcloud.compute.base import NodeImage

    from stratus_commands.output import Output
    from stratus_commands.remote import Shell

_APT = ("debian", "ubuntu", "mint")
_FOLDER = "/tmp"


@dataclass
class Recipe:
    """The changes, in their order.

    :param scripts: names and texts of scripts that are run at the end
    :param prerecipe: the text of one that is run before all else
    :param recipe: the text of one that is run after packages were installed
    :param installer: ``yum`` or ``apt``; '' where nothing is known yet
    :param system: the operating system
    """

    scripts: Sequence[tuple[str, str]]
    packages: Sequence[str]
    repositories: Sequence[str]
    excluded: Sequence[str]
    prerecipe: str
    recipe: str
    installer: str
    system: str

    @classmethod
    def of(cls, arguments: Namespace) -> Recipe:
        """What the arguments ask for.

        :raises CommandError: a script cannot be read
        """
        return cls(
            scripts=[(Path(file).name, _text(file)) for file in _items(arguments.scripts)],
            packages=_items(arguments.packages),
            repositories=_items(arguments.extra_os_repos),
            excluded=_items(arguments.exclude),
            prerecipe=_text(arguments.prerecipe),
            recipe=_text(arguments.recipe),
            installer=arguments.installer or "",
            system=arguments.os or "",
        )

    def use_entry(self, image: NodeImage) -> None:
        """Take from an image's entry what the arguments leave open."""
        self.system = self.system or str(image.extra.get("os") or "")
        self.installer = self.installer or ("apt" if self.system.lower().startswith(_APT) else "yum")

    def carry_out(self, shell: Shell, output: Output) -> None:
        """Change a machine.

        :raises CommandError: something failed
        """
        output.step("Executing user prerecipe")
        if self.prerecipe:
            shell.run_script(self.prerecipe, f"{_FOLDER}/prerecipe", "the prerecipe")
        output.step("Installing user packages")
        for command in self._installation():
            shell.run(command, "installing packages")
        output.step("Executing user recipe")
        if self.recipe:
            shell.run_script(self.recipe, f"{_FOLDER}/recipe", "the recipe")
        output.step("Executing user scripts")
        for name, text in self.scripts:
            shell.run_script(text, f"{_FOLDER}/{name}", f"the script {name}")

    def _installation(self) -> Sequence[str]:
        if not (self.packages or self.repositories):
            return []
        return _INSTALLATIONS[self.installer](self)

    def _by_yum(self) -> Sequence[str]:
        excluded = "".join(f" --exclude={shlex.quote(name)}" for name in self.excluded)
        repositories = [
            f"printf '%s\\n' '[extra-{number}]' 'name=extra-{number}' {shlex.quote(f'baseurl={url}')} "
            f"> /etc/yum.repos.d/extra-{number}.repo"
            for number, url in enumerate(self.repositories, 1)
        ]
        return [*repositories, *([f"yum -y{excluded} install {_words(self.packages)}"] if self.packages else [])]

    def _by_apt(self) -> Sequence[str]:
        repositories = [
            f"printf '%s\\n' {shlex.quote(line)} >> /etc/apt/sources.list.d/extra.list" for line in self.repositories
        ]
        install = f"DEBIAN_FRONTEND=noninteractive apt-get -y install {_words(self.packages)}"
        return [*repositories, "apt-get update", *([install] if self.packages else [])]


_INSTALLATIONS: dict[str, Callable[[Recipe], Sequence[str]]] = {"yum": Recipe._by_yum, "apt": Recipe._by_apt}


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _words(names: Sequence[str]) -> str:
    return " ".join(map(shlex.quote, names))


def _text(file: str | None) -> str:
    if not file:
        return ""
    try:
        return Path(file).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is not a text"
        raise CommandError(f"the script {file} cannot be read: {reason}") from None
