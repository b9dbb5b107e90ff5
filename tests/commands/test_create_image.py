"""stratus-create-image on the sandbox, whose machines run what the command does on them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from stratus_commands.image_recipe import Recipe
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox

from .conftest import DEFAULT_FILE, RunCommand
from .machines import look

NEW = ("--author", "Jane", "--author-email", "jane@example.org", "--title", "New", "--comment", "A new image")
BEGINNING = """
 :::::::::::::::::::::::::::::
 :: Starting image creation ::
 :::::::::::::::::::::::::::::
 :: Checking that base image exists
 :: Retrieving image manifest
 :: Starting base image
  [WARNING] Image availability check is disabled.

 :::::::::::::::::::::::::
 :: Starting machine(s) ::
 :::::::::::::::::::::::::
 :: Starting 1 machine
 :: Machine 1 (vm ID: 0)
\tPublic ip: {ip}
 :: Done!
 :: Waiting for machine to boot
"""
CHANGES = """.
 :: Waiting for machine network to start
.
 :: Check if we can connect to the machine
 :: Executing user prerecipe
 :: Installing user packages
 :: Executing user recipe
 :: Executing user scripts
"""
END = """
 ::::::::::::::::::::::::::::::::::::::::
 :: Finished building image increment. ::
 ::::::::::::::::::::::::::::::::::::::::

 :::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::
 :: Please check jane@example.org for new image ID and instruction. ::
 :::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::
"""


@pytest.fixture
def config(clean_environment: Path, sandbox: Sandbox) -> Path:
    """The configuration file at home, with a pair of keys of its own."""
    file = clean_environment / DEFAULT_FILE
    file.parent.mkdir(mode=0o700)
    return sandbox.write_config(file)


@pytest.fixture
def base(sandbox: Sandbox, config: Path) -> str:
    """The identifier of an image to start from."""
    return identifier_of(sandbox, "Ubuntu 14.04 server")


def identifier_of(sandbox: Sandbox, title: str) -> str:
    return next(entry.identifier for entry in sandbox.entries.select() if entry.title == title)


def ip_of(sandbox: Sandbox) -> str:
    return str(sandbox.machines[0].nics[0]["IP"])


def titles(sandbox: Sandbox) -> list[str | None]:
    return [entry.title for entry in sandbox.entries.select()]


def test_an_image_is_made(run_command: RunCommand, sandbox: Sandbox, base: str) -> None:
    status, out, err = run_command("create-image", *NEW, "--image-version", "2.1", base)
    assert (status, err) == (0, "")
    assert out == BEGINNING.format(ip=ip_of(sandbox)) + CHANGES + END + " :: Shutting down machine\n"
    (made,) = (entry for entry in sandbox.entries.select() if entry.title == "New")
    assert (made.description, made.os) == ("A new image", "Ubuntu")
    assert "<slterms:version>2.1<" in made.document
    assert sandbox.machines[0].state.name == "DONE"
    assert re.fullmatch(r"creator: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", sandbox.machines[0].name)


def test_quietly_only_the_machine_is_said(run_command: RunCommand, sandbox: Sandbox, base: str) -> None:
    status, out, err = run_command("create-image", "-q", *NEW, base)
    assert (status, err) == (0, "")
    assert out == f"  [WARNING] Image availability check is disabled.\n0, {ip_of(sandbox)}\n"


def test_the_image_is_waited_for(run_command: RunCommand, sandbox: Sandbox, base: str) -> None:
    out = run_command("create-image", "--wait", *NEW, base).out
    assert out.splitlines()[-1] == identifier_of(sandbox, "New")


def test_a_machine_is_left_for_further_changes(
    run_command: RunCommand, sandbox: Sandbox, config: Path, base: str
) -> None:
    status, out, err = run_command("create-image", "--no-shutdown", *NEW, base)
    assert (status, err) == (0, "")
    last = f" :: Machine ready for use\n\n\tMachine IP: {ip_of(sandbox)}\tRemember to stop the machine when finished\n"
    assert out.endswith(END + last)
    assert sandbox.machines[0].is_running
    run_command("shutdown-instance", 0)
    assert "New" in titles(sandbox)


def test_a_machine_of_which_no_image_is_made(run_command: RunCommand, sandbox: Sandbox, base: str) -> None:
    out = run_command("create-image", "--no-shutdown", "--no-upload", *NEW, base).out
    assert "Please check" not in out
    run_command("shutdown-instance", 0)
    assert "New" not in titles(sandbox)


def test_scripts_and_recipes_run_in_their_order(
    run_command: RunCommand, sandbox: Sandbox, config: Path, base: str, tmp_path: Path
) -> None:
    names = ("before", "after", "first.sh", "second.sh")
    for name in names:
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name} >> /root/order\n")
    options = ["--prerecipe", tmp_path / "before", "--recipe", tmp_path / "after"]
    scripts = f"{tmp_path}/first.sh, {tmp_path}/second.sh"
    assert run_command("create-image", "--no-shutdown", *NEW, *options, "-s", scripts, base).status == 0
    assert look(sandbox, config, 0, "cat /root/order").split() == list(names)
    assert look(sandbox, config, 0, "stat -c %a /tmp/first.sh") == "755\n"


def test_what_runs_on_the_machine_is_shown_with_v(
    run_command: RunCommand, sandbox: Sandbox, base: str, tmp_path: Path
) -> None:
    (tmp_path / "hello.sh").write_text("#!/bin/sh\necho hello from $(id -un)\n")
    out = run_command("create-image", "-v", *NEW, "-s", tmp_path / "hello.sh", base).out
    assert f"{ip_of(sandbox)}: /tmp/hello.sh\nhello from root\n" in out


def test_a_script_that_fails_ends_the_machine_and_makes_no_image(
    run_command: RunCommand, sandbox: Sandbox, base: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.sh").write_text("#!/bin/sh\necho out of luck >&2\nexit 3\n")
    status, out, err = run_command("create-image", *NEW, "-s", tmp_path / "bad.sh", base)
    assert status == 1
    assert out == BEGINNING.format(ip=ip_of(sandbox)) + CHANGES + " :: Killing machine\n"
    assert err == f"Error: the script bad.sh failed on {ip_of(sandbox)} with status 3: out of luck\n"
    assert sandbox.machines[0].state.name == "DONE"
    assert "New" not in titles(sandbox)


def test_a_machine_that_does_not_boot(run_command: RunCommand, sandbox: Sandbox, config: Path) -> None:
    status, out, err = run_command("create-image", *NEW, identifier_of(sandbox, "Broken boot"))
    ip = ip_of(sandbox)
    assert (status, out) == (1, BEGINNING.format(ip=ip) + " :: Killing machine\n")
    reason = "Error deploying virtual machine: the kernel of this image always panics"
    assert err == f"Error: Failed to start VM (id=0, ip={ip}): {reason}\n"
    assert sandbox.machines[0].state.name == "DONE"


def test_a_machine_that_does_not_run_in_time(run_command: RunCommand, config: Path, clean_environment: Path) -> None:
    with Sandbox(boot_seconds=600) as slow:
        slow.write_config(config)
        base = identifier_of(slow, "Ubuntu 14.04 server")
        status, out, err = run_command("create-image", "--vm-start-timeout", "0.2", *NEW, base)
        assert (status, out.splitlines()[-1]) == (1, " :: Killing machine")
        assert err.startswith("Error: Failed to start VM (id=0, ip=127.")


def test_a_machine_that_lets_nobody_in(run_command: RunCommand, config: Path) -> None:
    with Sandbox(boot_seconds=0, guests=False) as closed:
        closed.write_config(config)
        base = identifier_of(closed, "Ubuntu 14.04 server")
        status, out, err = run_command("create-image", "--vm-ping-timeout", "0.2", *NEW, base)
        assert (status, out.splitlines()[-1]) == (1, " :: Killing machine")
        assert "nobody could log in within 0.2 seconds" in err
        assert closed.machines[0].state.name == "DONE"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((), "Provide a title describing the new image"),
        (NEW[4:6], "Provide a comment describing the new image"),
        (NEW[4:], "Provide the author of the new image"),
        ((*NEW[:2], *NEW[4:]), "Provide the email address of the author of the new image"),
        ((*NEW, "--no-upload"), "--no-upload is only possible with --no-shutdown"),
        ((*NEW, "--no-shutdown", "--wait"), "--wait is not possible with --no-shutdown"),
        ((*NEW, "--installer", "pip"), "invalid choice: 'pip'"),
    ],
)
def test_usage(run_command: RunCommand, sandbox: Sandbox, base: str, given: tuple[str, ...], message: str) -> None:
    status, out, err = run_command("create-image", *given, base)
    assert (status, out) == (2, "")
    assert err.startswith("Usage: stratus-create-image [options] base-image-id\n")
    assert message in err
    assert len(sandbox.machines) == 0


def test_no_image_is_named(run_command: RunCommand, config: Path) -> None:
    for images in ((), ("one", "two")):
        status, _, err = run_command("create-image", *NEW, *images)
        assert status == 2
        assert "Please specify the base image" in err


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file or directory"), (b"\xff", "it is not a text")])
def test_a_script_that_cannot_be_read(
    run_command: RunCommand, sandbox: Sandbox, base: str, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "script.sh"
    if content is not None:
        file.write_bytes(content)
    status, _, err = run_command("create-image", *NEW, "-s", file, base)
    assert (status, err) == (1, f"Error: the script {file} cannot be read: {reason}\n")
    assert len(sandbox.machines) == 0


def test_an_opennebula_has_no_such_thing(run_command: RunCommand, opennebula_config: Path) -> None:
    status, _, err = run_command("create-image", *NEW, "0")
    assert status == 2
    assert "This is only for StratusLab" in err


def test_an_interruption_ends_the_machine(
    run_command: RunCommand, sandbox: Sandbox, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Recipe, "carry_out", interrupt)
    assert run_command("create-image", *NEW, base).status == 130
    assert sandbox.machines[0].state.name == "DONE"
    assert "New" not in titles(sandbox)


def test_a_machine_that_cannot_be_killed_is_told(
    run_command: RunCommand, sandbox: Sandbox, base: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.sh").write_text("exit 3\n")
    sandbox.faults.add(Fault(FaultKind.STATUS, "compute", "one.vm.action", status=403))
    status, out, err = run_command("create-image", *NEW, "-s", tmp_path / "bad.sh", base)
    assert status == 1
    assert "\n  [WARNING] Machine 0 could not be killed: " in out
    assert err.startswith("Error: the script bad.sh failed")


def test_a_machine_that_cannot_be_ended_is_told(run_command: RunCommand, sandbox: Sandbox, base: str) -> None:
    sandbox.faults.add(Fault(FaultKind.STATUS, "compute", "one.vm.action", status=503))
    status, out, err = run_command("create-image", *NEW, base)
    assert (status, out.splitlines()[-1]) == (1, " :: Shutting down machine")
    assert "503" in err


# -- Packages


def commands_of(system: str, **more: Any) -> list[str]:
    class Arguments:
        scripts, packages, prerecipe, recipe, installer, os = "", "nginx, 'odd", None, None, None, None
        extra_os_repos, exclude = "", ""

    class Image:
        extra = {"os": system}  # noqa: RUF012 -- of this test alone

    arguments: Any = Arguments()
    for name, value in more.items():
        setattr(arguments, name, value)
    recipe = Recipe.of(arguments)
    image: Any = Image()
    recipe.use_entry(image)
    return list(recipe._installation())


@pytest.mark.parametrize("system", ["Ubuntu", "Debian", "ubuntu"])
def test_packages_by_apt(system: str) -> None:
    install = "DEBIAN_FRONTEND=noninteractive apt-get -y install nginx ''\"'\"'odd'"
    assert commands_of(system) == ["apt-get update", install]
    assert commands_of("CentOS", installer="apt") == ["apt-get update", install]
    assert commands_of("CentOS", os="Ubuntu") == ["apt-get update", install]
    line = "deb http://example.org/ubuntu trusty main"
    repository, *_ = commands_of(system, extra_os_repos=line)
    assert repository == f"printf '%s\\n' '{line}' >> /etc/apt/sources.list.d/extra.list"


@pytest.mark.parametrize("system", ["CentOS", "Fedora", ""])
def test_packages_by_yum(system: str) -> None:
    assert commands_of(system) == ["yum -y install nginx ''\"'\"'odd'"]
    assert commands_of(system, exclude="kernel*,x") == [
        "yum -y --exclude='kernel*' --exclude=x install nginx ''\"'\"'odd'"
    ]
    (repository,) = commands_of(system, packages="", extra_os_repos="http://example.org/el6")
    assert " baseurl=http://example.org/el6 > " in repository
    assert repository.endswith("> /etc/yum.repos.d/extra-1.repo")


def test_nothing_is_installed_without_being_asked_for() -> None:
    assert commands_of("Ubuntu", packages="") == []


def test_packages_that_cannot_be_installed_end_the_machine(
    run_command: RunCommand, sandbox: Sandbox, base: str
) -> None:
    status, out, err = run_command("create-image", *NEW, "--installer", "yum", "-a", "nginx", base)
    assert (status, out.splitlines()[-1]) == (1, " :: Killing machine")
    assert err.startswith(f"Error: installing packages failed on {ip_of(sandbox)} with status 127")
