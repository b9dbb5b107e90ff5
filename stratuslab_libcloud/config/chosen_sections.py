"""Which sections of a configuration are locations, and which of them is the default one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from stratuslab_libcloud.config import instance_types
from stratuslab_libcloud.config.arguments import Arguments
from stratuslab_libcloud.config.keys import KINDS, SECTION_VARIABLE, STRATUSLAB
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError

if TYPE_CHECKING:
    from stratuslab_libcloud.config.inifile import IniFile


class ChosenSections(NamedTuple):
    """The locations.

    :param all: in the file's order, or in the order that the program gave
    :param default: the one to use if no other is asked for
    """

    all: tuple[str, ...]
    default: str


def choose(
    ini: IniFile,
    environ: Mapping[str, str],
    default_location: str | None,
    locations: Sequence[str] | None,
    arguments: Arguments,
    kind: str,
) -> ChosenSections:
    """The locations of a driver.

    ``[default]`` is one if it is the default location, or if the program names it: what it contains is there for the
    other sections.

    :param default_location: what the program asks for
    :param locations: the only ones that the program wants; None for all of the file, or for the default one alone if
        the arguments say who the user is or where the cloud is
    :param kind: of the clouds that the driver is for; sections of another kind are left out
    :raises ConfigurationError: there is no such section
    :raises InvalidArgumentError: the default location is none of `locations`, or they are several places for arguments
        that are true of a single cloud
    """
    known = sections_of(ini, kind)
    default = _default_section(ini, environ, default_location, known)
    if locations is None:
        if arguments.has_credentials or arguments.names_of_one_cloud:
            return ChosenSections((default,), default)
        return ChosenSections(tuple(name for name in known if name != "default" or default == "default"), default)
    for location in locations:
        if location not in known:
            raise no_such_section(ini.name, location, known)
    if default not in locations:
        if default_location:
            names = ", ".join(f"'{name}'" for name in locations)
            problem = f"The default location '{default}' must be one of the driver's locations, which are {names}."
            raise InvalidArgumentError(problem)
        default = locations[0]
    if arguments.names_of_one_cloud and len(locations) > 1:
        name = arguments.names_of_one_cloud[0]
        raise InvalidArgumentError(f"With {name}, which is where one cloud is, a driver can have only one location.")
    return ChosenSections(tuple(dict.fromkeys(locations)), default)


def sections_of(ini: IniFile, kind: str) -> list[str]:
    """The sections that are clouds of a kind, in the file's order.

    :raises ConfigurationError: there is none, or one has a kind that does not exist
    """
    kinds = {name: kind_of(ini, name) for name in ini.sections if name != instance_types.SECTION}
    known = [name for name, other in kinds.items() if other == kind]
    if not known:
        raise ConfigurationError(f"{ini.name} has no section with 'kind = {kind}'.", file=ini.name, key="kind")
    return known


def kind_of_default(ini: IniFile, environ: Mapping[str, str], asked_for: str | None) -> str:
    """The kind of the section that is used if no other is asked for.

    :param asked_for: what the program asks for
    :raises ConfigurationError: there is no such kind
    """
    section = asked_for or environ.get(SECTION_VARIABLE) or ini.get("default", "selected_section") or "default"
    return kind_of(ini, section) if section in ini.sections else STRATUSLAB


def kind_of(ini: IniFile, section: str) -> str:
    """Which kind of cloud a section is.

    :raises ConfigurationError: there is no such kind
    """
    kind = ini.get(section, "kind") or ini.get("default", "kind") or STRATUSLAB
    if kind.strip().lower() not in KINDS:
        raise ConfigurationError(
            f"'kind' in section '{section}' of {ini.name} must be {' or '.join(KINDS)}, not '{kind}'.",
            file=ini.name,
            section=section,
            key="kind",
        )
    return kind.strip().lower()


def no_such_section(file: str, section: str, known: Iterable[str], who: str = "") -> ConfigurationError:
    """The exception for a location that is not there.

    :param file: the file's name, for the message
    :param known: those that are there
    :param who: who asks for it, such as ", which the argument names"
    """
    names = ", ".join(f"'{name}'" for name in known)
    message = f"{file} has no section for the location '{section}'{who}; its locations are {names}."
    return ConfigurationError(message, file=file, section=section)


def _default_section(ini: IniFile, environ: Mapping[str, str], asked_for: str | None, known: Sequence[str]) -> str:
    choices = {
        "the argument": asked_for,
        f"the environment variable {SECTION_VARIABLE}": environ.get(SECTION_VARIABLE),
        "'selected_section' in section 'default'": ini.get("default", "selected_section"),
    }
    for place, section in choices.items():
        if section in ini.sections and section not in known and section != asked_for:
            continue  # it is the default location of the other kind of driver
        if section and section not in known:
            raise no_such_section(ini.name, section, known, f", which {place} names")
        if section:
            return section
    return "default" if "default" in known else known[0]
