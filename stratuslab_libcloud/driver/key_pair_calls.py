"""Libcloud's key pair calls: pairs are files of the user's, since neither kind of cloud keeps several keys."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from libcloud.compute.base import KeyPair, NodeAuthSSHKey

from stratuslab_libcloud.driver.arguments import checked
from stratuslab_libcloud.driver.base import BaseNodeDriver, NodeT
from stratuslab_libcloud.driver.locations import CloudT, Location
from stratuslab_libcloud.errors import InvalidArgumentError

# What only some calls need is imported by them: a program waits for each import when it starts.
if TYPE_CHECKING:
    from stratuslab_libcloud.driver.key_pairs import KeyPairs


class KeyPairCalls(BaseNodeDriver[CloudT, NodeT]):
    """The key pair calls of the driver; ``ex_keyname`` of `create_node` and `deploy_node` names a pair."""

    def list_key_pairs(self) -> list[KeyPair]:
        """The pairs in the folder ``key_pairs_directory``, by name.

        :raises KeyFileError: when the folder cannot be read
        """
        return self._key_pairs().all()

    def get_key_pair(self, name: str) -> KeyPair:
        """A pair by its name.

        :raises KeyPairNotFoundError: when there is none
        """
        return self._key_pairs().get(name)

    def create_key_pair(self, name: str) -> KeyPair:
        """Make an Ed25519 pair, whose private half only its owner can read.

        :return: the pair with both halves
        :raises InvalidArgumentError: when there is one of that name, or no file can have the name
        :raises MissingDependencyError: when the package is not installed that makes keys
        """
        return self._key_pairs().create(name)

    def import_key_pair_from_string(self, name: str, key_material: str) -> KeyPair:
        """Store a public key.

        :param key_material: its text, in OpenSSH's format
        :raises InvalidArgumentError: when there is one of that name
        :raises KeyFileError: when the text is no public key
        """
        return self._key_pairs().add(name, key_material)

    def import_key_pair_from_file(self, name: str, key_file_path: str | os.PathLike[str]) -> KeyPair:
        """Store the public key that is in a file.

        :raises InvalidArgumentError: when there is one of that name
        :raises KeyFileError: when the file cannot be read, or is no public key
        """
        from stratuslab_libcloud.driver import key_pairs

        return self._key_pairs().add(name, key_pairs.read_public_key(key_file_path))

    def delete_key_pair(self, key_pair: KeyPair) -> bool:
        """Remove both halves of a pair.

        :raises KeyPairNotFoundError: when there is no such pair
        """
        self._key_pairs().delete(checked(KeyPair, key_pair).name)
        return True

    def _auth_of(self, auth: Any, key_name: str | None, location: Location) -> Any:
        """What a machine is entered with: `auth`, or the key pair of that name.

        :raises InvalidArgumentError: when both are given
        """
        if not key_name:
            return auth
        if auth is not None:
            raise InvalidArgumentError("auth and ex_keyname both say which key a machine gets: give one of them")
        return NodeAuthSSHKey(self._key_pairs(location).get(key_name).public_key)

    def _key_pairs(self, location: Location = None) -> KeyPairs:
        from stratuslab_libcloud.driver.key_pairs import KeyPairs

        return KeyPairs(self._locations.cloud(location).config.key_pairs_directory, self)
