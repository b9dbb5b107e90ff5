"""The private key that opens a machine: read from a file or asked of an SSH agent, and checked before it is needed.

Key files may be in OpenSSH's own format, in PEM or in PKCS#8, with a passphrase or without. RSA, ECDSA and Ed25519
keys are understood; DSA keys are not, since neither OpenSSH 7 nor paramiko 4 takes them any more.
"""

from __future__ import annotations

import base64
import codecs
import io
from dataclasses import dataclass
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from stratuslab_libcloud.deployment.agent import Agent, AgentError, AgentKey
from stratuslab_libcloud.deployment.public_keys import MAKE_ANOTHER, PublicKey, read_line, usable_keys
from stratuslab_libcloud.errors import KeyFileError

_DSA = "ssh-dss"
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_LARGEST_FILE = 1024 * 1024


@dataclass(frozen=True)
class MachineKeys:
    """The public keys that a machine gets.

    :param text: one or more lines as in ``authorized_keys``
    :param origin: where they come from, for messages
    """

    text: str
    origin: str

    def parse(self) -> list[PublicKey]:
        """The keys in the text that open a machine.

        :raises KeyFileError: there is none
        """
        return usable_keys(self.text, self.origin)


@dataclass(frozen=True)
class KeyFiles:
    """Where the private key may be.

    :param paths: the files; a match in one of them is enough
    :param origin: what names them, for messages
    :param required: whether each has to be there
    """

    paths: tuple[Path, ...]
    origin: str
    required: bool


class LoginKey:
    """A private key that opens a machine; a context manager, since an SSH agent may hold it.

    :ivar key: signs, wherever it is
    :ivar origin: where it is, for messages
    """

    def __init__(self, key: paramiko.PKey, origin: str, agent: Agent | None = None) -> None:
        self.key = key
        self.origin = origin
        self._agent = agent

    def __enter__(self) -> LoginKey:
        return self

    def __exit__(self, *_: object) -> None:
        if self._agent:
            self._agent.close()


def find_login_key(machine_keys: MachineKeys, files: KeyFiles, passphrase: str | None) -> LoginKey:
    """Find the private key that opens a machine, in the files or else in the SSH agent.

    The agent is asked for exactly the machine's key, where no file has it or the one that may have it is locked
    and no passphrase given.

    :param passphrase: opens those files that are locked
    :raises KeyFileError: a file cannot be used, or the key is nowhere
    """
    wanted = machine_keys.parse()
    found = _from_files(wanted, files, passphrase)
    if isinstance(found, LoginKey):
        return found
    try:
        return _from_agent(wanted)
    except AgentError as error:
        raise KeyFileError(
            f"{found}. The machine would get the public key {wanted[0].fingerprint} "
            f"({machine_keys.origin}), and {error}: name the file of the private half with ssh_key, "
            "or add it to the agent with ssh-add"
        ) from error


def public_half(key: paramiko.PKey) -> PublicKey:
    """The public half of a private key."""
    return PublicKey(key.get_name(), key.get_base64())


def load_private_key(path: Path, passphrase: str | None) -> paramiko.PKey | None:
    """Read a private key file.

    :param passphrase: not used where the file has none
    :return: None where the file is locked and no passphrase was given
    :raises KeyFileError: it cannot be read, unlocked or used
    """
    text = _read(path)
    _refuse_what_is_no_private_key(path, text)
    try:
        key = _parse(path, text, None)
    except TypeError:  # which is what cryptography says of a key that is locked
        if passphrase is None:
            return None
        key = _parse(path, text, passphrase)
    return _for_paramiko(path, key)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_FILE).removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise KeyFileError(
            f"the SSH key file {path} cannot be read: {error.strerror}; name a private key file that you can read"
        ) from error


def _refuse_what_is_no_private_key(path: Path, text: bytes) -> None:
    """Say what a file is that people take for a private key of OpenSSH's."""
    if text.startswith(b"PuTTY-User-Key-File"):
        raise KeyFileError(f"the SSH key file {path} is in PuTTY's format; export it with PuTTYgen as an OpenSSH key")
    if read_line(text.decode("utf-8", "replace")):
        raise KeyFileError(f"the SSH key file {path} holds a public key; name the private one")
    if b"-----BEGIN DSA" in text or _DSA.encode() in _unarmoured(text):
        raise _dsa(path)


def _parse(path: Path, text: bytes, passphrase: str | None) -> PrivateKeyTypes:
    load = load_ssh_private_key if b"-----BEGIN OPENSSH" in text else load_pem_private_key
    try:
        return load(text, None if passphrase is None else passphrase.encode())
    except UnsupportedAlgorithm as error:
        raise _unsupported(path) from error
    except ValueError as error:
        if passphrase is None:
            raise KeyFileError(
                f"the SSH key file {path} holds no private key in OpenSSH, PEM or PKCS#8 format, or is damaged"
            ) from error
        raise KeyFileError(
            f"ssh_key_password does not open the SSH key file {path}: it is not its passphrase, or the file is damaged"
        ) from error


def _for_paramiko(path: Path, key: PrivateKeyTypes) -> paramiko.PKey:
    # Releases of paramiko differ in the formats that they read; all of them read a key in OpenSSH's own.
    kind: type[paramiko.PKey]
    if isinstance(key, rsa.RSAPrivateKey):
        kind = paramiko.RSAKey
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        kind = paramiko.Ed25519Key
    elif isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        kind = paramiko.ECDSAKey
    elif isinstance(key, dsa.DSAPrivateKey):
        raise _dsa(path)
    else:
        raise _unsupported(path)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return kind.from_private_key(io.StringIO(text.decode()))


def _from_files(wanted: list[PublicKey], files: KeyFiles, passphrase: str | None) -> LoginKey | str:
    """The key that a file holds, or why none does."""
    complaint = _mismatch(files)
    for path in files.paths:
        try:
            key = load_private_key(path, passphrase)
        except KeyFileError as error:
            if files.required or not isinstance(error.__cause__, FileNotFoundError):
                raise
            complaint = f"there is no SSH key file {path} ({files.origin})"
            continue
        if key is None:
            complaint = f"the SSH key file {path} is locked with a passphrase; give it with ssh_key_password"
        elif public_half(key) in wanted:
            return LoginKey(key, str(path))
    return complaint


def _from_agent(wanted: list[PublicKey]) -> LoginKey:
    """The key that an agent holds.

    :raises AgentError: it does not answer, or none has one of these
    """
    agent = Agent.connect()
    if agent:
        try:
            held = agent.public_keys()
            for key in wanted:
                if key.data in held:
                    return LoginKey(AgentKey(agent, key.kind, key.data), "the SSH agent", agent)
        except BaseException:
            agent.close()
            raise
        agent.close()
    raise AgentError("no SSH agent has its private half")


def _unarmoured(text: bytes) -> bytes:
    """What is in base64 between the lines with dashes, as in a private key of OpenSSH's, else nothing."""
    lines = [line for line in text.splitlines() if not line.startswith(b"-----")]
    try:
        return base64.b64decode(b"".join(lines))
    except ValueError:
        return b""


def _mismatch(files: KeyFiles) -> str:
    names = " and ".join(str(path) for path in files.paths)
    return f"the private key in {names} ({files.origin}) does not belong to the machine"


def _dsa(path: Path) -> KeyFileError:
    return KeyFileError(f"the SSH key file {path} holds a DSA key, which SSH does not take any more; {MAKE_ANOTHER}")


def _unsupported(path: Path) -> KeyFileError:
    return KeyFileError(
        f"the SSH key file {path} holds a key of a kind that cannot be used here, which is RSA, ECDSA with a NIST "
        f"curve, or Ed25519; {MAKE_ANOTHER}"
    )
