"""Contextualization: settings that a new machine reads when it starts.

There are two methods. The default one, of HEPiX and OpenNebula, gives the machine a disk with ``key=value`` pairs.
With ``cloud-init`` the pairs contain cloud-init's own data: the authorized keys in base64, and the user data as a
gzipped MIME multipart document in base64, of at most 16384 bytes when gzipped.
"""

from __future__ import annotations

import base64
import difflib
import gzip
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path

from stratuslab_libcloud.config import MachineOptions, values
from stratuslab_libcloud.config.files import read_file
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError

MAX_USER_DATA = 16384
"""Bytes that gzipped user data may have; the cloud refuses more."""

CLOUD_INIT = "cloud-init"

RAW_USER_DATA = "none"
"""The pseudo-type of user data that is sent unchanged, without MIME."""

_KEYS = "ssh"
_SUBTYPES = (
    "x-shellscript",
    "x-shellscript-per-boot",
    "x-shellscript-per-instance",
    "x-shellscript-per-once",
    "cloud-config",
    "cloud-config-archive",
    "cloud-config-jsonp",
    "cloud-boothook",
    "part-handler",
    "upstart-job",
    "jinja2",
    "x-include-url",
    "x-include-once-url",
    "plain",
    _KEYS,
    RAW_USER_DATA,
)
"""What cloud-init's documentation lists under "User data formats", and the two pseudo-types of the original."""

_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|PuTTY-User-Key-File")


@dataclass(frozen=True)
class Part:
    """A part of cloud-init's user data.

    :param subtype: of its MIME type, ``text/...``; ``none`` for user data that is sent unchanged
    :param content: the text
    :param name: a file name for it
    """

    subtype: str
    content: str
    name: str


def public_keys_in(text: str) -> str:
    """The text of a public key file without the ``Comment:`` lines that some tools write into it.

    Its lines end as on Unix: those of Windows would not arrive.
    """
    lines = text.replace("\r\n", "\n").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("Comment:"))


def read_public_keys(file: Path) -> str:
    """Read a public key file.

    :raises ConfigurationError: when it cannot be read, or contains no key
    """
    if not file.exists():
        private = str(file).removesuffix(".pub")
        raise ConfigurationError(
            f"there is no SSH public key for the machine, since there is no file {file}: make a key with "
            f"'ssh-keygen -t ed25519 -f {private}', or set user_public_key_file to a key that you have",
            file=str(file),
            key="user_public_key_file",
        )
    keys = public_keys_in(read_text(file, "user_public_key_file"))
    try:
        check_public_keys(keys, str(file))
    except InvalidArgumentError as error:
        raise ConfigurationError(
            f"{error}; set user_public_key_file to a public key file, or pass auth=NodeAuthSSHKey(...)",
            file=str(file),
            key="user_public_key_file",
        ) from None
    return keys


def check_public_keys(text: str, origin: str) -> None:
    """Check that a text contains public keys, and no private key, before it is sent to the cloud.

    :param origin: where the text comes from, for messages
    :raises InvalidArgumentError: when it contains a private key, or nothing
    """
    if _PRIVATE_KEY.search(text):
        raise InvalidArgumentError(f"{origin} contains a private key, which must not leave your computer")
    if not text.strip():
        raise InvalidArgumentError(f"{origin} contains no public key")


def read_text(file: Path, key: str) -> str:
    """Read a file that the configuration names.

    :param key: where it is named, for messages
    :raises ConfigurationError: when it cannot be read
    """
    try:
        return read_file(file).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise ConfigurationError(
            f"{file}, named by {key}, cannot be read: {error.strerror}", file=str(file), key=key
        ) from None
    except ValueError:
        raise ConfigurationError(
            f"{file}, named by {key}, is not a text file in UTF-8", file=str(file), key=key
        ) from None


def configured_pairs(options: MachineOptions) -> dict[str, str]:
    """The pairs that are configured for each new machine.

    :raises ConfigurationError: when the file cannot be read, or a line is not a pair
    """
    lines: list[str] = []
    if options.context_file:
        lines += read_text(options.context_file, "extra_context_file").splitlines()
    if options.context_data:
        lines += options.context_data.split("#")
    return parse_pairs(lines, "extra_context_data or extra_context_file")


def parse_pairs(lines: Iterable[str], key: str) -> dict[str, str]:
    """Read ``key=value`` lines; if a key occurs several times, the last one is used.

    :param key: their key in the configuration, for messages
    :raises ConfigurationError: when a line has no ``=``
    """
    pairs = {}
    for line in lines:
        if not line.strip():
            continue
        name, separator, value = line.partition("=")
        if not separator:
            raise ConfigurationError(f"{key}: {line.strip()!r} is not of the form key=value", key=key)
        pairs[name.strip()] = value
    return pairs


def parse_parts(text: str) -> tuple[list[str], list[Part]]:
    """Read ``mimetype,file`` pairs separated by ``#`` and the files that they name.

    :return: the texts of the ``ssh`` files, which contain public keys, and the parts of the user data
    :raises ConfigurationError: when a pair or a file cannot be read
    """
    keys: list[str] = []
    parts: list[Part] = []
    for pair in filter(None, (piece.strip() for piece in text.split("#"))):
        subtype, _, name = (word.strip() for word in pair.partition(","))
        if not subtype or not name or "," in name:
            raise ConfigurationError(f"cloud_init: {pair!r} is not of the form mimetype,file", key="cloud_init")
        subtype = _known_subtype(subtype)
        file = values.path(name)
        content = read_text(file, "cloud_init")
        if subtype == _KEYS:
            check_public_keys(content, str(file))
            keys.append(content)
        else:
            parts.append(Part(subtype, content, file.name))
    return keys, parts


def _known_subtype(given: str) -> str:
    subtype = given.lower().removeprefix("text/")
    if subtype in _SUBTYPES:
        return subtype
    similar = difflib.get_close_matches(subtype, _SUBTYPES, 1)
    raise ConfigurationError(
        f"cloud_init: cloud-init does not know {given!r}{f', but {similar[0]}' if similar else ''}; "
        f"it knows {', '.join(_SUBTYPES)}, each also with text/ before it",
        key="cloud_init",
    )


def cloud_init_pairs(keys: Iterable[str], parts: Iterable[Part]) -> dict[str, str]:
    """The context pairs that make a machine start with cloud-init.

    :param keys: texts of public key files
    :param parts: of the user data; the same parts always give the same result
    :raises InvalidArgumentError: when the user data is too long
    """
    pairs = {"CONTEXT_METHOD": CLOUD_INIT}
    authorized = "".join(_key_lines(text) for text in keys)
    if authorized:
        pairs["CLOUD_INIT_AUTHORIZED_KEYS"] = base64.b64encode(authorized.encode()).decode()
    user_data = _user_data(list(parts))
    if user_data:
        pairs["CLOUD_INIT_USER_DATA"] = base64.b64encode(user_data).decode()
    return pairs


def context(public_keys: str, pairs: Mapping[str, str]) -> dict[str, str]:
    """The values of a template's CONTEXT, in their order; the pairs may have another target than ``hdd``."""
    target = {} if any(name.upper() == "TARGET" for name in pairs) else {"TARGET": "hdd"}
    return {"PUBLIC_KEY": public_keys, **pairs, **target}


def _key_lines(text: str) -> str:
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if not line.startswith("Comment:")) + "\n"


def _user_data(parts: list[Part]) -> bytes:
    if not parts:
        return b""
    raw = next((part.content for part in parts if part.subtype == RAW_USER_DATA), None)
    document = _multipart(parts) if raw is None else raw.encode()
    zipped = gzip.compress(document, compresslevel=9, mtime=0)
    if len(zipped) > MAX_USER_DATA:
        raise InvalidArgumentError(
            f"the user data has {len(zipped)} bytes when gzipped; a machine accepts at most {MAX_USER_DATA}"
        )
    return zipped


def _multipart(parts: list[Part]) -> bytes:
    digest = hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()
    message = MIMEMultipart(boundary=f"==={digest[:32]}===")
    for part in parts:
        text = MIMEText(part.content, part.subtype, _charset(part.content))
        text.add_header("Content-Disposition", "attachment", filename=part.name)
        message.attach(text)
    return message.as_bytes()


def _charset(content: str) -> str:
    return "us-ascii" if content.isascii() else "utf-8"
