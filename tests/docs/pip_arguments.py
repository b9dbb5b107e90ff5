"""Stands in for pip: what a page wants to install must be this package, with extras and a version that it has."""

from __future__ import annotations

import importlib.metadata
import re
import sys

from packaging.requirements import Requirement

_NAME = "stratuslab-libcloud-drivers"
_OPTIONS = {"--upgrade", "--force-reinstall", "--no-deps", "--quiet", "--editable", "-e", "-y"}


def check(requirement: str) -> str | None:
    """What is wrong with a requirement, if something is."""
    local = re.fullmatch(r"(\.|dist/[^\[]*\.whl)(\[[a-z,]+\])?", requirement)
    parsed = Requirement(f"{_NAME}{local[2] or ''}" if local else requirement)
    package = importlib.metadata.metadata(_NAME)
    unknown = parsed.extras - set(package.get_all("Provides-Extra", []))
    if parsed.name != _NAME or unknown:
        return f"{requirement}: there is no such package, or no such extra"
    if not local and not parsed.specifier:
        return f"{requirement}: without '>=26', the old release is installed"
    return None if package["Version"] in parsed.specifier else f"{requirement}: this is version {package['Version']}"


def main(command: str, *arguments: str) -> str | None:
    """Check a command line of pip.

    :return: what is wrong, if something is
    """
    named = [argument for argument in arguments if argument not in _OPTIONS]
    if command == "uninstall":
        return None if named == ["stratuslab-client"] else f"why uninstall {named}?"
    if command != "install" or not named:
        return f"pip {command} is not known here"
    return next(filter(None, map(check, named)), None)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
