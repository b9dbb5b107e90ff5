"""What a new machine reads when it starts: OpenNebula's CONTEXT, for one-context and for cloud-init.

CONTEXT is a macro language: the daemon replaces what begins with ``$``, and what it does not know becomes nothing. So
scripts and user data are sent in base64, and other values with a ``$`` are refused, but for macros in brackets.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from libcloud.compute.base import NodeAuthSSHKey

from stratuslab_libcloud.client.opennebula.contextualization import check_public_keys, read_public_keys
from stratuslab_libcloud.client.opennebula.xml_template import Given
from stratuslab_libcloud.config import OpenNebulaConfig
from stratuslab_libcloud.deployment.public_keys import usable_keys
from stratuslab_libcloud.driver.arguments import text
from stratuslab_libcloud.errors import InvalidArgumentError

KEY_OF_THE_USER = "$USER[SSH_PUBLIC_KEY]"
"""The daemon replaces it by the key that it has of the user, which saves asking for that."""

_MACRO = re.compile(r"\$(USER|NIC|NETWORK|IMAGE)\[[^\]\[$]*\]")
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?")
_HOST_NAME_KEYS = frozenset({"SET_HOSTNAME", "HOSTNAME", "DNS_HOSTNAME"})


def given_context(pairs: Any) -> dict[str, str]:
    """The caller's pairs; a script and user data in base64.

    :raises InvalidArgumentError: when they are no pairs, or have what OpenNebula would change
    """
    if not isinstance(pairs, Mapping):
        raise InvalidArgumentError(f"ex_context must be a mapping of names to values, not {pairs!r}")
    context: dict[str, str] = {}
    for name, value in pairs.items():
        key = text("a name in ex_context", name).upper()
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        content = text(f"{name} in ex_context", str(value) if is_number else value)
        if key == "START_SCRIPT":
            context |= start_script(content)
        elif key in ("USERDATA", "USER_DATA") and "USERDATA_ENCODING" not in pairs:
            context |= user_data(content)
        else:
            context[key] = without_macros(f"{name} in ex_context", content)
    return context


def start_script(script: str | bytes) -> dict[str, str]:
    """A script that one-context runs at each start; cloud-init does not run it."""
    return {"START_SCRIPT_BASE64": _base64("ex_start_script", script)}


def user_data(content: str | bytes) -> dict[str, str]:
    """User data for cloud-init, which decodes it only if its encoding is said."""
    return {"USERDATA": _base64("ex_userdata", content), "USERDATA_ENCODING": "base64"}


def public_keys(config: OpenNebulaConfig, auth: Any) -> str | None:
    """The public keys that a machine gets; None to leave them to the cloud.

    :param auth: a `NodeAuthSSHKey`, or None for the configured key file
    :raises InvalidArgumentError: when `auth` is something else
    :raises ConfigurationError: when the configured key file cannot be read
    :raises KeyFileError: when nobody could enter a machine with what is there
    """
    if auth is None:
        if not config.public_key_file:
            return None
        keys = read_public_keys(config.public_key_file)
        usable_keys(keys, f"{config.public_key_file}, user_public_key_file")
        return keys
    if isinstance(auth, NodeAuthSSHKey) and isinstance(auth.pubkey, str):
        check_public_keys(auth.pubkey, "auth")
        usable_keys(auth.pubkey, "auth")
        return auth.pubkey
    raise InvalidArgumentError(
        f"auth must be a NodeAuthSSHKey with the text of a public key, not an object of type {type(auth).__name__}: "
        "OpenNebula's machines are entered with SSH keys"
    )


def merged(own: Mapping[str, str], name: str, keys: str | None, wanted: Mapping[str, str]) -> dict[str, str]:
    """The whole CONTEXT of a machine: instantiating a template replaces CONTEXT, it does not add to it.

    :param own: the template's
    :param name: the machine's
    :param keys: public keys; None for those that the template or the cloud has
    :param wanted: what else the caller gives
    """
    context: dict[str, str] = {"NETWORK": "YES", **{key: Given(value) for key, value in own.items()}}
    if _HOST_NAME.fullmatch(name) and not _HOST_NAME_KEYS & {*context, *wanted}:
        context["SET_HOSTNAME"] = name
    if keys is not None:
        context["SSH_PUBLIC_KEY"] = without_macros("the public key", keys.strip())
    context.setdefault("SSH_PUBLIC_KEY", KEY_OF_THE_USER)
    if "START_SCRIPT_BASE64" in wanted:
        context.pop("START_SCRIPT", None)
    return {**context, **wanted}


def without_macros(what: str, value: str) -> str:
    """A value that the daemon will not change, but for macros that are meant.

    :param what: for messages
    :raises InvalidArgumentError: when it would
    """
    if "$" in _MACRO.sub("", value):
        raise InvalidArgumentError(
            f"{what} contains '$', which OpenNebula would replace by something else: only $USER[...], $NIC[...], "
            "$NETWORK[...] and $IMAGE[...] can be meant; scripts belong in ex_start_script or ex_userdata"
        )
    if value.endswith("\\"):
        raise InvalidArgumentError(f"{what} ends with a backslash, which OpenNebula loses: add a character")
    return value


def _base64(what: str, content: Any) -> str:
    if not isinstance(content, bytes):
        content = text(what, content).encode()
    return base64.b64encode(content).decode()
