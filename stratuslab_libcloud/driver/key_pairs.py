"""Key pairs in a folder of the user's, as Libcloud's key pairs: clouds that keep no keys get the key's text.

A pair ``NAME`` is the file ``NAME.pub``, and ``NAME`` for the private half, if that is there. Other programs may use
the same files: they are in OpenSSH's formats.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from pathlib import Path

from libcloud.compute.base import KeyPair, NodeDriver

from stratuslab_libcloud.driver.arguments import text
from stratuslab_libcloud.errors import InvalidArgumentError, KeyFileError, KeyPairNotFoundError, MissingDependencyError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,199}")
_PUBLIC_KEY = re.compile(r"(?P<kind>[a-z][a-z0-9@.-]+)\s+(?P<blob>[A-Za-z0-9+/]+=*)(?:\s+(?P<comment>.*))?")


class KeyPairs:
    """The pairs in a folder.

    :param folder: is made when the first pair is stored, so that only its owner can read it
    :param driver: whose key pairs they are
    """

    def __init__(self, folder: Path, driver: NodeDriver) -> None:
        self._folder = folder
        self._driver = driver

    def all(self) -> list[KeyPair]:
        """All pairs, by name; files that are no public keys are left out.

        :raises KeyFileError: when the folder cannot be read
        """
        try:
            names = sorted(path.stem for path in self._folder.glob("*.pub"))
        except OSError as error:
            raise KeyFileError(f"the folder of key pairs, {self._folder}, cannot be read: {error.strerror}") from None
        return [self._pair(name) for name in names if self._is_pair(name)]

    def get(self, name: str) -> KeyPair:
        """A pair by its name.

        :raises KeyPairNotFoundError: when there is none
        :raises KeyFileError: when its file is no public key
        """
        self._check_exists(_checked_name(name))
        return self._pair(name)

    def create(self, name: str) -> KeyPair:
        """Make an Ed25519 pair; the private half can be read by its owner only.

        :return: the pair with both halves
        :raises InvalidArgumentError: when there is one of that name
        :raises MissingDependencyError: when the package is not installed that makes keys
        """
        self._check_is_new(_checked_name(name))
        private, public = _new_pair(name)
        self._write(self._private_file(name), private, 0o600)
        self._write(self._public_file(name), public, 0o644)
        pair = self._pair(name)
        pair.private_key = private
        return pair

    def add(self, name: str, key_material: str) -> KeyPair:
        """Store a public key.

        :param key_material: its text, in OpenSSH's format
        :raises InvalidArgumentError: when there is one of that name, or the text is no public key
        """
        self._check_is_new(_checked_name(name))
        line = text("key_material", key_material).strip()
        _fingerprints(line, f"the text of key pair '{name}'")
        self._write(self._public_file(name), line + "\n", 0o644)
        return self._pair(name)

    def delete(self, name: str) -> None:
        """Remove both halves.

        :raises KeyPairNotFoundError: when there is no such pair
        """
        self._check_exists(_checked_name(name))
        for file in (self._private_file(name), self._public_file(name)):
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise KeyFileError(f"{file} cannot be removed: {error.strerror}") from None

    def private_file(self, name: str) -> Path | None:
        """The file of the private half, if that is there."""
        file = self._private_file(_checked_name(name))
        return file if file.is_file() else None

    def _private_file(self, name: str) -> Path:
        return self._folder / name

    def _public_file(self, name: str) -> Path:
        return self._folder / f"{name}.pub"

    def _check_exists(self, name: str) -> None:
        if not self._public_file(name).is_file():
            raise KeyPairNotFoundError(
                f"there is no key pair '{name}' in {self._folder}", name=name, driver=self._driver
            )

    def _check_is_new(self, name: str) -> None:
        for file in (self._public_file(name), self._private_file(name)):
            if file.exists():
                raise InvalidArgumentError(f"there is a key pair '{name}' already: {file}")

    def _is_pair(self, name: str) -> bool:
        try:
            self._pair(name)
        except (KeyFileError, InvalidArgumentError):
            return False
        return True

    def _pair(self, name: str) -> KeyPair:
        file = self._public_file(name)
        public_key = read_public_key(file).strip()
        md5, sha256, kind = _fingerprints(public_key, str(file))
        private_file = self.private_file(name)
        extra = {"type": kind, "sha256": sha256, "private_key_file": str(private_file) if private_file else None}
        return KeyPair(name=name, public_key=public_key, fingerprint=md5, driver=self._driver, extra=extra)

    def _write(self, file: Path, content: str, mode: int) -> None:
        try:
            self._folder.mkdir(0o700, parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with open(descriptor, "w", encoding="utf-8") as stream:  # noqa: PTH123 - pathlib cannot open with a mode
                stream.write(content)
        except OSError as error:
            raise KeyFileError(f"{file} cannot be written: {error.strerror}") from None


def read_public_key(path: str | os.PathLike[str]) -> str:
    """The text of a public key file.

    :raises KeyFileError: when it cannot be read
    """
    file = Path(path).expanduser()
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise KeyFileError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise KeyFileError(f"{file} is not a public key") from None


def _checked_name(name: str) -> str:
    if isinstance(name, str) and _NAME.fullmatch(name) and not name.endswith(".pub"):
        return name
    raise InvalidArgumentError(
        f"{name!r} cannot be the name of a key pair: it becomes a file's name, of letters, digits and '_.@+-'"
    )


def _fingerprints(public_key: str, origin: str) -> tuple[str, str, str]:
    """A key's fingerprints, MD5 as clouds show it and SHA-256 as OpenSSH does, and its kind.

    :raises KeyFileError: when the text is not a public key in OpenSSH's format (RFC 4253, section 6.6)
    """
    match = _PUBLIC_KEY.fullmatch(public_key)
    blob = _decoded(match["blob"]) if match else b""
    if match is None or _first_field(blob) != match["kind"].encode():
        what = (
            "a private key; give its public half"
            if "PRIVATE KEY" in public_key
            else "no public key in OpenSSH's format"
        )
        raise KeyFileError(f"{origin} is {what}")
    md5 = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    sha256 = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return ":".join(re.findall("..", md5)), f"SHA256:{sha256}", match["kind"]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def _first_field(blob: bytes) -> bytes:
    length = int.from_bytes(blob[:4], "big")
    return blob[4 : 4 + length]


def _new_pair(comment: str) -> tuple[str, str]:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError:
        raise MissingDependencyError(
            "making a key pair needs the package cryptography: pip install 'stratuslab-libcloud-drivers[deploy]>=26'"
        ) from None
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private.decode(), f"{public.decode()} {comment}\n"
