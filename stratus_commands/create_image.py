"""The command ``stratus-create-image``: makes a new image of one that there is, by what is done on a machine."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from stratus_commands import machine_options, options, running, starting
from stratus_commands.connection import Connection, connect
from stratus_commands.failures import CommandError, UsageError
from stratus_commands.output import Output
from stratus_commands.parsing import CommandParser, Given
from stratus_commands.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from stratus_commands.image_recipe import Recipe
    from stratus_commands.remote import Shell
    from stratuslab_libcloud.driver.nodes import LocatedNode

NAME = "stratus-create-image"

_NEEDED = {
    "title": "Provide a title describing the new image",
    "comment": "Provide a comment describing the new image",
    "author": "Provide the author of the new image",
    "author_email": "Provide the email address of the author of the new image",
}
_START_SECONDS, _PING_SECONDS = 600, 300
_SAVE_SECONDS = 3600


def parser(prog: str = NAME) -> CommandParser:
    """The parser of its arguments."""
    parser = CommandParser(
        prog,
        "base-image-id",
        "Create a new image from a base one: a machine is started from it, packages are installed and scripts are run "
        "on it, and it is shut down, of which the cloud makes the new image. The base-image-id argument is a "
        "Marketplace identifier.",
        f"{prog} --title 'Web server' --comment 'With nginx' --author Jane --author-email jane@example.org "
        "--packages nginx BN1EEkPiBx87_uLj2-sdybSI-Xb",
    )
    options.add_config(parser)
    parser.add_argument("image", nargs="*", metavar="base-image-id", help="what to start from")
    _add_new_image(parser)
    _add_changes(parser)
    _add_running(parser)
    machine_options.add_network(parser)
    machine_options.add_disks(parser)
    options.add_pdisk(parser)
    machine_options.add_machine(parser)
    return parser


def _add_new_image(parser: CommandParser) -> None:
    group = machine_options.add_new_image(parser)
    for names, help in (
        (("-n", "--name"), "accepted, and without effect: the cloud names an image by its title"),
        (("--name-version",), "accepted, and without effect: see --image-version"),
        (("--image-group",), "accepted, and without effect: images have no group"),
    ):
        group.add_argument(*names, metavar="TEXT", help=help)


def _add_changes(parser: CommandParser) -> None:
    group = parser.add_argument_group("What is changed")
    group.add_argument("-s", "--scripts", metavar="FILES", default="", help="scripts to run (separate by ,)")
    group.add_argument("-a", "--packages", metavar="NAMES", default="", help="packages to install (separate by ,)")
    group.add_argument("--prerecipe", metavar="FILE", help="script to run before packages are installed")
    group.add_argument("--recipe", metavar="FILE", help="script to run after packages were installed")
    group.add_argument("--os", metavar="NAME", help="operating system. Default what is said of the base image")
    group.add_argument(
        "--installer", choices=("yum", "apt"), help="what installs packages. Default that of the operating system"
    )
    group.add_argument(
        "--extra-os-repos",
        metavar="URLS",
        default="",
        help="further repositories of packages (separate by ,): URLs for yum, lines of sources.list for apt",
    )
    group.add_argument(
        "--exclude", metavar="NAMES", default="", help="packages that are not to be updated (separate by ,), with yum"
    )


def _add_running(parser: CommandParser) -> None:
    group = parser.add_argument_group("Machine that becomes the image")
    group.add_argument(
        "--no-shutdown", action="store_true", help="leave the machine running, for further changes by hand"
    )
    group.add_argument(
        "--no-upload", action="store_true", help="with --no-shutdown: do not make an image of the machine at its end"
    )
    group.add_argument("--wait", action="store_true", help="wait for the new image, and print its identifier")
    for name, seconds, what in (
        ("--vm-start-timeout", _START_SECONDS, "the machine may take until it runs"),
        ("--vm-ping-timeout", _PING_SECONDS, "it may then take until it lets somebody in"),
    ):
        group.add_argument(
            name, type=float, default=seconds, metavar="SECONDS", help=f"how long {what} (default {seconds})"
        )


def run(arguments: Namespace) -> int:
    """Make the image, or leave the machine for it.

    :raises UsageError: something about the new image is not said
    :raises CommandError: something failed on the machine, which was ended then
    """
    _check(arguments)
    output = Output(arguments)
    with connect(arguments, _saved(arguments)) as connection, progress(output) as show:
        for key, message in _NEEDED.items():
            if connection.settings.find(key) is None:
                raise UsageError(message)
        _make(connection, arguments, output, show)
    return 0


def _check(arguments: Namespace) -> None:
    """Refuse what can be seen to be wrong without a cloud.

    :raises UsageError: it is wrong
    """
    if arguments.no_upload and not arguments.no_shutdown:
        raise UsageError("--no-upload is only possible with --no-shutdown")
    if arguments.wait and arguments.no_shutdown:
        raise UsageError("--wait is not possible with --no-shutdown")
    starting.check_arguments(arguments)


def _saved(arguments: Namespace) -> dict[str, Given]:
    """The settings of a machine that is saved at its end, by which the cloud knows when it was started."""
    import time

    name = time.strftime("creator: %Y-%m-%dT%H:%M:%SZ", time.gmtime())
    save = "false" if arguments.no_upload else "true"
    return {
        "instance_number": Given(NAME, "1"),
        "vm_name": Given(NAME, name),
        "save_disk": Given(NAME, save),
    }


def _make(connection: Connection, arguments: Namespace, output: Output, show: Any) -> None:
    from stratus_commands.image_recipe import Recipe

    if len(arguments.image) != 1:
        raise UsageError("Please specify the base image")
    recipe = Recipe.of(arguments)
    config = connection.stratuslab
    output.title("Starting image creation")
    output.step("Checking that base image exists")
    image = connection.driver.get_image(arguments.image[0].partition("/")[0], connection.section)
    output.step("Retrieving image manifest")
    recipe.use_entry(image)
    output.step("Starting base image")
    output.warning("Image availability check is disabled.")
    order = starting.prepare(connection, arguments.image[0], arguments)
    if config.machine.saved_image is not None:
        order.options["ex_save_as"] = config.machine.saved_image.title  # which `create_image` asks for
    [node] = starting.start(connection, order, output, None)
    try:
        node = _change(connection, node, arguments, recipe, output, show)
    except BaseException:
        _kill(connection, node, output)
        raise
    output.title("Finished building image increment.")
    saved = config.machine.saved_image
    if saved is not None:
        output.title(f"Please check {saved.author_email} for new image ID and instruction.")
    if arguments.no_shutdown:
        output.step("Machine ready for use")
        output.line(f"\n\tMachine IP: {starting.address_of(node)}\tRemember to stop the machine when finished")
        return
    output.step("Shutting down machine")
    _shut_down(connection, node, arguments, output, show)


def _change(
    connection: Connection, node: LocatedNode, arguments: Namespace, recipe: Recipe, output: Output, show: Any
) -> LocatedNode:
    """Wait for the machine, and change it.

    :raises CommandError: it does not run, lets nobody in, or something failed on it
    """
    from stratus_commands.remote import on_machine, wait_until_running
    from stratuslab_libcloud.errors import MachineFailedError, WaitTimeoutError

    output.step("Waiting for machine to boot")
    try:
        [node] = wait_until_running(connection, [node], output, timeout=arguments.vm_start_timeout, progress=show)
    except MachineFailedError as error:
        raise CommandError(f"Failed to start VM ({_where(node)}): {_reason(connection, node) or error}") from None
    except WaitTimeoutError as error:
        raise CommandError(f"Failed to start VM ({_where(node)}): {error}") from None
    output.step("Waiting for machine network to start")
    return on_machine(
        connection, node, _changes(recipe, output), output, timeout=arguments.vm_ping_timeout, progress=show
    )


def _kill(connection: Connection, node: LocatedNode, output: Output) -> None:
    """End the machine, so that no image is made of it."""
    from libcloud.common.types import LibcloudError

    output.step("Killing machine")
    try:
        connection.driver.destroy_node(node)
    except LibcloudError as problem:  # what failed before is told, and this, too
        output.warning(f"Machine {node.id} could not be killed: {problem}")


def _changes(recipe: Recipe, output: Output) -> Callable[[Shell], None]:
    def change(shell: Shell) -> None:
        output.dot()
        output.step("Check if we can connect to the machine")
        shell.run("true", "a command")
        recipe.carry_out(shell, output)

    return change


def _where(node: LocatedNode) -> str:
    return f"id={node.id}, ip={starting.address_of(node)}"


def _reason(connection: Connection, node: LocatedNode) -> str:
    """Why a machine has failed, in the cloud's words."""
    return str(connection.driver.ex_get_node(node).extra["error"] or "")


def _shut_down(connection: Connection, node: LocatedNode, arguments: Namespace, output: Output, show: Any) -> None:
    if not arguments.wait:
        connection.driver.ex_shutdown_node(node)
        return
    title = connection.settings.find("title")
    assert title is not None
    made = connection.driver.create_image(node, title.text, ex_timeout=_SAVE_SECONDS, ex_progress=show)
    output.result(made.id)


def main() -> int:
    """The command.

    :return: its exit status
    """
    return running.main(parser(), run)


if __name__ == "__main__":
    sys.exit(main())
