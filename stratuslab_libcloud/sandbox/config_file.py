"""Writes the user's configuration file that points at a sandbox."""

from __future__ import annotations

import configparser
import os
import tempfile
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from configupdater import ConfigUpdater

_SHARED = "default"
_NO_LOCATIONS = ("DEFAULT", "instance_types")
_PUBLIC_KEY = "user_public_key_file"
_OF_ONE_SANDBOX = (
    "kind",
    "endpoint",
    "pdisk_endpoint",
    "marketplace_endpoint",
    "port_translation",
    "pat_service_host",
    "pat_gateway_host",
    "tls_ca_bundle",
    "username",
    "password",
    "pem_certificate",
    "pem_key",
)
"""Keys that say which sandbox it is and who asks: the next one, maybe of another kind, leaves none of them behind."""


class OtherCloudError(ValueError):
    """A section is about another cloud than a sandbox."""


class ConfigFile:
    """An INI file to which the sandbox adds a section; it is created if it does not exist.

    :raises ValueError: if it exists and cannot be read
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content = ConfigUpdater()
        try:
            self._content.read_string(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            pass
        except OSError as problem:
            raise ValueError(f"the configuration file {path} cannot be read: {problem.strerror}") from None
        except configparser.DuplicateSectionError as problem:
            raise ValueError(f"{path} has the section [{problem.section}] twice: make it one") from None
        except configparser.DuplicateOptionError as problem:
            raise ValueError(f"{path} has {problem.option!r} twice in [{problem.section}]: remove one") from None
        except (configparser.Error, UnicodeDecodeError):
            # The parser's message quotes lines, which may contain a password.
            raise ValueError(f"{path} exists, but is not a configuration file") from None

    def has_public_key(self, section: str) -> bool:
        """Whether the file already says which public key goes into new machines of a section."""
        return any(self._content.has_option(name, _PUBLIC_KEY) for name in (section, _SHARED, "DEFAULT"))

    def check_free(self, name: str) -> None:
        """Make sure that a section says nothing about another cloud than a sandbox, whose passwords would be lost.

        :raises OtherCloudError: if it does
        """
        section = self._content[name].to_dict() if self._content.has_section(name) else {}
        found = [key for key in _OF_ONE_SANDBOX if key in section]
        if found and not _is_on_loopback(section.get("endpoint") or ""):
            key = "endpoint" if "endpoint" in found else found[0]
            raise OtherCloudError(
                f"the section [{name}] of {self._path} is not a sandbox's and has {key!r} already: "
                "choose another file or section"
            )

    def write(self, section: str, values: Mapping[str, str]) -> None:
        """Put values into a section; its other keys, all other sections and the comments stay, but nothing of the
        sandbox that was written there before.

        A configuration file must have the section ``[default]``. If it has none, one is added that selects the new
        section. Only its owner can read the file. ``%`` is doubled, as the format demands.

        :raises OSError: if the file cannot be written
        """
        if not self._content.has_section(_SHARED) and section != _SHARED:
            self._put(_SHARED, {"selected_section": section})
        self._put(section, values)
        # A new file, which nobody else has open, takes the place of the old one when it is complete.
        path = self._path.resolve()
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 -- a descriptor, not a path
                file.write(str(self._content))
            os.replace(draft, path)  # noqa: PTH105 -- `draft` is a text
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise

    def _put(self, name: str, values: Mapping[str, str]) -> None:
        if not self._content.has_section(name):
            self._content.add_section(name)
            if len(self._content.sections()) > 1:
                self._content[name].add_before.space()
        section = self._content[name]
        for key, value in values.items():
            quoted = value.replace("%", "%%")
            if key in section or not section.options():
                section[key] = quoted
            else:
                # Not at the end of the section, where the comments of the next one are.
                section[section.options()[-1]].add_after.option(key, quoted)
        for key in _OF_ONE_SANDBOX:
            if key in section and key not in values:
                del section[key]


def check_section(name: str) -> str:
    """Make sure that a section of this name can be a location.

    :return: the name
    :raises ValueError: if it cannot
    """
    if name in _NO_LOCATIONS:
        raise ValueError(f"the section [{name}] is reserved: it cannot be a location")
    if not name.strip() or not name.isprintable() or "]" in name:
        raise ValueError(f"a section's name is printable text on one line without ']', not {name!r}")
    return name


def _is_on_loopback(endpoint: str) -> bool:
    """Whether a URL, or a host alone, is this computer's."""
    try:
        host = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}").hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
