"""What is wrong with a deployment, as far as that can be known before there is a machine."""

from __future__ import annotations

import os
import posixpath
import stat
from numbers import Real
from pathlib import Path
from typing import Any

from libcloud.compute.deployment import (
    Deployment,
    FileDeployment,
    MultiStepDeployment,
    ScriptDeployment,
    SSHKeyDeployment,
)

from stratuslab_libcloud.deployment.script_text import check_is_script
from stratuslab_libcloud.errors import InvalidArgumentError


def check(deployment: Deployment) -> None:
    """Look through a deployment and all of its steps.

    :raises InvalidArgumentError: one is not a deployment, or cannot be carried out
    """
    _check_kind(deployment, "deploy")
    _check(deployment, ())


def _check(deployment: Deployment, around: tuple[Deployment, ...]) -> None:
    """Look through one step; `around` are those that it is part of."""
    if isinstance(deployment, MultiStepDeployment):
        if any(deployment is other for other in around):
            raise InvalidArgumentError("a MultiStepDeployment is one of its own steps, and would never end")
        for number, step in enumerate(deployment.steps, 1):
            _check_kind(step, f"step {number} of a MultiStepDeployment")
            _check(step, (*around, deployment))
    elif isinstance(deployment, FileDeployment):
        _check_target("the target of a FileDeployment", deployment.target)
        _check_source(deployment.source)
    elif isinstance(deployment, ScriptDeployment):
        _check_script(deployment)
    elif isinstance(deployment, SSHKeyDeployment):
        _check_text("the key of an SSHKeyDeployment", deployment.key)


def _check_kind(step: Any, what: str) -> None:
    run = getattr(step, "run", None)
    if isinstance(step, type) or not callable(run):
        given = f"the class {step.__name__}" if isinstance(step, type) else f"an object of type {type(step).__name__}"
        raise InvalidArgumentError(
            f"{what} must be one of Libcloud's deployments, such as ScriptDeployment, "
            f"or MultiStepDeployment for several, not {given}"
        )
    if getattr(run, "__func__", None) is Deployment.run:
        raise InvalidArgumentError(f"{what} is a {type(step).__name__}, which has no run method of its own")


def _check_source(source: Any) -> None:
    try:
        if stat.S_ISFIFO(Path(source).stat().st_mode):  # to open it would take what is in it
            return
        with Path(source).open("rb"):
            pass
    except (OSError, TypeError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise InvalidArgumentError(f"the file {str(source)!r} of a FileDeployment cannot be read: {reason}") from error


def _check_script(script: ScriptDeployment) -> None:
    _check_target("the name of a ScriptDeployment", script.name)
    _check_text(f"the text of the script {script.name}", script.script)
    check_is_script(str(script.name), script.script)
    if not isinstance(script.args, (list, tuple)) or not all(isinstance(word, str) for word in script.args):
        raise InvalidArgumentError(
            f"the arguments of the script {script.name} must be a list of texts: "
            "they become part of a shell command as they are"
        )
    limit = script.timeout
    if limit is not None and not (isinstance(limit, Real) and limit >= 0):
        raise InvalidArgumentError(
            f"the timeout of the script {script.name} must be a number of seconds, or None, not {limit!r}"
        )


def _check_target(what: str, path: Any) -> None:
    """See that a path can be that of a file on a machine."""
    if not isinstance(path, (str, os.PathLike)):
        raise InvalidArgumentError(f"{what} must be a path on the machine, not {path!r}")
    text = os.fspath(path)
    _check_text(what, text)
    if "\0" in text or posixpath.basename(text) in ("", ".", "..", "~"):
        raise InvalidArgumentError(f"{what} must be the path of a file on the machine, not {text!r}")
    first, _, rest = text.partition("/")
    if first.startswith("~") and first != "~" and rest:
        raise InvalidArgumentError(
            f"{what} cannot begin with the home directory of a named user, {first}: give the whole path, or one that "
            "begins with ~/, the home directory of the user who is logged in"
        )


def _check_text(what: str, text: Any) -> None:
    if isinstance(text, str):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidArgumentError(f"{what} cannot be written as UTF-8: {error.reason}") from error
    elif not isinstance(text, bytes):
        raise InvalidArgumentError(f"{what} must be a text, not an object of type {type(text).__name__}")
