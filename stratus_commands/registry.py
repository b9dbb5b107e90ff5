"""Which commands there are. A command's module is imported when the command is run."""

from __future__ import annotations

from argparse import Namespace
from importlib import import_module
from typing import NamedTuple, Protocol, cast

from stratus_commands.parsing import CommandParser


class CommandModule(Protocol):
    """What a module of a command has."""

    def parser(self, prog: str) -> CommandParser:
        """The parser of the command's arguments.

        :param prog: the name under which it runs
        """

    def run(self, arguments: Namespace) -> int:
        """Do what the command is for.

        :return: the exit status
        """


class Command(NamedTuple):
    """A command.

    :param name: that of its own executable, such as ``stratus-run-instance``
    :param words: what stands after ``stratus`` instead, such as ``run`` or ``volume create``
    :param summary: what it does, in a few words
    """

    name: str
    words: str
    summary: str

    def load(self) -> CommandModule:
        """Import its module."""
        module = self.name.removeprefix("stratus-").replace("-", "_")
        return cast("CommandModule", import_module(f"stratus_commands.{module}"))


COMMANDS = (
    Command("stratus-run-instance", "run", "start virtual machines"),
    Command("stratus-describe-instance", "describe", "show virtual machines"),
    Command("stratus-connect-instance", "connect", "log in to a virtual machine over SSH"),
    Command("stratus-kill-instance", "kill", "stop virtual machines at once"),
    Command("stratus-shutdown-instance", "shutdown", "let virtual machines shut down, and save what is to be saved"),
    Command("stratus-create-volume", "volume create", "make a volume"),
    Command("stratus-describe-volumes", "volume list", "show volumes"),
    Command("stratus-update-volume", "volume update", "change a volume's tag, visibility or type"),
    Command("stratus-delete-volume", "volume delete", "delete volumes"),
    Command("stratus-attach-volume", "volume attach", "put volumes into a running machine"),
    Command("stratus-detach-volume", "volume detach", "take volumes out of a machine"),
    Command("stratus-list-images", "image list", "list the images that machines can start from"),
    Command("stratus-show-image", "image show", "show all that is known of images"),
    Command("stratus-build-metadata", "metadata build", "describe an image in a file"),
    Command("stratus-sign-metadata", "metadata sign", "endorse and sign the description of an image"),
    Command("stratus-validate-metadata", "metadata validate", "check the description of an image, and its signature"),
    Command("stratus-upload-metadata", "metadata upload", "publish the signed description of an image"),
    Command("stratus-deprecate-metadata", "metadata deprecate", "say that an image should no longer be used"),
    Command("stratus-upload-image", "image upload", "put an image into the disk service, and publish its description"),
    Command("stratus-create-image", "image create", "make a new image by changing one on a machine"),
    Command("stratus-run-cluster", "cluster", "start virtual machines as a cluster"),
    Command("stratus-prepare-context", "prepare-context", "write a file for a machine's contextualization"),
    Command("stratus-copy-config", "copy-config", "write the reference configuration file"),
    Command("stratus-hash-password", "hash-password", "hash a password, for a site's administrators"),
    Command("stratus-completion", "completion", "let bash, zsh or fish complete these commands"),
)
"""All commands with their own options, in the order in which ``stratus --help`` shows them."""


def find(words: list[str]) -> tuple[Command, list[str]] | None:
    """The command that words after ``stratus`` begin with, and the words after it.

    Instead of its own words, a command may be called by the old name, such as ``run-instance``.
    """
    for command in COMMANDS:
        for called in (command.words.split(), [command.name.removeprefix("stratus-")]):
            if words[: len(called)] == called:
                return command, words[len(called) :]
    return None
