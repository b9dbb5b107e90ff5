"""Mistakes in a deployment that are known before there is a machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from libcloud.compute.base import Node
from libcloud.compute.deployment import (
    Deployment,
    FileDeployment,
    MultiStepDeployment,
    ScriptDeployment,
    ScriptFileDeployment,
    SSHKeyDeployment,
)

from stratuslab_libcloud.deployment.checks import check
from stratuslab_libcloud.errors import InvalidArgumentError

from .conftest import Deploy, ServerDriver

HERE = __file__


def script(text: Any = "true", **values: Any) -> ScriptDeployment:
    """A script, with attributes that its constructor might not take."""
    step = ScriptDeployment("true")
    step.script = text
    for name, value in values.items():
        setattr(step, name, value)
    return step


def key(text: Any) -> SSHKeyDeployment:
    step = SSHKeyDeployment("")
    step.key = text
    return step


class Nothing(Deployment):
    """A step that forgot what it is to do."""


def raw(content: bytes) -> ScriptDeployment:
    """A script that is no text, which Libcloud's constructor would not take."""
    step = ScriptDeployment("", name="s")
    step.script = content
    return step


NONSENSE = {
    "None": (None, "deploy must be one of Libcloud's deployments, .*, not an object of type NoneType"),
    "text": ("script", "deploy must be one of Libcloud's deployments, .*, not an object of type str"),
    "list": ([ScriptDeployment("true")], "or MultiStepDeployment for several, not an object of type list"),
    "class": (ScriptDeployment, "deploy must be .*, not the class ScriptDeployment"),
    "no run": (Nothing(), "deploy is a Nothing, which has no run method of its own"),
    "step None": (
        MultiStepDeployment([None]),
        "step 1 of a MultiStepDeployment must be .*, not an object of type NoneType",
    ),
    "step list": (
        MultiStepDeployment([script(), [script()]]),
        "step 2 of a MultiStepDeployment .*, not an object of type list",
    ),
    "deep": (MultiStepDeployment([MultiStepDeployment([Nothing])]), "step 1 .*, not the class Nothing"),
    "no target": (FileDeployment(HERE, None), "the target of a FileDeployment must be a path .*, not None"),
    "empty target": (FileDeployment(HERE, ""), "the target of a FileDeployment must be the path of a file"),
    "folder": (FileDeployment(HERE, "etc/"), "the target of a FileDeployment must be the path of a file .*'etc/'"),
    "the home": (FileDeployment(HERE, "."), "the target of a FileDeployment must be the path of a file"),
    "the home by its sign": (FileDeployment(HERE, "~"), "the target of a FileDeployment must be the path of a file"),
    "a home by name": (
        FileDeployment(HERE, "~jane/x"),
        "the target of a FileDeployment cannot begin with the home directory of a named user, ~jane: give the whole",
    ),
    "UTF-16": (raw(b"\xff\xfee\0"), "the script s is a text in UTF-16, .*: save it as UTF-8"),
    "Windows": (raw(b"MZ\x90"), "the script s is not a script, but a program for Windows"),
    "archive": (raw(b"PK\3\4"), "the script s is not a script, but a ZIP archive"),
    "picture": (raw(b"\x89PNG\r\n\x1a\n\0\0"), "the script s is not a text: it contains zero"),
    "NUL": (FileDeployment(HERE, "a\0b"), "the target of a FileDeployment"),
    "surrogate": (FileDeployment(HERE, "\ud800"), "the target of a FileDeployment cannot be written as UTF-8"),
    "no source": (FileDeployment(None, "target"), "the file 'None' of a FileDeployment cannot be read"),
    "lost source": (FileDeployment("/none", "target"), "/none' of a FileDeployment cannot be read: No such file"),
    "folder source": (
        FileDeployment("/", "target"),
        "the file '/' of a FileDeployment cannot be read: Is a directory",
    ),
    "NUL source": (FileDeployment("\0", "target"), r"of a FileDeployment cannot be read: .*embedded null"),
    "no script": (script(None), "the text of the script .* must be a text, not an object of type NoneType"),
    "surrogates": (script("echo \udc80"), "the text of the script .* cannot be written as UTF-8"),
    "empty name": (script(name=""), "the name of a ScriptDeployment must be the path of a file"),
    "name": (script(name=7), "the name of a ScriptDeployment must be a path on the machine, not 7"),
    "arguments": (script(args="-x -y"), "the arguments of the script .* must be a list of texts"),
    "number": (script(args=[8080]), "the arguments of the script .* must be a list of texts"),
    "limit": (script(timeout="5"), "the timeout of the script .* must be a number of seconds, or None, not '5'"),
    "no arguments": (script(args=None), "the arguments of the script .* must be a list of texts"),
    "iterator": (script(args=iter(["a"])), "the arguments of the script .* must be a list of texts"),
    "limits": (script(timeout=[5]), "the timeout of the script"),
    "negative": (script(timeout=-1), "the timeout of the script"),
    "no key": (key(None), "the key of an SSHKeyDeployment must be a text, not an object of type NoneType"),
}


@pytest.mark.parametrize(("nonsense", "message"), NONSENSE.values(), ids=NONSENSE)
def test_what_can_not_be_done(nonsense: Any, message: str, deploy: Deploy, driver: ServerDriver) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        deploy(nonsense)
    assert not driver.nodes


def test_a_chain_within_itself() -> None:
    chain = MultiStepDeployment()
    chain.add([script(), MultiStepDeployment(chain)])
    with pytest.raises(InvalidArgumentError, match="is one of its own steps"):
        check(chain)


def test_one_step_may_be_there_twice() -> None:
    step = MultiStepDeployment(script())
    check(MultiStepDeployment([step, step]))


class Duck:
    """Not of Libcloud's, but with what is needed."""

    def run(self, node: Node, client: Any) -> Node:
        return node


@pytest.mark.parametrize(
    "step",
    [
        Duck(),
        MultiStepDeployment(),
        FileDeployment(HERE, PurePosixPath("folder/target")),
        FileDeployment(Path(HERE), "target"),
        ScriptDeployment("true", name=PurePosixPath("script.sh"), args=("1", "2"), timeout=0),
        script(b"true"),
        SSHKeyDeployment("ssh-rsa A"),
    ],
    ids=["duck", "no steps", "path target", "path source", "path name", "bytes", "key"],
)
def test_what_can_be_done(step: Any, deploy: Deploy) -> None:
    deploy(step)


def test_script_file_that_vanished_was_read_before(write: Callable[..., Path], deploy: Deploy) -> None:
    file = write("#!/bin/sh\necho ran")
    step = ScriptFileDeployment(str(file))
    file.unlink()
    deploy(step)
    assert step.stdout == "ran\n"


def test_a_pipe_is_not_emptied(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    check(FileDeployment(str(tmp_path / "pipe"), "target"))
