"""The private key that opens a machine: read from a file or asked of an SSH agent, and checked before it is needed.

Key files may be in OpenSSH's own format, in PEM or in PKCS#8, with a passphrase or without. RSA, ECDSA and Ed25519
keys are understood; DSA keys are not, since neither OpenSSH 7 nor paramiko 4 takes them any more.
"""

from __future__ import annotations

import base64
import codecs
import io
import logging
from collections.abc import Sequence
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
from stratuslab_libcloud.deployment.public_keys import HARDWARE, MAKE_ANOTHER, PublicKey, read_line, usable_keys
from stratuslab_libcloud.errors import KeyFileError

_DSA = "ssh-dss"
_TEXT = "the key that was given with ex_ssh_key_text"
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_LARGEST_FILE = 1024 * 1024


logger = logging.getLogger("stratuslab_libcloud.deployment")


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
    :param required: whether each must be there
    :param text: of a private key, instead of files
    """

    paths: tuple[Path, ...]
    origin: str
    required: bool
    text: str | None = None


class LoginKey:
    """A private key that opens a machine; a context manager, since an SSH agent may hold it.

    :ivar keys: sign, wherever they are: the key with its certificate if it has one, and the key
    :ivar origin: where it is, for messages
    """

    def __init__(self, keys: Sequence[paramiko.PKey], origin: str, agent: Agent | None = None) -> None:
        self.keys = keys
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
    if files.text is not None:
        found = _from_text(wanted, files.text, passphrase)
    elif all(key.kind in HARDWARE for key in wanted):
        found = "the private half of a hardware key can only be used through an SSH agent"
    else:
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
    return _load(f"the SSH key file {path}", _read(path), passphrase)


def _load(source: str, text: bytes, passphrase: str | None) -> paramiko.PKey | None:
    _refuse_what_is_no_private_key(source, text)
    try:
        key = _parse(source, text, None)
    except TypeError:  # which is what cryptography says of a key that is locked
        if passphrase is None:
            return None
        key = _parse(source, text, passphrase)
    return _for_paramiko(source, key)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_FILE).removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise KeyFileError(
            f"the SSH key file {path} cannot be read: {error.strerror}; name a private key file that you can read"
        ) from error


def _refuse_what_is_no_private_key(source: str, text: bytes) -> None:
    """Say what a file is that people take for a private key of OpenSSH's."""
    if text.startswith(b"PuTTY-User-Key-File"):
        raise KeyFileError(f"{source} is in PuTTY's format; export it with PuTTYgen as an OpenSSH key")
    if read_line(text.decode("utf-8", "replace")):
        raise KeyFileError(f"{source} holds a public key; name the private one")
    if b"-----BEGIN DSA" in text or _DSA.encode() in _unarmoured(text):
        raise _dsa(source)


def _parse(source: str, text: bytes, passphrase: str | None) -> PrivateKeyTypes:
    load = load_ssh_private_key if b"-----BEGIN OPENSSH" in text else load_pem_private_key
    try:
        return load(text, None if passphrase is None else passphrase.encode())
    except UnsupportedAlgorithm as error:
        raise _unsupported(source) from error
    except ValueError as error:
        if passphrase is None:
            raise KeyFileError(
                f"{source} holds no private key in OpenSSH, PEM or PKCS#8 format, or is damaged"
            ) from error
        raise KeyFileError(
            f"ssh_key_password does not open {source}: it is not its passphrase, or the file is damaged"
        ) from error


def _for_paramiko(source: str, key: PrivateKeyTypes) -> paramiko.PKey:
    # Releases of paramiko differ in the formats that they read; all of them read a key in OpenSSH's own.
    kind: type[paramiko.PKey]
    if isinstance(key, rsa.RSAPrivateKey):
        kind = paramiko.RSAKey
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        kind = paramiko.Ed25519Key
    elif isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        kind = paramiko.ECDSAKey
    elif isinstance(key, dsa.DSAPrivateKey):
        raise _dsa(source)
    else:
        raise _unsupported(source)
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
            return LoginKey([*_certified(path, passphrase), key], str(path))
    return complaint


def _from_text(wanted: list[PublicKey], text: str, passphrase: str | None) -> LoginKey | str:
    key = _load(_TEXT, text.encode("utf-8", "replace"), passphrase)
    if key is None:
        return f"{_TEXT} is locked with a passphrase; give it with ssh_key_password"
    if public_half(key) in wanted:
        return LoginKey([key], "ex_ssh_key_text")
    return f"{_TEXT} does not belong to the machine"


def _certified(path: Path, passphrase: str | None) -> list[paramiko.PKey]:
    """The key with the certificate that OpenSSH would find beside it."""
    certificate = path.with_name(f"{path.name}-cert.pub")
    key = load_private_key(path, passphrase)
    if key is None or not certificate.is_file():
        return []
    try:
        key.load_certificate(str(certificate))
    except (OSError, ValueError, paramiko.SSHException) as error:
        logger.warning("the SSH certificate %s is not used: %s", certificate, error)
        return []
    return [key]


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
                    return LoginKey([AgentKey(agent, key.kind, key.data)], "the SSH agent", agent)
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


def _dsa(source: str) -> KeyFileError:
    return KeyFileError(f"{source} holds a DSA key, which SSH does not take any more; {MAKE_ANOTHER}")


def _unsupported(source: str) -> KeyFileError:
    return KeyFileError(
        f"{source} holds a key of a kind that cannot be used here: use RSA, ECDSA with a NIST curve, or "
        f"Ed25519; {MAKE_ANOTHER}"
    )
