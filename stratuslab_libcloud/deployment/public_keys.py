"""Public keys as a line of ``authorized_keys`` has them, and what people take for one."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from dataclasses import dataclass

from stratuslab_libcloud.errors import KeyFileError

HARDWARE = ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")
SUPPORTED = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    *HARDWARE,
)
MAKE_ANOTHER = "make another with 'ssh-keygen -t ed25519'"

_DSA = "ssh-dss"
_RSA1 = re.compile(r"\s*\d+ \d+ \d{20,}")
_FOREIGN_FORMATS = {
    "---- BEGIN SSH2 PUBLIC KEY": ("in the format of RFC 4716", "ssh-keygen -i -m RFC4716 -f FILE"),
    "-----BEGIN RSA PUBLIC KEY": ("in PEM format", "ssh-keygen -i -m PEM -f FILE"),
    "-----BEGIN PUBLIC KEY": ("in PKCS#8 format", "ssh-keygen -i -m PKCS8 -f FILE"),
}


@dataclass(frozen=True)
class PublicKey:
    """A public key as a line of ``authorized_keys`` has it.

    :param kind: the name of the algorithm, such as ``ssh-rsa``
    :param blob: the key in base64
    """

    kind: str
    blob: str

    @property
    def data(self) -> bytes:
        """The key as SSH sends it."""
        return base64.b64decode(self.blob)

    @property
    def fingerprint(self) -> str:
        """What ``ssh-keygen -l`` calls it."""
        digest = hashlib.sha256(self.data).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def read_line(line: str) -> PublicKey | None:
    """The key in a line of ``authorized_keys``, which may begin with options; and with a mark, as Notepad writes."""
    line = line.removeprefix("\ufeff").lstrip()
    if line.startswith("#"):
        return None
    for kind, blob in itertools.pairwise(line.split()):
        if _is_blob_of(kind, blob):
            return PublicKey(kind, blob)
    return None


def usable_keys(text: str, origin: str) -> list[PublicKey]:
    """The keys in the lines of a text that open a machine.

    :param origin: where they come from, for messages
    :raises KeyFileError: there is none, so that nobody could enter the machine; it says what the text is instead
    """
    found = [key for line in text.splitlines() if (key := read_line(line))]
    usable = [key for key in found if key.kind in SUPPORTED]
    if usable:
        return usable
    problem = _what_is_wrong_with(found[0]) if found else _what_is_there_instead(text)
    raise KeyFileError(f"nobody could enter a machine with the public key that it would get ({origin}): {problem}")


def _what_is_wrong_with(key: PublicKey) -> str:
    if key.kind == _DSA:
        return f"it is a DSA key, which SSH does not take any more; {MAKE_ANOTHER}"
    return f"it is a key of the kind {key.kind}, which cannot be used here; {MAKE_ANOTHER}"


def _what_is_there_instead(text: str) -> str:
    for beginning, (description, command) in _FOREIGN_FORMATS.items():
        if beginning in text:
            return f"it is {description}; make it one line, as SSH servers read it, with '{command}'"
    lines = text.splitlines()
    if any(_RSA1.match(line) for line in lines):
        return f"it is an RSA1 key, which SSH does not take any more; {MAKE_ANOTHER}"
    if any(read_line(line.lstrip().lstrip("#")) for line in lines if line.lstrip().startswith("#")):
        return "it is commented out; take the '#' away, or name another file"
    if read_line(_without_line_breaks(lines)):
        return "it is wrapped over several lines; make it one line"
    return f"it is not one in OpenSSH's one-line form, such as 'ssh-ed25519 AAAA... me'; {MAKE_ANOTHER}"


def _without_line_breaks(lines: list[str]) -> str:
    """A key that was wrapped: its kind is a word of its own, and the rest of it is one."""
    kind, _, rest = " ".join(line.strip() for line in lines).strip().partition(" ")
    longest = max(range(len(rest.split()) + 1), key=lambda n: _is_blob_of(kind, "".join(rest.split()[:n])))
    return f"{kind} {''.join(rest.split()[:longest])}"


def _is_blob_of(kind: str, blob: str) -> bool:
    """Whether a text is a whole public key in base64: texts with their lengths, the name of the algorithm first."""
    try:
        data = base64.b64decode(blob, validate=True)
    except ValueError:
        return False
    name = kind.encode()
    if not name or not data.startswith(len(name).to_bytes(4, "big") + name):
        return False
    position = 0
    while position < len(data):
        position += 4 + int.from_bytes(data[position : position + 4], "big")
    return position == len(data) and len(data) > len(name) + 4
